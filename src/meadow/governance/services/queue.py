"""How operators work through the queue: two never hold the same case, and what is left lying goes back."""

from collections.abc import Iterable
from typing import Any

from meadow.governance.models import Case
from meadow.governance.queries.queue import is_held
from meadow.governance.rules import cases as laws
from meadow.governance.services.cases import open_case
from meadow.governance.services.guards import require_operator
from meadow.governance.services.parties import Subject
from meadow.kernel import clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal

_WANTED = (
    "(cardinality(%(kinds)s::text[]) = 0 OR kind = ANY(%(kinds)s::text[])) "
    "AND (%(rule)s = '' OR rule_id = %(rule)s) AND (%(subject)s = '' OR subject_kind = %(subject)s) "
    "AND (NOT %(escalated)s OR state = 'escalated') AND weight >= %(least)s"
)


def file_case(
    *,
    kind: str,
    key: str,
    subject: Subject,
    rule_id: str,
    decision_id: int | None = None,
    members: Iterable[tuple[Subject, int | None]] = (),
    weight: int = 1,
    barred: Iterable[int] = (),
    escalated: bool = False,
) -> Case:
    """Puts something about a decision into the queue, or adds to the open case of the same key.

    barred: operators who took part before and must not be given it.
    """
    with atomic():
        opened = open_case(
            kind=kind, key=key, subject=subject, rule_id=rule_id, members=list(members),
            weight=max(1, min(weight, laws.MOST_WEIGHT)),
        )  # fmt: skip
        case = locked(opened.pk)
        case.decision_id = decision_id or case.decision_id
        case.barred = sorted({*case.barred, *barred})
        if escalated:
            case.state = "escalated"
        case.save(update_fields=["decision", "barred", "state"])
    return case


def next_case(*, by: Actor, wanted: laws.Filter | None = None) -> Case | None:
    """The case that the operator holds already, else the first that nobody holds: escalated, then the weightiest.

    Two who ask at once get two cases: a row that one has locked is skipped by the other.  Refuses: forbidden.
    """
    person_id = operator_id(by)
    params = {"machine": clock.machine_now(), "me": person_id, **_params(wanted)}
    with atomic():
        row = db.one(
            "SELECT id FROM governance_case WHERE held_by_id = %(me)s AND held_until > %(machine)s "
            f"AND {_WANTED} ORDER BY held_until DESC LIMIT 1 FOR UPDATE",
            params,
        ) or db.one(
            "SELECT id FROM governance_case WHERE state <> 'closed' "
            "AND (held_until IS NULL OR held_until <= %(machine)s) AND NOT %(me)s::bigint = ANY(barred) "
            f"AND {_WANTED} ORDER BY (state = 'escalated') DESC, weight DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED",
            params,
        )
        return None if row is None else _hold(Case.objects.get(pk=row["id"]), person_id)


def claim_case(*, case_id: int, by: Actor) -> Case:
    """Takes one certain case, or renews one's own hold.

    Refuses: forbidden, not_found, stale_state, case_held, own_decision.
    """
    person_id = operator_id(by)
    with atomic():
        case = locked(case_id)
        if case.state == "closed":
            raise Refusal("stale_state", state="closed", event="claim")
        if person_id in case.barred:
            raise Refusal("own_decision")
        if case.held_by_id != person_id and is_held(case):
            raise Refusal("case_held")
        return _hold(case, person_id)


def release_case(*, case_id: int, by: Actor) -> None:
    """Puts a case back into the queue.  Refuses: forbidden."""
    person_id = operator_id(by)
    Case.objects.filter(pk=case_id, held_by_id=person_id).update(held_by=None, held_until=None)


def require_held(case_id: int, by: Actor) -> Case:
    """The case, locked, if this operator holds it at this moment.  Refuses: forbidden, not_found, case_not_yours."""
    person_id = operator_id(by)
    case = locked(case_id)
    if case.held_by_id != person_id or not is_held(case):
        raise Refusal("case_not_yours")
    return case


def locked(case_id: int) -> Case:
    """Refuses: not_found."""
    case = Case.objects.select_for_update(of=("self",)).filter(pk=case_id).first()
    if case is None:
        raise Refusal("not_found")
    return case


def operator_id(by: Actor) -> int:
    """Cases are looked at by people.  Refuses: forbidden."""
    require_operator(by)
    if by.person_id is None:
        raise Refusal("forbidden")
    return by.person_id


def _hold(case: Case, person_id: int) -> Case:
    until = clock.machine_now() + laws.LEASE
    Case.objects.filter(pk=case.pk).update(held_by=person_id, held_until=until)
    case.held_by_id, case.held_until = person_id, until
    return case


def _params(wanted: laws.Filter | None) -> dict[str, Any]:
    chosen = wanted or laws.Filter()
    return {
        "kinds": list(chosen.kinds), "rule": chosen.rule, "subject": chosen.subject_kind,
        "escalated": chosen.escalated, "least": chosen.least_weight,
    }  # fmt: skip
