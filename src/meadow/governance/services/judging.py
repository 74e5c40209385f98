"""How an event is judged: by the running detectors, recorded as it was seen, with a decision where a rule counts.

Call it outside of a transaction that may be refused afterwards, so that the record stays.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from meadow.governance import queries, rules
from meadow.governance.models import Decision
from meadow.governance.rules.detectors import Fired, Ruleset, Running, Verdict, deciding, outcome_of
from meadow.governance.rules.features import APART_OF, EVENT_TYPES, EventType, FeatureFault, clean_features, for_rules
from meadow.governance.services import cases
from meadow.governance.services.decisions import announce, record
from meadow.governance.services.digests import key_of
from meadow.governance.services.guards import require_subject
from meadow.governance.services.parties import Subject
from meadow.governance.services.sanctions import record_violation
from meadow.kernel import clock, db
from meadow.kernel.audit import SYSTEM
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal

TEXT_KEPT = timedelta(days=180)
MOST_BATCH = 5_000
# Made once: json.dumps would make one for each text.
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode
_DECIDES = ("warn", "review", "hold", "block")


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as its context knows it.

    content and cluster are compared by keyed digest only: the text in its plainest form, and what ties accounts
    together (a network, a device, a payout account).
    """

    event_type: str
    features: Mapping[str, Any]
    subject: Subject
    actor: Subject | None = None
    text: str = ""
    content: str = ""
    cluster: str = ""
    at: datetime | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Judged:
    given: Happening
    at: datetime
    features: str
    apart: str
    outcome: str
    fired: list[Fired]
    ruleset: Ruleset


def judge(
    event_type: str,
    features: Mapping[str, Any],
    subject: Subject,
    actor: Subject | None = None,
    *,
    text: str = "",
    content: str = "",
    cluster: str = "",
    inputs: Mapping[str, Any] | None = None,
) -> Verdict:
    """Judges one event and records it; what is not known of it is left out and counts as missing.

    Refuses: malformed.
    """
    return judge_batch([Happening(event_type, features, subject, actor, text, content, cluster, None, inputs or {})])[0]


def judge_batch(given: Sequence[Happening]) -> list[Verdict]:
    """Judges many events in their order, with one insert for all of them.  Refuses: malformed."""
    if len(given) > MOST_BATCH:
        raise Refusal("malformed", field="events", why=f"at most {MOST_BATCH} at once")
    if not given:
        return []
    now = clock.now()
    rulesets = {kind: queries.current_ruleset(kind) for kind in {g.event_type for g in given} if kind in EVENT_TYPES}
    judged = [_judge(one, rulesets, now) for one in given]
    with atomic():
        ids = _store(judged)
        return [_carry_out(one, occurrence_id) for one, occurrence_id in zip(judged, ids, strict=True)]


def weigh(event_type: str, features: Mapping[str, Any], subject: Subject) -> Verdict:
    """The same answer without recording anything, for trying out.  Refuses: malformed."""
    one = _judge(
        Happening(event_type, features, subject), {event_type: queries.current_ruleset(_known(event_type).name)},
        clock.now(),
    )  # fmt: skip
    return Verdict(one.outcome, one.ruleset.stamp, tuple(one.fired), detector=deciding(one.fired, one.outcome))


def erase_texts(*, actor: Subject) -> int:
    """Empties what an actor wrote in judged events; the events, without a word of it, stay."""
    return db.execute(
        "UPDATE governance_occurrencetext t SET text = '', features = '', erased_at = %s "
        "FROM governance_occurrence o WHERE o.id = t.occurrence_id AND t.erased_at IS NULL "
        "AND o.actor_kind = %s AND o.actor_id = %s",
        [clock.now(), *actor],
    )


def empty_due_texts(*, most: int, until: datetime) -> int:
    """Empties texts that were kept long enough; returns how many."""
    return db.execute(
        "UPDATE governance_occurrencetext SET text = '', features = '', erased_at = %s WHERE occurrence_id IN ("
        "SELECT occurrence_id FROM governance_occurrencetext WHERE erased_at IS NULL AND erase_at <= %s "
        "ORDER BY erase_at LIMIT %s FOR UPDATE SKIP LOCKED)",
        [until, until, most],
    )


def seal_decisions(*, most: int, at: datetime | None = None) -> int:
    """Seals up to so many waiting decisions as one link of the chain; returns how many."""
    with atomic():
        return int(db.call("SELECT governance_seal_waiting(%s, %s)", [at or clock.now(), most]))


def erase_decision_words(*, party: Subject) -> int:
    """Empties the words of the decisions about a party; what was decided, by which rule and when, stays sealed."""
    return db.execute(
        "UPDATE governance_decisiontext t SET reason = '', reason_zh = '', inputs = '{}', erased_at = %s "
        "FROM governance_decision d WHERE d.id = t.decision_id AND t.erased_at IS NULL "
        "AND d.party_kind = %s AND d.party_id = %s",
        [clock.now(), *party],
    )


