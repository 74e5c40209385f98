"""How a decision that cites a rule is recorded, and how it is taken back."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from meadow.governance import queries, rules
from meadow.governance.models import Decision, DecisionText, Rule
from meadow.governance.rules import RuleText
from meadow.governance.services.guards import reason_text, require_operator, require_subject
from meadow.governance.services.rulebook import rule_row
from meadow.kernel import clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import DecisionMade, DecisionReversed
from meadow.kernel.outbox import emit

Subject = tuple[str, int]


def decide(
    *,
    subject: tuple[str, int],
    action: str,
    rule: str,
    reason: str,
    by: Actor,
    until: datetime | None = None,
    inputs: dict[str, Any] | None = None,
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
        made = record(subject, action, published(rule), text, by, until=until, inputs=inputs or {})
        emit(
            DecisionMade(
                made.pk, *subject, action, made.rule_id, made.rule_version, until.isoformat() if until else None
            )
        )
    return made


def reverse_decision(*, decision_id: int, reason: str, by: Actor) -> Decision:
    """Takes a decision back: a row of its own that names the first; the owner restores what was before.

    Refuses: forbidden, malformed, not_found, decision_reversed, stale_state.
    """
    require_operator(by)
    text = reason_text(reason)
    first = queries.decision(decision_id)
    if first.action == "reverse":
        raise Refusal("stale_state", state="reverse", event="reverse")
    subject = (first.subject_kind, first.subject_id)
    with atomic():
        in_turn(subject)
        if Decision.objects.filter(reverses=first).exists():
            raise Refusal("decision_reversed")
        rule = RuleText(first.rule_id, first.rule_version, "", "", "", "")
        made = record(subject, "reverse", rule, text, by, reverses=first)
        if first.action in rules.SUBJECT_ACTIONS:
            emit(DecisionReversed(first.pk, *subject, first.action))
    return made


def record(
    subject: Subject,
    action: str,
    rule: RuleText,
    reason: str,
    by: Actor,
    *,
    until: datetime | None = None,
    inputs: dict[str, Any] | None = None,
    reverses: Decision | None = None,
    reason_zh: str = "",
    **more: Any,
) -> Decision:
    """Writes a decision and, apart from it, its words; inside the caller's transaction."""
    made = Decision.objects.create(
        subject_kind=subject[0], subject_id=subject[1], action=action, rule_id=rule.rule_id,
        rule_version=rule.version, decided_by_id=by.person_id, made_at=clock.now(), until=until, reverses=reverses,
        **more,
    )  # fmt: skip
    longest = rules.LIMITS["reason_length"]
    made.words = DecisionText.objects.create(
        decision=made, salt=uuid4(), reason=rules.clean_text(reason, longest),
        reason_zh=rules.clean_text(reason_zh, longest), inputs=inputs or {},
    )  # fmt: skip
    return made


def published(rule_id: str) -> RuleText:
    """The current version of a rule, stored, so that the decision's foreign key finds it.  Refuses: rule_unknown."""
    rule = rules.current_rule(rule_id)
    if rule is None:
        raise Refusal("rule_unknown", rule=rule_id)
    if not Rule.objects.filter(rule_id=rule.rule_id, version=rule.version).exists():
        Rule.objects.bulk_create([rule_row(rule)], ignore_conflicts=True)
    return rule


def in_turn(subject: tuple[str, int]) -> None:
    """Decisions about one subject wait for each other, so their events leave in the order in which they were made."""
    db.call("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"governance:{subject[0]}:{subject[1]}"])
