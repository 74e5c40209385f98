"""How claims, disputes and freezes read to a person, and what a form's amount is in minor units."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from meadow.kernel.errors import Refusal
from meadow.kernel.money import exponent
from meadow.trade import queries as trade
from meadow.web import shown

Label = str | Promise

KINDS: dict[str, Label] = {
    "refund_only": gettext_lazy("Refund only"), "return_refund": gettext_lazy("Return and refund"),
    "exchange": gettext_lazy("Exchange"),
}  # fmt: skip
STATES: dict[str, tuple[Label, str]] = {
    "asked": (gettext_lazy("With the shop"), "warn"), "returning": (gettext_lazy("To be sent back"), "warn"),
    "returned": (gettext_lazy("Goods are coming back"), "warn"), "replacing": (gettext_lazy("Replacement due"), "warn"),
    "refused": (gettext_lazy("Refused by the shop"), "bad"), "disputed": (gettext_lazy("With the platform"), "warn"),
    "refunded": (gettext_lazy("Refunded"), "good"), "replaced": (gettext_lazy("Replaced"), "good"),
    "withdrawn": (gettext_lazy("Withdrawn"), ""), "lapsed": (gettext_lazy("Closed, nothing was sent back"), ""),
    "expired": (gettext_lazy("Closed after the refusal"), ""), "rejected": (gettext_lazy("Not granted"), "bad"),
    "overtaken": (gettext_lazy("Closed, settled otherwise"), ""),
}  # fmt: skip
SIDES: dict[str, Label] = {
    "buyer": gettext_lazy("Buyer"), "merchant": gettext_lazy("Shop"), "operator": gettext_lazy("Platform"),
    "system": gettext_lazy("The clock"),
}  # fmt: skip
EVENTS: dict[str, Label] = {
    "open": gettext_lazy("Opened"), "agree_refund": gettext_lazy("Agreed to the refund"),
    "agree_return": gettext_lazy("Agreed; the goods go back first"),
    "silence_refund": gettext_lazy("No answer in time: refunded"),
    "silence_return": gettext_lazy("No answer in time: agreed"), "silence_exchange": gettext_lazy("No answer in time: taken as received"),
    "silence": gettext_lazy("Nothing happened in time"), "refuse": gettext_lazy("Refused"),
    "withdraw": gettext_lazy("Withdrawn"), "ship": gettext_lazy("The goods were sent"),
    "overtake": gettext_lazy("Refunded by another way"), "send_back": gettext_lazy("Sent back"),
    "accept_refund": gettext_lazy("Goods received, refunded"), "accept_exchange": gettext_lazy("Goods received"),
    "replace": gettext_lazy("Replacement sent"), "dispute": gettext_lazy("Taken to the platform"),
    "give_in": gettext_lazy("Agreed after all, refunded"), "rule_refund": gettext_lazy("Ruled: refund"),
    "rule_return": gettext_lazy("Ruled: the goods go back, then the refund"),
    "rule_reject": gettext_lazy("Ruled: not granted"),
}  # fmt: skip
DISPUTE_STATES: dict[str, tuple[Label, str]] = {
    "open": (gettext_lazy("To be ruled"), "warn"), "proposed": (gettext_lazy("Waits for a second operator"), "warn"),
    "ruled": (gettext_lazy("Ruled"), "good"), "settled": (gettext_lazy("Settled by the sides"), "good"),
    "withdrawn": (gettext_lazy("Withdrawn"), ""),
}  # fmt: skip
OUTCOMES: dict[str, Label] = {
    "refund": gettext_lazy("Refund"), "return": gettext_lazy("Return, then refund"), "reject": gettext_lazy("Not granted"),
}  # fmt: skip
FREEZE_STATES: dict[str, tuple[Label, str]] = {
    "proposed": (gettext_lazy("Freeze proposed"), "warn"), "active": (gettext_lazy("Frozen"), "bad"),
    "ending": (gettext_lazy("Release proposed"), "warn"),
}  # fmt: skip


def said(pair: tuple[str, str]) -> str:
    """One of two texts, by the page's language."""
    return pair[1] if shown.language() == "zh" else pair[0]


