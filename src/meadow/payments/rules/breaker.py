"""When a provider that fails is left alone, and when it is tried again; all in machine time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FAILURES_TO_OPEN = 2
OPEN_FOR = timedelta(seconds=30)
OPEN_FOR_MOST = timedelta(minutes=5)
# Providers are looked at this often even when nobody pays: two looks that fail open the breaker within a minute.
PROBE_EVERY = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Health:
    """How a provider answered of late."""

    failures: int = 0
    open_until: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether nobody is sent there.  After open_until the next call is the trial."""
        return self.open_until is not None and now < self.open_until


def after_failure(health: Health, now: datetime) -> Health:
    """One more failure; from the second on the provider is left alone, twice as long each time."""
    failures = health.failures + 1
    if failures < FAILURES_TO_OPEN:
        return Health(failures, None)
    wait = min(OPEN_FOR * 2 ** min(failures - FAILURES_TO_OPEN, 8), OPEN_FOR_MOST)
    return Health(failures, now + wait)
