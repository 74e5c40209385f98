"""What payments do by themselves when a time comes: tell and ask providers, end holds, reconcile days, free payouts."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from meadow.kernel import clock
from meadow.kernel.sweeps import process_due, sweep
from meadow.payments import queries, services
from meadow.payments.models import Leg, MerchantApplication, Payment, Payout, ProviderRefund, SandboxNotice


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
    return queries.next_ask(Payment)


@sweep("payments.ask_payments", next_due=_next_payment)
def ask_payments(limit: int, until: datetime) -> int:
    """Hands payments over, asks about those that were neither paid nor closed, and closes what was given up."""
    return services.work_payments(limit, until)


@sweep("payments.ask_refunds", next_due=lambda: queries.next_ask(ProviderRefund))
def ask_refunds(limit: int, until: datetime) -> int:
    """Submits refunds that wait for it, and asks about the others."""
    return services.work_refunds(limit, until)


@sweep("payments.ask_payouts", next_due=lambda: queries.next_ask(Payout))
def ask_payouts(limit: int, until: datetime) -> int:
    """Submits payouts that wait for it, and asks about the others."""
    return services.work_payouts(limit, until)


@sweep("payments.move_legs", next_due=lambda: queries.next_ask(Leg))
def move_legs(limit: int, until: datetime) -> int:
    """Passes parties their parts of payments at the provider, fetches returns, and asks about both."""
    return services.work_legs(limit, until)


@sweep("payments.end_holds", next_due=queries.next_hold_due)
def end_holds(limit: int, until: datetime) -> int:
    """Ends providers' holds two days before they end by themselves."""
    return services.work_holds(limit, until)


@sweep("payments.free_payouts", next_due=queries.next_payout_free)
def free_payouts(limit: int, until: datetime) -> int:
    """Payouts that rested after a change of bank details go on."""
    held = Payout.objects.filter(state="held")
    return process_due("payments.free_payouts", held, "held_until", services.free_payout, limit=limit, until=until)


def _next_day() -> datetime | None:
    due = services.next_day_due()
    return due.at if due else None


@sweep("payments.reconcile", next_due=_next_day)
def reconcile_days(limit: int, until: datetime) -> int:
    """Holds each provider's statement of a day against our books, when the day is over."""
    return services.work_days(limit, until)


def _next_probe() -> datetime | None:
    """Machine time decides, so that moving the test clock by years does not look at providers a million times."""
    return clock.now() - timedelta(seconds=1) if services.probe_due() else None


@sweep("payments.probe", next_due=_next_probe)
def probe(limit: int, until: datetime) -> int:
    """Looks whether the providers answer, where there is another to fall back on."""
    return services.probe_providers()


@sweep("payments.check_applications", next_due=queries.next_check)
def check_applications(limit: int, until: datetime) -> int:
    """Takes up checks of merchants' applications that a crash cut short."""
    waiting = MerchantApplication.objects.filter(state="checking")
    check = services.check_application
    return process_due("payments.check_applications", waiting, "check_due_at", check, limit=limit, until=until)


@sweep("payments.forget_applications", next_due=queries.next_forget)
def forget_applications(limit: int, until: datetime) -> int:
    """Data and documents of ended applications go when their time is over."""
    ended = MerchantApplication.objects.filter(forget_at__isnull=False)
    forget = services.forget_application
    return process_due("payments.forget_applications", ended, "forget_at", forget, limit=limit, until=until)
