"""What each thing about money at a provider may become: payment, refund, leg, payout, contract, chargeback."""

from meadow.kernel.states import Machine

# Money can arrive after we gave a payment up: the late success is recorded, and its owner sends the money back.
PAYMENT = Machine(
    name="payment",
    start="created",
    table={
        "created": {"submit": "pending", "succeed": "succeeded", "fail": "failed", "close": "closed"},
        "pending": {"succeed": "succeeded", "fail": "failed", "close": "closed"},
        "failed": {"submit": "pending", "succeed": "succeeded", "close": "closed"},
        "closed": {"succeed": "succeeded"},
        "succeeded": {},
    },
    ends={"succeeded"},
)

PROVIDER_REFUND = Machine(
    name="provider_refund",
    start="requested",
    table={
        "requested": {"submit": "pending", "post": "posted", "fail": "failed"},
        "pending": {"post": "posted", "fail": "failed"},
        "posted": {},
        "failed": {},
    },
    ends={"posted", "failed"},
)

# A part of a payment on its way to a party, or back: a split, the release of what is left, or a return of either.
LEG = Machine(
    name="leg",
    start="planned",
    table={
        "planned": {"submit": "pending", "post": "posted", "fail": "failed"},
        "pending": {"post": "posted", "fail": "failed"},
        "posted": {},
        "failed": {},
    },
    ends={"posted", "failed"},
)
LEG_OPEN = ("planned", "pending")
DIRECTIONS = ("split", "release", "return")
LEG_PARTIES = ("merchant", "creator", "platform")

PAYOUT = Machine(
    name="payout",
    start="requested",
    table={
        # held: the bank details are new.  approving: two people have to look at it first.
        "requested": {
            "hold": "held", "ask": "approving", "submit": "pending", "pay": "paid", "fail": "failed",
        },
        "held": {"free": "requested", "ask": "approving", "fail": "failed"},
        "approving": {"approve": "requested", "fail": "failed"},
        "pending": {"pay": "paid", "fail": "failed"},
        "paid": {},
        "failed": {},
    },
    ends={"paid", "failed"},
)  # fmt: skip
PAYOUT_OPEN = ("requested", "held", "approving", "pending")

# How far a contract with a provider goes.  A terminated one may be made anew.
CONTRACT = Machine(
    name="contract",
    start="active",
    table={
        "active": {"restrict": "no_new_merchants", "stop": "no_new_payments", "terminate": "terminated"},
        "no_new_merchants": {"open": "active", "stop": "no_new_payments", "terminate": "terminated"},
        "no_new_payments": {"open": "active", "restrict": "no_new_merchants", "terminate": "terminated"},
        "terminated": {"open": "active"},
    },
    ends={"terminated"},
)
CONTRACT_EVENT = {
    "active": "open", "no_new_merchants": "restrict", "no_new_payments": "stop", "terminated": "terminate",
}  # fmt: skip
PAYABLE = ("active", "no_new_merchants")

CHARGEBACK = Machine(
    name="chargeback",
    start="open",
    table={"open": {"win": "won", "lose": "lost"}, "lost": {"win": "won"}, "won": {}},
    ends={"won", "lost"},
)

DIFFERENCE = Machine(
    name="difference", start="open", table={"open": {"close": "closed"}, "closed": {}}, ends={"closed"}
)
DIFFERENCE_KINDS = ("missing", "extra", "amount", "currency")
