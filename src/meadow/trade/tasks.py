"""What trade does by itself when a time comes: unpaid orders close, receipts confirm, escrow is released."""

from datetime import datetime

from django.db.models import OuterRef, Subquery

from meadow.kernel.sweeps import DueRows, process_due, sweep
from meadow.trade import services
from meadow.trade.models import Claim, Dispute, Order, Refund
from meadow.trade.rules.claims import DISPUTE_OPEN
from meadow.trade.services import refunding, settling

_UNPAID = DueRows(Order.objects.filter(state="placed"), "unpaid_due_at")
_SHIPPED = DueRows(Order.objects.filter(state="shipped"), "auto_confirm_due_at")
# What a suspended merchant sold is refunded if a buyer is due money, but not released before the stop ends.
_CONFIRMED = DueRows(Order.objects.filter(state="confirmed").exclude(merchant__state="suspended"), "release_due_at")
_REFUSED = DueRows(Refund.objects.filter(retry_due_at__isnull=False), "retry_due_at")
_TO_SEND = DueRows(Order.objects.filter(state__in=("paid", "part_shipped"), late_at__isnull=True), "ship_due_at")
_TO_REMIND = DueRows(Order.objects.filter(state="shipped", reminded_at__isnull=True), "remind_due_at")
_UNRULED = DueRows(Dispute.objects.filter(state__in=DISPUTE_OPEN, overdue_at__isnull=True), "rule_due_at")


@sweep("trade.close_unpaid", next_due=_UNPAID)
def close_unpaid(limit: int, until: datetime) -> int:
    """Orders that were not paid within half an hour close, and their stock is free."""
    return process_due("trade.close_unpaid", _UNPAID, services.expire_order, limit=limit, until=until)


@sweep("trade.auto_confirm", next_due=_SHIPPED)
def auto_confirm(limit: int, until: datetime) -> int:
    """Shipped orders whose buyer said nothing count as received."""
    return process_due("trade.auto_confirm", _SHIPPED, services.auto_confirm, limit=limit, until=until)


@sweep("trade.settle", next_due=_CONFIRMED)
def settle(limit: int, until: datetime) -> int:
    """Confirmed orders are released one day later, each in its own transaction: a killed worker loses nothing."""
    return process_due("trade.settle", _CONFIRMED, settling.settle, limit=limit, until=until)


@sweep("trade.retry_refunds", next_due=_REFUSED)
def retry_refunds(limit: int, until: datetime) -> int:
    """Refunds that wait for the platform's advance, or that the provider refused, are tried again."""
    return process_due("trade.retry_refunds", _REFUSED, refunding.try_again, limit=limit, until=until)


@sweep("trade.ship_late", next_due=_TO_SEND)
def ship_late(limit: int, until: datetime) -> int:
    """Orders that were not sent in time are marked once; what was not sent can be had back without asking."""
    return process_due("trade.ship_late", _TO_SEND, services.mark_late, limit=limit, until=until)


@sweep("trade.remind", next_due=_TO_REMIND)
def remind(limit: int, until: datetime) -> int:
    """Buyers are asked once to confirm, before the system does."""
    return process_due("trade.remind", _TO_REMIND, services.remind, limit=limit, until=until)


def _claim_sweep(state: str, name: str) -> None:
    """One sweep for each state of a claim that ends by itself.

    It locks the order, as everybody does who touches a claim; so nobody waits for the other in turn.
    """
    claims = Claim.objects.filter(state=state, due_at__isnull=False)
    first = claims.filter(order=OuterRef("pk")).order_by("due_at").values("due_at")[:1]
    orders = Order.objects.filter(pk__in=claims.values("order_id")).annotate(claim_due_at=Subquery(first))
    due = DueRows(orders, "claim_due_at")

    @sweep(name, next_due=DueRows(claims, "due_at"))
    def run(limit: int, until: datetime) -> int:
        return process_due(name, due, services.pass_claims_due, limit=limit, until=until)


for _state, _name in (
    ("asked", "trade.claim_answers"),
    ("returning", "trade.claim_returns"),
    ("returned", "trade.claim_receipts"),
    ("replacing", "trade.claim_replacements"),
    ("refused", "trade.claim_disputes"),
):
    _claim_sweep(_state, _name)


@sweep("trade.disputes_overdue", next_due=_UNRULED)
def disputes_overdue(limit: int, until: datetime) -> int:
    """Disputes that nobody ruled in time go to the front of the operators' queue, once."""
    return process_due("trade.disputes_overdue", _UNRULED, services.mark_overdue, limit=limit, until=until)
