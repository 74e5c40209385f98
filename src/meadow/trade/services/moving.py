"""How a locked order moves on, whoever moves it: to its end, or a step further on its way to the buyer; and where its
money is until then."""

from collections.abc import Sequence
from datetime import datetime

from meadow.kernel import clock, db
from meadow.kernel.events import OrderClosed, OrderShipped
from meadow.kernel.outbox import emit
from meadow.payments import queries as payment_reads
from meadow.trade import rules
from meadow.trade.models import Order, OrderLine
from meadow.trade.rules import ToShip
from meadow.trade.services import timers


def close(order: Order, event: str, reason: str) -> None:
    """Ends an order, with the reason why, and says so."""
    db.move(order, rules.ORDER, event, close_reason=reason, closed_at=clock.now())
    timers.end_freezes(order)
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
    db.move(order, rules.ORDER, "ship", shipped_at=at)
    timers.start(order, rules.auto_confirm_due(kinds, at))
    emit(OrderShipped(order.pk, order.buyer_id))


def money_of(order: Order) -> str:
    """The account that holds an order's money before it is settled: its escrow, or, once the provider would hold it no
    longer, what its merchant has but may not take."""
    return f"escrow:{order.public_id}" if order.held_at is None else f"merchant:{order.merchant_id}:held"


def part_name(shop_id: int) -> str:
    """How payments know one shop's part of a payment: refunds and splits name it."""
    return f"shop:{shop_id}"


def check_carried(orders: Sequence[Order], lines: Sequence[OrderLine], provider: str) -> None:
    """A provider's cap on what may be passed on must not surprise anyone at settlement, so it is asked now.

    Refuses: provider_cannot_carry.
    """
    for order in orders:
        others = sum(line.amount_minor - line.merchant_minor for line in lines if line.order_id == order.pk)
        share_bp = payment_reads.share_bp_of([(others, order.total_minor)])
        payment_reads.require_carries(provider=provider, currency=order.currency, share_bp=share_bp)
