"""Which of the accounts' timers fire: restrictions that end by themselves."""

from datetime import datetime

from meadow.accounts import services
from meadow.accounts.models import Standing
from meadow.kernel.sweeps import DueRows, process_due, sweep

_RESTRICTIONS = DueRows(Standing.objects.filter(lifted_at__isnull=True, until__isnull=False), "until")


@sweep("accounts.end_restrictions", next_due=_RESTRICTIONS)
def end_restrictions(limit: int, until: datetime) -> int:
    return process_due(
        "accounts.end_restrictions", _RESTRICTIONS,
        lambda standing: services.lift_expired(standing=standing), limit=limit, until=until,
    )  # fmt: skip
