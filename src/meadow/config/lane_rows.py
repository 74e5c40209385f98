"""What the fast lane knows of tokens: read by a prepared statement over its own connections, remembered while busy."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.conf import settings
from psycopg import pq

from meadow.kernel import clock
from meadow.sharing.queries import LandingRow

log = logging.getLogger("meadow.lane")

#: A process that answers fewer a second asks the database every time.
BUSY_PER_SECOND = 150
#: What is in use is read anew in the background when it is older than this; what is older than the other is not used.
FRESH_SECONDS, PROMISE_SECONDS = 1.2, 2.0
#: In use is what was asked for within this time.  Together a row costs a fortieth of what it costs alone.
USE_SECONDS = 3.0
LOOK_SECONDS = 0.2
REST_SECONDS = 1.0  # after the database did not answer
AT_ONCE = 250

_INTEGERS = {"number", "token_id", "target_id", "creator_id", "shop_id", "product_id", "version", "price_minor", "left"}
_TIMES = {"expires_at"}
_TRUTHS = {"is_shop_open", "is_post_readable", "is_on_sale", "is_product_public", "is_paid"}
_Reader = Callable[[bytes], Any]
Stamps = dict[int, bytes | None]
_machine_now = clock.machine_now


def _truth(value: bytes) -> bool:
    return value == b"t"


def _time(value: bytes) -> datetime:
    return datetime.fromisoformat(value.decode())


def _text(value: bytes) -> str:
    return value.decode()


def _reader_of(column: str) -> _Reader:
    if column in _INTEGERS:
        return int
    if column in _TIMES:
        return _time
    return _truth if column in _TRUTHS else _text


_READERS = tuple(_reader_of(column) for column in LandingRow._fields)


class Kept:
    """A row with its stamp and the part of its JSON that stays the same, when it was read and when last used."""

    __slots__ = ("head", "read_at", "row", "stamp", "used_at")

    def __init__(self, row: LandingRow, stamp: bytes | None, read_at: float) -> None:
        self.row, self.stamp, self.read_at, self.used_at = row, stamp, read_at, read_at
        self.head: bytes | None = None


class Link:
    """One connection with the statement prepared; opened when first needed, and again after a rest if it breaks."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._rests_until = 0.0

    def read(self, number: int, machine: datetime) -> tuple[LandingRow, bytes | None, datetime | None] | None:
        """A row, its stamp and the domain's time there; None if there is none.  Raises psycopg.OperationalError."""
        result = self._ask(b"landing", b"%d" % number, machine)
        if not result.ntuples:
            return None
        cells = [result.get_value(0, column) for column in range(result.nfields)]
        row = LandingRow._make(None if c is None else read(c) for read, c in zip(_READERS, cells[2:], strict=True))
        return row, cells[1], None if cells[0] is None else _time(cells[0])

    def stamps(self, numbers: Sequence[int], machine: datetime) -> tuple[Stamps, datetime | None]:
        """The stamps of many rows, which differ from those kept where a row has changed, and the domain's time."""
        result = self._ask(b"stamps", b"{%s}" % b",".join([b"%d" % number for number in numbers]), machine)
        value = result.get_value
        moment = value(0, 2) if result.ntuples else None
        found = {int(value(n, 0) or 0): value(n, 1) for n in range(result.ntuples)}
        return found, None if moment is None else _time(moment)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, statement: bytes, wanted: bytes, machine: datetime) -> pq.abc.PGresult:
        if time.monotonic() < self._rests_until:
            raise psycopg.OperationalError("the database did not answer a moment ago")
        try:
            if self._connection is None:
                self._connection = _connect()
            result = self._connection.pgconn.exec_prepared(statement, [wanted, machine.isoformat().encode()])
            if result.status != pq.ExecStatus.TUPLES_OK:
                raise psycopg.OperationalError(result.error_message.decode(errors="replace")[:300])
        except psycopg.OperationalError:
            self._rests_until = time.monotonic() + REST_SECONDS
            self.close()
            raise
        return result


