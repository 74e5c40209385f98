"""How clicks and resolves reach their tables: in batches from a buffer of the process, or at once where no writer runs.

While the database is away they wait in memory, then in a file.  A crash may lose counts, never an order's attribution:
the signed click id travels with the visitor and checkout stores it if it is not stored yet.
"""

import atexit
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection
from django.db import Error as DatabaseError

from meadow.kernel import db
from meadow.kernel.db import atomic
from meadow.sharing import rules
from meadow.sharing.rules import ClickFacts
from meadow.sharing.services import packing, spool
from meadow.sharing.services.spool import Taken

log = logging.getLogger("meadow.sharing")

RENEW_EVERY, RENEWED_MOST = timedelta(hours=1), 100_000
# When this process last renewed a token's life, and until when that will do.
_renewed: dict[int, tuple[datetime, datetime]] = {}
# Clicks that may be stored already, since they may have come before; and those that were born here a moment ago.
_waiting: deque[Taken] = deque(maxlen=rules.LIMITS["clicks_in_memory"])
_newborn: deque[Taken] = deque(maxlen=rules.LIMITS["clicks_in_memory"])
# Tokens that were opened, when and by which tag: counted when the writer comes by.
_opened: deque[tuple[datetime, int]] = deque()
# Resolves and clicks per slot and tag, counted here first: no order and no landing waits for a row that all count on.
_counts: dict[tuple[datetime, int], list[int]] = {}
_counting = threading.Lock()
_stop = threading.Event()
_start = threading.Lock()
_writer: threading.Thread | None = None


def take_in(click: ClickFacts, person_id: int | None, *, is_new: bool = False) -> None:
    """Queues a click for the writer; without one it is written now.  The page never waits for the table.

    is_new: its id was drawn for this very call, so it is surely not stored yet and may take the shorter way.
    """
    if _writer is None:
        write_clicks([(click, person_id)])
    else:
        (_newborn if is_new else _waiting).append((click, person_id))


def note_resolve(tag: int, at: datetime) -> None:
    """Counts that somebody opened a token that came by this outlet and form (0: nobody knows which)."""
    _opened.append((at, tag))
    if _writer is None:
        write_counts()


def _count(slot: datetime, tag: int, *, resolves: int = 0, clicks: int = 0) -> None:
    with _counting:
        counted = _counts.setdefault((slot, tag), [0, 0])
        counted[0] += resolves
        counted[1] += clicks
    if _writer is None:
        write_counts()


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
        writer.join(timeout=10)


def flush_clicks() -> int:
    """Writes what waits in this process; returns how many clicks that were."""
    return _empty(_newborn, _write_newborn) + _empty(_waiting, _write_batch)


def _empty(queue: deque[Taken], write: Callable[[list[Taken]], None]) -> int:
    """Writes what waits in a queue now.  What comes meanwhile is left for the next batch: small ones cost too much."""
    written, wanted = 0, len(queue)
    while written < wanted and (batch := _taken(queue, rules.LIMITS["clicks_per_batch"])):
        try:
            write(batch)
        except DatabaseError:
            queue.extendleft(reversed(batch))
            # What was taken back renewed nothing, so it is asked for again with the batch.
            _renewed.clear()
            raise
        written += len(batch)
    return written


def _taken(queue: deque[Taken], most: int) -> list[Taken]:
    batch: list[Taken] = []
    try:
        while len(batch) < most:
            batch.append(queue.popleft())
    except IndexError:
        pass  # others may empty it too
    return batch


def _write_newborn(batch: list[Taken]) -> None:
    """Writes clicks that nobody has stored yet; one that a checkout was quicker with sends them all the longer way."""
    try:
        with atomic():
            _hasten()
            copy_clicks(batch)
    except (DataError, IntegrityError):
        _renewed.clear()
        _write_batch(batch)
        return
    for (slot, tag), clicks in _by_slot((facts.at, facts.origin.tag) for facts, _ in batch).items():
        _count(slot, tag, clicks=clicks)


