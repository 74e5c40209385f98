"""Which states a licence and a rescan pass through."""

from meadow.kernel.states import Machine

LICENCE = Machine(
    "licence",
    "shown",
    {
        "shown": {"confirm": "valid", "refuse": "refused"},
        "valid": {"expire": "expired", "revoke": "revoked"},
        "refused": {},
        "expired": {},
        "revoked": {},
    },
    ends={"refused", "expired", "revoked"},
)

SCAN = Machine("scan", "running", {"running": {"finish": "done"}, "done": {}}, ends={"done"})
