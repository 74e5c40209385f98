"""Which timers content has: the end of a stop that hides posts."""

from datetime import datetime

from meadow.content import services
from meadow.content.models import Stop
from meadow.kernel.sweeps import process_due, sweep

_DUE = Stop.objects.filter(lifted_at__isnull=True, until__isnull=False)


def _next_due() -> datetime | None:
    return _DUE.order_by("until").values_list("until", flat=True).first()


@sweep("content.lift_stops", next_due=_next_due)
def lift_stops(limit: int, until: datetime) -> int:
    return process_due(
        "content.lift_stops", _DUE, "until", lambda stop: services.lift_expired(stop=stop), limit=limit, until=until
    )
