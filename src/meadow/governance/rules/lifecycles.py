"""Which states a rule text, a detector, a sanction, a case and a merchant's farewell pass through."""

from meadow.kernel.states import Machine

DRAFT = Machine(
    "rule_draft",
    "draft",
    {
        "draft": {"consult": "consultation", "withdraw": "withdrawn"},
        "consultation": {"publish": "published", "withdraw": "withdrawn"},
        "published": {},
        "withdrawn": {},
    },
    ends={"published", "withdrawn"},
)

# A detector may go straight back from anywhere; forwards it passes through shadow first.
DETECTOR = Machine(
    "detector",
    "draft",
    {
        "draft": {"shadow": "shadow", "retire": "retired"},
        "shadow": {"shadow": "shadow", "stage": "partial", "enforce": "live", "retire": "retired"},
        "partial": {"shadow": "shadow", "stage": "partial", "enforce": "live", "retire": "retired"},
        "live": {"shadow": "shadow", "stage": "partial", "retire": "retired"},
        "retired": {"shadow": "shadow"},
    },
    ends=set(),
)
RUNNING = ("shadow", "partial", "live")

# An ended sanction can still be appealed: its points stay on the account until they have decayed.
SANCTION = Machine(
    "sanction",
    "issued",
    {
        "issued": {"appeal": "appealed", "reverse": "reversed", "expire": "expired"},
        "appealed": {"uphold": "upheld", "reverse": "reversed"},
        "upheld": {"appeal": "appealed", "reverse": "reversed", "expire": "expired"},
        "expired": {"appeal": "appealed", "reverse": "reversed"},
        "reversed": {},
    },
    ends={"reversed"},
)

CASE = Machine(
    "case",
    "open",
    {
        "open": {"escalate": "escalated", "close": "closed"},
        "escalated": {"close": "closed", "call_back": "open"},
        "closed": {"reopen": "open", "reopen_escalated": "escalated"},
    },
    ends=set(),
)

FAREWELL = Machine(
    "farewell",
    "leaving",
    {"leaving": {"stay": "stayed", "finish": "left"}, "stayed": {}, "left": {}},
    ends={"stayed", "left"},
)
