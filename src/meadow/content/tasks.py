"""Which timers content has: the end of a stop that hides posts, and pictures whose codes must be read."""

from datetime import datetime

from meadow.content import services
from meadow.content.models import Picture, Stop
from meadow.kernel.sweeps import process_due, sweep

_DUE = Stop.objects.filter(lifted_at__isnull=True, until__isnull=False)


def _next_due() -> datetime | None:
    return _DUE.order_by("until").values_list("until", flat=True).first()


@sweep("content.lift_stops", next_due=_next_due)
def lift_stops(limit: int, until: datetime) -> int:
    return process_due(
        "content.lift_stops", _DUE, "until", lambda stop: services.lift_expired(stop=stop), limit=limit, until=until
    )


_PICTURES = Picture.objects.filter(due_at__isnull=False)


def _next_picture() -> datetime | None:
    return _PICTURES.order_by("due_at").values_list("due_at", flat=True).first()


@sweep("content.pictures", next_due=_next_picture)
def pass_pictures(limit: int, until: datetime) -> int:
    """Reads the codes of new pictures, and drops those that stand nowhere."""
    return process_due(
        "content.pictures", _PICTURES, "due_at", lambda picture: services.pass_picture(picture=picture), limit=limit,
        until=until,
    )  # fmt: skip
