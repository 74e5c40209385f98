"""How something is stopped for a time: announced, begun, reviewed and lifted, and never left stopped in silence."""

from datetime import datetime, timedelta
from typing import Any

from meadow.governance import queries, rules
from meadow.governance.models import Case, Decision, Rule, Suspension
from meadow.governance.rules import suspensions as laws
from meadow.governance.services.cases import close_case
from meadow.governance.services.decisions import announce, cited, in_turn, record
from meadow.governance.services.guards import reason_text, require_operator, require_subject
from meadow.governance.services.parties import Subject, party_of
from meadow.governance.services.queue import file_case
from meadow.governance.services.reversal import reverse_decision, uphold_decision
from meadow.kernel import audit, clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic, move
from meadow.kernel.errors import Refusal
from meadow.kernel.events import SuspensionAnnounced, SuspensionEnded, SuspensionOverdue
from meadow.kernel.outbox import emit

_OPEN = ("announced", *laws.IN_FORCE)


def announce_suspension(
    *,
    subject: Subject,
    scope: str,
    ground: str,
    reason: str,
    rule: str,
    starts_at: datetime,
    review_by: datetime,
    by: Actor,
    at_review: str = "lift",
    notice_days: int | None = None,
    reason_zh: str = "",
) -> Suspension:
    """Tells those concerned that something will be stopped for a time, and stops it when its start has come.

    The notice is seven days unless fraud, security or the law asks for less.  at_review: what happens when nobody
    has looked at it by review_by, lift or escalate.  Refuses: forbidden, malformed, rule_unknown, suspended_already.
    """
    require_operator(by)
    _check(subject, scope, at_review)
    text = reason_text(reason)
    now = clock.now()
    wait = None if notice_days is None else timedelta(days=notice_days)
    dates = laws.terms(
        ground=ground, now=now, notice=wait, starts_at=max(starts_at, now) if ground in laws.AT_ONCE else starts_at,
        review_by=review_by,
    )  # fmt: skip
    with atomic():
        in_turn(subject)
        known = Suspension.objects.filter(
            subject_kind=subject[0], subject_id=subject[1], scope=scope, state__in=_OPEN
        ).first()
        if known is not None:
            raise Refusal("suspended_already", suspension=known.public_id)
        party = party_of(subject)
        rule_id, version = cited(rule, party)
        made = Suspension.objects.create(
            subject_kind=subject[0], subject_id=subject[1], party_kind=party[0] if party else "",
            party_id=party[1] if party else None, scope=scope, ground=ground, reason=text,
            reason_zh=rules.clean_text(reason_zh, rules.LIMITS["reason_length"]),
            rule=Rule.objects.get(rule_id=rule_id, version=version), asked_by_id=by.person_id, announced_at=now,
            starts_at=dates.starts_at, period_from=dates.starts_at, review_by=dates.review_by, at_review=at_review,
            due_at=dates.starts_at,
        )  # fmt: skip
        # Before the decision, on the same subject: whoever is told is told before anything takes effect.
        emit(SuspensionAnnounced(made.pk, *subject, dates.starts_at.isoformat()))
        audit.record(by, "announce_suspension", _subject(made), after=facts(made))
        if dates.starts_at <= now:
            _begin(made, by)
    return made


def keep_suspension(
    *, suspension_id: int, reason: str, review_by: datetime, by: Actor, reason_zh: str = ""
) -> Suspension:
    """A review that keeps it, with a new public reason, for thirty days more at most.

    Refuses: forbidden, malformed, not_found, stale_state.
    """
    require_operator(by)
    text = reason_text(reason)
    with atomic():
        found = _locked(suspension_id)
        before, now = facts(found), clock.now()
        laws.check_review(now, review_by)
        move(
            found, laws.SUSPENSION, "keep", period_from=now, review_by=review_by, due_at=review_by, reason=text,
            reason_zh=rules.clean_text(reason_zh, rules.LIMITS["reason_length"]),
        )  # fmt: skip
        uphold_decision(decision_id=_decision(found), reason=text, by=by)
        audit.record(by, "keep_suspension", _subject(found), before=before, after=facts(found))
        _close_case(found)
    return found


def lift_suspension(*, suspension_id: int, reason: str, by: Actor, ending: str = "operator") -> Suspension:
    """Ends it, also before it began; what was before it is restored exactly.

    Refuses: forbidden, malformed, not_found, stale_state.
    """
    require_operator(by)
    text = reason_text(reason)
    with atomic():
        found = _locked(suspension_id)
        _end(found, text, by, ending)
    return found


def pass_due(*, suspension: Suspension) -> None:
    """What happens by itself at a due time: it begins; its review is due; called out, it has had no answer."""
    found = _locked(suspension.pk)
    if found.state == "announced":
        _begin(found, Actor("person", found.asked_by_id) if found.asked_by_id else SYSTEM)
    elif found.state == "active" and found.at_review == "escalate":
        _call_out(found)
    else:
        _end(found, "Nobody reviewed it by its date, so it ended by itself.", SYSTEM, "review")


