"""What a provider does to orders by itself: it holds their money no longer, or a bank takes it back, or returns it."""

from collections.abc import Sequence

from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM
from meadow.kernel.db import atomic
from meadow.kernel.money import Money
from meadow.ledger import services as ledger
from meadow.ledger.services import Transfer
from meadow.payments import queries as payment_reads
from meadow.payments.queries import Chargeback
from meadow.trade import rules
from meadow.trade.models import Order, OrderLine, Refund, RefundLine
from meadow.trade.queries.orders import lines_of
from meadow.trade.services.moving import close
from meadow.trade.services.refunding import fund, promise


def hold_with_merchants(*, payment_id: int) -> None:
    """The provider let go of a payment: the money of orders not settled yet is with their merchants, who may not take
    it; claims and refunds go on as before (settled question 9)."""
    with atomic():
        orders = _locked(payment_id)
        for order in orders:
            if order.state not in rules.IN_ESCROW or order.held_at is not None:
                continue
            amount = Money(order.total_minor - order.refunded_minor, order.currency)
            ledger.post(
                key=f"held:{order.public_id}",
                cause=("trade.order", order.pk),
                kind="held",
                transfers=[Transfer(f"escrow:{order.public_id}", f"merchant:{order.merchant_id}:held", amount)],
            )
            order.held_at = clock.now()
            order.save(update_fields=["held_at"])


def charge_back(*, chargeback_id: int) -> list[Refund]:
    """A bank took a payment back: its orders are refunded by force, each party gives its part or owes it (settled
    question 10).  A repeat changes nothing.  Refuses: not_found."""
    with atomic():
        back = payment_reads.chargeback_by_id(chargeback_id)
        orders = _locked(back.payment_id)
        known = list(Refund.objects.filter(order__in=orders, kind="chargeback", key=back.public_id))
        if known:
            return known
        left, refunds = back.amount_minor, []
        for order in orders:
            part = min(left, order.total_minor - order.refunded_minor) if order.state in rules.REFUNDABLE else 0
            if part:
                left -= part
                refunds.append(_refund(order, part, back))
        if left:
            # More was taken than is left of the orders: it was refunded before, so the platform bears it.
            _bear(back, left, f"psp:{back.payment.provider}", "chargeback_loss")
    return refunds


def win_chargeback(*, chargeback_id: int) -> None:
    """The bank gave the money back: each party gets again what it gave, its debts first.  A repeat changes nothing."""
    with atomic():
        back = payment_reads.chargeback_by_id(chargeback_id)
        orders = _locked(back.payment_id)
        source, given = f"psp:{back.payment.provider}", 0
        for refund in Refund.objects.filter(order__in=orders, kind="chargeback", key=back.public_id).order_by("pk"):
            given += refund.amount_minor
            ledger.post(
                key=f"chargeback_won:{refund.public_id}",
                cause=("trade.order", refund.order_id),
                kind="chargeback_won",
                transfers=_returned(refund, source),
                note={"refund": refund.public_id},
            )
        if given < back.amount_minor:
            amount = Money(back.amount_minor - given, back.currency)
            ledger.post(
                key=f"chargeback_won:{back.public_id}",
                cause=("payments.chargeback", back.pk),
                kind="chargeback_won",
                transfers=[Transfer(source, "platform:provider_cost", amount)],
            )


def _refund(order: Order, minor: int, back: Chargeback) -> Refund:
    """A forced refund of a locked order, funded like any other and already carried."""
    lines, in_escrow = lines_of(order.pk), order.state in rules.IN_ESCROW
    refund = promise(
        order, lines, _drawn(lines, minor), in_escrow, key=back.public_id, kind="chargeback", reason=back.reason,
        by=SYSTEM,
    )  # fmt: skip
    if in_escrow and order.refunded_minor == order.total_minor:
        close(order, "refund_all", "charged_back")
    fund(refund, order)
    return refund


def _drawn(lines: Sequence[OrderLine], minor: int) -> list[tuple[int, int]]:
    """How much of each line it is: line by line, the shipping last."""
    drawn = []
    for line in sorted(lines, key=lambda line: (line.kind == "shipping", line.pk)):
        part = min(minor, line.amount_minor - line.refunded_minor)
        if part:
            drawn.append((line.pk, part))
            minor -= part
    return drawn


def _returned(refund: Refund, source: str) -> list[Transfer]:
    targets: dict[str, int] = {}
    for given in RefundLine.objects.filter(refund=refund).select_related("line").order_by("pk"):
        for target, minor in (
            (f"merchant:{refund.order.merchant_id}:available", given.merchant_minor),
            (f"creator:{given.line.creator_id}:available", given.creator_minor),
            ("platform:service_fee", given.service_minor),
            ("platform:trade_fee", given.trade_minor),
        ):
            if minor:
                targets[target] = targets.get(target, 0) + minor
    return [Transfer(source, target, Money(minor, refund.currency)) for target, minor in targets.items()]


def _bear(back: Chargeback, minor: int, target: str, kind: str) -> None:
    ledger.post(
        key=f"{kind}:{back.public_id}",
        cause=("payments.chargeback", back.pk),
        kind=kind,
        transfers=[Transfer("platform:provider_cost", target, Money(minor, back.currency))],
    )


def _locked(payment_id: int) -> list[Order]:
    orders = Order.objects.select_for_update(no_key=True, of=("self",)).filter(payment_id=payment_id)
    return list(orders.select_related("payment").order_by("pk"))