class Rows:
    """Tokens by number: from the database, or, while this process is busy, from memory."""

    def __init__(self, most: int = 20_000, seconds: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds = most, seconds
        self._kept: OrderedDict[int, Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._links = threading.local()
        self._wake, self._rest = threading.Event(), threading.Event()
        self._refresher: threading.Thread | None = None
        self._second, self._asked, self._asked_before = 0, 0, 0
        self.clock_offset = timedelta(0)

    def get(self, number: int) -> Kept | None:
        """The token of a number; None if there is none, or nobody can tell just now."""
        kept, now = self._kept.get(number), self._seconds()
        if self._is_busy(now) and kept is not None:
            age = now - kept.read_at
            if age <= PROMISE_SECONDS:
                kept.used_at = now
                if age > FRESH_SECONDS:
                    self._ask_anew()
                return kept
        try:
            return self._read(number, now)
        except psycopg.OperationalError as error:
            log.warning("the lane's database did not answer: %s", str(error).strip()[:200])
            return None

    def refresh(self) -> int:
        """Reads anew what is in use and getting old, many together; returns how many."""
        now = self._seconds()
        with self._lock:
            numbers = [
                number for number, kept in self._kept.items()
                if now - kept.read_at > FRESH_SECONDS and now - kept.used_at <= USE_SECONDS
            ]  # fmt: skip
        for start in range(0, len(numbers), AT_ONCE):
            self._compare(numbers[start : start + AT_ONCE])
        return len(numbers)

    def _is_busy(self, seconds: float) -> bool:
        """Counts this request; whether the second before this one was a busy one."""
        now = int(seconds)
        if now != self._second:
            self._asked_before = self._asked if now == self._second + 1 else 0
            self._second, self._asked = now, 0
        self._asked += 1
        return max(self._asked_before, self._asked) >= BUSY_PER_SECOND

    def _read(self, number: int, now: float) -> Kept | None:
        machine = _machine_now()
        answer = self._link().read(number, machine)
        with self._lock:
            if answer is None:
                self._kept.pop(number, None)
                return None
            row, stamp, moment = answer
            if moment is not None:
                self.clock_offset = moment - machine
            kept = self._kept.get(number)
            if kept is not None and stamp is not None and kept.stamp == stamp:
                kept.read_at = kept.used_at = now
            else:
                kept = self._kept[number] = Kept(row, stamp, now)
            self._kept.move_to_end(number)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return kept

    def _compare(self, numbers: list[int]) -> None:
        """What has not changed is good for another while; what has is read when it is asked for next."""
        read_at, machine = self._seconds(), _machine_now()
        stamps, moment = self._link().stamps(numbers, machine)
        with self._lock:
            if moment is not None:
                self.clock_offset = moment - machine
            for number in numbers:
                kept, stamp = self._kept.get(number), stamps.get(number)
                if kept is None:
                    continue
                if stamp is not None and kept.stamp == stamp:
                    kept.read_at = read_at
                else:
                    del self._kept[number]

    def _link(self) -> Link:
        link: Link | None = getattr(self._links, "link", None)
        if link is None:
            link = self._links.link = Link()
        return link

    def _ask_anew(self) -> None:
        if self._refresher is None:
            with self._lock:
                if self._refresher is None:
                    self._refresher = threading.Thread(target=self._refresh_on, name="lane-refresher", daemon=True)
                    self._refresher.start()
        if not self._wake.is_set():
            self._wake.set()

    def _refresh_on(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            try:
                self.refresh()
            except psycopg.OperationalError:
                log.warning("the lane could not read anew; what is old will not be used")
            self._rest.wait(LOOK_SECONDS)  # so that many are read together


def _connect() -> psycopg.Connection[Any]:
    """A connection of the lane's own, with the statement prepared; it never waits long for anything."""
    database = settings.DATABASES["default"]
    parts: dict[str, Any] = {
        "dbname": database["NAME"], "user": database["USER"], "password": database["PASSWORD"],
        "host": database["HOST"], "port": database["PORT"], "application_name": "meadow-lane", "connect_timeout": "3",
        "options": "-c TimeZone=UTC -c statement_timeout=3000 -c plan_cache_mode=force_generic_plan",
    }  # fmt: skip
    made = psycopg.connect(**{key: value for key, value in parts.items() if value}, autocommit=True)
    moment = "kernel_now($2)" if settings.MEADOW.test_clock else "$2::timestamptz"
    stamp = "hashtextextended(l::text, 0)"
    for name, columns, source, kind in (
        (b"landing", f"{moment}, {stamp}, l.*", "sharing_landing($1::bigint", 20),
        (b"stamps", f"l.number, {stamp}, {moment}", "sharing_landings($1::bigint[]", 1016),
    ):
        text = f"SELECT {columns} FROM {source}, {moment}) l"
        result = made.pgconn.prepare(name, text.encode(), [kind, 1184])
        if result.status != pq.ExecStatus.COMMAND_OK:
            made.close()
            raise psycopg.OperationalError(result.error_message.decode(errors="replace")[:300])
    return made
