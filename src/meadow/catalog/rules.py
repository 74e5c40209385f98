"""What may be sold and how: life cycles, limits, prices that are refused, and what each refusal says."""

from meadow.kernel.states import Machine

SHOP = Machine(
    "shop",
    "open",
    {
        "open": {"close": "closed", "suspend": "suspended"},
        "closed": {"reopen": "open", "suspend": "suspended"},
        "suspended": {
            "suspend": "suspended",
            "close": "closed",
            "restore_open": "open",
            "restore_closed": "closed",
        },
    },
    ends=set(),
)
PRODUCT = Machine(
    "product",
    "draft",
    {
        "draft": {"offer": "on_sale", "suspend": "suspended"},
        "on_sale": {"shelve": "draft", "withdraw": "withdrawn", "suspend": "suspended"},
        "withdrawn": {"offer": "on_sale", "suspend": "suspended"},
        "suspended": {
            "suspend": "suspended",
            "withdraw": "withdrawn",
            "restore_draft": "draft",
            "restore_on_sale": "on_sale",
            "restore_withdrawn": "withdrawn",
        },
    },
    ends=set(),
)
RESERVATION = Machine(
    "reservation",
    "held",
    {"held": {"take": "taken", "release": "released"}, "taken": {}, "released": {}},
    ends={"taken", "released"},
)
IMPORT = Machine(
    "import",
    "queued",
    {
        "queued": {"start": "running"},
        "running": {"start": "running", "finish": "done", "refuse": "refused", "fail": "failed"},
        "done": {},
        "refused": {},
        "failed": {},
    },
    ends={"done", "refused", "failed"},
)
IMPORT_MODES = ("all", "valid")

PRICE_CAP_MINOR = 10_000_000_000
STOCK_CAP = 1_000_000_000
