"""How the timer of a locked order starts, stands still, goes on and starts anew: every door to it is here."""

from datetime import datetime, timedelta

from meadow.kernel import clock, db, rows
from meadow.trade.models import Claim, Freeze, Order
from meadow.trade.rules import claims as claim_rules
from meadow.trade.rules import escrow as rules

_FIELDS = ("auto_confirm_due_at", "release_due_at", "remind_due_at", "timer_left", "paused_at")


def start(order: Order, due: datetime) -> None:
    """The timer of the order's state ends at a moment; while it stands, that much of it is left."""
    if order.paused_at is None:
        _set(order, due)
    else:
        _set(order, None)
        order.timer_left = max(due - clock.now(), timedelta(0))
    _save(order)


def pause(order: Order) -> None:
    """The timer stands; what is left of it is kept.  Twice is once."""
    if order.paused_at is not None:
        return
    order.paused_at = clock.now()
    field = rules.TIMER_FIELD.get(order.state)
    due: datetime | None = getattr(order, field) if field else None
    if due is not None:
        order.timer_left = max(due - clock.now(), timedelta(0))
        _set(order, None)
    _save(order)


def resume(order: Order) -> None:
    """The timer goes on with what was left, if nothing else holds it."""
    if order.paused_at is None or is_held(order):
        return
    order.paused_at = None
    left, order.timer_left = order.timer_left, None
    if left is not None and order.state in rules.TIMER_FIELD:
        _set(order, clock.now() + left)
    _save(order)


def lengthen(order: Order, by: timedelta) -> None:
    """The buyer has so much longer, whether the timer runs or stands."""
    if order.timer_left is not None:
        order.timer_left += by
        _save(order)
    elif order.auto_confirm_due_at is not None:
        start(order, order.auto_confirm_due_at + by)


def is_held(order: Order) -> bool:
    """Whether an open claim, a doubt about the tracking or a freeze holds the timer."""
    return (
        (order.flagged_at is not None and order.flag_cleared_at is None)
        or rows.first(Claim, order_id=order.pk, state=claim_rules.OPEN) is not None
        or rows.first(Freeze, order_id=order.pk, state=claim_rules.FREEZE_HOLDS) is not None
    )


def end_freezes(order: Order) -> None:
    """A closed order has no money to freeze."""
    for freeze in rows.find(Freeze, order_id=order.pk, state=claim_rules.FREEZE_OPEN):
        db.move(freeze, claim_rules.FREEZE, "close", ended_at=clock.now())


def _set(order: Order, due: datetime | None) -> None:
    setattr(order, rules.TIMER_FIELD[order.state], due)
    if order.state == "shipped":
        order.remind_due_at = rules.remind_at(due) if due is not None and order.reminded_at is None else None


def _save(order: Order) -> None:
    rows.change(order, **{name: getattr(order, name) for name in _FIELDS})
