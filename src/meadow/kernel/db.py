"""How contexts touch PostgreSQL beyond the ORM: one atomic block, raw SQL with refusals mapped, state changes."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
from django.db import Error as DjangoDatabaseError
from django.db import connection, models, transaction

from meadow.kernel import statements
from meadow.kernel.errors import Refusal
from meadow.kernel.states import Machine

_depth: ContextVar[int] = ContextVar("atomic_depth", default=0)
# Counts the outermost blocks of this thread, so that what is cached per transaction knows when to forget.
_epoch: ContextVar[int] = ContextVar("atomic_epoch", default=0)


@contextmanager
def atomic() -> Iterator[None]:
    """One transaction (a savepoint when nested).  A Refusal leaves it by rolling back, like any exception."""
    depth = _depth.get()
    if depth == 0:
        _epoch.set(_epoch.get() + 1)
    _depth.set(depth + 1)
    try:
        with transaction.atomic():
            yield
    finally:
        _depth.set(depth)


@contextmanager
def joined() -> Iterator[None]:
    """Part of the caller's transaction where there is one, without a savepoint of its own; else one transaction.

    For verbs within verbs: whoever catches their refusal gives them a savepoint.
    """
    if _depth.get():
        yield
    else:
        with atomic():
            yield


@contextmanager
def one_moment() -> Iterator[None]:
    """All reads of the block see the database as it was at one moment, whatever others write meanwhile.

    Within a transaction that has begun already nothing changes.
    """
    if connection.in_atomic_block:
        yield
        return
    with atomic():
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def transaction_epoch() -> int | None:
    """A number that is the same within one transaction; None outside of any."""
    return _epoch.get() if _depth.get() else None


def rows(sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[dict[str, Any]]:
    """The rows of a statement as dicts.  An MDnnn error of our SQL functions comes back as its Refusal."""
    with cursor(sql, params) as found:
        names = [column.name for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def one(sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> dict[str, Any] | None:
    """The first row of a statement, or None."""
    found = rows(sql, params)
    return found[0] if found else None


def call(sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> Any:
    """The single value that a statement such as SELECT f(...) returns; None if it returns no row."""
    with cursor(sql, params) as found:
        row = found.fetchone()
        return row[0] if row else None


def execute(sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> int:
    """Runs a statement and returns how many rows it touched."""
    with cursor(sql, params) as found:
        return int(found.rowcount)


def copy_in(statement: str, data: bytes) -> None:
    """Loads rows by COPY ... FROM STDIN; their bytes as its format wants them."""
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.write(data)


@contextmanager
def cursor(sql: str, params: Sequence[Any] | dict[str, Any]) -> Iterator[Any]:
    """A statement that was run, to fetch from."""
    with connection.cursor() as opened:
        try:
            opened.execute(sql, params)
        except DjangoDatabaseError as error:
            raise _refusal_of(error) or error from error
        yield opened


def _refusal_of(error: DjangoDatabaseError) -> Refusal | None:
    """The Refusal behind RAISE ... USING ERRCODE='MDnnn', MESSAGE=code, DETAIL=json."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.Error) or not (cause.sqlstate or "").startswith("MD"):
        return None
    detail = cause.diag.message_detail
    return Refusal(cause.diag.message_primary or "stale_state", **(json.loads(detail) if detail else {}))


def move(row: models.Model, machine: Machine, event: str, **extra: Any) -> str:
    """Moves a row's `state` along its machine by compare-and-set, setting extra fields with it; returns the new state.

    Refuses: stale_state, when the table does not allow it or another transaction was first.
    """
    current = row.state  # type: ignore[attr-defined]
    target = machine.next(current, event)
    changes = {"state": target, **extra}
    sql = statements.update(type(row), tuple(changes), in_state=True)
    if execute(sql, [*statements.prepared(type(row), changes), row.pk, current]) != 1:
        raise Refusal("stale_state", state=current, event=event)
    for name, value in changes.items():
        setattr(row, name, value)
    return target


def move_all(rows: Sequence[models.Model], machine: Machine, event: str, **extra: Any) -> None:
    """The same for several rows that stand in one state, with the same extra fields, by one statement.

    Refuses: stale_state, when one of them does not stand there any more.
    """
    if not rows:
        return
    current = rows[0].state  # type: ignore[attr-defined]
    changes = {"state": machine.next(current, event), **extra}
    sql = statements.update(type(rows[0]), tuple(changes), in_state=True, many=True)
    given = [*statements.prepared(type(rows[0]), changes), [row.pk for row in rows], current]
    if execute(sql, given) != len(rows):
        raise Refusal("stale_state", state=current, event=event)
    for row in rows:
        for name, value in changes.items():
            setattr(row, name, value)
