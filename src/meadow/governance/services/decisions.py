"""How a decision that cites a rule is recorded, apart from its words, and announced to who carries it out."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from meadow.governance import queries, rules
from meadow.governance.models import Decision, DecisionText, Rule
from meadow.governance.services.guards import reason_text, require_operator, require_subject
from meadow.governance.services.parties import Subject, party_of
from meadow.governance.services.rulebook import ensure_published
from meadow.kernel import clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import DecisionMade, DecisionReversed
from meadow.kernel.outbox import emit


def decide(
    *,
    subject: Subject,
    action: str,
    rule: str,
    reason: str,
    by: Actor,
    until: datetime | None = None,
    inputs: dict[str, Any] | None = None,
    reason_zh: str = "",
) -> Decision:
    """Suspends or restores a subject in the name of a rule's current version; its owner carries it out.

    Refuses: forbidden, malformed, rule_unknown.
    """
    require_operator(by)
    require_subject(subject)
    if action not in rules.SUBJECT_ACTIONS:
        raise Refusal("malformed", field="action", why=f"use {' or '.join(rules.SUBJECT_ACTIONS)}")
    if until is not None and (action != "suspend" or until <= clock.now()):
        raise Refusal("malformed", field="until", why="only a suspension has an end, and it lies ahead")
    text = reason_text(reason)
    with atomic():
        in_turn(subject)
        made = record(subject, action, rule, text, by, until=until, inputs=inputs or {}, reason_zh=reason_zh)
        announce(made)
    return made


def record(
    subject: Subject,
    action: str,
    rule: str | tuple[str, int],
    reason: str,
    by: Actor,
    *,
    inputs: dict[str, Any] | None = None,
    reason_zh: str = "",
    party: Subject | None = None,
    **more: Any,
) -> Decision:
    """Writes a decision and, apart from it, its words, inside the caller's transaction.

    A rule is cited in the version that holds for whom it concerns, unless its version is given.  Refuses: rule_unknown.
    """
    concerned = party or party_of(subject)
    rule_id, version = rule if isinstance(rule, tuple) else cited(rule, concerned)
    made = Decision.objects.create(
        subject_kind=subject[0], subject_id=subject[1], action=action, rule_id=rule_id, rule_version=version,
        party_kind=concerned[0] if concerned else "", party_id=concerned[1] if concerned else None,
        decided_by_id=by.person_id, made_at=clock.now(), **more,
    )  # fmt: skip
    longest = rules.LIMITS["reason_length"]
    made.words = DecisionText.objects.create(
        decision=made, salt=uuid4(), reason=rules.clean_text(reason, longest),
        reason_zh=rules.clean_text(reason_zh, longest), inputs=inputs or {},
    )  # fmt: skip
    return made


def announce(made: Decision) -> None:
    """Tells the owner of the subject, who carries the decision out."""
    until = made.until.isoformat() if made.until else None
    emit(DecisionMade(made.pk, made.subject_kind, made.subject_id, made.action, made.rule_id, made.rule_version, until))


def cited(rule_id: str, party: Subject | None = None) -> tuple[str, int]:
    """A rule with the version that holds now for a party.  Refuses: rule_unknown."""
    version = queries.version_in_force(rule_id, party=party)
    if version is None and not Rule.objects.filter(rule_id=rule_id).exists():
        ensure_published(rule_id)
        version = queries.version_in_force(rule_id, party=party)
    if version is None:
        raise Refusal("rule_unknown", rule=rule_id)
    return rule_id, version


def cite(rule_id: str, party: Subject | None = None) -> str:
    """A rule as what rests on it names it, such as platform.fees v1.  Refuses: rule_unknown."""
    return "{} v{}".format(*cited(rule_id, party))


def in_turn(subject: Subject) -> None:
    """Decisions about one subject wait for each other, so their events leave in the order in which they were made."""
    db.call("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"governance:{subject[0]}:{subject[1]}"])


def follow_up(first: Decision, action: str, reason: str, by: Actor, **more: Any) -> Decision:
    """A decision about a decision: it cites the same rule version and concerns the same party."""
    party = (first.party_kind, first.party_id) if first.party_id is not None else None
    return record(
        (first.subject_kind, first.subject_id), action, (first.rule_id, first.rule_version), reason, by,
        party=party, detector=first.detector, occurrence=first.occurrence, layer=first.layer, **more,
    )  # fmt: skip


def take_back(first: Decision, reason: str, by: Actor) -> Decision:
    """Writes that a decision no longer stands and tells the owner of its subject; what followed is the caller's."""
    made = follow_up(first, "reverse", reason, by, reverses=first)
    emit(DecisionReversed(first.pk, first.subject_kind, first.subject_id, first.action))
    return made
