"""Which timers content has: the end of a stop that hides posts, and pictures whose codes must be read."""

from datetime import datetime

from meadow.content import services
from meadow.content.models import Picture, Stop
from meadow.kernel.sweeps import DueRows, process_due, sweep

_STOPS = DueRows(Stop.objects.filter(lifted_at__isnull=True, until__isnull=False), "until")
_PICTURES = DueRows(Picture.objects.filter(due_at__isnull=False), "due_at")


@sweep("content.lift_stops", next_due=_STOPS)
def lift_stops(limit: int, until: datetime) -> int:
    return process_due(
        "content.lift_stops", _STOPS, lambda stop: services.lift_expired(stop=stop), limit=limit, until=until
    )


@sweep("content.pictures", next_due=_PICTURES)
def pass_pictures(limit: int, until: datetime) -> int:
    """Reads the codes of new pictures, and drops those that stand nowhere."""
    return process_due(
        "content.pictures", _PICTURES, lambda picture: services.pass_picture(picture=picture), limit=limit,
        until=until,
    )  # fmt: skip
