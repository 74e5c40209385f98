"""What rules would have done to past events: a tally that can be taken in parts and added up.

The rows are those of the log, [id, microseconds, actor kind, actor id, features, features kept apart or None]; the
function that judges them is the compiled one that judges live.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from meadow.governance.language import compile_rules
from meadow.governance.rules import points
from meadow.governance.rules.detectors import SAMPLE, Ruleset, Running
from meadow.governance.rules.features import EVENT_TYPES
from meadow.governance.rules.points import Entry

Row = list[Any]
_DAY_US = 86_400_000_000
_EMPTY: frozenset[str] = frozenset()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Tally:
    """Counts over some events: hits of each rule by its position, and all that is asked about one of them."""

    events: int = 0
    hits: Counter[int] = field(default_factory=Counter)
    both: Counter[int] = field(default_factory=Counter)
    missing: int = 0
    missing_by: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    by_day: Counter[int] = field(default_factory=Counter)
    people: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    # (rank, event id): the lowest ranks of all parts are an even sample, the same however the parts were cut.
    sample: list[tuple[int, int]] = field(default_factory=list)

    def add(self, other: "Tally") -> "Tally":
        self.events += other.events
        self.missing += other.missing
        self.unknown += other.unknown
        for mine, others in (
            (self.hits, other.hits), (self.both, other.both), (self.by_day, other.by_day),
        ):  # fmt: skip
            mine.update(others)
        self.missing_by.update(other.missing_by)
        for party, moments in other.people.items():
            self.people[party] = sorted(self.people.get(party, []) + moments)
        self.sample = sorted(self.sample + other.sample)[:SAMPLE]
        return self


def tally(ruleset: Ruleset, rows: Iterable[Row], about: int | None = None) -> Tally:
    """Judges rows by a ruleset; `about` is the position of the rule that is asked about in detail, if any."""
    found = Tally()
    program = ruleset.program
    fire = program.fire
    kinds = EVENT_TYPES[ruleset.event_type].kinds
    sets = [name for name in program.features if kinds[name].value == "texts"]
    detail = None if about is None else _Detail(ruleset, about, found)
    hits = found.hits
    events = 0
    for row in rows:
        events += 1
        event = row[4]
        if row[5]:
            event.update(row[5])
        for name in sets:
            members = event.get(name)
            if members is not None:
                event[name] = frozenset(members) if members else _EMPTY
        fired = fire(event)
        for position in fired:
            hits[position] += 1
        if detail is not None:
            detail.look(row, fired)
    found.events = events
    found.sample = sorted(found.sample)[:SAMPLE]
    return found


class _Detail:
    """What is counted about one rule beyond its hits."""

    def __init__(self, ruleset: Ruleset, about: int, found: Tally) -> None:
        self.about, self.found = about, found
        condition = ruleset.checked[about]
        self.asked = sorted(condition.features)
        self.alone = compile_rules([condition], EVENT_TYPES[ruleset.event_type].kinds)

    def look(self, row: Row, fired: list[int]) -> None:
        found, event = self.found, row[4]
        lacking = [name for name in self.asked if name not in event]
        if lacking:
            found.missing += 1
            found.missing_by.update(lacking)
            if self.alone.truths(self.alone.row(event))[0] is None:
                found.unknown += 1
        if self.about not in fired:
            return
        for position in fired:
            if position != self.about:
                found.both[position] += 1
        found.by_day[row[1] // _DAY_US] += 1
        if row[3]:
            found.people.setdefault((row[2], row[3]), []).append(row[1])
        found.sample.append((row[0] * 0x9E3779B97F4A7C15 & (1 << 64) - 1, row[0]))
        if len(found.sample) > 50 * SAMPLE:
            found.sample = sorted(found.sample)[:SAMPLE]


def grades_reached(tally: Tally, candidate: Running) -> dict[int, int]:
    """How many people would be sanctioned, by the highest grade that their hits alone would lead to."""
    if not candidate.violation:
        return {}
    found: Counter[int] = Counter()
    for moments in tally.people.values():
        log = [
            Entry(number, candidate.violation, candidate.severity, _EPOCH + timedelta(microseconds=moment))
            for number, moment in enumerate(sorted(moments)[:200])
        ]
        due = points.sanctions_due(log)
        if due:
            found[max(sanction.grade for sanction in due)] += 1
    return dict(sorted(found.items()))
