"""How a creator leaves, owing nothing, and how a debt is given up by the word of two people."""

from django.db import IntegrityError

from meadow.accounts import queries as accounts
from meadow.accounts import services as people
from meadow.accounts.queries import Creator
from meadow.affiliate import rules
from meadow.affiliate.models import CommissionLine, WriteOff
from meadow.affiliate.queries import write_off
from meadow.kernel import audit, clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import queries as ledger
from meadow.ledger import services as ledger_verbs
from meadow.ledger.services import Transfer

REASON_CHARACTERS = 400


def close_creator(*, creator_id: int, by: Actor) -> Creator:
    """A creator gives the role up once nothing is owed, to them or by them, and nothing is on its way.

    Refuses: not_found, stale_state, closure_owes, closure_balance, closure_pending.
    """
    with atomic():
        if accounts.person_of_creator(creator_id) != by.person_id:
            raise Refusal("not_found")
        for part in ledger.party_balances("creator", creator_id):
            if part.receivable_minor < 0:
                raise Refusal("closure_owes", owed_minor=-part.receivable_minor, currency=part.currency)
            if part.available_minor > 0:
                raise Refusal("closure_balance", minor=part.available_minor, currency=part.currency)
        pending = CommissionLine.objects.filter(creator_id=creator_id).exclude(state__in=("final", "void")).count()
        if pending:
            raise Refusal("closure_pending", count=pending)
        return people.close_creator(creator_id=creator_id, by=by)


def propose_write_off(*, party: tuple[str, int], currency: str, reason: str, by: Actor) -> WriteOff:
    """An operator proposes to give up all that a party owes in a currency.

    Refuses: forbidden, malformed, nothing_owed, write_off_open.
    """
    person_id = _operator(by)
    if not 0 < len(reason.strip()) <= REASON_CHARACTERS:
        raise Refusal("malformed", field="reason", why=f"1 to {REASON_CHARACTERS} characters")
    owed = _owed(party, currency)
    if not owed:
        raise Refusal("nothing_owed")
    try:
        with atomic():
            made = WriteOff.objects.create(
                party_kind=party[0], party_id=party[1], currency=currency, amount_minor=owed, reason=reason.strip(),
                proposed_by_id=person_id, proposed_at=clock.now(),
            )  # fmt: skip
            audit.record(by, "propose_write_off", ("affiliate.write_off", made.pk), after={"minor": owed})
    except IntegrityError:
        raise Refusal("write_off_open") from None
    return made


def approve_write_off(*, public_id: str, by: Actor) -> WriteOff:
    """A second operator agrees: the debt is gone and the platform bears it, in one posting.

    What was paid meanwhile is not given up; if more is owed than was proposed, it has to be proposed again.
    Refuses: forbidden, not_found, stale_state, second_person_needed, nothing_owed.
    """
    person_id = _operator(by)
    with atomic():
        row = _locked(public_id)
        if row.proposed_by_id == person_id:
            raise Refusal("second_person_needed")
        party = (row.party_kind, row.party_id)
        db.move(row, rules.WRITE_OFF, "approve", decided_by_id=person_id, decided_at=clock.now())
        # The debt may be paid by an income at this very moment: the ledger locks it before it looks.
        minor = min(row.amount_minor, _owed(party, row.currency))
        if not minor:
            raise Refusal("nothing_owed")
        amount = Money(minor, row.currency)
        ledger_verbs.post(
            key=f"write_off:{row.public_id}", cause=("affiliate.write_off", row.pk), kind="write_off",
            transfers=[
                Transfer("platform:claims", f"{row.party_kind}:{row.party_id}:receivable", amount),
                Transfer("platform:written_off", "platform:advance", amount),
            ],
            note={"reason": row.reason},
        )  # fmt: skip
        audit.record(by, "approve_write_off", ("affiliate.write_off", row.pk), after={"minor": minor})
    return row


def decline_write_off(*, public_id: str, by: Actor) -> WriteOff:
    """Refuses: forbidden, not_found, stale_state."""
    person_id = _operator(by)
    with atomic():
        row = _locked(public_id)
        db.move(row, rules.WRITE_OFF, "decline", decided_by_id=person_id, decided_at=clock.now())
        audit.record(by, "decline_write_off", ("affiliate.write_off", row.pk))
    return row


def _operator(by: Actor) -> int:
    if by.person_id is None or not accounts.is_operator(by.person_id):
        raise Refusal("forbidden")
    return by.person_id


def _owed(party: tuple[str, int], currency: str) -> int:
    """What a party owes in a currency.  Refuses: malformed."""
    return sum(-part.receivable_minor for part in ledger.party_balances(*party) if part.currency == currency)


def _locked(public_id: str) -> WriteOff:
    found = write_off(public_id)
    return WriteOff.objects.select_for_update().get(pk=found.pk)
