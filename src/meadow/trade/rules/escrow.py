"""The law of an order's timers and where its money is: start, pause, extension, correction, reminder, suspicion."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from meadow.kernel.errors import Refusal, Says
from meadow.kernel.states import Machine

# Where the money of an order is.  It follows from the order's row (see `escrow_state`); the table says what each event
# does to it, and is tested in every cell.
ESCROW = Machine(
    "escrow",
    "none",
    {
        "none": {"pay": "waiting", "close": "void"},
        "waiting": {"ship": "running", "pause": "waiting_paused", "give_back": "returned"},
        "waiting_paused": {"ship": "paused", "resume": "waiting", "give_back": "returned"},
        "running": {
            "extend": "running",
            "correct": "running",
            "pause": "paused",
            "confirm": "releasing",
            "give_back": "returned",
        },
        "paused": {
            "extend": "paused",
            "correct": "paused",
            "resume": "running",
            "confirm": "releasing_paused",
            "give_back": "returned",
        },
        "releasing": {"pause": "releasing_paused", "release": "released", "give_back": "returned"},
        "releasing_paused": {"resume": "releasing", "give_back": "returned"},
        "released": {},
        "returned": {},
        "void": {},
    },
    ends={"released", "returned", "void"},
)
_ESCROW_OF: Mapping[str, tuple[str, str]] = {  # order state -> escrow state, and the same while it is paused
    "placed": ("none", "none"),
    "paid": ("waiting", "waiting_paused"),
    "part_shipped": ("waiting", "waiting_paused"),
    "shipped": ("running", "paused"),
    "confirmed": ("releasing", "releasing_paused"),
    "settled": ("released", "released"),
}

SHIP_WITHIN = timedelta(hours=48)
SELLER_EXTENDS = (3, 5, 7, 10)  # days
BUYER_EXTENDS = 3  # days, once
REMIND_BEFORE = timedelta(days=1)
TRACKING_SHARED_BY = 3  # orders that may name one tracking number without a question
TIMERS: Mapping[str, timedelta] = MappingProxyType(
    {
        "order.ship_within": SHIP_WITHIN,
        "escrow.buyer_extends": timedelta(days=BUYER_EXTENDS),
        "escrow.remind_before": REMIND_BEFORE,
    }
)
# The field of an order that holds the due time of its timer, by state.
TIMER_FIELD: Mapping[str, str] = {"shipped": "auto_confirm_due_at", "confirmed": "release_due_at"}

_FAKE = re.compile(r"(\d)\1{5,}\Z")


def escrow_state(order_state: str, *, is_paused: bool, was_paid: bool) -> str:
    """Where an order's money is."""
    if order_state == "closed":
        return "returned" if was_paid else "void"
    return _ESCROW_OF[order_state][is_paused]


def check_extension(days: object, side: str, *, is_used: bool) -> timedelta:
    """How much longer the buyer has.  Refuses: extension_refused, extension_used."""
    if side == "buyer":
        if days != BUYER_EXTENDS:
            raise Refusal("extension_refused", days=str(BUYER_EXTENDS))
        if is_used:
            raise Refusal("extension_used")
        return timedelta(days=BUYER_EXTENDS)
    if type(days) is not int or days not in SELLER_EXTENDS:
        raise Refusal("extension_refused", days=", ".join(map(str, SELLER_EXTENDS)))
    return timedelta(days=days)


def remind_at(due: datetime) -> datetime:
    return due - REMIND_BEFORE


def bare_number(number: str) -> str:
    """A tracking number as it is compared: carriers print blanks and dashes as they like."""
    return re.sub(r"[\s-]", "", number).upper()


def is_made_up(number: str) -> bool:
    """Whether no carrier would print such a number: nothing but one digit over and over."""
    return bool(_FAKE.search(re.sub(r"\D", "", number))) and len(set(re.sub(r"\D", "", number))) == 1


REFUSALS: dict[str, Says] = {
    "extension_refused": Says(
        422,
        "Choose {days} days.",
        "请选择 {days} 天。",
    ),
    "extension_used": Says(
        409,
        "You have extended once already. Ask the shop to extend, or open a claim.",
        "您已延长过一次收货，请联系商家延长或申请售后。",
    ),
    "reminded_already": Says(
        409,
        "The buyer was reminded once already. Wait for the timer.",
        "已提醒过买家一次，请等待自动确认。",
    ),
    "corrected_already": Says(
        409,
        "The tracking of this order was corrected once already. Write to the buyer instead.",
        "该订单的物流信息已更正过一次，请直接联系买家。",
    ),
}
