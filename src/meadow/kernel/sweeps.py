"""How timers fire: sweeps over an indexed due time, in global due order, each row once and at the time it was due."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Generic, TypeVar

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
ASK_EVERY = timedelta(minutes=1)
MOST_ADVANCE = timedelta(days=3660)


class DueRows(Generic[M]):
    """Open rows with the field that says when each is due, as two statements that are built once: timers ask often.

    rows must not depend on the time, nor fetch other tables' rows; a row that was acted on must leave them.
    """

    def __init__(self, rows: "models.QuerySet[M]", field: str) -> None:
        self._rows, self.field = rows, field
        self._lock_sql: tuple[str, tuple[Any, ...]] | None = None

    def first_sql(self) -> tuple[str, tuple[Any, ...]]:
        """The statement that tells the earliest due time."""
        some = self._rows.filter(**{f"{self.field}__isnull": False}).order_by(self.field)
        sql, params = some.values_list(self.field)[:1].query.sql_with_params()
        return sql, tuple(params)

    def lock_next(self, until: datetime, aside: list[int]) -> M | None:
        """The earliest row that is due until a moment and that nobody holds, locked; those set aside are left out."""
        if self._lock_sql is None:
            due = self._rows.filter(**{f"{self.field}__lte": _UNTIL}).filter(_is_none_of(_ASIDE))
            row = due.order_by(self.field, "pk").select_for_update(skip_locked=True, of=("self",))
            sql, params = row[:1].query.sql_with_params()
            # Were the moment not found again, every row would be due.
            assert any(each is _UNTIL for each in params)
            assert any(each is _ASIDE for each in params)
            self._lock_sql = sql, tuple(params)
        sql, params = self._lock_sql
        given = [until if each is _UNTIL else aside if each is _ASIDE else each for each in params]
        found = self._rows.model._default_manager.raw(sql, given)
        return next(iter(found), None)


# Stand in a statement that is built once for what changes from run to run.
_UNTIL = datetime(9999, 12, 31, tzinfo=UTC)
_ASIDE: list[int] = []


def _is_none_of(ids: list[int]) -> models.Func:
    given = models.Value(ids, output_field=models.Field())
    is_no = {"template": "(%(expressions)s))", "arg_joiner": " <> ALL("}
    return models.Func(models.F("pk"), given, output_field=models.BooleanField(), **is_no)


#: What tells a sweep's earliest due time: its rows, a statement without parameters that returns one value, or a function.
#: Rows and statements are asked before each turn; a function when its sweep has had one, when a minute of due time has
#: passed, and when nothing else is left: what it tells of must lie further ahead than a minute when it comes up.
NextDue = DueRows[Any] | str | Callable[[], datetime | None]


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """A timer's sweep: next_due tells its earliest due time, run(limit, until) works off what is due.

    is_long: one turn of it may take minutes, so the worker gives it a thread of its own.
    """

    name: str
    next_due: NextDue
    run: Run
    is_long: bool = False


_sweeps: dict[str, Sweep] = {}


def sweep(name: str, *, next_due: NextDue, is_long: bool = False) -> Callable[[Run], Run]:
    """Registers run(limit, until) -> rows done as a sweep."""

    def register(run: Run) -> Run:
        _sweeps[name] = Sweep(name, next_due, run, is_long)
        return run

    return register


def process_due(name: str, due: DueRows[M], act: Callable[[M], Any], *, limit: int, until: datetime) -> int:
    """Works off rows that are due, one transaction each, locked, at their due time; returns how many.

    A row that raises is set aside and tried again later, so it holds up nobody.  Two workers never act on one row.
    """
    aside = _set_aside_of(name)
    for done in range(limit):
        with db.atomic():
            row = due.lock_next(until, aside)
            if row is None:
                return done
            try:
                with db.atomic(), clock.at(getattr(row, due.field)):
                    act(row)
            except Exception as error:  # the job runner is the one place that catches all
                _set_aside(name, row.pk, error)
                aside.append(row.pk)
    return limit


def _set_aside_of(name: str) -> list[int]:
    found = db.rows(
        "SELECT row_id FROM kernel_sweepfailure WHERE sweep = %s AND retry_at > %s", [name, clock.machine_now()]
    )
    return [row["row_id"] for row in found]


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
    answers: dict[str, datetime | None] = {}
    asked_at, is_fresh = until, True
    while done < most:
        due = _earliest(until, stuck, only_long, answers)
        if not is_fresh and (due is None or due[0] - asked_at >= ASK_EVERY):
            answers, is_fresh = {}, True  # a function may know of something earlier by now
            continue
        if due is None:
            break
        moment, first = due
        if is_fresh:
            asked_at, is_fresh = moment, False
        if step is not None:
            step(moment)
        worked = first.run(BATCH, moment)
        if worked == 0:
            # Its first row is locked by another worker or was set aside: those behind it still have their turn.
            worked = first.run(1, until)
        if worked == 0:
            stuck.add(first.name)
        answers.pop(first.name, None)
        done += worked
        with clock.at(moment):
            outbox.drain_all()
    return done


def _earliest(
    until: datetime, stuck: set[str], only_long: bool | None, answers: dict[str, datetime | None]
) -> tuple[datetime, Sweep] | None:
    """The sweep that is due first.  answers: what functions told lately, by sweep; those that are missing are asked."""
    found: tuple[datetime, Sweep] | None = None
    wanted = tuple(each for each in _sweeps.values() if only_long is None or each.is_long is only_long)
    told = _told(wanted)
    for candidate in wanted:
        if candidate.name in stuck:
            continue
        if candidate.name in told:
            due = told[candidate.name]
        else:
            if candidate.name not in answers:
                answers[candidate.name] = _asked(candidate.next_due)
            due = answers[candidate.name]
        if due is not None and due <= until and (found is None or due < found[0]):
            found = (due, candidate)
    return found


def due_of(name: str) -> datetime | None:
    """When a sweep has something to do next; None if nothing waits for it."""
    one = _sweeps[name]
    told = _told((one,))
    return told[name] if told else _asked(one.next_due)


def _asked(next_due: NextDue) -> datetime | None:
    assert callable(next_due), "all others are told by one statement"
    return next_due()


def _told(sweeps: tuple[Sweep, ...]) -> dict[str, datetime | None]:
    """The earliest due times of all sweeps that a statement tells, by one look."""
    sql, params, names = _look_at(sweeps)
    found = db.one(sql, params) if names else {}
    return found or {}


@cache
def _look_at(sweeps: tuple[Sweep, ...]) -> tuple[str, list[Any], list[str]]:
    parts: list[str] = []
    params: list[Any] = []
    names: list[str] = []
    for each in sweeps:
        if isinstance(each.next_due, DueRows):
            sql, given = each.next_due.first_sql()
        elif isinstance(each.next_due, str):
            sql, given = each.next_due.replace("%", "%%"), ()
        else:
            continue
        parts.append(f'({sql}) AS "{each.name}"')
        params += given
        names.append(each.name)
    return "SELECT " + ", ".join(parts), params, names


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
