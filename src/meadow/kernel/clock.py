"""What time it is: machine time plus an offset that only sandbox installations can move, and only forwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from django.conf import settings

from meadow.kernel import db

_fixed: ContextVar[datetime | None] = ContextVar("clock_fixed", default=None)
_offset_of_transaction: ContextVar[tuple[int, timedelta] | None] = ContextVar("clock_offset", default=None)

# Workers hold this advisory lock shared while they sweep or drain; advancing the clock holds it alone.
LOCK = 0x4D45_4144_0001


def now() -> datetime:
    """Domain time, aware and in UTC; inside `at`, that moment."""
    return _fixed.get() or machine_now() + _offset()


def machine_now() -> datetime:
    """The machine's own time, for sessions, rate limits, leases, signatures and retries."""
    return datetime.now(UTC)  # noqa: TID251 - the one place that reads it


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Domain time stands at a moment: a sweep that comes late works at the time its row was due."""
    token = _fixed.set(moment)
    try:
        yield
    finally:
        _fixed.reset(token)


def offset() -> timedelta:
    """How far domain time runs ahead, read from the database."""
    return timedelta(microseconds=db.call("SELECT offset_us FROM kernel_clockoffset WHERE id = 1") or 0)


def set_to(moment: datetime) -> None:
    """Moves domain time forwards to a moment; never back.  Only `kernel.sweeps.advance` calls it."""
    microseconds = (moment - machine_now()) // timedelta(microseconds=1)
    db.execute(
        "INSERT INTO kernel_clockoffset AS c (id, offset_us) VALUES (1, greatest(%s, 0)) "
        "ON CONFLICT (id) DO UPDATE SET offset_us = greatest(c.offset_us, excluded.offset_us)",
        [microseconds],
    )
    _offset_of_transaction.set(None)


def _offset() -> timedelta:
    """The offset, read once per transaction; installations without a test clock never ask."""
    if not settings.MEADOW.test_clock:
        return timedelta(0)
    epoch = db.transaction_epoch()
    if epoch is None:
        return offset()
    cached = _offset_of_transaction.get()
    if cached is None or cached[0] != epoch:
        cached = (epoch, offset())
        _offset_of_transaction.set(cached)
    return cached[1]
