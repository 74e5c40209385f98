"""What the ledger does by itself when its time comes: holds end."""

from datetime import datetime

from meadow.kernel.sweeps import sweep
from meadow.ledger import queries, services


@sweep("ledger.holds", next_due=queries.next_hold_due)
def end_holds(limit: int, until: datetime) -> int:
    """Frees what was held until a moment that has come."""
    return services.end_due_holds(limit=limit, until=until)
