"""Which processes are alive: each says so every few seconds, in machine time."""

from datetime import datetime
from typing import Any

from meadow.kernel import clock
from meadow.kernel.models import Heartbeat


def beat(name: str, note: dict[str, Any] | None = None) -> None:
    """Notes that a process was alive now."""
    Heartbeat.objects.update_or_create(name=name, defaults={"seen_at": clock.machine_now(), "note": note or {}})


def seen() -> dict[str, tuple[datetime, Any]]:
    """When each process was last seen, and what it noted."""
    return {beat.name: (beat.seen_at, beat.note) for beat in Heartbeat.objects.all()}
