"""What was decided, and who is suspended by it."""

from datetime import datetime

from meadow.governance.models import Decision
from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import is_id


def answer_of(decision_id: int) -> str:
    """The code that an operator chose when they acted, in the decision itself or in what it followed from."""
    made: Decision | None = decision(decision_id)
    while made is not None:
        if answer := made.words.inputs.get("answer"):
            return str(answer)
        made = made.cause
    return ""


def decision(decision_id: int | str) -> Decision:
    """A decision by id or public id.  Refuses: not_found."""
    if isinstance(decision_id, str):
        found = (
            Decision.objects.select_related("words").filter(public_id=decision_id).first()
            if is_id(decision_id, "dec")
            else None
        )
    else:
        found = Decision.objects.select_related("words").filter(pk=decision_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def newest_decision() -> int:
    """The id of the newest decision; 0 if there is none."""
    return int(db.call("SELECT coalesce(max(id), 0) FROM governance_decision"))


def decisions_about(kind: str, subject_id: int, limit: int = 100) -> list[Decision]:
    """What was decided about a subject, the newest first."""
    return list(
        Decision.objects.select_related("words")
        .filter(subject_kind=kind, subject_id=subject_id)
        .order_by("-pk")[:limit]
    )


def is_suspended(kind: str, subject_id: int, *, at: datetime | None = None) -> bool:
    """Whether a decision keeps a subject from anything new now, though its owner may not have carried it out yet."""
    return subject_id in suspended_among(kind, [subject_id], at=at)


def suspended_among(kind: str, subject_ids: list[int], *, at: datetime | None = None) -> set[int]:
    """Those of the subjects that are suspended: not reversed, not ended, not restored by a later decision."""
    found = db.rows(
        "SELECT DISTINCT d.subject_id FROM governance_decision d "
        "WHERE d.subject_kind = %(kind)s AND d.subject_id = ANY(%(ids)s) AND d.action IN ('suspend', 'stop_new') "
        "AND (d.until IS NULL OR d.until > %(at)s) "
        "AND NOT EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = d.id) "
        "AND NOT EXISTS (SELECT 1 FROM governance_decision l WHERE l.subject_kind = d.subject_kind "
        " AND l.subject_id = d.subject_id AND l.action = 'restore' AND l.id > d.id "
        " AND NOT EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = l.id))",
        {"kind": kind, "ids": subject_ids, "at": at or clock.now()},
    )
    return {row["subject_id"] for row in found}
