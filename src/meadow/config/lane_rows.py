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
#: Older than this is read anew in the background, older than the other is not used.
FRESH_SECONDS, PROMISE_SECONDS = 0.8, 2.0
REST_SECONDS = 1.0  # after the database did not answer
AT_ONCE = 500

_INTEGERS = {"number", "token_id", "target_id", "creator_id", "shop_id", "product_id", "version", "price_minor", "left"}
_TIMES = {"expires_at"}
_TRUTHS = {"is_shop_open", "is_post_readable", "is_on_sale", "is_product_public", "is_paid"}
_Reader = Callable[[bytes], Any]
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
    """A row with the part of its JSON that stays the same, and when it was read."""

    __slots__ = ("head", "read_at", "row")

    def __init__(self, row: LandingRow, read_at: float, head: bytes | None = None) -> None:
        self.row, self.read_at, self.head = row, read_at, head


class Link:
    """One connection with the statement prepared; opened when first needed, and again after a rest if it breaks."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._rests_until = 0.0

    def read(self, numbers: Sequence[int], machine: datetime) -> tuple[list[LandingRow], datetime | None]:
        """The rows of these numbers and the domain's time there.  Raises psycopg.OperationalError."""
        if time.monotonic() < self._rests_until:
            raise psycopg.OperationalError("the database did not answer a moment ago")
        try:
            return self._read(numbers, machine)
        except psycopg.OperationalError:
            self._rests_until = time.monotonic() + REST_SECONDS
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self, numbers: Sequence[int], machine: datetime) -> tuple[list[LandingRow], datetime | None]:
        if self._connection is None:
            self._connection = _connect()
        moment_text = machine.isoformat().encode()
        if len(numbers) == 1:
            name, wanted = b"landing", b"%d" % numbers[0]
        else:
            name, wanted = b"landings", b"{%s}" % ",".join(map(str, numbers)).encode()
        result = self._connection.pgconn.exec_prepared(name, [wanted, moment_text])
        if result.status != pq.ExecStatus.TUPLES_OK:
            raise psycopg.OperationalError(result.error_message.decode(errors="replace")[:300])
        value = result.get_value
        rows = []
        moment: datetime | None = None
        for n in range(result.ntuples):
            cells = [value(n, column) for column in range(result.nfields)]
            moment = _time(cells[0]) if cells[0] is not None else None
            rows.append(
                LandingRow._make(None if c is None else read(c) for read, c in zip(_READERS, cells[1:], strict=True))
            )
        return rows, moment


class Rows:
    """Tokens by number: from the database, or, while this process is busy, from memory."""

    def __init__(self, most: int = 20_000, seconds: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds = most, seconds
        self._kept: OrderedDict[int, Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._links = threading.local()
        self._stale: set[int] = set()
        self._wake = threading.Event()
        self._refresher: threading.Thread | None = None
        self._second, self._asked, self._asked_before = 0, 0, 0
        self.clock_offset = timedelta(0)

    def get(self, number: int) -> Kept | None:
        """The token of a number; None if there is none, or nobody can tell just now."""
        kept = self._kept.get(number)
        if self._is_busy() and kept is not None:
            age = self._seconds() - kept.read_at
            if age <= PROMISE_SECONDS:
                if age > FRESH_SECONDS:
                    self._ask_anew(number)
                return kept
        try:
            found = self._read_all([number], self._link())
        except psycopg.OperationalError as error:
            log.warning("the lane's database did not answer: %s", str(error).strip()[:200])
            return None
        return found.get(number)

    def refresh(self) -> int:
        """Reads anew what was used while it was getting old; returns how many."""
        with self._lock:
            numbers = [self._stale.pop() for _ in range(min(AT_ONCE, len(self._stale)))]
        if not numbers:
            return 0
        found = self._read_all(numbers, self._link())
        with self._lock:
            for number in numbers:
                if number not in found:
                    self._kept.pop(number, None)
        return len(numbers)

    def _is_busy(self) -> bool:
        """Counts this request; whether the second before this one was a busy one."""
        now = int(self._seconds())
        if now != self._second:
            self._asked_before = self._asked if now == self._second + 1 else 0
            self._second, self._asked = now, 0
        self._asked += 1
        return max(self._asked_before, self._asked) >= BUSY_PER_SECOND

    def _read_all(self, numbers: list[int], link: Link) -> dict[int, Kept]:
        machine, read_at = _machine_now(), self._seconds()
        rows, moment = link.read(numbers, machine)
        if moment is not None:
            self.clock_offset = moment - machine
        found = {}
        with self._lock:
            for row in rows:
                before = self._kept.get(row.number)
                same = before is not None and before.row == row
                found[row.number] = Kept(row, read_at, before.head if before is not None and same else None)
                self._kept[row.number] = found[row.number]
                self._kept.move_to_end(row.number)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found

    def _link(self) -> Link:
        link: Link | None = getattr(self._links, "link", None)
        if link is None:
            link = self._links.link = Link()
        return link

    def _ask_anew(self, number: int) -> None:
        self._stale.add(number)
        if self._refresher is None:
            with self._lock:
                if self._refresher is None:
                    self._refresher = threading.Thread(target=self._refresh_on, name="lane-refresher", daemon=True)
                    self._refresher.start()
        self._wake.set()

    def _refresh_on(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            try:
                while self.refresh():
                    pass
            except psycopg.OperationalError:
                log.warning("the lane could not read anew; what is old will not be used")
            # A breath, so that many are read together.
            self._wake.wait(0.1)


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
    for name, source, kind in (
        (b"landing", "sharing_landing($1::bigint", 20),
        (b"landings", "sharing_landings($1::bigint[]", 1016),
    ):
        text = f"SELECT {moment}, l.* FROM {source}, {moment}) l"
        result = made.pgconn.prepare(name, text.encode(), [kind, 1184])
        if result.status != pq.ExecStatus.COMMAND_OK:
            made.close()
            raise psycopg.OperationalError(result.error_message.decode(errors="replace")[:300])
    return made
