"""How an event reaches its handlers: written with its cause, drained in batches, at least once, in order per subject.

64 lanes share the events by subject.  Draining locks some lanes, reads their events in a second statement (a new
snapshot, so that nothing another holder has just deleted is seen again), runs the handlers and deletes the events,
all in one transaction.
"""

import dataclasses
import json
import logging
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, TypeVar, cast

from django.db import connection

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.events import CATALOGUE, Event
from meadow.kernel.models import DeadLetter

log = logging.getLogger("meadow.outbox")

LANES = 64
LANES_AT_ONCE = 16
RETRY_AFTER = [timedelta(seconds=s) for s in (1, 2, 5, 15, 60, 300, 1800, 3600)]

E = TypeVar("E", bound=Event)
Handler = Callable[[list[Any]], None]
_handlers: dict[str, list[Handler]] = defaultdict(list)


def emit(*events: Event) -> None:
    """Writes events into the caller's transaction.  Lock the subject's row first where order matters."""
    assert connection.in_atomic_block, "an event is written with its cause, in one transaction"
    if not events:
        return
    kinds = [type(event).__name__ for event in events]
    bodies = [json.dumps(dataclasses.asdict(event)) for event in events]
    db.execute(
        "INSERT INTO kernel_outboxevent (lane, subject, kind, body, occurred_at, emitted_at, tries, error) "
        "SELECT hashtextextended(s, 0) & 63, s, k, b::jsonb, %s, %s, 0, '' "
        "FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS e(s, k, b, n) ORDER BY n",
        [clock.now(), clock.machine_now(), [event.subject for event in events], kinds, bodies],
    )


def handles(kind: type[E]) -> Callable[[Callable[[list[E]], None]], Callable[[list[E]], None]]:
    """Registers a handler of one kind of event.  It gets a batch, must be idempotent, runs in the drain's transaction."""

    def register(handler: Callable[[list[E]], None]) -> Callable[[list[E]], None]:
        if handler not in _handlers[kind.__name__]:
            _handlers[kind.__name__].append(handler)
        return handler

    return register


