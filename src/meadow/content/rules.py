"""What a recommendation must be: its life cycle, its limits and what makes a reason one's own."""

from meadow.kernel.states import Machine

RECOMMENDATION = Machine(
    "recommendation",
    "published",
    {
        "published": {"end": "ended", "take_down": "taken_down", "hide": "hidden"},
        "hidden": {"end": "ended", "take_down": "taken_down", "show": "published"},
        "taken_down": {"restore": "published", "restore_hidden": "hidden", "restore_ended": "ended"},
        "ended": {"take_down": "taken_down"},
    },
    ends=set(),
)