def _judge(given: Happening, rulesets: Mapping[str, Ruleset], now: datetime) -> _Judged:
    event = _known(given.event_type)
    require_subject(given.subject)
    if given.actor is not None:
        require_subject(given.actor)
    try:
        features = clean_features(event, given.features)
    except FeatureFault as fault:
        raise Refusal("malformed", field="features", why=str(fault)) from None
    apart = {name: features[name] for name in APART_OF[event.name] & features.keys()}
    stored = {name: value for name, value in features.items() if name not in apart} if apart else features
    ruleset = rulesets[event.name]
    # A rule sees what a later replay reads back: the stored form, with sets made of lists.
    positions = ruleset.program.fire(for_rules(event, dict(features)))
    outcome, fired = outcome_of(ruleset, positions, given.subject)
    return _Judged(given, given.at or now, as_text(stored), as_text(apart) if apart else "", outcome, fired, ruleset)


def as_text(features: Mapping[str, Any]) -> str:
    """Features as they are stored and digested: JSON with sorted keys and nothing superfluous."""
    return _encode(features)


def _store(judged: Sequence[_Judged]) -> list[int]:
    """Writes the events and, apart from them, their texts; their ids in order."""
    given = [one.given for one in judged]
    actors = [one.actor or ("", 0) for one in given]
    found = db.rows(
        "INSERT INTO governance_occurrence (at, event_type, subject_kind, subject_id, actor_kind, actor_id, features,"
        " content_key, cluster_key, ruleset, outcome, fired) "
        "SELECT at, event_type, subject_kind, subject_id, actor_kind, actor_id, features, content_key, cluster_key,"
        " ruleset, outcome, CASE WHEN fired = '' THEN NULL ELSE string_to_array(fired, ',')::bigint[] END "
        "FROM unnest(%s::timestamptz[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::text[],"
        " %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[]) WITH ORDINALITY AS g(at, event_type,"
        " subject_kind, subject_id, actor_kind, actor_id, features, content_key, cluster_key, ruleset, outcome, fired,"
        " n) ORDER BY n RETURNING id",
        [
            [one.at for one in judged], [one.event_type for one in given],
            [one.subject[0] for one in given], [one.subject[1] for one in given],
            [kind for kind, _ in actors], [actor_id for _, actor_id in actors],
            [one.features for one in judged],
            [key_of(one.content, "content") for one in given], [key_of(one.cluster, "cluster") for one in given],
            [one.ruleset.stamp for one in judged], [one.outcome for one in judged],
            [",".join(str(fired.detector.pk) for fired in one.fired) for one in judged],
        ],
    )  # fmt: skip
    ids = sorted(int(row["id"]) for row in found)
    words = [(i, one) for i, one in zip(ids, judged, strict=True) if one.given.text or one.apart]
    if words:
        db.execute(
            "INSERT INTO governance_occurrencetext (occurrence_id, text, features, erase_at) "
            "SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[])",
            [
                [i for i, _ in words],
                [rules.clean_text(one.given.text, rules.LIMITS["text_kept"]) for _, one in words],
                [one.apart for _, one in words],
                [one.at + TEXT_KEPT for _, one in words],
            ],
        )
    return ids


def _carry_out(one: _Judged, occurrence_id: int) -> Verdict:
    given = one.given
    by = deciding(one.fired, one.outcome)
    if given.actor is not None and given.content and given.cluster:
        cases.note_same_content(
            actor=given.actor, content_key=key_of(given.content, "content"), at=one.at,
            cluster_key=key_of(given.cluster, "cluster"), occurrence_id=occurrence_id,
        )  # fmt: skip
    if by is None or one.outcome not in _DECIDES:
        return Verdict(one.outcome, one.ruleset.stamp, tuple(one.fired), occurrence_id, detector=by)
    made = _decide(one, by, occurrence_id)
    return Verdict(
        one.outcome, one.ruleset.stamp, tuple(one.fired), occurrence_id, made.public_id, by, made.rule_version
    )


def _decide(one: _Judged, by: Running, occurrence_id: int) -> Decision:
    """The decision of the strongest rule, and what else it leads to: a case for who looks, a violation, points."""
    given = one.given
    made = record(
        given.subject, one.outcome, by.rule_id, by.reason_en, SYSTEM, party=given.actor, layer=by.layer,
        detector_id=by.pk, fired=[fired.as_dict() for fired in one.fired], occurrence_id=occurrence_id,
        reason_zh=by.reason_zh, inputs=dict(given.inputs),
    )  # fmt: skip
    if one.outcome in ("review", "hold"):
        announce(made)
        cases.open_case(
            kind="review", key=f"{given.subject[0]}:{given.subject[1]}:{made.pk}", subject=given.subject,
            rule_id=by.rule_id, members=[(given.actor, occurrence_id)] if given.actor else [],
        )  # fmt: skip
    violations = {f.detector.violation: f.detector for f in one.fired if f.is_enforced and f.detector.violation}
    if given.actor is not None and given.actor[0] in rules.PARTY_KINDS:
        for kind, detector in sorted(violations.items()):
            record_violation(
                party=given.actor, kind=kind, severity=detector.severity, reason=detector.reason_en,
                reason_zh=detector.reason_zh, by=SYSTEM, cause=made,
            )  # fmt: skip
    return made


def _known(event_type: str) -> EventType:
    found = EVENT_TYPES.get(event_type)
    if found is None:
        raise Refusal("malformed", field="event_type", why=f"use one of {', '.join(EVENT_TYPES)}")
    return found
