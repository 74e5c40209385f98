"""How an installation gets somebody who runs it: a one-time code for the first operator, appointment for the others."""

from meadow.accounts import queries, rules
from meadow.accounts.models import OperatorCode, Person
from meadow.accounts.services.people import hit_limits
from meadow.kernel import audit, clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal


def issue_operator_code() -> str:
    """A fresh one-time code for the first operator; earlier unused ones stop working.  Refuses: operator_exists."""
    if queries.has_operator():
        raise Refusal("operator_exists")
    code, now = rules.new_code(), clock.machine_now()
    with atomic():
        OperatorCode.objects.filter(used_at__isnull=True).delete()
        OperatorCode.objects.create(
            code_hash=rules.code_hash(rules.typed_code(code)),
            created_at=now,
            expires_at=now + rules.OPERATOR_CODE_LIFE,
        )
    return code


def claim_operator(*, code: str, person_id: int) -> Person:
    """Makes the person who holds the code the operator; it works once.

    Call it outside a transaction, so that wrong tries count.  Refuses: code_wrong, rate_limited.
    """
    hit_limits({"operator_code": str(person_id)})
    digest, now = rules.code_hash(rules.typed_code(code)), clock.machine_now()
    with atomic():
        person = Person.objects.select_for_update(no_key=True).filter(pk=person_id, is_active=True).first()
        if person is None or person.is_guest:
            raise Refusal("code_wrong")
        spent = OperatorCode.objects.filter(code_hash=digest, used_at__isnull=True, expires_at__gt=now).update(
            used_at=now, used_by=person
        )
        if spent != 1:
            raise Refusal("code_wrong")
        return _make_operator(person, SYSTEM)


def appoint_operator(*, person_id: int, by: Actor) -> Person:
    """An operator, or the command line, gives another person the role.  Refuses: forbidden, not_found."""
    with atomic():
        require_operator(by)
        person = Person.objects.select_for_update(no_key=True).filter(pk=person_id, is_active=True).first()
        if person is None or person.is_guest:
            raise Refusal("not_found")
        return _make_operator(person, by)


def require_operator(by: Actor) -> None:
    """Refuses: forbidden."""
    if by.kind != "system" and not (by.person_id and queries.is_operator(by.person_id)):
        raise Refusal("forbidden")


def _make_operator(person: Person, by: Actor) -> Person:
    if not person.is_operator:
        person.is_operator = True
        person.save(update_fields=["is_operator"])
        audit.record(by, "make_operator", ("accounts.person", person.pk), after={"is_operator": True})
    return person
