"""How clicks and resolves reach their tables: in batches from a buffer of the process, or at once where no writer runs.

While the database is away they wait in memory, then in a file.  A crash may lose counts, never an order's attribution:
the signed click id travels with the visitor and checkout stores it if it is not stored yet.
"""

import atexit
import logging
import threading
from collections import deque
from datetime import datetime

from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection
from django.db import Error as DatabaseError

from meadow.kernel import db
from meadow.kernel.db import atomic
from meadow.sharing import rules
from meadow.sharing.rules import ClickFacts
from meadow.sharing.services import spool
from meadow.sharing.services.spool import Taken

log = logging.getLogger("meadow.sharing")

_waiting: deque[Taken] = deque(maxlen=rules.LIMITS["clicks_in_memory"])
_resolves: dict[tuple[datetime, int], int] = {}
_counting = threading.Lock()
_full = threading.Event()
_stop = threading.Event()
_start = threading.Lock()
_writer: threading.Thread | None = None


def take_in(click: ClickFacts, person_id: int | None) -> None:
    """Queues a click for the writer; without one it is written now.  The page never waits for the table."""
    if _writer is None:
        write_clicks([(click, person_id)])
        return
    _waiting.append((click, person_id))
    if len(_waiting) >= rules.LIMITS["clicks_per_batch"]:
        _full.set()


def note_resolve(tag: int, at: datetime) -> None:
    """Counts that somebody opened a token that came by this outlet and form (0: nobody knows which)."""
    slot = at - (at - rules.SLOT_EPOCH) % rules.SLOT
    with _counting:
        _resolves[slot, tag] = _resolves.get((slot, tag), 0) + 1
    if _writer is None:
        write_resolves()


def start_click_writer() -> None:
    """Starts this process's writer; a server calls it once.  At exit the rest is written."""
    global _writer
    with _start:
        if _writer is None:
            _stop.clear()
            _writer = threading.Thread(target=_write_on, name="click-writer", daemon=True)
            _writer.start()
            atexit.register(stop_click_writer)


def stop_click_writer() -> None:
    """Stops the writer after it has written what waits."""
    global _writer
    with _start:
        writer, _writer = _writer, None
    if writer is not None:
        _stop.set()
        _full.set()
        writer.join(timeout=10)


def flush_clicks() -> int:
    """Writes what waits in this process; returns how many clicks that were."""
    written = 0
    while _waiting:
        batch: list[Taken] = []
        while _waiting and len(batch) < rules.LIMITS["clicks_per_batch"]:
            batch.append(_waiting.popleft())
        try:
            _write_batch(batch)
        except DatabaseError:
            _waiting.extendleft(reversed(batch))
            raise
        written += len(batch)
    return written


def _write_batch(batch: list[Taken]) -> None:
    """Writes a batch; if one click of it cannot be stored at all, the others are and it is dropped with a log line."""
    try:
        with atomic():
            # A crash may lose what was counted in the last moment; waiting for the disk would slow the orders down.
            db.execute("SELECT set_config('synchronous_commit', 'off', true)")
            write_clicks(batch)
    except (DataError, IntegrityError):
        if len(batch) == 1:
            log.exception("a click cannot be stored: %s", batch[0][0].public_id)
            return
        for taken in batch:
            _write_batch([taken])


