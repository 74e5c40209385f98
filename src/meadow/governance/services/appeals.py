"""How a decision is appealed and looked at again by somebody else, on a clock that both sides see.

An appeal is about the decision that everything else followed from: whoever appeals a sanction appeals its violation.
It stops nothing by itself.  When no answer comes in time it is called out, and what can be lifted is lifted, except
what protects others from fraud or harm.
"""

from datetime import timedelta

from meadow.governance import queries, rules
from meadow.governance.models import Appeal, AppealNote, Case, Decision, Suspension
from meadow.governance.rules import appeals as laws
from meadow.governance.services import sanctions
from meadow.governance.services.cases import close_case
from meadow.governance.services.decisions import announce, follow_up, in_turn, take_back
from meadow.governance.services.guards import reason_text
from meadow.governance.services.queue import file_case, operator_id
from meadow.governance.services.reversal import reverse_decision
from meadow.governance.services.suspensions import lift_suspension, note_reversal
from meadow.kernel import audit, clock, limits
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic, move
from meadow.kernel.errors import Refusal
from meadow.kernel.events import AppealAsked, AppealDecided, AppealOpened, AppealOverdue
from meadow.kernel.outbox import emit

APPEALS_A_DAY = 20
NOTES_MOST = 50


def open_appeal(*, decision_id: int | str, person_id: int, text: str, evidence: str = "") -> Appeal:
    """Asks for a second look at a decision about oneself, or about what one answers for.

    Refuses: not_found, malformed, not_appealable, decision_reversed, appeal_too_late, appeal_open, appeal_used,
    evidence_needed, rate_limited.
    """
    root = queries.root_decision(queries.decision(decision_id))
    party = queries.party_appealing(root, person_id)
    words, proof = rules.clean_text(text, laws.TEXT_LENGTH), rules.clean_text(evidence, laws.TEXT_LENGTH)
    if not words:
        raise Refusal("malformed", field="text", why="say what should be looked at again")
    limits.hit("appeals", str(person_id), per=timedelta(days=1), burst=APPEALS_A_DAY)
    with atomic():
        in_turn(("governance.decision", root.pk))
        now = clock.now()
        which = _round(root, proof)
        laid = queries.sanctions_from(root)
        made = Appeal.objects.create(
            decision=root, round=which, party_kind=party[0], party_id=party[1], person_id=person_id, text=words,
            evidence=proof, opened_at=now, due_at=now + laws.allowance("limit" if laid else root.action),
        )  # fmt: skip
        for sanction in laid:
            if sanction.state != "appealed":
                sanctions.appeal_sanction(sanction_id=sanction.pk)
        file_case(
            kind="appeal", key=made.public_id, subject=(root.subject_kind, root.subject_id), rule_id=root.rule_id,
            decision_id=root.pk, members=[(party, root.occurrence_id)], barred=queries.barred_from(made),
            weight=100 if laid or root.action in laws.URGENT_ACTIONS else 10,
        )  # fmt: skip
        emit(AppealOpened(made.pk, root.pk))
    return made


def add_to_appeal(*, appeal_id: int, person_id: int, text: str) -> AppealNote:
    """The appealing side says more; a clock that waited for it goes on.  Refuses: not_found, malformed, stale_state."""
    words = rules.clean_text(text, laws.TEXT_LENGTH)
    if not words:
        raise Refusal("malformed", field="text", why="write something")
    with atomic():
        found = _locked(appeal_id)
        queries.require_appellant(found, person_id)
        _require_pending(found, "add")
        if found.notes.count() >= NOTES_MOST:
            raise Refusal("malformed", field="text", why=f"at most {NOTES_MOST} additions")
        note = _note(found, "said", words, person_id)
        if found.state == "paused" and found.paused_for != "third_party":
            _resume(found, person_id)
    return note


def withdraw_appeal(*, appeal_id: int, person_id: int) -> Appeal:
    """The appealing side no longer asks; the decision stands.  Refuses: not_found, stale_state."""
    with atomic():
        found = _locked(appeal_id)
        queries.require_appellant(found, person_id)
        _end(found, "withdraw")
        _confirm_sanctions(found.decision)
    return found


