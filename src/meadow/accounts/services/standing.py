"""How a decision of the rulebook is carried out on a creator or merchant, and undone so that nothing is left of it."""

from datetime import datetime

from meadow.accounts import rules
from meadow.accounts.models import Creator, Merchant, Standing
from meadow.kernel import audit, clock
from meadow.kernel.db import atomic

_SUBJECTS: dict[str, type[Creator] | type[Merchant]] = {"accounts.creator": Creator, "accounts.merchant": Merchant}


def lay_restriction(
    *, kind: str, subject_id: int, action: str, decision_id: int, until: datetime | None = None
) -> Standing | None:
    """Suspends a creator or merchant for a decision, remembering the state it found; a second call changes nothing."""
    with atomic():
        subject = _locked(kind, subject_id)
        if subject is None or Standing.objects.filter(decision_id=decision_id).exists():
            return None
        standing = Standing.objects.create(
            subject_kind=kind, subject_id=subject_id, restriction=rules.RESTRICTION_OF[action],
            decision_id=decision_id, prior_state=subject.state, since=clock.now(), until=until,
        )  # fmt: skip
        _set_state(subject, kind, rules.MACHINES[kind].next(subject.state, action), decision_id)
    return standing


def lift_restriction(*, decision_id: int) -> None:
    """Undoes one decision: an imposed restriction is lifted, or what a restoring decision lifted is laid again."""
    with atomic():
        standing = Standing.objects.filter(decision_id=decision_id).first()
        if standing is not None:
            _lift(standing.pk, by=None)
            # Lifted for good: undoing a restoring decision that had lifted it before must not bring it back.
            Standing.objects.filter(pk=standing.pk).update(lifted_by=None)
            return
        for reopened in Standing.objects.filter(lifted_by=decision_id).order_by("pk"):
            _lay_again(reopened.pk)


def restore_subject(*, kind: str, subject_id: int, decision_id: int) -> None:
    """Lifts every open restriction of a subject in the name of a restoring decision."""
    with atomic():
        if _locked(kind, subject_id) is None:
            return
        for standing in _open(kind, subject_id):
            _lift(standing.pk, by=decision_id)


def lift_expired(*, standing: Standing) -> None:
    """A restriction whose time is over ends by itself."""
    _lift(standing.pk, by=None)


def _lift(standing_id: int, *, by: int | None) -> None:
    """Lifts one restriction.  The subject returns to the state it had, unless another restriction still holds it.

    Of the open restrictions exactly one remembers a state other than suspended; when it is lifted first, another
    inherits that memory, so the order of lifting never matters.
    """
    with atomic():
        standing = Standing.objects.get(pk=standing_id)
        subject = _locked(standing.subject_kind, standing.subject_id)
        standing.refresh_from_db()  # another lift may have handed it the state to return to before we had the lock
        changed = Standing.objects.filter(pk=standing_id, lifted_at__isnull=True).update(
            lifted_at=clock.now(), lifted_by=by
        )
        if not changed or subject is None:
            return
        others = _open(standing.subject_kind, standing.subject_id)
        if others and standing.prior_state != "suspended":
            Standing.objects.filter(pk=others[0].pk).update(prior_state=standing.prior_state)
        elif not others:
            _set_state(subject, standing.subject_kind, standing.prior_state, standing.decision_id)


def _lay_again(standing_id: int) -> None:
    with atomic():
        standing = Standing.objects.get(pk=standing_id)
        subject = _locked(standing.subject_kind, standing.subject_id)
        over = standing.until is not None and standing.until <= clock.now()
        if subject is None or over:
            return
        Standing.objects.filter(pk=standing_id).update(lifted_at=None, lifted_by=None, prior_state=subject.state)
        state = rules.MACHINES[standing.subject_kind].next(subject.state, "suspend")
        _set_state(subject, standing.subject_kind, state, standing.decision_id)


def _open(kind: str, subject_id: int) -> list[Standing]:
    found = Standing.objects.filter(subject_kind=kind, subject_id=subject_id, lifted_at__isnull=True)
    return list(found.order_by("pk"))


def _locked(kind: str, subject_id: int) -> "Creator | Merchant | None":
    return _SUBJECTS[kind].objects.select_for_update(no_key=True).filter(pk=subject_id).first()


def _set_state(subject: "Creator | Merchant", kind: str, state: str, decision_id: int) -> None:
    before = subject.state
    if before != state:
        subject.state = state
        subject.save(update_fields=["state"])
        audit.record(
            audit.SYSTEM, "carry_out_decision", (kind, subject.pk),
            before={"state": before}, after={"state": state, "decision": decision_id},
        )  # fmt: skip