def write_clicks(clicks: list[Taken]) -> None:
    """Inserts clicks, each once however often it comes, counts the new ones and renews the life of their tokens."""
    facts = [click for click, _ in clicks]
    db.execute(
        "WITH fresh AS (INSERT INTO sharing_click (viewed_at, public_id, at, token_id, creator_id, shop_id, product_id, "
        "surface, person_id, carrier, tag) SELECT * FROM unnest(%s::timestamptz[], %s::text[], %s::timestamptz[], "
        "%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::smallint[]) "
        "ON CONFLICT DO NOTHING RETURNING at, tag) "
        "INSERT INTO sharing_reach (slot, tag, resolves, clicks) "
        "SELECT date_bin('10 minutes', at, '2000-01-01+00'), tag, 0, count(*) FROM fresh GROUP BY 1, 2 ORDER BY 1, 2 "
        "ON CONFLICT (slot, tag) DO UPDATE SET clicks = sharing_reach.clicks + excluded.clicks",
        [
            [f.viewed_at for f in facts], [f.public_id for f in facts], [f.at for f in facts],
            [f.origin.token_id for f in facts], [f.origin.creator_id for f in facts],
            [f.origin.shop_id for f in facts], [f.origin.product_id for f in facts],
            [f.origin.surface for f in facts], [person for _, person in clicks], [f.carrier for f in facts],
            [f.origin.tag for f in facts],
        ],
    )  # fmt: skip
    used = {f.origin.token_id: f.at for f in sorted(facts, key=lambda f: f.at) if f.origin.token_id is not None}
    if used:
        # A day's difference is not worth a write, and a row that another batch holds is being renewed already.
        db.execute(
            "UPDATE sharing_sharetoken t SET expires_at = r.expires_at FROM (SELECT k.id, u.at + k.life_days * interval "
            "'1 day' AS expires_at FROM unnest(%s::bigint[], %s::timestamptz[]) AS u(id, at) "
            "JOIN sharing_sharetoken k ON k.id = u.id WHERE k.state = 'active' AND k.expires_at > u.at "
            "AND k.expires_at < u.at + k.life_days * interval '1 day' - interval '1 day' "
            "ORDER BY k.id FOR UPDATE OF k SKIP LOCKED) AS r WHERE t.id = r.id",
            [list(used), list(used.values())],
        )


def write_resolves() -> int:
    """Adds this process's count of resolves to the table; returns how many there were."""
    with _counting:
        counted = dict(_resolves)
        _resolves.clear()
    if not counted:
        return 0
    try:
        db.execute(
            "INSERT INTO sharing_reach (slot, tag, resolves, clicks) SELECT s, t, n, 0 "
            "FROM unnest(%s::timestamptz[], %s::smallint[], %s::integer[]) AS u(s, t, n) ORDER BY s, t "
            "ON CONFLICT (slot, tag) DO UPDATE SET resolves = sharing_reach.resolves + excluded.resolves",
            [[slot for slot, _ in counted], [tag for _, tag in counted], list(counted.values())],
        )
    except DatabaseError:
        with _counting:
            for key, times in counted.items():
                _resolves[key] = _resolves.get(key, 0) + times
        raise
    return sum(counted.values())


def _write_on() -> None:
    while True:
        _full.wait(rules.CLICK_BATCH_AFTER.total_seconds())
        _full.clear()
        _write_round()
        if _stop.is_set():
            connection.close()
            return


def _write_round() -> None:
    """One round of the writer: what waits here, and what waited in files while the database was away."""
    try:
        flush_clicks()
        write_resolves()
        _empty_spool()
    except (OperationalError, InterfaceError) as error:
        log.warning("clicks could not be written; %s wait: %s", len(_waiting), str(error).strip()[:200])
        connection.close()
        # Memory is for a moment; and what waits at the end would be lost.
        if _stop.is_set() or len(_waiting) > rules.LIMITS["clicks_in_memory"] // 2:
            _put_aside()
    except DatabaseError:
        log.exception("clicks could not be written; %s wait", len(_waiting))
        connection.close()


def _put_aside() -> None:
    aside: list[Taken] = []
    while _waiting:
        aside.append(_waiting.popleft())
    kept = spool.put_aside(aside)
    log.warning("%s clicks wait in %s", kept, spool.folder())


def _empty_spool() -> None:
    if spool.is_empty():
        return
    size = rules.LIMITS["clicks_per_batch"]
    with spool.taken_back() as clicks:
        for start in range(0, len(clicks), size):
            _write_batch(clicks[start : start + size])
    if clicks:
        log.info("%s clicks that had waited in files were written", len(clicks))
