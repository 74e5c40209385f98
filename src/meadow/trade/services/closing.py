"""How an order ends before its goods are on the way: cancelled, or never paid."""

from meadow.catalog import services as catalog
from meadow.kernel import audit
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.payments import services as payments
from meadow.payments.services import Payment
from meadow.trade import queries, rules
from meadow.trade.models import Order
from meadow.trade.services import refunding
from meadow.trade.services.access import role_of
from meadow.trade.services.moving import close


def cancel_order(*, order_id: int, by: Actor, reason: str = "") -> Order:
    """Ends an order before it is shipped, by its buyer, its merchant or the operator; paid money goes back whole.

    Refuses: not_found, stale_state, malformed.
    """
    reason = _check_reason(reason)
    with atomic():
        order = queries.locked(order_id)
        role = role_of(order, by)
        before = order.state
        if before == "placed":
            close(order, "cancel", f"cancelled_by_{role}")
            catalog.release(cause=("trade.order", order.pk))
            _close_payment(order)
        elif before in rules.CANCELLABLE:
            refunding.refund_everything(
                order, key="cancel", kind="cancel", reason=reason, by=by, event="cancel",
                close_reason=f"cancelled_by_{role}",
            )  # fmt: skip
        else:
            raise Refusal("stale_state", state=order.state, event="cancel")
        audit.record(
            by, "trade.cancel_order", ("trade.order", order.pk), before={"state": before},
            after={"state": order.state, "reason": reason},
        )  # fmt: skip
    return order


def expire_order(order: Order) -> None:
    """The time to pay is over: the order closes and its stock is free.  The row is locked by the sweep."""
    close(order, "expire", "unpaid")
    catalog.release(cause=("trade.order", order.pk))
    _close_payment(order)


def _close_payment(order: Order) -> None:
    """Once no order waits for it any more, the payment is given up; money that still comes is sent back.

    The payment's lock makes of two orders that close at once the second see that it is the last.
    """
    Payment.objects.select_for_update(no_key=True).get(pk=order.payment_id)
    if not Order.objects.filter(payment_id=order.payment_id, state="placed").exclude(pk=order.pk).exists():
        payments.close_payment(payment_id=order.payment_id)


def _check_reason(reason: str) -> str:
    if len(reason) > rules.LIMITS["reason_characters"]:
        raise Refusal("malformed", field="reason", why=f"at most {rules.LIMITS['reason_characters']} characters")
    return reason.strip()
