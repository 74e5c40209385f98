"""Which of the accounts' timers fire: restrictions that end by themselves."""

from datetime import datetime

from django.db.models import Min

from meadow.accounts import services
from meadow.accounts.models import Standing
from meadow.kernel.sweeps import process_due, sweep

_DUE = Standing.objects.filter(lifted_at__isnull=True, until__isnull=False)


def next_restriction_end() -> datetime | None:
    first: datetime | None = _DUE.aggregate(first=Min("until"))["first"]
    return first


@sweep("accounts.end_restrictions", next_due=next_restriction_end)
def end_restrictions(limit: int, until: datetime) -> int:
    return process_due(
        "accounts.end_restrictions", _DUE.all(), "until",
        lambda standing: services.lift_expired(standing=standing), limit=limit, until=until,
    )  # fmt: skip