def drain(*, limit: int = 400) -> int:
    """Runs the handlers of up to `limit` waiting events; returns how many were finished or set aside."""
    with db.atomic():
        lanes = _lock_lanes()
        batch = _waiting(lanes, max(1, limit // max(1, len(lanes)))) if lanes else []
        if not batch:
            return 0
        try:
            with db.atomic():
                _run(batch)
            done = [row["id"] for row in batch]
        except Exception:  # one bad event must not hold up the rest: find it by going one by one
            log.warning("a batch of %s events failed; going one by one", len(batch), exc_info=True)
            done = _one_by_one(batch)
        db.execute("DELETE FROM kernel_outboxevent WHERE id = ANY(%s)", [done])
        return len(batch)


def drain_all(*, most: int = 100_000) -> int:
    """Drains until nothing is left that can run now; returns how many events were finished."""
    total = 0
    while total < most and (step := drain()):
        total += step
    return total


def _lock_lanes() -> list[int]:
    start = random.randrange(LANES)  # noqa: S311 - only spreads workers over the lanes
    found = db.rows(
        "SELECT lane FROM kernel_lane l WHERE EXISTS (SELECT 1 FROM kernel_outboxevent o WHERE o.lane = l.lane "
        "AND (o.retry_at IS NULL OR o.retry_at <= %s)) "
        "ORDER BY (lane + %s) %% 64 LIMIT %s FOR UPDATE SKIP LOCKED",
        [clock.machine_now(), start, LANES_AT_ONCE],
    )
    return [row["lane"] for row in found]


def _waiting(lanes: list[int], per_lane: int) -> list[dict[str, Any]]:
    """Waiting events of the lanes in order, without those behind an earlier event of their subject that is not due."""
    return db.rows(
        "SELECT e.* FROM unnest(%s::smallint[]) AS l(lane) CROSS JOIN LATERAL ("
        " SELECT id, subject, kind, body::text AS body, occurred_at, tries FROM kernel_outboxevent o"
        " WHERE o.lane = l.lane AND NOT EXISTS (SELECT 1 FROM kernel_outboxevent f WHERE f.lane = o.lane"
        "  AND f.subject = o.subject AND f.id <= o.id AND f.retry_at > %s)"
        " ORDER BY o.id LIMIT %s) e ORDER BY e.id",
        [lanes, clock.machine_now(), per_lane],
    )


def _run(batch: list[dict[str, Any]]) -> None:
    """Runs a batch in rounds: round k holds the k-th event of every subject, so kinds batch and order is kept."""
    rounds: list[dict[str, list[Event]]] = []
    position: dict[str, int] = defaultdict(int)
    for row in batch:
        nth = position[row["subject"]]
        position[row["subject"]] += 1
        if nth == len(rounds):
            rounds.append(defaultdict(list))
        rounds[nth][row["kind"]].append(_event(row))
    for kinds in rounds:
        for kind, events in kinds.items():
            for handler in _handlers.get(kind, ()):
                handler(events)


def _one_by_one(batch: list[dict[str, Any]]) -> list[int]:
    done: list[int] = []
    failed_subjects: set[str] = set()
    for row in batch:
        if row["subject"] in failed_subjects:
            continue
        try:
            with db.atomic():
                _run([row])
            done.append(row["id"])
        except Exception as error:  # the job runner is the one place that catches all
            failed_subjects.add(row["subject"])
            if _set_aside(row, error):
                done.append(row["id"])
    return done


def _set_aside(row: dict[str, Any], error: Exception) -> bool:
    """Plans another try of a failed event; after the last one it becomes a dead letter (True)."""
    text = f"{type(error).__name__}: {error}"[:2000]
    log.error("event %s %s failed (try %s): %s", row["kind"], row["id"], row["tries"] + 1, text)
    if row["tries"] >= len(RETRY_AFTER):
        DeadLetter.objects.create(
            subject=row["subject"], kind=row["kind"], body=json.loads(row["body"]),
            occurred_at=row["occurred_at"], died_at=clock.machine_now(), error=text,
        )  # fmt: skip
        return True
    retry_at = clock.machine_now() + RETRY_AFTER[row["tries"]]
    db.execute(
        "UPDATE kernel_outboxevent SET tries = tries + 1, retry_at = %s, error = %s WHERE id = %s",
        [retry_at, text, row["id"]],
    )
    return False


def _event(row: dict[str, Any]) -> Event:
    fields = json.loads(row["body"])
    return CATALOGUE[row["kind"]](**{name: _tuples(value) for name, value in fields.items()})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def dead_letters(limit: int = 100) -> list[DeadLetter]:
    """The newest events that gave up, for the operator."""
    return list(DeadLetter.objects.order_by("-id")[:limit])


def replay(letter_id: int) -> None:
    """Puts a dead letter back into the outbox.  Refuses: not_found."""
    with db.atomic():
        letter = DeadLetter.objects.select_for_update().filter(pk=letter_id).first()
        if letter is None:
            raise Refusal("not_found")
        event = CATALOGUE[letter.kind](**{name: _tuples(value) for name, value in letter.body.items()})
        with clock.at(letter.occurred_at):
            emit(event)
        letter.delete()


def lag() -> dict[str, Any]:
    """How many events wait, how many are failing and how old the oldest is, in seconds."""
    row = db.one(
        "SELECT count(*) AS waiting, count(retry_at) AS failing, "
        "coalesce(extract(epoch FROM %s - min(emitted_at)), 0)::int AS oldest_seconds FROM kernel_outboxevent",
        [clock.machine_now()],
    )
    return cast(dict[str, Any], row) | {"dead": DeadLetter.objects.count()}


def handled_kinds() -> Iterable[str]:
    """The kinds of event that somebody handles."""
    return sorted(_handlers)
