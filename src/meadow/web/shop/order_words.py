"""What each state of an order says to its buyer: headline, what happens next, the two step bars, refunds, parcels."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from meadow.trade import queries as trade
from meadow.web import shown

# What a tab of the list shows; the first shows everything.
TABS: dict[str, tuple[str, ...]] = {
    "all": (),
    "placed": ("placed",),
    "paid": ("paid",),
    "shipped": ("part_shipped", "shipped"),
    "done": ("confirmed", "settled"),
    "closed": ("closed",),
}


def tabs(now: str) -> list[dict[str, Any]]:
    labels = {
        "all": _("All"), "placed": _("To pay"), "paid": _("To ship"), "shipped": _("To receive"),
        "done": _("Received"), "closed": _("Closed"),
    }  # fmt: skip
    return [{"value": value, "label": label, "is_now": value == now} for value, label in labels.items()]


def state(name: str) -> tuple[str, str]:
    """The short word of a state and its colour."""
    words = {
        "placed": (_("To pay"), "warn"), "paid": (_("To ship"), "good"), "part_shipped": (_("Partly shipped"), "good"),
        "shipped": (_("To receive"), "good"), "confirmed": (_("Received"), "good"), "settled": (_("Completed"), ""),
        "closed": (_("Closed"), ""),
    }  # fmt: skip
    return words[name]


def headline(order: Any) -> tuple[str, str]:
    """What is going on, and what comes next or can be done."""
    if order.state == "closed":
        return _("This order is closed"), _closed(order)
    if order.state == "placed":
        until = shown.minute(order.unpaid_due_at)
        return _("Waiting for your payment"), _("Pay until {time}; after that the goods go back on the shelf.").format(
            time=until
        )
    if order.paused_at is not None and order.state in ("shipped", "confirmed"):
        return _("The time stands still"), _(
            "A claim is open, or the platform looks at this order; what is left of the time is kept."
        )
    if order.late_at is not None and order.state in ("paid", "part_shipped"):
        return _("The shop is late"), _("What was not sent you can cancel or have refunded at once, without asking.")
    if order.state == "paid":
        return _("Paid: the shop is packing"), _("Until it is shipped you can cancel free of charge.")
    if order.state == "part_shipped":
        return _("Partly on its way"), _("The rest follows. The time to confirm begins with the last parcel.")
    if order.state == "shipped":
        due = _day(order.auto_confirm_due_at)
        return _("On its way to you"), _("Confirm when you have it; on {date} it is confirmed by itself.").format(
            date=due
        )
    if order.state == "confirmed":
        return _("You have received it"), _("The shop is paid on {date}.").format(date=_day(order.release_due_at))
    return _("Completed"), _("After-sale service until {date}.").format(date=_day(order.after_sale_until))


def _closed(order: Any) -> str:
    if order.close_reason == "unpaid":
        return _("It was not paid in time. Should money still arrive, it is sent back.")
    if order.close_reason.startswith("cancelled_by"):
        back = _("What was paid goes back to you.") if order.paid_at else _("Nothing was charged.")
        who = _("You cancelled it.") if order.close_reason == "cancelled_by_buyer" else _("The shop cancelled it.")
        return f"{who} {back}"
    return _("Everything was refunded.")


def steps(order: Any) -> list[dict[str, Any]]:
    """The way of the goods, with dates; nothing for an order that was closed."""
    if order.state == "closed":
        return []
    points = [
        (_("Placed"), order.placed_at), (_("Paid"), order.paid_at), (_("Shipped"), order.shipped_at),
        (_("Received"), order.confirmed_at), (_("Done"), order.settled_at),
    ]  # fmt: skip
    return _bar(points)


def escrow(order: Any) -> dict[str, Any] | None:
    """The way of the money: paid, held, released.  None while there is none."""
    if order.paid_at is None or (order.state == "closed" and not order.refunded_minor):
        return None
    left = shown.money(order.total_minor - order.refunded_minor, order.currency)
    if order.state == "closed":
        return {"steps": [], "text": _("Nothing is held any more: what you paid goes back to you.")}
    points: list[tuple[str, datetime | None]] = [
        (_("Paid"), order.paid_at), (_("Held for you"), order.paid_at), (_("Paid to the shop"), order.settled_at),
    ]  # fmt: skip
    bar = _bar(points)
    bar[1]["at"] = None
    if order.settled_at:
        return {"steps": bar, "text": _("The shop has been paid.")}
    if order.paused_at is not None:
        return {"steps": bar, "text": _("{amount} is held for you, and the time stands still.").format(amount=left)}
    if order.release_due_at:
        bar[2]["at"] = order.release_due_at
        text = _("{amount} is held for you and paid to the shop on {date}.")
        return {"steps": bar, "text": text.format(amount=left, date=_day(order.release_due_at))}
    if order.auto_confirm_due_at:
        bar[2]["at"] = order.auto_confirm_due_at + trade.TIMERS["escrow.settle_delay"]
        text = _("{amount} is held for you until you confirm receipt; without your word it is paid on {date}.")
        return {"steps": bar, "text": text.format(amount=left, date=_day(bar[2]["at"]))}
    return {"steps": bar, "text": _("{amount} is held for you until you confirm receipt.").format(amount=left)}


def _bar(points: list[tuple[str, datetime | None]]) -> list[dict[str, Any]]:
    reached = max((number for number, (_label, at) in enumerate(points) if at), default=0)
    return [
        {"label": label, "at": at, "css": "done" if number <= reached else "", "is_now": number == reached}
        for number, (label, at) in enumerate(points)
    ]


def cancel_text(is_unpaid: bool) -> str:
    if is_unpaid:
        return _("Nothing is charged, and the goods go back on the shelf.")
    return _("The shop has not shipped yet. What you paid goes back whole, the same way it came.")


def parcel(number: int, of: trade.ParcelView) -> dict[str, Any]:
    kinds = {"pickup": _("Pick-up"), "virtual": _("Delivered online")}
    title = kinds.get(of.kind, _("Parcel {number}").format(number=number))
    return {"title": title, "number": f"{of.carrier} {of.number}".strip(), "shipped_at": of.shipped_at}


def refund(of: trade.RefundView) -> dict[str, Any]:
    is_done = of.state == "completed"
    return {
        "amount": shown.money(of.amount_minor, of.currency), "asked_at": of.asked_at, "reason": of.reason,
        "kind": "good" if is_done else "warn", "state_text": _("Refunded") if is_done else _("On its way to you"),
    }  # fmt: skip


def address(of: dict[str, str]) -> str:
    """An address as it is written in its country: from large to small in Chinese, from small to large elsewhere."""
    if of.get("country") in ("CN", "TW", "HK", "MO"):
        places = dict.fromkeys(of.get(part, "") for part in ("region", "city", "district"))
        where = _run_on([*places, of["line1"]])
        lines = [f"{of['name']} {of['phone']}", f"{where} {of.get('line2', '')}".strip()]
        return "\n".join([*lines, of.get("postal_code", "")]).strip()
    town = " ".join(filter(None, (of.get("postal_code", ""), of["city"])))
    parts = [of["name"], of["line1"], of.get("line2", ""), of.get("district", ""), town, of.get("region", "")]
    return "\n".join([*filter(None, parts), of["country"], of["phone"]])


def _run_on(parts: list[str]) -> str:
    """Chinese runs on without spaces; a word in letters keeps one before it."""
    text = ""
    for part in filter(None, parts):
        text += f" {part}" if text and (text[-1].isascii() or part[0].isascii()) else part
    return text


def _day(moment: datetime | None) -> str:
    return shown.day(moment) if moment else "–"
