"""What an account may be and do: roles, scopes, limits, life cycles and what each refusal says."""

from meadow.kernel.states import Machine

LOCALES = ("zh-hans", "en")
MERCHANT_KINDS = ("individual", "company")
STAFF_ROLES = ("owner", "staff", "finance")
SCOPES = ("catalog", "plans", "content", "share", "buy", "ship", "money", "operate", "clock")

CREATOR = Machine(
    "creator",
    "applied",
    {
        "applied": {"approve": "active", "reject": "rejected", "suspend": "suspended"},
        "active": {"suspend": "suspended"},
        "suspended": {"suspend": "suspended", "restore": "active"},
        "rejected": {"apply": "applied", "suspend": "suspended"},
    },
    ends=set(),
)
MERCHANT = Machine(
    "merchant",
    "active",
    {"active": {"suspend": "suspended"}, "suspended": {"suspend": "suspended", "restore": "active"}},
    ends=set(),
)