def copy_clicks(clicks: list[Taken]) -> None:
    """Loads clicks that are not stored yet and renews the life of their tokens; IntegrityError if one is stored."""
    # In the order of write_clicks, or the two could wait for each other.
    clicks = sorted(clicks, key=_order)
    db.copy_in(packing.STATEMENT, packing.packed(clicks))
    _renew([facts for facts, _ in clicks])


def _order(taken: Taken) -> str:
    return taken[0].public_id


def _hasten() -> None:
    """A crash may lose what was taken in in the last moment; waiting for the disk would slow the orders down."""
    db.execute("SELECT set_config('synchronous_commit', 'off', true)")


def _write_batch(batch: list[Taken]) -> None:
    """Writes a batch; if one click of it cannot be stored at all, the others are and it is dropped with a log line."""
    try:
        with atomic():
            _hasten()
            write_clicks(batch)
    except (DataError, IntegrityError):
        _renewed.clear()
        if len(batch) == 1:
            log.exception("a click cannot be stored: %s", batch[0][0].public_id)
            return
        for taken in batch:
            _write_batch([taken])


def write_clicks(clicks: list[Taken]) -> None:
    """Inserts clicks, each once however often it comes, counts the new ones and renews the life of their tokens.

    In one order, so that two that write the same clicks at once wait for each other and not both.
    """
    clicks = sorted(clicks, key=_order)
    facts = [click for click, _ in clicks]
    origins = [click.origin for click in facts]
    fresh = db.rows(
        "WITH fresh AS (INSERT INTO sharing_click (viewed_at, public_id, at, token_id, creator_id, shop_id, product_id, "
        "surface, person_id, carrier, tag) SELECT 'epoch'::timestamptz + v * interval '1 microsecond', n, "
        "'epoch'::timestamptz + a * interval '1 microsecond', t, c, s, p, f, u, k, o "
        "FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], "
        "%s::text[], %s::bigint[], %s::text[], %s::smallint[]) AS w(v, n, a, t, c, s, p, f, u, k, o) "
        "ON CONFLICT DO NOTHING RETURNING at, tag) "
        "SELECT date_bin('10 minutes', at, '2000-01-01+00') AS slot, tag, count(*) AS clicks FROM fresh GROUP BY 1, 2",
        [
            _array([rules.microseconds(f.viewed_at) for f in facts]), _texts([f.public_id for f in facts]),
            _array([rules.microseconds(f.at) for f in facts]), _array([o.token_id for o in origins]),
            _array([o.creator_id for o in origins]), _array([o.shop_id for o in origins]),
            _array([o.product_id for o in origins]), _texts([o.surface for o in origins]),
            _array([person for _, person in clicks]), _texts([f.carrier for f in facts]),
            _array([o.tag for o in origins]),
        ],
    )  # fmt: skip
    for row in fresh:
        _count(row["slot"], row["tag"], clicks=row["clicks"])
    _renew(facts)


def _renew(facts: list[ClickFacts]) -> None:
    """Using a token renews its life."""
    used = _to_renew(facts)
    if used:
        # A day's difference is not worth a write, and a row that another batch holds is being renewed already.
        db.execute(
            "UPDATE sharing_sharetoken t SET expires_at = r.expires_at FROM (SELECT k.id, u.at + k.life_days * interval "
            "'1 day' AS expires_at FROM (SELECT i AS id, 'epoch'::timestamptz + a * interval '1 microsecond' AS at "
            "FROM unnest(%s::bigint[], %s::bigint[]) AS w(i, a)) AS u "
            "JOIN sharing_sharetoken k ON k.id = u.id WHERE k.state = 'active' AND k.expires_at > u.at "
            "AND k.expires_at < u.at + k.life_days * interval '1 day' - interval '1 day' "
            "ORDER BY k.id FOR UPDATE OF k SKIP LOCKED) AS r WHERE t.id = r.id",
            [_array(used), _array(map(rules.microseconds, used.values()))],
        )


