"""What payments do by themselves when a time comes: tell and ask providers, end holds, reconcile days, free payouts."""

from datetime import datetime, timedelta

from meadow.kernel import clock
from meadow.kernel.sweeps import DueRows, process_due, sweep
from meadow.payments import services
from meadow.payments.models import Leg, MerchantApplication, Payment, Payout, ProviderRefund, SandboxNotice

_NOTICES = DueRows(SandboxNotice.objects.filter(sent_at=None), "due_at")
_HELD_PAYOUTS = DueRows(Payout.objects.filter(state="held"), "held_until")
_CHECKING = DueRows(MerchantApplication.objects.filter(state="checking"), "check_due_at")
_TO_FORGET = DueRows(MerchantApplication.objects.all(), "forget_at")


@sweep("payments.sandbox_notices", next_due=_NOTICES)
def send_notices(limit: int, until: datetime) -> int:
    """Sends what the sandbox said it would send later."""
    return process_due("payments.sandbox_notices", _NOTICES, services.send_sandbox_notice, limit=limit, until=until)


@sweep("payments.ask_payments", next_due=DueRows(Payment.objects.all(), "ask_at"))
def ask_payments(limit: int, until: datetime) -> int:
    """Hands payments over, asks about those that were neither paid nor closed, and closes what was given up."""
    return services.work_payments(limit, until)


@sweep("payments.ask_refunds", next_due=DueRows(ProviderRefund.objects.all(), "ask_at"))
def ask_refunds(limit: int, until: datetime) -> int:
    """Submits refunds that wait for it, and asks about the others."""
    return services.work_refunds(limit, until)


@sweep("payments.ask_payouts", next_due=DueRows(Payout.objects.all(), "ask_at"))
def ask_payouts(limit: int, until: datetime) -> int:
    """Submits payouts that wait for it, and asks about the others."""
    return services.work_payouts(limit, until)


@sweep("payments.move_legs", next_due=DueRows(Leg.objects.all(), "ask_at"))
def move_legs(limit: int, until: datetime) -> int:
    """Passes parties their parts of payments at the provider, fetches returns, and asks about both."""
    return services.work_legs(limit, until)


@sweep("payments.end_holds", next_due=DueRows(Payment.objects.all(), "hold_due_at"))
def end_holds(limit: int, until: datetime) -> int:
    """Ends providers' holds two days before they end by themselves."""
    return services.work_holds(limit, until)


@sweep("payments.free_payouts", next_due=_HELD_PAYOUTS)
def free_payouts(limit: int, until: datetime) -> int:
    """Payouts that rested after a change of bank details go on."""
    return process_due("payments.free_payouts", _HELD_PAYOUTS, services.free_payout, limit=limit, until=until)


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


@sweep("payments.check_applications", next_due=_CHECKING)
def check_applications(limit: int, until: datetime) -> int:
    """Takes up checks of merchants' applications that a crash cut short."""
    return process_due("payments.check_applications", _CHECKING, services.check_application, limit=limit, until=until)


@sweep("payments.forget_applications", next_due=_TO_FORGET)
def forget_applications(limit: int, until: datetime) -> int:
    """Data and documents of ended applications go when their time is over."""
    return process_due(
        "payments.forget_applications", _TO_FORGET, services.forget_application, limit=limit, until=until
    )
