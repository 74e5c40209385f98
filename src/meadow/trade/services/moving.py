"""How a locked order moves on, whoever moves it: to its end, or a step further on its way to the buyer."""

from collections.abc import Sequence
from datetime import datetime

from meadow.kernel import clock, db
from meadow.kernel.events import OrderClosed, OrderShipped
from meadow.kernel.outbox import emit
from meadow.trade import rules
from meadow.trade.models import Order, OrderLine
from meadow.trade.rules import ToShip


def close(order: Order, event: str, reason: str) -> None:
    """Ends an order, with the reason why, and says so."""
    db.move(order, rules.ORDER, event, close_reason=reason, closed_at=clock.now())
    emit(OrderClosed(order.pk, reason))


def to_ship(lines: Sequence[OrderLine]) -> list[ToShip]:
    """What is left to send; a line that was refunded whole is not sent any more."""
    return [
        ToShip(line.pk, line.quantity - line.shipped_quantity)
        for line in lines
        if line.kind == "goods" and (line.refunded_minor < line.amount_minor or line.amount_minor == 0)
    ]


def advance_shipping(order: Order, lines: Sequence[OrderLine], kinds: Sequence[str], at: datetime) -> None:
    """Shipped, with the timer running, if nothing is left to send; else shipped in part."""
    if any(line.left for line in to_ship(lines)):
        db.move(order, rules.ORDER, "ship_part")
        return
    db.move(order, rules.ORDER, "ship", shipped_at=at, auto_confirm_due_at=rules.auto_confirm_due(kinds, at))
    emit(OrderShipped(order.pk, order.buyer_id))
