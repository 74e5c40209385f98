"""What trade does by itself when a time comes: unpaid orders close, receipts confirm, escrow is released."""

from datetime import datetime

from django.db.models import QuerySet

from meadow.kernel.sweeps import process_due, sweep
from meadow.trade import services
from meadow.trade.models import Order, Refund
from meadow.trade.services import refunding, settling


def _due(state: str, field: str) -> datetime | None:
    return Order.objects.filter(state=state).order_by(field).values_list(field, flat=True).first()


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


@sweep("trade.settle", next_due=lambda: _due("confirmed", "release_due_at"))
def settle(limit: int, until: datetime) -> int:
    """Confirmed orders are released one day later, each in its own transaction: a killed worker loses nothing."""
    confirmed = Order.objects.filter(state="confirmed")
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