def note_reversal(*, decision_id: int) -> None:
    """Its decision was taken back elsewhere, by an appeal for instance: the owner has restored what was."""
    with atomic():
        found = Suspension.objects.select_for_update(of=("self",)).filter(decision_id=decision_id).first()
        if found is not None and found.is_in_force:
            _close(found, "The decision was taken back.", SYSTEM, "reversed")


def note_restoration(*, subject: Subject) -> None:
    """A decision restored the subject: its suspensions end, so that nothing is stopped without a date afterwards."""
    for pk in Suspension.objects.filter(
        subject_kind=subject[0], subject_id=subject[1], state__in=laws.IN_FORCE
    ).values_list("pk", flat=True):
        lift_suspension(suspension_id=pk, reason="The subject was restored.", by=SYSTEM)


def facts(found: Suspension) -> dict[str, Any]:
    """A suspension as the audit trail keeps it."""
    return {
        "state": found.state, "scope": found.scope, "ground": found.ground, "rule": str(found.rule),
        "reason": found.reason, "starts_at": found.starts_at.isoformat(), "review_by": found.review_by.isoformat(),
        "at_review": found.at_review, "ending": found.ending,
    }  # fmt: skip


def _check(subject: Subject, scope: str, at_review: str) -> None:
    """Refuses: malformed."""
    require_subject(subject)
    laws.check_target(subject[0], scope)
    if subject[0] == laws.FEATURE and subject[1] not in laws.FEATURE_NAMES:
        raise Refusal("malformed", field="target", why=f"use one of {', '.join(laws.FEATURES)}")
    if at_review not in laws.AT_REVIEW:
        raise Refusal("malformed", field="at_review", why=f"use {' or '.join(laws.AT_REVIEW)}")


def _begin(found: Suspension, by: Actor) -> None:
    subject = (found.subject_kind, found.subject_id)
    party = (found.party_kind, found.party_id) if found.party_id is not None else None
    in_turn(subject)
    before = facts(found)
    made = record(
        subject, laws.action_for(found.scope), (found.rule.rule_id, found.rule.version), found.reason, by, party=party,
        reason_zh=found.reason_zh, inputs={"suspension": found.public_id, "scope": found.scope},
    )  # fmt: skip
    announce(made)
    move(found, laws.SUSPENSION, "start", decision=made, due_at=found.review_by)
    audit.record(by, "begin_suspension", _subject(found), before=before, after=facts(found))


def _call_out(found: Suspension) -> None:
    """The review is due and nobody has looked: everybody sees so, and it ends soon if nobody answers."""
    before = facts(found)
    move(found, laws.SUSPENSION, "call_out", due_at=found.review_by + laws.CALLED_OUT)
    file_case(
        kind="suspension", key=found.public_id, subject=(found.subject_kind, found.subject_id), weight=1000,
        rule_id=found.rule.rule_id, decision_id=found.decision_id, escalated=True,
    )  # fmt: skip
    emit(SuspensionOverdue(found.pk, found.subject_kind, found.subject_id))
    audit.record(SYSTEM, "call_out_suspension", _subject(found), before=before, after=facts(found))


def _end(found: Suspension, reason: str, by: Actor, ending: str) -> None:
    if found.state == "announced":
        _close(found, reason, by, "cancelled", event="cancel")
        return
    laws.SUSPENSION.next(found.state, "lift")
    decision_id = _decision(found)
    if not Decision.objects.filter(reverses_id=decision_id).exists():
        reverse_decision(decision_id=decision_id, reason=reason, by=by)
    _close(found, reason, by, ending)


def _close(found: Suspension, reason: str, by: Actor, ending: str, event: str = "lift") -> None:
    before = facts(found)
    move(
        found, laws.SUSPENSION, event, ended_at=clock.now(), ending=ending, end_reason=reason, due_at=None,
        ended_by_id=by.person_id,
    )  # fmt: skip
    emit(SuspensionEnded(found.pk, found.subject_kind, found.subject_id, ending))
    audit.record(by, f"{event}_suspension", _subject(found), before=before, after=facts(found) | {"why": reason})
    _close_case(found)


def _close_case(found: Suspension) -> None:
    case = Case.objects.filter(kind="suspension", key=found.public_id).exclude(state="closed").first()
    if case is not None:
        Case.objects.filter(pk=case.pk).update(held_by=None, held_until=None)
        close_case(case_id=case.pk)


def _locked(suspension_id: int) -> Suspension:
    """The suspension with its subject's turn taken first, as announcing takes it.  Refuses: not_found."""
    seen = queries.suspension(suspension_id)
    in_turn((seen.subject_kind, seen.subject_id))
    return Suspension.objects.select_for_update(of=("self",)).select_related("rule").get(pk=seen.pk)


def _decision(found: Suspension) -> int:
    """Refuses: stale_state, before it has begun."""
    if found.decision_id is None:
        raise Refusal("stale_state", state=found.state, event="lift")
    return found.decision_id


def _subject(found: Suspension) -> Subject:
    return ("governance.suspension", found.pk)
