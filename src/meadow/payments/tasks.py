"""What payments do by themselves when a time comes: the sandbox's later notices go out, silent providers are asked."""

from datetime import datetime

from django.db.models import QuerySet

from meadow.kernel.sweeps import process_due, sweep
from meadow.payments import services
from meadow.payments.models import Payment, Payout, ProviderRefund, SandboxNotice


def _notices() -> QuerySet[SandboxNotice]:
    return SandboxNotice.objects.filter(sent_at=None)


def _next_notice() -> datetime | None:
    return _notices().order_by("due_at").values_list("due_at", flat=True).first()


@sweep("payments.sandbox_notices", next_due=_next_notice)
def send_notices(limit: int, until: datetime) -> int:
    """Sends what the sandbox said it would send later."""
    return process_due(
        "payments.sandbox_notices", _notices(), "due_at", services.send_sandbox_notice, limit=limit, until=until
    )


def _next_payment() -> datetime | None:
    found = Payment.objects.filter(ask_at__isnull=False)
    return found.order_by("ask_at").values_list("ask_at", flat=True).first()


@sweep("payments.ask_payments", next_due=_next_payment)
def ask_payments(limit: int, until: datetime) -> int:
    """Asks about payments that were neither paid nor closed."""
    return process_due(
        "payments.ask_payments", Payment.objects.all(), "ask_at", services.ask_payment, limit=limit, until=until
    )


def _next_refund() -> datetime | None:
    found = ProviderRefund.objects.filter(ask_at__isnull=False)
    return found.order_by("ask_at").values_list("ask_at", flat=True).first()


@sweep("payments.ask_refunds", next_due=_next_refund)
def ask_refunds(limit: int, until: datetime) -> int:
    """Submits refunds that wait for it, and asks about the others."""
    return process_due(
        "payments.ask_refunds", ProviderRefund.objects.all(), "ask_at", services.ask_refund, limit=limit, until=until
    )


def _next_payout() -> datetime | None:
    found = Payout.objects.filter(ask_at__isnull=False)
    return found.order_by("ask_at").values_list("ask_at", flat=True).first()


@sweep("payments.ask_payouts", next_due=_next_payout)
def ask_payouts(limit: int, until: datetime) -> int:
    """Submits payouts that wait for it, and asks about the others."""
    return process_due(
        "payments.ask_payouts", Payout.objects.all(), "ask_at", services.ask_payout, limit=limit, until=until
    )