def choices(pairs: Mapping[str, tuple[str, str]]) -> list[tuple[str, str]]:
    return [(code, said(pair)) for code, pair in pairs.items()]


def reason_of(code: str) -> str:
    return said(trade.REASONS[code])


def minor_of(text: str, currency: str, field: str) -> int:
    """What somebody typed as an amount, in minor units.  Refuses: malformed."""
    try:
        amount = Decimal(text.strip().replace(",", "") or "x")
        minor = amount.scaleb(exponent(currency))
        if not minor.is_finite() or minor != minor.to_integral_value() or abs(minor) > 10**15:
            raise InvalidOperation
    except InvalidOperation:
        raise Refusal("malformed", field=field, why="an amount of money such as 12.50") from None
    return int(minor)


def plain(minor: int, currency: str) -> str:
    """An amount as a form holds it."""
    return str(Decimal(minor).scaleb(-exponent(currency)))


def listed(claim: Any, url: str, role: str) -> dict[str, Any]:
    """A claim as a row of a list."""
    label, css = STATES[claim.state]
    turn = trade.TURN.get(claim.state, "")
    return {
        "url": url, "id": claim.public_id, "title": claim.line.title, "kind": KINDS[claim.kind],
        "reason": reason_of(claim.reason), "state": label, "css": css, "due_at": claim.due_at,
        "is_mine": turn == role, "turn": SIDES.get(turn, ""), "amount": shown.money(claim.amount_minor, claim.currency),
        "order": claim.order.public_id, "opened_at": claim.opened_at, "risk": claim.risk_score,
    }  # fmt: skip


def next_step(view: trade.ClaimView) -> str:
    """What happens next with a claim, and when, to who reads it."""
    due = shown.minute(view.due_at) if view.due_at else ""
    texts = {
        "asked": _("The shop answers until {time}. Without an answer it has agreed."),
        "returning": _("The goods are to be sent back until {time}, with their tracking; else the claim is closed."),
        "returned": _("The shop says until {time} whether the goods came back. Without a word they count as received."),
        "replacing": _("The shop sends other goods until {time}; else the money goes back."),
        "refused": _("The buyer can take it to the platform until {time}; else the claim is closed."),
        "disputed": _("The platform rules until {time}."),
    }
    if view.claim.state in texts:
        return texts[view.claim.state].format(time=due)
    return _("This claim is over.")


def page(view: trade.ClaimView) -> dict[str, Any]:
    """Everything on the page of a claim."""
    claim = view.claim
    label, css = STATES[claim.state]
    return {
        "claim": claim, "view": view, "role": view.role, "may": view.may, "state_text": label, "css": css,
        "kind": KINDS[claim.kind], "reason": reason_of(claim.reason), "next_text": next_step(view),
        "amount": shown.price(claim.amount_minor, claim.currency),
        "entries": [
            {"label": EVENTS.get(one.event, one.event), "side": SIDES[one.side], "text": one.text, "at": one.at}
            for one in view.entries
        ],
        "evidence": [
            {"side": SIDES[one.side], "text": one.text, "at": one.at, "id": one.public_id, "has_picture": one.picture}
            for one in view.evidence
        ],
        "disputes": [_dispute(one, claim.currency) for one in view.disputes],
        "evidence_until": view.dispute.evidence_until if view.dispute and claim.state == "disputed" else None,
    }  # fmt: skip


def _dispute(one: Any, currency: str) -> dict[str, Any]:
    label, css = DISPUTE_STATES[one.state]
    return {
        "row": one, "state": label, "css": css, "outcome": OUTCOMES.get(one.outcome, ""),
        "buyer": shown.money(one.buyer_minor, currency) if one.outcome == "refund" else "",
        "reason": said(trade.RULING_REASONS[one.reason_code]) if one.reason_code else "",
    }  # fmt: skip


def overdue(at: datetime | None, now: datetime) -> bool:
    return at is not None and at < now