def pause_appeal(*, appeal_id: int, cause: str, text: str, by: Actor) -> Appeal:
    """Stops the clock for a named reason, for two weeks at most; the appealing side is told and asked.

    Refuses: forbidden, not_found, malformed, stale_state, own_decision, pauses_used.
    """
    person_id = operator_id(by)
    words = reason_text(text)
    if cause not in laws.PAUSES:
        raise Refusal("malformed", field="cause", why=f"use one of {', '.join(laws.PAUSES)}")
    with atomic():
        found = _locked(appeal_id)
        _require_other(found, person_id)
        if found.notes.filter(kind="paused").count() >= laws.MOST_PAUSES:
            raise Refusal("pauses_used", most=laws.MOST_PAUSES)
        now = clock.now()
        move(found, laws.APPEAL, "pause", paused_for=cause, paused_at=now, resume_by=now + laws.LONGEST_PAUSE)
        _note(found, "paused", words, person_id, cause)
        emit(AppealAsked(found.pk))
    return found


def resume_appeal(*, appeal_id: int, by: Actor = SYSTEM) -> Appeal:
    """The clock goes on with what was left.  Refuses: forbidden, not_found, stale_state."""
    person_id = operator_id(by) if by.kind != "system" else None
    with atomic():
        found = _locked(appeal_id)
        _resume(found, person_id)
    return found


def decide_appeal(*, appeal_id: int, reverse: bool, reason: str, by: Actor, reason_zh: str = "") -> Appeal:
    """The second look: takes the decision back with all that followed, or confirms it.  Never by who decided first.

    Refuses: forbidden, not_found, malformed, stale_state, own_decision.
    """
    person_id = operator_id(by)
    text = reason_text(reason)
    with atomic():
        found = _locked(appeal_id)
        _require_pending(found, "decide")
        _require_other(found, person_id)
        outcome = _take_back(found.decision, text, by) if reverse else _confirm(found.decision, text, by)
        before = {"state": found.state}
        _end(
            found, "reverse" if reverse else "uphold", decided_by_id=person_id, reason=text, outcome=outcome,
            reason_zh=rules.clean_text(reason_zh, rules.LIMITS["reason_length"]),
        )  # fmt: skip
        audit.record(
            by, "decide_appeal", ("governance.appeal", found.pk), before=before,
            after={"state": found.state, "reason": text, "decision": found.decision.public_id},
        )  # fmt: skip
        emit(AppealDecided(found.pk, found.state))
    return found


def pass_appeal_due(*, appeal: Appeal) -> None:
    """No answer came in time: the appeal is called out, and what can be lifted without harm is lifted."""
    found = _locked(appeal.pk)
    now = clock.now()
    lifted = _lift_what_can_be(found)
    move(found, laws.APPEAL, "fall_due", overdue_at=now, lifted_at=now if lifted else None)
    file_case(
        kind="appeal", key=found.public_id, subject=(found.decision.subject_kind, found.decision.subject_id),
        rule_id=found.decision.rule_id, weight=500, escalated=True,
    )  # fmt: skip
    emit(AppealOverdue(found.pk))
    audit.record(
        SYSTEM, "call_out_appeal", ("governance.appeal", found.pk), before={"state": "open"},
        after={"state": "overdue", "lifted": lifted},
    )  # fmt: skip


def erase_appeals(*, person_id: int) -> int:
    """Empties what a person wrote in appeals; that they appealed, and the answer, stay."""
    touched = Appeal.objects.filter(person_id=person_id).exclude(text="", evidence="")
    AppealNote.objects.filter(person_id=person_id, kind="said").update(text="")
    return touched.update(text="", evidence="")


def _round(root: Decision, evidence: str) -> int:
    """Refuses: decision_reversed, appeal_too_late, appeal_open, appeal_used, evidence_needed."""
    earlier = list(Appeal.objects.filter(decision=root).order_by("round").values_list("state", flat=True))
    which = laws.next_round(earlier, evidence)
    if Decision.objects.filter(reverses=root).exists():
        raise Refusal("decision_reversed")
    if clock.now() - root.made_at > laws.WINDOW:
        raise Refusal("appeal_too_late", days=laws.WINDOW.days)
    return which


