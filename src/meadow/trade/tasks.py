"""What trade does by itself when a time comes: unpaid orders close, receipts confirm, escrow is released."""

from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery

from meadow.kernel.sweeps import process_due, sweep
from meadow.trade import services
from meadow.trade.models import Claim, Dispute, Order, Refund
from meadow.trade.rules.claims import DISPUTE_OPEN
from meadow.trade.services import refunding, settling


def _due(state: str, field: str) -> datetime | None:
    due = Order.objects.filter(state=state, **{f"{field}__isnull": False})
    return due.order_by(field).values_list(field, flat=True).first()


@sweep("trade.close_unpaid", next_due=lambda: _due("placed", "unpaid_due_at"))
def close_unpaid(limit: int, until: datetime) -> int:
    """Orders that were not paid within half an hour close, and their stock is free."""
    unpaid = Order.objects.filter(state="placed")
    return process_due("trade.close_unpaid", unpaid, "unpaid_due_at", services.expire_order, limit=limit, until=until)


@sweep("trade.auto_confirm", next_due=lambda: _due("shipped", "auto_confirm_due_at"))
def auto_confirm(limit: int, until: datetime) -> int:
    """Shipped orders whose buyer said nothing count as received."""
    shipped = Order.objects.filter(state="shipped")
    return process_due(
        "trade.auto_confirm", shipped, "auto_confirm_due_at", services.auto_confirm, limit=limit, until=until
    )


def _may_settle() -> "QuerySet[Order]":
    """What a suspended merchant sold is refunded if a buyer is due money, but not released before the stop ends."""
    return Order.objects.filter(state="confirmed").exclude(merchant__state="suspended")


@sweep(
    "trade.settle",
    next_due=lambda: (
        _may_settle()
        .filter(release_due_at__isnull=False)
        .order_by("release_due_at")
        .values_list("release_due_at", flat=True)
        .first()
    ),
)
def settle(limit: int, until: datetime) -> int:
    """Confirmed orders are released one day later, each in its own transaction: a killed worker loses nothing."""
    confirmed = _may_settle()
    return process_due("trade.settle", confirmed, "release_due_at", settling.settle, limit=limit, until=until)


def _waiting() -> "QuerySet[Refund]":
    return Refund.objects.filter(retry_due_at__isnull=False)


@sweep(
    "trade.retry_refunds",
    next_due=lambda: _waiting().order_by("retry_due_at").values_list("retry_due_at", flat=True).first(),
)
def retry_refunds(limit: int, until: datetime) -> int:
    """Refunds that wait for the platform's advance, or that the provider refused, are tried again."""
    waiting = _waiting()
    return process_due("trade.retry_refunds", waiting, "retry_due_at", refunding.try_again, limit=limit, until=until)


def _to_send() -> "QuerySet[Order]":
    return Order.objects.filter(state__in=("paid", "part_shipped"), late_at__isnull=True, ship_due_at__isnull=False)


@sweep(
    "trade.ship_late",
    next_due=lambda: _to_send().order_by("ship_due_at").values_list("ship_due_at", flat=True).first(),
)
def ship_late(limit: int, until: datetime) -> int:
    """Orders that were not sent in time are marked once; what was not sent can be had back without asking."""
    return process_due("trade.ship_late", _to_send(), "ship_due_at", services.mark_late, limit=limit, until=until)


def _to_remind() -> "QuerySet[Order]":
    return Order.objects.filter(state="shipped", reminded_at__isnull=True, remind_due_at__isnull=False)


@sweep(
    "trade.remind",
    next_due=lambda: _to_remind().order_by("remind_due_at").values_list("remind_due_at", flat=True).first(),
)
def remind(limit: int, until: datetime) -> int:
    """Buyers are asked once to confirm, before the system does."""
    return process_due("trade.remind", _to_remind(), "remind_due_at", services.remind, limit=limit, until=until)


def _claim_sweep(state: str, name: str) -> None:
    """One sweep for each state of a claim that ends by itself.

    It locks the order, as everybody does who touches a claim; so nobody waits for the other in turn.
    """

    def next_due() -> datetime | None:
        due = Claim.objects.filter(state=state, due_at__isnull=False)
        return due.order_by("due_at").values_list("due_at", flat=True).first()

    @sweep(name, next_due=next_due)
    def run(limit: int, until: datetime) -> int:
        due = Claim.objects.filter(state=state, due_at__lte=until)
        first = Claim.objects.filter(order=OuterRef("pk"), state=state).order_by("due_at").values("due_at")[:1]
        orders = Order.objects.filter(pk__in=due.values("order_id")).annotate(claim_due_at=Subquery(first))
        return process_due(name, orders, "claim_due_at", services.pass_claims_due, limit=limit, until=until)


for _state, _name in (
    ("asked", "trade.claim_answers"),
    ("returning", "trade.claim_returns"),
    ("returned", "trade.claim_receipts"),
    ("replacing", "trade.claim_replacements"),
    ("refused", "trade.claim_disputes"),
):
    _claim_sweep(_state, _name)


def _unruled() -> "QuerySet[Dispute]":
    return Dispute.objects.filter(state__in=DISPUTE_OPEN, overdue_at__isnull=True)


@sweep(
    "trade.disputes_overdue",
    next_due=lambda: _unruled().order_by("rule_due_at").values_list("rule_due_at", flat=True).first(),
)
def disputes_overdue(limit: int, until: datetime) -> int:
    """Disputes that nobody ruled in time go to the front of the operators' queue, once."""
    return process_due(
        "trade.disputes_overdue", _unruled(), "rule_due_at", services.mark_overdue, limit=limit, until=until
    )
