"""What happens to orders for goods that turn out to be forbidden: their money stays in escrow until it is refunded."""

from meadow.kernel import audit, clock, db
from meadow.kernel.audit import SYSTEM
from meadow.kernel.db import atomic
from meadow.trade import queries
from meadow.trade import rules as trade_rules
from meadow.trade.models import Freeze
from meadow.trade.rules import claims as rules
from meadow.trade.services import timers


def freeze_for_goods(*, product_id: int, decision_id: int) -> None:
    """Freezes the money of every order in escrow that has the goods; refunds still go to the buyer.  Twice is once."""
    for order_id in queries.orders_with_goods(product_id, states=trade_rules.IN_ESCROW):
        with atomic():
            order = queries.locked(order_id)
            if order.state not in trade_rules.IN_ESCROW:
                continue
            if Freeze.objects.filter(order=order, state__in=rules.FREEZE_OPEN).exists():
                continue
            freeze = Freeze.objects.create(
                order=order, reason_code=rules.PROHIBITED, decision_id=decision_id, proposed_at=clock.now()
            )
            db.move(freeze, rules.FREEZE, "approve", active_at=clock.now())
            timers.pause(order)
            audit.record(
                SYSTEM, "trade.freeze_order", ("trade.order", order.pk),
                after={"freeze": freeze.public_id, "why": rules.PROHIBITED, "decision": decision_id},
            )  # fmt: skip


def unfreeze_goods(*, decision_id: int) -> None:
    """The decision was taken back: what it froze goes on as if nothing had been."""
    for freeze_id, order_id in Freeze.objects.filter(decision_id=decision_id, state__in=rules.FREEZE_OPEN).values_list(
        "pk", "order_id"
    ):
        with atomic():
            order = queries.locked(order_id)
            freeze = Freeze.objects.get(pk=freeze_id)
            if freeze.state not in rules.FREEZE_OPEN:
                continue
            db.move(freeze, rules.FREEZE, "close", ended_at=clock.now(), end_reason="the decision was taken back")
            timers.resume(order)
            audit.record(SYSTEM, "trade.end_freeze", ("trade.order", order.pk), after={"freeze": freeze.public_id})
