"""How timers fire: sweeps over an indexed due time, in global due order, each row once and at the time it was due."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import models

from meadow.kernel import clock, db, outbox
from meadow.kernel.errors import Refusal
from meadow.kernel.models import SweepFailure

log = logging.getLogger("meadow.sweeps")

Run = Callable[[int, datetime], int]
M = TypeVar("M", bound=models.Model)
BATCH = 100
RETRY_AFTER = timedelta(seconds=30)
MOST_ADVANCE = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A timer's sweep: next_due() tells its earliest due time, run(limit, until) works off what is due.

    is_long: one turn of it may take minutes, so the worker gives it a thread of its own.
    """

    name: str
    next_due: Callable[[], datetime | None]
    run: Run
    is_long: bool = False


_sweeps: dict[str, Sweep] = {}


def sweep(name: str, *, next_due: Callable[[], datetime | None], is_long: bool = False) -> Callable[[Run], Run]:
    """Registers run(limit, until) -> rows done as a sweep."""

    def register(run: Run) -> Run:
        _sweeps[name] = Sweep(name, next_due, run, is_long)
        return run

    return register


def process_due(
    name: str,
    due_rows: "models.QuerySet[M]",
    due_field: str,
    act: Callable[[M], Any],
    *,
    limit: int,
    until: datetime,
) -> int:
    """Works off rows whose due_field has passed, one transaction each, locked, at their due time; returns how many.

    due_rows is the open set (an acted-on row must leave it).  A row that raises is set aside and tried again later,
    so it holds up nobody.  Two workers never act on one row.
    """
    done = 0
    for _ in range(limit):
        aside = list(
            SweepFailure.objects.filter(sweep=name, retry_at__gt=clock.machine_now()).values_list("row_id", flat=True)
        )
        with db.atomic():
            row = (
                due_rows.filter(**{f"{due_field}__lte": until})
                .exclude(pk__in=aside)
                .order_by(due_field, "pk")
                .select_for_update(skip_locked=True, of=("self",))
                .first()
            )
            if row is None:
                return done
            try:
                with db.atomic(), clock.at(getattr(row, due_field)):
                    act(row)
            except Exception as error:  # the job runner is the one place that catches all
                _set_aside(name, row.pk, error)
        done += 1
    return done


def _set_aside(name: str, row_id: int, error: Exception) -> None:
    text = f"{type(error).__name__}: {error}"[:2000]
    log.error("sweep %s failed on row %s: %s", name, row_id, text, exc_info=True)
    failure, fresh = SweepFailure.objects.get_or_create(
        sweep=name, row_id=row_id, defaults={"retry_at": clock.machine_now() + RETRY_AFTER, "error": text}
    )
    if not fresh:
        wait = RETRY_AFTER * 2 ** min(failure.tries, 7)
        SweepFailure.objects.filter(pk=failure.pk).update(
            tries=failure.tries + 1, retry_at=clock.machine_now() + wait, error=text
        )


def run_due(
    until: datetime,
    *,
    most: int = 100_000,
    step: Callable[[datetime], None] | None = None,
    only_long: bool | None = None,
) -> int:
    """Runs every sweep that is due until a moment, in global due order, draining the outbox in between.

    `step` is told each due time before it is worked on.  only_long: the long ones, or all but them.  Returns how many
    rows were done.
    """
    done, stuck = 0, set[str]()
    while done < most:
        due = _earliest(until, stuck, only_long)
        if due is None:
            break
        moment, first = due
        if step is not None:
            step(moment)
        worked = first.run(BATCH, moment)
        if worked == 0:
            # Its first row is locked by another worker or was set aside: those behind it still have their turn.
            worked = first.run(1, until)
        if worked == 0:
            stuck.add(first.name)
        done += worked
        with clock.at(moment):
            outbox.drain_all()
    return done


def _earliest(until: datetime, stuck: set[str], only_long: bool | None) -> tuple[datetime, Sweep] | None:
    found: tuple[datetime, Sweep] | None = None
    for candidate in _sweeps.values():
        if candidate.name in stuck or (only_long is not None and candidate.is_long is not only_long):
            continue
        due = candidate.next_due()
        if due is not None and due <= until and (found is None or due < found[0]):
            found = (due, candidate)
    return found


@contextmanager
def working() -> Iterator[bool]:
    """A worker's right to sweep and drain: True unless the clock is being advanced at this moment."""
    may = bool(db.call("SELECT pg_try_advisory_lock_shared(%s)", [clock.LOCK]))
    try:
        yield may
    finally:
        if may:
            db.execute("SELECT pg_advisory_unlock_shared(%s)", [clock.LOCK])


def advance(to: datetime) -> int:
    """Moves domain time forwards and does all that falls due on the way, each at its due time; returns rows done.

    Refuses: clock_fixed, malformed.
    """
    if not settings.MEADOW.test_clock:
        raise Refusal("clock_fixed")
    if to < clock.now() or to - clock.now() > MOST_ADVANCE:
        raise Refusal("malformed", field="to", why="the clock moves forwards only, by ten years at most")
    db.execute("SELECT pg_advisory_lock(%s)", [clock.LOCK])
    try:
        outbox.drain_all()
        done = run_due(to, step=clock.set_to)
        clock.set_to(to)
        outbox.drain_all()
        return done
    finally:
        db.execute("SELECT pg_advisory_unlock(%s)", [clock.LOCK])
