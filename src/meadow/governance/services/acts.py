"""What an operator does with a case they hold: let it pass, act against it, hand it on, take back what they did."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError

from meadow.governance import queries, rules
from meadow.governance.models import Case, CaseAct, Decision, Report, Suspension
from meadow.governance.rules import suspensions as suspension_laws
from meadow.governance.rules.cases import LEASE
from meadow.governance.rules.lifecycles import CASE
from meadow.governance.services import appeals, sanctions
from meadow.governance.services.cases import resolve_reports
from meadow.governance.services.decisions import announce, follow_up, in_turn, record
from meadow.governance.services.guards import reason_text
from meadow.governance.services.parties import answers_for, party_of
from meadow.governance.services.queue import locked, operator_id, require_held
from meadow.governance.services.reversal import reverse_decision, uphold_decision
from meadow.governance.services.suspensions import keep_suspension, lift_suspension
from meadow.kernel import audit, clock
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic, move
from meadow.kernel.errors import Refusal

# After a day others rely on what was decided.
UNDO_WITHIN = timedelta(days=1)
Effects = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Against:
    """What to do against something: by which rule and why, and what it costs, if it is a violation."""

    reason: str
    reason_zh: str = ""
    rule: str = ""
    violation: str = ""
    severity: str = ""
    answer: str = ""  # one of the codes that the context of the subject has named


def approve_case(*, case_id: int, by: Actor, note: str = "") -> CaseAct:
    """Lets it pass: what was held is shown, reports are dismissed, an appeal is granted, a suspension ends.

    Refuses: forbidden, not_found, case_not_yours, malformed, own_decision, stale_state.
    """
    return _act(case_id, "approve", by, note, Against(rules.clean_text(note, 2000) or "Nothing is wrong with it."))


def reject_case(*, case_id: int, by: Actor, against: Against) -> CaseAct:
    """Acts against it: what was held stays away, what was reported is stopped, an appeal is turned down, a suspension
    is kept.  Refuses: forbidden, not_found, case_not_yours, malformed, rule_unknown, own_decision, stale_state."""
    if against.answer and against.answer not in answers_for(queries.case(case_id).subject_kind):
        raise Refusal("malformed", field="answer", why="one of the codes that this kind of case offers")
    return _act(case_id, "reject", by, reason_text(against.reason), against)


def escalate_case(*, case_id: int, by: Actor, note: str) -> CaseAct:
    """Hands a case to somebody else; who hands it on does not get it again.

    Refuses: forbidden, not_found, case_not_yours, malformed.
    """
    text = reason_text(note)
    with atomic():
        case = require_held(case_id, by)
        before = case.state
        if before == "open":
            move(case, CASE, "escalate")
        person_id = operator_id(by)
        Case.objects.filter(pk=case.pk).update(held_by=None, held_until=None, barred=sorted({*case.barred, person_id}))
        return _keep(case, "escalate", by, text, before, [])


def undo_act(*, act_id: int, by: Actor) -> Case:
    """Takes one's own latest act on a case back, within a day; the case is in one's hands again.

    The first of two who undo the same act wins.  Refuses: forbidden, not_found, cannot_undo, stale_state.
    """
    person_id = operator_id(by)
    with atomic():
        seen = CaseAct.objects.filter(pk=act_id, person_id=person_id).first()
        if seen is None:
            raise Refusal("not_found")
        case = locked(seen.case_id)
        now = clock.now()
        touched = CaseAct.objects.filter(pk=act_id, undone_at__isnull=True, at__gt=now - UNDO_WITHIN).update(
            undone_at=now, undone_by=person_id
        )
        later = CaseAct.objects.filter(case=case, pk__gt=act_id, undone_at__isnull=True).exists()
        taken = queries.is_held(case) and case.held_by_id != person_id
        if not touched or later or taken or case.state != seen.to_state or not _can_be_undone(seen):
            raise Refusal("cannot_undo")
        for effect in reversed(seen.effects):
            _undo(case, effect, by)
        _reopen(case, seen)
        Case.objects.filter(pk=case.pk).update(barred=[p for p in case.barred if p != person_id])
        audit.record(
            by, "undo_act", ("governance.case", case.pk), before={"act": seen.act}, after={"state": case.state}
        )
        case.refresh_from_db()
        return case


def may_undo(act: CaseAct) -> bool:
    """Whether an act could still be taken back, as far as it tells by itself."""
    return _can_be_undone(act) and act.undone_at is None and act.at > clock.now() - UNDO_WITHIN


def _act(case_id: int, act: str, by: Actor, note: str, against: Against) -> CaseAct:
    with atomic():
        case = require_held(case_id, by)
        before = case.state
        CASE.next(before, "close")
        passes = act == "approve"
        if case.kind == "appeal":
            effects = _appeal(case, passes, by, against)
        elif case.kind == "suspension":
            effects = _suspension(case, passes, by, against)
        elif case.kind == "sanction":
            effects = _sanction(case, passes, by, against)
        elif passes:
            effects = _pass(case, by, against.reason)
        else:
            effects = _stop(case, by, against)
        resolved = list(Report.objects.filter(case=case, outcome="").values_list("pk", flat=True))
        if resolved:
            resolve_reports(case_id=case.pk, upheld=not passes)
            effects.append({"reports": resolved})
        case.refresh_from_db()
        if case.state != "closed":  # an appeal's or suspension's own verb has closed it with its answer
            Case.objects.filter(pk=case.pk).update(held_by=None, held_until=None)
            move(case, CASE, "close", closed_at=clock.now())
        return _keep(case, act, by, note, before, effects)


def _keep(case: Case, act: str, by: Actor, note: str, before: str, effects: Effects) -> CaseAct:
    made = CaseAct.objects.create(
        case=case, person_id=operator_id(by), act=act, note=rules.clean_text(note, 2000), from_state=before,
        to_state=case.state, effects=effects, at=clock.now(),
    )  # fmt: skip
    audit.record(
        by, f"{act}_case", ("governance.case", case.pk), before={"state": before},
        after={"state": case.state, "effects": effects},
    )  # fmt: skip
    return made


def _pass(case: Case, by: Actor, reason: str) -> Effects:
    """What a rule held is shown again."""
    held = queries.decision_under(case)
    if held is None or Decision.objects.filter(reverses=held).exists():
        return []
    reverse_decision(decision_id=held.pk, reason=reason, by=by)
    return [{"took_back": held.pk}]


def _stop(case: Case, by: Actor, against: Against) -> Effects:
    """What was held or reported is stopped, in the name of a rule, as a violation where one is named."""
    effects: Effects = []
    held = queries.decision_under(case)
    if held is not None and not Decision.objects.filter(reverses=held).exists():
        effects.append({"made": uphold_decision(decision_id=held.pk, reason=against.reason, by=by).pk})
    subject = (case.subject_kind, case.subject_id) if case.subject_id is not None else None
    if against.violation:
        owner = party_of(subject) if subject else None
        parties = queries.parties_in(case) or ([owner] if owner else [])
        if not parties:
            raise Refusal("malformed", field="violation", why="nobody is known to answer for it")
        for party in parties:
            items = [subject] if subject and subject[0] not in rules.PARTY_KINDS and len(parties) == 1 else []
            made = sanctions.record_violation(
                party=party, kind=against.violation, severity=against.severity or "minor", reason=against.reason,
                reason_zh=against.reason_zh, by=by, items=items, cause=held, inputs=_inputs(against),
            )  # fmt: skip
            effects.append({"made": made.decision_id})
    elif subject is not None:
        effects.append({"made": _take_down(subject, case, held, by, against).pk})
    return effects


def _take_down(subject: tuple[str, int], case: Case, held: Decision | None, by: Actor, against: Against) -> Decision:
    """An account is not stopped from here without points or a date: that is a violation's or a suspension's to do."""
    if subject[0] in rules.PARTY_KINDS:
        raise Refusal("malformed", field="violation", why="an account is judged by a violation: name its kind")
    in_turn(subject)
    rule = against.rule or case.rule_id
    made = record(
        subject, "suspend", rule, against.reason, by, reason_zh=against.reason_zh, cause=held, inputs=_inputs(against)
    )
    announce(made)
    return made


def _inputs(against: Against) -> dict[str, str]:
    return {"answer": against.answer} if against.answer else {}


def _appeal(case: Case, grants: bool, by: Actor, against: Against) -> Effects:
    found = queries.appeal(case.key)
    appeals.decide_appeal(
        appeal_id=found.pk, reverse=grants, reason=against.reason, reason_zh=against.reason_zh, by=by
    )  # fmt: skip
    return [{"appeal": found.pk}]


def _suspension(case: Case, lifts: bool, by: Actor, against: Against) -> Effects:
    found = Suspension.objects.get(public_id=case.key)
    if lifts:
        lift_suspension(suspension_id=found.pk, reason=against.reason, by=by)
    else:
        keep_suspension(
            suspension_id=found.pk, reason=against.reason, reason_zh=against.reason_zh, by=by,
            review_by=clock.now() + suspension_laws.LONGEST,
        )  # fmt: skip
    return [{"suspension": found.pk}]


def _sanction(case: Case, ends: bool, by: Actor, against: Against) -> Effects:
    """A review of what has no end: it ends now, or goes on and is looked at again."""
    found = queries.sanction(case.key)
    if ends:
        sanctions.end_sanction(sanction_id=found.pk, reason=against.reason, by=by)
    else:
        uphold_decision(decision_id=queries.root_of(found).pk, reason=against.reason, by=by)
        sanctions.keep_sanction(sanction_id=found.pk, by=by)
    return [{"sanction": found.pk}]


def _can_be_undone(act: CaseAct) -> bool:
    """An answer that somebody was given, and what a review ended or kept, are decided anew instead."""
    return not any({"appeal", "suspension", "sanction"} & set(effect) for effect in act.effects)


def _undo(case: Case, effect: dict[str, Any], by: Actor) -> None:
    why = "The operator took this act back."
    if "made" in effect:
        made = queries.decision(int(effect["made"]))
        if made.action != "uphold" and not Decision.objects.filter(reverses=made).exists():
            reverse_decision(decision_id=made.pk, reason=why, by=by)
    elif "took_back" in effect:
        _lay_again(case, queries.decision(int(effect["took_back"])), by)
    elif "reports" in effect:
        Report.objects.filter(pk__in=effect["reports"]).update(outcome="")


def _lay_again(case: Case, first: Decision, by: Actor) -> None:
    """A reversal is never reversed: the same is decided once more, and is what the case is now about."""
    again = follow_up(first, first.action, first.reason or "-", by, reason_zh=first.words.reason_zh)
    announce(again)
    Case.objects.filter(pk=case.pk).update(decision=again)


def _reopen(case: Case, act: CaseAct) -> None:
    """Refuses: stale_state, if the same came in once more meanwhile."""
    held = {"held_by_id": act.person_id, "held_until": clock.machine_now() + LEASE}
    if act.act == "escalate":
        if act.from_state == "open":
            move(case, CASE, "call_back", **held)
        else:
            Case.objects.filter(pk=case.pk).update(**held)
        return
    event = "reopen_escalated" if act.from_state == "escalated" else "reopen"
    try:
        with atomic():
            move(case, CASE, event, closed_at=None, **held)
    except IntegrityError:
        raise Refusal("stale_state", state="closed", event=event) from None
