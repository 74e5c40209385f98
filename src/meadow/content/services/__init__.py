"""The verbs of content: publish and end a recommendation, keep a showcase, hide and show for a decision."""

from meadow.content.services.posts import (
    end_recommendation,
    lift_expired,
    lift_stops,
    publish_recommendation,
    stop,
    undo_decision,
)
from meadow.content.services.showcase import (
    add_to_showcase,
    remove_from_showcase,
    reorder_showcase,
    show_whole_recommendation,
)

__all__ = [
    "add_to_showcase",
    "end_recommendation",
    "lift_expired",
    "lift_stops",
    "publish_recommendation",
    "remove_from_showcase",
    "reorder_showcase",
    "show_whole_recommendation",
    "stop",
    "undo_decision",
]