def _take_back(root: Decision, reason: str, by: Actor) -> Decision:
    already = Decision.objects.filter(reverses=root).first()
    made = already or reverse_decision(decision_id=root.pk, reason=reason, by=by)
    note_reversal(decision_id=root.pk)
    return made


def _confirm(root: Decision, reason: str, by: Actor) -> Decision:
    made = follow_up(root, "uphold", reason, by, cause=root)
    for shown in queries.shown_meanwhile(root):
        in_turn((shown.subject_kind, shown.subject_id))
        take_back(shown, reason, by)
    _confirm_sanctions(root)
    return made


def _confirm_sanctions(root: Decision) -> None:
    for sanction in queries.sanctions_from(root):
        if sanction.state == "appealed":
            sanctions.mark(sanction_id=sanction.pk, event="uphold")


def _lift_what_can_be(found: Appeal) -> list[str]:
    """The public ids of what was lifted."""
    why = "No answer to the appeal came in time."
    lifted: list[str] = []
    for sanction in queries.sanctions_from(found.decision):
        if sanction.state == "appealed" and sanction.lifted_at is None:
            sanctions.lift_sanction(sanction_id=sanction.pk, reason=why)
            lifted.append(sanction.public_id)
    suspension = Suspension.objects.filter(decision=found.decision).first()
    if suspension is not None and suspension.is_in_force and not suspension.is_safety:
        lift_suspension(suspension_id=suspension.pk, reason=why, by=SYSTEM, ending="appeal")
        lifted.append(suspension.public_id)
    if not found.decision.rule_id.startswith(laws.PROTECTING):
        lifted += [_show_meanwhile(taken, why) for taken in queries.taken_down_by(found.decision)]
    if lifted:
        _note(found, "lifted", why, None)
    return lifted


def _show_meanwhile(taken: Decision, why: str) -> str:
    """What was taken down is shown while the answer is late; an answer that confirms the decision hides it again."""
    in_turn((taken.subject_kind, taken.subject_id))
    announce(follow_up(taken, "restore", why, SYSTEM, cause=taken))
    return taken.public_id


def _resume(found: Appeal, person_id: int | None) -> None:
    now = clock.now()
    assert found.paused_at is not None or found.state != "paused"
    due_at = laws.due_after(found.due_at, found.paused_at, now) if found.paused_at else found.due_at
    cause = found.paused_for
    move(found, laws.APPEAL, "resume", due_at=due_at, paused_for="", paused_at=None, resume_by=None)
    _note(found, "resumed", "", person_id, cause)


def _end(found: Appeal, event: str, **more: object) -> None:
    if found.state == "paused":
        _note(found, "resumed", "", None, found.paused_for)
    move(found, laws.APPEAL, event, ended_at=clock.now(), paused_for="", paused_at=None, resume_by=None, **more)
    case = Case.objects.filter(kind="appeal", key=found.public_id).exclude(state="closed").first()
    if case is not None:
        Case.objects.filter(pk=case.pk).update(held_by=None, held_until=None)
        close_case(case_id=case.pk)


def _note(found: Appeal, kind: str, text: str, person_id: int | None, pause: str = "") -> AppealNote:
    return AppealNote.objects.create(
        appeal=found, kind=kind, text=text, person_id=person_id, pause=pause, at=clock.now()
    )


def _locked(appeal_id: int) -> Appeal:
    """The appeal with its decision's turn taken first, as opening takes it.  Refuses: not_found."""
    seen = queries.appeal(appeal_id)
    in_turn(("governance.decision", seen.decision_id))
    return Appeal.objects.select_for_update(of=("self",)).select_related("decision").get(pk=seen.pk)


def _require_pending(found: Appeal, event: str) -> None:
    """Refuses: stale_state."""
    if not found.is_pending:
        raise Refusal("stale_state", state=found.state, event=event)


def _require_other(found: Appeal, person_id: int) -> None:
    """Refuses: own_decision."""
    if person_id in queries.barred_from(found):
        raise Refusal("own_decision")
