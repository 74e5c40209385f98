"""Which of the catalog's timers fire: promises of stock that expire, suspensions that end, files that wait."""

from datetime import datetime

from meadow.catalog import queries, services
from meadow.catalog.models import Suspension
from meadow.kernel.sweeps import DueRows, process_due, sweep

_SUSPENSIONS = DueRows(Suspension.objects.filter(lifted_at__isnull=True, until__isnull=False), "until")


@sweep("catalog.expire_reservations", next_due=queries.NEXT_RESERVATION_DUE)
def expire_reservations(limit: int, until: datetime) -> int:
    return services.expire_reservations(until=until, limit=limit)


@sweep("catalog.end_suspensions", next_due=_SUSPENSIONS)
def end_suspensions(limit: int, until: datetime) -> int:
    return process_due(
        "catalog.end_suspensions",
        _SUSPENSIONS,
        lambda suspension: services.end_suspension(suspension=suspension),
        limit=limit,
        until=until,
    )


@sweep("catalog.run_imports", next_due=queries.next_import, is_long=True)
def run_imports(limit: int, until: datetime) -> int:
    """One file a turn, outside of any transaction of the sweep: it takes long and reports as it goes."""
    for import_id in queries.waiting_imports(limit):
        if services.run_import(import_id=import_id) is not None:
            return 1
    return 0
