"""Whether the log gives the same answers again: every event by the rules of its time, every sanction by its violations."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from meadow.governance.models import Violation
from meadow.governance.queries.detectors import ruleset_at
from meadow.governance.queries.standing import violation_log
from meadow.governance.rules import points
from meadow.governance.rules.detectors import deciding, outcome_of
from meadow.governance.rules.features import EVENT_TYPES, for_rules
from meadow.kernel import clock, db

BATCH = 5_000
MOST_NAMED = 20


@dataclass
class Replay:
    """What a replay found: how many events and decisions came out alike, which did not, and which could not be judged
    because the words they were judged by are erased."""

    events: int = 0
    decisions: int = 0
    rulesets: int = 0
    parties: int = 0
    erased: int = 0
    differing: list[int] = field(default_factory=list)
    sanctions_differing: list[tuple[str, int]] = field(default_factory=list)

    @property
    def is_identical(self) -> bool:
        return not self.differing and not self.sanctions_differing


def replay(*, from_id: int = 0, to_id: int | None = None) -> Replay:
    """Judges every logged event again by the rules as they stood at its stamp, and compares with what was decided."""
    found, stamps = Replay(), set[tuple[int, str]]()
    for row in _logged(from_id, to_id):
        found.events += 1
        stamps.add((row["ruleset"], row["event_type"]))
        answer = _again(row)
        if answer is None:
            found.erased += 1
            continue
        was = (row["outcome"], row["fired"] or [], row["detector"] if row["decided"] else None)
        found.decisions += bool(row["decided"])
        if answer != was and len(found.differing) < MOST_NAMED:
            found.differing.append(row["id"])
    found.rulesets = len(stamps)
    _replay_sanctions(found)
    return found


def _again(row: dict[str, Any]) -> tuple[str, list[int], int | None] | None:
    """Outcome, fired rules and deciding rule of an event, judged anew; None if its words are needed and erased."""
    ruleset = ruleset_at(row["ruleset"], row["event_type"])
    event = EVENT_TYPES[row["event_type"]]
    if row["erased"] and event.apart & set(ruleset.program.features):
        return None
    features = json.loads(row["features"]) | (json.loads(row["apart"]) if row["apart"] else {})
    positions = ruleset.program.fire(for_rules(event, features))
    outcome, fired = outcome_of(ruleset, positions, (row["subject_kind"], row["subject_id"]))
    by = deciding(fired, outcome) if row["decided"] else None
    return outcome, [one.detector.pk for one in fired], by.pk if by else None


def _logged(from_id: int, to_id: int | None) -> Iterator[dict[str, Any]]:
    last = from_id - 1
    while True:
        rows = db.rows(
            "SELECT o.id, o.event_type, o.subject_kind, o.subject_id, o.features, o.ruleset, o.outcome, o.fired,"
            " t.features AS apart, t.erased_at IS NOT NULL AS erased, d.id IS NOT NULL AS decided,"
            " d.detector_id AS detector "
            "FROM governance_occurrence o LEFT JOIN governance_occurrencetext t ON t.occurrence_id = o.id "
            "LEFT JOIN governance_decision d ON d.occurrence_id = o.id AND d.action = o.outcome "
            "WHERE o.id > %(last)s AND (%(to)s::bigint IS NULL OR o.id < %(to)s) ORDER BY o.id LIMIT %(most)s",
            {"last": last, "to": to_id, "most": BATCH},
        )
        yield from rows
        if len(rows) < BATCH:
            return
        last = rows[-1]["id"]


def _replay_sanctions(found: Replay) -> None:
    """Every sanction that stands is the one that the log of its party calls for."""
    standing: dict[tuple[str, int], dict[int, int]] = {}
    for row in db.rows(
        "SELECT party_kind, party_id, violation_id, grade FROM governance_sanction WHERE state <> 'reversed'"
    ):
        standing.setdefault((row["party_kind"], row["party_id"]), {})[row["violation_id"]] = row["grade"]
    now = clock.now()
    parties = set(Violation.objects.values_list("party_kind", "party_id").distinct())
    for party in sorted(parties):
        found.parties += 1
        due = points.sanctions_due(violation_log(*party))
        # One that was over before a reversal made it due again was never laid.
        wanted = {sanction.violation: sanction.grade for sanction in due}
        open_ = {sanction.violation for sanction in due if sanction.until is None or sanction.until > now}
        stands = standing.get(party, {})
        if any(wanted.get(v) != grade for v, grade in stands.items()) or open_ - stands.keys():
            found.sanctions_differing.append(party)
