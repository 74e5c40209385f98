"""How the fast lane speaks to PostgreSQL: one connection a thread with prepared statements, opened anew after a rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import psycopg
from django.conf import settings
from psycopg import pq

from meadow.sharing.queries import LandingRow

REST_SECONDS = 1.0  # after the database did not answer

FIELDS = LandingRow._fields
#: The parts of a landing: the token's own columns, then the faces that many tokens share, each by the id behind it.
TOKEN = FIELDS[: FIELDS.index("creator_public_id")]
FACES = {
    "creator": FIELDS[FIELDS.index("creator_public_id") : FIELDS.index("shop_public_id")],
    "shop": FIELDS[FIELDS.index("shop_public_id") : FIELDS.index("post_public_id")],
    "post": FIELDS[FIELDS.index("post_public_id") : FIELDS.index("product_public_id")],
    "product": FIELDS[FIELDS.index("product_public_id") : FIELDS.index("is_paid")],
    "pays_all": ("is_paid",),
}
_SOURCES = {
    "creator": "accounts_creator_face(w.id)", "shop": "catalog_shop_face(w.id)", "post": "content_post_face(w.id)",
    "product": "catalog_product_face(w.id)", "pays_all": "plans_pays_all(w.id, {moment})",
}  # fmt: skip

_INTEGERS = {"number", "token_id", "target_id", "creator_id", "shop_id", "product_id", "version", "price_minor", "left"}
_TIMES = {"expires_at"}
_TRUTHS = {"is_shop_open", "is_post_readable", "is_on_sale", "is_product_public", "is_paid"}
Reader = Callable[[bytes], Any]
Values = tuple[Any, ...]
Cells = tuple[bytes | None, ...]


def _truth(value: bytes) -> bool:
    return value == b"t"


def _time(value: bytes) -> datetime:
    return datetime.fromisoformat(value.decode())


def _text(value: bytes) -> str:
    return value.decode()


def _reader_of(column: str) -> Reader:
    if column in _INTEGERS:
        return int
    if column in _TIMES:
        return _time
    return _truth if column in _TRUTHS else _text


_WHOLE = tuple(_reader_of(column) for column in FIELDS)
_OF_TOKEN = _WHOLE[: len(TOKEN)]
_OF_FACE = {kind: tuple(_reader_of(column) for column in columns) for kind, columns in FACES.items()}


class Link:
    """One connection; every method raises psycopg.OperationalError where the database does not answer."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._rests_until = 0.0

    def landing(self, number: int, machine: datetime) -> tuple[Values, datetime] | None:
        """A token with all its faces, and the domain's time there; None if there is none."""
        return self._one(b"landing", number, machine, _WHOLE)

    def token(self, number: int, machine: datetime) -> tuple[Values, datetime] | None:
        """A token's own row, a fourth of the work."""
        return self._one(b"token", number, machine, _OF_TOKEN)

    def changes(self, since: int, machine: datetime) -> tuple[list[int], list[int], int, datetime]:
        """What this transaction or a later one changed: numbers of tokens, ids of products (0: all); then from which one to
        ask next, and the time."""
        result = self._ask(b"changes", b"%d" % since, machine)
        value = result.get_value
        numbers, products = ([int(each) for each in (value(0, n) or b"").split(b",") if each] for n in (2, 3))
        return numbers, products, int(value(0, 1) or 0), _time(value(0, 0) or b"")

    def faces(self, kind: str, ids: Sequence[int], machine: datetime) -> Iterator[tuple[int, Cells]]:
        """The faces of one kind as the database spells them, by id: most are what they were, so few need to be read."""
        result = self._ask(kind.encode(), b"{%s}" % b",".join([b"%d" % each for each in ids]), machine)
        value, columns = result.get_value, range(1, len(_OF_FACE[kind]) + 1)
        for n in range(result.ntuples):
            yield int(value(n, 0) or 0), tuple([value(n, column) for column in columns])

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _one(
        self, statement: bytes, number: int, machine: datetime, readers: Sequence[Reader]
    ) -> tuple[Values, datetime] | None:
        result = self._ask(statement, b"%d" % number, machine)
        if not result.ntuples:
            return None
        value = result.get_value
        return _read(result, 0, readers), _time(value(0, 0) or b"")

    def _ask(self, statement: bytes, wanted: bytes, machine: datetime) -> pq.abc.PGresult:
        if time.monotonic() < self._rests_until:
            raise psycopg.OperationalError("the database did not answer a moment ago")
        try:
            if self._connection is None:
                self._connection = connect()
            result = self._connection.pgconn.exec_prepared(statement, [wanted, machine.isoformat().encode()])
            if result.status != pq.ExecStatus.TUPLES_OK:
                raise psycopg.OperationalError(result.error_message.decode(errors="replace")[:300])
        except psycopg.OperationalError:
            self._rests_until = time.monotonic() + REST_SECONDS
            self.close()
            raise
        return result


def face_of(kind: str, cells: Cells) -> Values:
    """What the cells of a face mean."""
    return tuple(None if cell is None else read(cell) for read, cell in zip(_OF_FACE[kind], cells, strict=True))


def _read(result: pq.abc.PGresult, n: int, readers: Sequence[Reader]) -> Values:
    """A row's values behind its first column."""
    value, found = result.get_value, []
    for column, read in enumerate(readers, 1):
        cell = value(n, column)
        found.append(None if cell is None else read(cell))
    return tuple(found)


def _statements(moment: str) -> Iterator[tuple[bytes, str, int]]:
    """(name, text, type of $1) of all that the lane asks; $2 is the moment."""
    one, many = 20, 1016
    yield b"landing", f"SELECT {moment}, l.* FROM sharing_landing($1::bigint, {moment}) l", one
    yield b"token", f"SELECT {moment}, t.* FROM sharing_token_row($1::bigint) t", one
    changes = "c.ask_next, c.numbers, catalog_changed_products($1::bigint) FROM sharing_changed_tokens($1::bigint) c"
    yield b"changes", f"SELECT {moment}, {changes}", one
    for kind, source in _SOURCES.items():
        face = source.format(moment=moment)
        columns, join = (face, "") if kind == "pays_all" else ("f.*", f" CROSS JOIN LATERAL {face} f")
        given = "" if kind == "pays_all" else ", (SELECT $2::timestamptz) m"
        yield kind.encode(), f"SELECT w.id, {columns} FROM unnest($1::bigint[]) AS w(id){join}{given}", many


def connect() -> psycopg.Connection[Any]:
    """A connection of the lane's own, with its statements prepared; it never waits long for anything."""
    database = settings.DATABASES["default"]
    parts: dict[str, Any] = {
        "dbname": database["NAME"], "user": database["USER"], "password": database["PASSWORD"],
        "host": database["HOST"], "port": database["PORT"], "application_name": "meadow-lane", "connect_timeout": "3",
        "options": "-c TimeZone=UTC -c statement_timeout=3000 -c plan_cache_mode=force_generic_plan",
    }  # fmt: skip
    made = psycopg.connect(**{key: value for key, value in parts.items() if value}, autocommit=True)
    moment = "kernel_now($2)" if settings.MEADOW.test_clock else "$2::timestamptz"
    for name, text, kind in _statements(moment):
        result = made.pgconn.prepare(name, text.encode(), [kind, 1184])
        if result.status != pq.ExecStatus.COMMAND_OK:
            made.close()
            raise psycopg.OperationalError(result.error_message.decode(errors="replace")[:300])
    return made
