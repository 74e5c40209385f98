"""What a rule, or the whole running set, would have done to the events of the last days."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from meadow.governance.language import Fault, check
from meadow.governance.queries.detectors import current_ruleset, with_candidate
from meadow.governance.rules.backtests import Row, Tally, grades_reached, tally
from meadow.governance.rules.detectors import Ruleset, Running
from meadow.governance.rules.faults import fault_zh
from meadow.governance.rules.features import EVENT_TYPES
from meadow.governance.rules.surfaces import PRIVATE, TextSurface
from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal

MOST_DAYS = 400
BATCH = 10_000
_CANDIDATE = 0  # no detector has this key


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another rule that is true for some of the same events."""

    detector_id: str
    version: int
    state: str
    hits: int
    both: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """The report of a dry run.

    missing: events that lack a feature the rule asks for, of which `unknown` stayed undecided by that.
    people: accounts hit; limited: how many of them would reach each grade of the ladder by these hits alone.
    """

    event_type: str
    condition: str
    since: datetime
    until: datetime
    events: int
    hits: int
    missing: int
    missing_by: dict[str, int]
    unknown: int
    by_day: dict[str, int]
    people: int
    limited: dict[int, int]
    overlap: list[Overlap]
    sample: list[dict[str, Any]]


def backtest(
    *, event_type: str, condition: str, days: int, action: str = "review", violation: str = "", severity: str = ""
) -> Backtest:
    """Tries a condition on the events of the last days beside all running rules, by the function that judges live.

    Refuses: malformed, detector_faulty.
    """
    if event_type not in EVENT_TYPES:
        raise Refusal("malformed", field="event_type", why=f"use one of {', '.join(EVENT_TYPES)}")
    if not 1 <= days <= MOST_DAYS:
        raise Refusal("malformed", field="days", why=f"1 to {MOST_DAYS}")
    try:
        check(condition, EVENT_TYPES[event_type].kinds)
    except Fault as fault:
        zh = fault_zh(fault.code, fault.met)
        raise Refusal("detector_faulty", column=fault.column, why=fault.met, why_zh=zh) from None
    until = clock.now()
    since = until - timedelta(days=days)
    candidate = Running(
        _CANDIDATE, "candidate", 1, condition, "", action, "rule", "shadow", violation=violation, severity=severity
    )
    ruleset = with_candidate(current_ruleset(event_type), candidate)
    about = len(ruleset.detectors) - 1
    found = tally(ruleset, logged(event_type, since, until, words=_asks_for_words(ruleset)), about)
    return Backtest(
        event_type, condition, since, until, found.events, found.hits[about], found.missing,
        dict(sorted(found.missing_by.items())), found.unknown, _days(found), len(found.people),
        grades_reached(found, candidate), _overlap(ruleset, found), _sample(found),
    )  # fmt: skip


def backtest_all(*, event_type: str, since: datetime, until: datetime, ruleset: Ruleset | None = None) -> Tally:
    """What every running rule would have done between two moments; parts of a time can be added up."""
    chosen = ruleset or current_ruleset(event_type)
    return tally(chosen, logged(event_type, since, until, words=_asks_for_words(chosen)))


def _asks_for_words(ruleset: Ruleset) -> bool:
    """Whether a rule asks for what is stored apart; most sets do not, and are spared the join."""
    return bool(EVENT_TYPES[ruleset.event_type].apart & set(ruleset.program.features))


def logged(event_type: str, since: datetime, until: datetime, *, words: bool) -> Iterator[Row]:
    """The log of an event type in order of time, as the tally takes it; read in batches and never whole.

    A batch comes as one JSON text, which is read many times faster than as many rows.
    """
    after, last_id = since, 0
    apart = "coalesce(nullif(t.features, ''), 'null')" if words else "'null'"
    join = "LEFT JOIN governance_occurrencetext t ON t.occurrence_id = o.id " if words else ""
    while True:
        row = db.one(
            "SELECT '[' || string_agg(line, ',') || ']' AS body, max(at) AS last FROM ("
            " SELECT o.at, '[' || o.id || ',' || (extract(epoch FROM o.at) * 1000000)::bigint || ',\"' ||"
            f"  o.actor_kind || '\",' || o.actor_id || ',' || o.features || ',' || {apart} || ']' AS line"
            f" FROM governance_occurrence o {join}"
            " WHERE o.event_type = %(kind)s AND o.at >= %(after)s AND o.at < %(until)s"
            "  AND (o.at, o.id) > (%(after)s, %(last)s) ORDER BY o.at, o.id LIMIT %(most)s"
            ") AS batch",
            {"kind": event_type, "after": after, "until": until, "last": last_id, "most": BATCH},
        )
        if row is None or row["body"] is None:
            return
        batch: list[Row] = json.loads(row["body"])
        yield from batch
        if len(batch) < BATCH:
            return
        # Where many events share the last moment of a batch, the next one goes on behind the last of them.
        moment = max(line[1] for line in batch)
        after, last_id = row["last"], max(line[0] for line in batch if line[1] == moment)


def _days(found: Tally) -> dict[str, int]:
    return {
        datetime.fromtimestamp(day * 86_400, UTC).date().isoformat(): hits for day, hits in sorted(found.by_day.items())
    }


def _overlap(ruleset: Ruleset, found: Tally) -> list[Overlap]:
    """The other rules that are true for the same events, the closest first."""
    others = [
        Overlap(d.detector_id, d.version, d.state, found.hits[position], found.both[position])
        for position, d in enumerate(ruleset.detectors)
        if found.both[position]
    ]
    return sorted(others, key=lambda other: (-other.both, other.detector_id))


def _sample(found: Tally) -> list[dict[str, Any]]:
    """Twenty of the events it hit; what stands between two people is shown without its words."""
    rows = db.rows(
        "SELECT o.id, o.at, o.subject_kind, o.subject_id, o.actor_kind, o.actor_id, o.features, o.outcome, "
        "left(coalesce(t.text, ''), 300) AS text FROM governance_occurrence o "
        "LEFT JOIN governance_occurrencetext t ON t.occurrence_id = o.id WHERE o.id = ANY(%s) ORDER BY o.id",
        [[event_id for _, event_id in found.sample]],
    )
    for row in rows:
        row["features"] = json.loads(row["features"])
        if row["features"].get("surface", TextSurface.CHAT.value) in PRIVATE:
            row["text"] = ""
    return rows
