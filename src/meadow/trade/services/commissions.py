"""How the money of a line follows when a person voids its commission after a look, or takes that back."""

from meadow.affiliate import queries as affiliate
from meadow.kernel import clock
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import services as ledger
from meadow.ledger.queries import Split, reversal, split
from meadow.ledger.services import Leg, Transfer
from meadow.payments import services as payments
from meadow.payments.services import Share
from meadow.trade import queries
from meadow.trade.models import Order, OrderLine, Refund
from meadow.trade.queries.orders import split_of
from meadow.trade.services.moving import part_name


def void_commission(*, line_id: int, decision_id: int) -> bool:
    """The line pays no creator any more: from escrow if its money is still there, else by giving back.

    Refuses: stale_state while a refund of the order waits for money; it is tried again.
    """
    return _set_rate(line_id, 0, f"void_commission:{decision_id}")


def reinstate_commission(*, line_id: int, decision_id: int) -> bool:
    """The line pays its creator again, at the rate that was frozen on it.  Refuses: stale_state."""
    return _set_rate(line_id, affiliate.trail(line_id).rate_bp, f"reinstate_commission:{decision_id}")


def free_commission(*, order_id: int, creator_id: int) -> int:
    """A review ended for the creator: what was held for it is free when the after-sale window ends."""
    with atomic():
        order = queries.locked(order_id)
        if order.state != "settled" or order.after_sale_until is None:
            return 0
        if creator_id in affiliate.creators_under_review(order_id):
            return 0  # another line of theirs still waits
        return ledger.end_holds_by(
            cause=("trade.order", order.pk), account=f"creator:{creator_id}:available",
            until=max(order.after_sale_until, clock.now()),
        )  # fmt: skip


def _set_rate(line_id: int, rate_bp: int, key: str) -> bool:
    with atomic():
        order = queries.locked(OrderLine.objects.values_list("order_id", flat=True).get(pk=line_id))
        line = OrderLine.objects.get(pk=line_id)
        if line.rate_bp == rate_bp:
            return False
        if Refund.objects.filter(order=order, state="pending", is_from_escrow=False).exists():
            raise Refusal("stale_state", state="refund pending", event=key)
        before = _left(split_of(line), line.refunded_minor)
        parts = split(line.amount_minor, rate_bp)
        line.rate_bp = rate_bp
        line.merchant_minor, line.creator_minor = parts.merchant, parts.creator
        line.service_minor, line.trade_minor = parts.service, parts.trade
        line.save(update_fields=["rate_bp", "merchant_minor", "creator_minor", "service_minor", "trade_minor"])
        if order.state == "settled":
            _move(order, line, _left(parts, line.refunded_minor), before, key)
    return True


def _left(parts: Split, refunded_minor: int) -> Split:
    return parts - reversal(parts, refunded_minor)


def _move(order: Order, line: OrderLine, now: Split, before: Split, key: str) -> None:
    """Posts the difference between what each party has and what it should have."""
    assert line.creator_id is not None
    merchant, creator = f"merchant:{order.merchant_id}:available", f"creator:{line.creator_id}:available"
    cause, note = ("trade.order", order.pk), {"line": line.pk}
    fees = [
        (f"platform:{name}_fee", after - was)
        for name, after, was in (("service", now.service, before.service), ("trade", now.trade, before.trade))
    ]
    back = before.creator - now.creator
    if back > 0:
        payments.take_back(
            key=key, payment_id=order.payment_id, of=part_name(order.shop_id), order=cause, cause=cause,
            shares=[Share("creator", line.creator_id, back)],
        )  # fmt: skip
        ledger.collect(
            key=key, legs=[Leg("creator", line.creator_id, back)], target=merchant, currency=order.currency,
            cause=cause, kind="void_commission", hold_cause=cause, note=note,
            transfers=[Transfer(fee, merchant, Money(-minor, order.currency)) for fee, minor in fees if minor < 0],
        )  # fmt: skip
        rest = [(fee, minor) for fee, minor in fees if minor > 0]
    else:
        rest = [(fee, minor) for fee, minor in fees if minor > 0]
        owed = -back + sum(minor for _, minor in rest)
        if owed <= 0:
            return
        ledger.collect(
            key=key, legs=[Leg("merchant", order.merchant_id, owed)], target=creator, currency=order.currency,
            cause=cause, kind="reinstate_commission", note=note,
        )  # fmt: skip
        ledger.post(
            key=f"{key}:fees", cause=cause, kind="reinstate_commission", note=note,
            transfers=[Transfer(creator, fee, Money(minor, order.currency)) for fee, minor in rest],
        )  # fmt: skip
        return
    if rest:
        ledger.post(
            key=f"{key}:fees", cause=cause, kind="void_commission", note=note,
            transfers=[Transfer(merchant, fee, Money(minor, order.currency)) for fee, minor in rest],
        )  # fmt: skip