def _to_renew(facts: list[ClickFacts]) -> dict[int, datetime]:
    """The tokens whose life these clicks may renew, and when.  A life is told in days, so each is asked for hourly."""
    used: dict[int, datetime] = {}
    for _, origin, _, at, _ in facts:
        token_id = origin.token_id
        if token_id is None:
            continue
        known = _renewed.get(token_id)
        if known is None or not known[0] <= at < known[1]:
            used[token_id] = max(at, used.get(token_id, at))
    if len(_renewed) > RENEWED_MOST:
        _renewed.clear()
    _renewed.update((token_id, (at, at + RENEW_EVERY)) for token_id, at in used.items())
    return used


def _array(values: Iterable[int | None]) -> str:
    """Numbers as PostgreSQL writes an array: far cheaper than to adapt them one by one."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _texts(values: list[str]) -> str:
    """The same of texts; those that need it are escaped."""
    plain = '","'.join(values)
    if "\\" in plain or plain.count('"') > 2 * (len(values) - 1):
        plain = '","'.join([value.replace("\\", "\\\\").replace('"', '\\"') for value in values])
    return f'{{"{plain}"}}' if values else "{}"


def write_counts() -> int:
    """Adds what this process counted to the table; returns how many rows that touched."""
    _count_opened()
    with _counting:
        counted = sorted((slot, tag, counts[0], counts[1]) for (slot, tag), counts in _counts.items())
        _counts.clear()
    if not counted:
        return 0
    try:
        db.execute(
            "INSERT INTO sharing_reach (slot, tag, resolves, clicks) SELECT s, t, r, c "
            "FROM unnest(%s::timestamptz[], %s::smallint[], %s::integer[], %s::integer[]) AS u(s, t, r, c) "
            "ORDER BY s, t ON CONFLICT (slot, tag) DO UPDATE SET resolves = sharing_reach.resolves + excluded.resolves, "
            "clicks = sharing_reach.clicks + excluded.clicks",
            [list(column) for column in zip(*counted, strict=True)],
        )
    except DatabaseError:
        with _counting:
            for slot, tag, resolved, clicked in counted:
                again = _counts.setdefault((slot, tag), [0, 0])
                again[0] += resolved
                again[1] += clicked
        raise
    return len(counted)


def _count_opened() -> None:
    opened: list[tuple[datetime, int]] = []
    try:
        for _ in range(len(_opened)):
            opened.append(_opened.popleft())
    except IndexError:
        pass  # others may count them too
    counted = _by_slot(opened)
    with _counting:
        for key, resolves in counted.items():
            _counts.setdefault(key, [0, 0])[0] += resolves


def _by_slot(seen: Iterable[tuple[datetime, int]]) -> Counter[tuple[datetime, int]]:
    """How many fell into each slot with each tag.  Most fall into the one before them, so few slots are worked out."""
    slots: list[tuple[datetime, int]] = []
    slot = after = rules.SLOT_EPOCH
    for at, tag in seen:
        if not slot <= at < after:
            slot = rules.slot_of(at)
            after = slot + rules.SLOT
        slots.append((slot, tag))
    return Counter(slots)


def _write_on() -> None:
    while True:
        is_last = _stop.wait(rules.CLICK_BATCH_AFTER.total_seconds())
        _write_round()
        if is_last:
            connection.close()
            return


def _write_round() -> None:
    """One round of the writer: what waits here, and what waited in files while the database was away."""
    try:
        flush_clicks()
        write_counts()
        _empty_spool()
    except (OperationalError, InterfaceError) as error:
        log.warning("clicks could not be written; %s wait: %s", len(_waiting), str(error).strip()[:200])
        connection.close()
        # Memory is for a moment; and what waits at the end would be lost.
        if _stop.is_set() or max(len(_waiting), len(_newborn)) > rules.LIMITS["clicks_in_memory"] // 2:
            _put_aside()
    except DatabaseError:
        log.exception("clicks could not be written; %s wait", len(_waiting))
        connection.close()


def _put_aside() -> None:
    aside: list[Taken] = []
    for queue in (_newborn, _waiting):
        aside += _taken(queue, len(queue))
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
