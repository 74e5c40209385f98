"""What a provider's word about a payment does to the orders that it pays."""

from collections.abc import Sequence

from meadow.catalog import services as catalog
from meadow.kernel import clock
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import OrderPaid
from meadow.kernel.money import Money
from meadow.kernel.outbox import emit
from meadow.ledger import services as ledger
from meadow.ledger.services import NewPosting, Transfer
from meadow.payments import services as payments
from meadow.payments.services import Notice, Payment
from meadow.trade import rules
from meadow.trade.models import Order
from meadow.trade.services import refunding
from meadow.trade.services.moving import close


def record_payment(notice: Notice) -> list[Order]:
    """Carries out a verified notice: money of placed orders goes into escrow, that of closed ones goes back.

    A notice that comes twice, or by two ways, acts once.  Locks the orders in id order, then the payment.
    Refuses: not_found.
    """
    if notice.payment_id is None:
        raise Refusal("not_found")
    with atomic():
        orders = list(Order.objects.select_for_update(no_key=True).filter(payment_id=notice.payment_id).order_by("pk"))
        accepted = payments.accept_notice(notice_id=notice.pk)
        outcome = "succeeded" if accepted.outcome == "paid" else "pending"
        effects = {
            order.pk: rules.effect_of_notice(order.state, outcome, was_paid=order.paid_at is not None)
            for order in orders
        }
        _take([order for order in orders if effects[order.pk] == "take"], accepted.payment)
        for order in orders:
            if effects[order.pk] == "late":
                refunding.refund_late(order, accepted.payment)
    return orders


def record_payments(notices: Sequence[Notice]) -> None:
    """Several notices in one transaction: all their orders are locked before any stock is, as one alone does it.

    Else the second order of this batch and a lone notice about it could wait for each other's rows.
    """
    with atomic():
        wanted = Order.objects.select_for_update(no_key=True).filter(
            payment_id__in=[notice.payment_id for notice in notices]
        )
        list(wanted.order_by("pk").values_list("pk"))
        for notice in sorted(notices, key=lambda notice: (notice.payment_id or 0, notice.pk)):
            record_payment(notice)


def _take(orders: Sequence[Order], payment: Payment) -> None:
    """The orders are paid: stock is taken, the money is in escrow.  What lost its stock is closed and refunded."""
    taken = _take_stock(orders)
    for order in orders:
        if order not in taken:
            close(order, "expire", "unpaid")
            refunding.refund_late(order, payment)
    ledger.post_batch(
        [
            NewPosting(
                f"paid:{order.public_id}",
                ("trade.order", order.pk),
                "paid",
                [
                    Transfer(
                        f"psp:{payment.provider}",
                        f"escrow:{order.public_id}",
                        Money(order.total_minor, order.currency),
                    )
                ],
            )
            for order in taken
        ]
    )
    now = clock.now()
    for order in taken:
        order.state = rules.ORDER.next(order.state, "pay")
        order.paid_at = now
    # Their rows are locked since they were read, so this needs no second look at the state.
    Order.objects.filter(pk__in=[order.pk for order in taken]).update(state="paid", paid_at=now)
    emit(
        *(OrderPaid(order.pk, order.buyer_id, order.merchant_id, order.total_minor, order.currency) for order in taken)
    )


def _take_stock(orders: Sequence[Order]) -> list[Order]:
    """The orders whose goods are still promised to them; those of the others were given back before."""
    if not orders:
        return []
    try:
        with atomic():
            catalog.take_for_causes(kind="trade.order", cause_ids=[order.pk for order in orders])
    except Refusal as refusal:
        if refusal.code != "reservation_gone":
            raise
        return [order for order in orders if len(orders) > 1 and _take_stock([order])]
    return list(orders)
