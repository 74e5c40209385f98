"""Which timers discovery has: goods that changed, or whose plan begins or ends, are read anew."""

from datetime import datetime

from meadow.discovery import queries, services
from meadow.kernel.sweeps import sweep


@sweep("discovery.refresh_goods", next_due=queries.NEXT_REFRESH_DUE)
def refresh_goods(limit: int, until: datetime) -> int:
    """A piece of up to 500 products counts as one turn, so that other timers have theirs in between."""
    return 1 if services.refresh_due(until=until) else 0
