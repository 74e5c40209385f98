"""What every step of a merchant's application shares: whose it is, its data unsealed, its moves told, and its end."""

import json
from datetime import timedelta
from typing import Any

from django.conf import settings

from meadow.accounts import queries as accounts
from meadow.kernel import clock, db
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.events import MerchantApplicationMoved
from meadow.kernel.outbox import emit
from meadow.payments import vault
from meadow.payments.models import MerchantApplication
from meadow.payments.queries.applications import DATA, data_of
from meadow.payments.rules import applications as rules
from meadow.payments.services.bank import note_verified_name, set_bank_account

KIND = "payments.application"


def require_owner(merchant_id: int, by: Actor) -> None:
    """Only the owner applies; staff are told so, and to everybody else the merchant does not exist."""
    role = accounts.role_at(by.person_id, merchant_id) if by.person_id else None
    if role is None:
        raise Refusal("not_found")
    if role != "owner":
        raise Refusal("forbidden")


def owned(application_id: int, by: Actor) -> MerchantApplication:
    """An application, to its merchant's owner.  Refuses: not_found, forbidden."""
    found = MerchantApplication.objects.filter(pk=application_id).first()
    if found is None:
        raise Refusal("not_found")
    require_owner(found.merchant_id, by)
    return found


def in_turn(merchant_id: int) -> None:
    """Beginning to apply and being let in by hand wait for each other; the lock ends with the transaction."""
    db.call("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"payments:application:{merchant_id}"])


def locked(application_id: int) -> MerchantApplication:
    return MerchantApplication.objects.select_for_update().get(pk=application_id)


def sealed(values: dict[str, str]) -> bytes:
    return vault.seal(json.dumps(values, ensure_ascii=False), DATA)


def move(row: MerchantApplication, event: str, **extra: Any) -> None:
    """Moves it and tells whoever cares.  Refuses: stale_state."""
    db.move(row, rules.APPLICATION, event, **extra)
    emit(MerchantApplicationMoved(row.pk, row.merchant_id, row.state))


def go_on(row: MerchantApplication) -> None:
    """Everything that a machine can check holds: a person looks, or the agreement is shown."""
    if row.needs_review:
        move(row, "audit", check_due_at=None, review_due_at=clock.now() + rules.REVIEW_WITHIN)
    else:
        move(row, "agree", check_due_at=None)


def forget_after() -> timedelta:
    """How long data and documents are kept after an application has ended."""
    return timedelta(days=settings.MEADOW.applicant_document_days)


def take_effect(row: MerchantApplication) -> None:
    """A finished application takes the place of the one before, and says whose name is verified and where to pay."""
    party, values = ("merchant", row.merchant_id), data_of(row)
    if values:
        note_verified_name(party=party, name=rules.account_name(row.level, values), source="merchant application")
        set_bank_account(
            party=party, holder=values["bank_holder"], bank=values["bank_name"], number=values["bank_number"],
            by=Actor("person", row.applicant_id) if row.applicant_id else SYSTEM, is_stepped_up=True,
        )  # fmt: skip


def replace_standing(merchant_id: int) -> None:
    """Ends the application that stands, because another one is about to."""
    for old in MerchantApplication.objects.select_for_update().filter(merchant_id=merchant_id, state=rules.LIVE):
        move(old, "replace", forget_at=clock.now() + forget_after())
