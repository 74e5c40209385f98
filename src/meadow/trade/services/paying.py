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
from meadow.payments import queries as payment_reads
from meadow.payments import services as payments
from meadow.payments.services import Notice, PartIn, Payment
from meadow.trade import rules
from meadow.trade.models import Order, OrderLine
from meadow.trade.rules.escrow import SHIP_WITHIN
from meadow.trade.services import refunding
from meadow.trade.services.moving import check_carried, close, part_name


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
        if accepted.outcome == "paid" and accepted.payment.replaced_at is not None:
            return _paid_after_all(accepted.payment)
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


def pay_otherwise(*, payment_id: int, provider: str) -> Payment:
    """The buyer pays by another provider what is still to be paid; whether it is theirs to pay is the door's to ask.

    Sent twice, the second finds the first.  Refuses: stale_state, already_paid, provider_unknown, provider_closed,
    provider_cannot_carry, not_found.
    """
    with atomic():
        orders = list(Order.objects.select_for_update(no_key=True).filter(payment_id=payment_id).order_by("pk"))
        placed = [order for order in orders if order.state == "placed"]
        before = payment_reads.payment_by_id(payment_id)
        if not placed:
            newest = payment_reads.tries_of(before)[-1]
            if newest.pk != payment_id and newest.provider == provider:
                return newest
            raise Refusal("stale_state", state=before.state, event="pay_otherwise")
        check_carried(placed, list(OrderLine.objects.filter(order__in=placed)), provider)
        payment = payments.start_again(
            key=f"again:{before.public_id}:{provider}", payment_id=payment_id, provider=provider,
            parts=[PartIn(part_name(order.shop_id), order.merchant_id, order.total_minor) for order in placed],
        )  # fmt: skip
        Order.objects.filter(pk__in=[order.pk for order in placed]).update(payment=payment)
    return payment


def _paid_after_all(payment: Payment) -> list[Order]:
    """Money came by a way that the buyer had left for another.

    While nothing else was paid and every order still waits, this way wins and the other is given up; else the money
    goes back by itself, because nobody may be charged twice.
    """
    tries = payment_reads.tries_of(payment)
    orders = list(
        Order.objects.select_for_update(no_key=True).filter(payment__in=[one.pk for one in tries]).order_by("pk")
    )
    is_free = all(order.state == "placed" for order in orders)
    if not is_free or sum(order.total_minor for order in orders) != payment.amount_minor:
        payments.refund_stray(payment)
        return []
    if not payments.win_back(payment_id=payment.pk):
        payments.refund_stray(payment)
        return []
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(payment=payment)
    for order in orders:
        order.payment = payment
    _take(orders, payment)
    return orders


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
        order.ship_due_at = now + SHIP_WITHIN
    # Their rows are locked since they were read, so this needs no second look at the state.
    Order.objects.filter(pk__in=[order.pk for order in taken]).update(
        state="paid", paid_at=now, ship_due_at=now + SHIP_WITHIN
    )
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
