"""What the ledger does by itself when its time comes: holds end, months close."""

from datetime import datetime

from meadow.kernel import clock
from meadow.kernel.sweeps import sweep
from meadow.ledger import queries, services


@sweep("ledger.holds", next_due=queries.NEXT_HOLD_DUE)
def end_holds(limit: int, until: datetime) -> int:
    """Frees what was held until a moment that has come."""
    return services.end_due_holds(limit=limit, until=until)


@sweep("ledger.close_months", next_due=queries.next_close_due)
def close_months(limit: int, until: datetime) -> int:
    """An hour after a month ended, its statements are made; one month a turn, so that they close in their order."""
    due, month = queries.next_close_due(), queries.next_to_close()
    if month is None or due is None or due > until:
        return 0
    with clock.at(due):
        services.close_month(month=month)
    return 1
