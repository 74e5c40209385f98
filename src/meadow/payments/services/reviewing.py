"""How a person decides on a merchant's application, and how the operator lets a merchant in or stops it by hand."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time

from meadow.accounts import queries as accounts
from meadow.governance.services import confirm_licence, show_licence
from meadow.kernel import audit, clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.payments.models import MerchantApplication
from meadow.payments.queries.applications import data_of
from meadow.payments.rules import applications as rules
from meadow.payments.rules.applications import APPLICATION, Fault
from meadow.payments.services.application_moves import KIND, forget_after, in_turn, locked, move, replace_standing
from meadow.payments.services.applications import note_faults

MOST_WORDS = 200


def approve_application(*, application_id: int, by: Actor) -> MerchantApplication:
    """A reviewer's yes; a restricted category's licence counts from now on.

    Refuses: forbidden, not_found, own_application, stale_state.
    """
    with atomic():
        row = _to_review(application_id, by)
        APPLICATION.next(row.state, "agree")
        if row.level == 2:
            _confirm(row, by)
        move(row, "agree", reviewer_id=by.person_id, reviewed_at=clock.now(), review_due_at=None)
        audit.record(by, "approve_application", (KIND, row.pk))
    return row


def turn_down_application(*, application_id: int, faults: Mapping[str, str], by: Actor) -> MerchantApplication:
    """A reviewer's no: field to what is wrong with it, in the reviewer's words; at least one.

    Refuses: forbidden, malformed, not_found, own_application, stale_state.
    """
    known = (*rules.EVERY_FIELD, *rules.EVERY_DOCUMENT)
    if not faults or any(field not in known for field in faults):
        raise Refusal("malformed", field="faults", why="name at least one field of the application")
    listed = [Fault(field, "reviewer", " ".join(words.split())[:MOST_WORDS]) for field, words in faults.items()]
    if any(not fault.words for fault in listed):
        raise Refusal("malformed", field="faults", why="say what is wrong with each field")
    with atomic():
        row = _to_review(application_id, by)
        APPLICATION.next(row.state, "reject")
        note_faults(row, listed, by=by.person_id)
        MerchantApplication.objects.filter(pk=row.pk).update(reviewed_at=clock.now())
        audit.record(by, "turn_down_application", (KIND, row.pk), after={"fields": sorted(faults)})
    return row


def admit_merchant(*, merchant_id: int, reason: str, by: Actor, level: int = 0) -> MerchantApplication:
    """The operator knows the merchant and lets it be paid without an application; the reason stays on record.

    Payouts to a bank still need a verified name.  Again for who is admitted already changes nothing.
    Refuses: forbidden, malformed, not_found.
    """
    if by.kind != "system" and (by.person_id is None or not accounts.is_operator(by.person_id)):
        raise Refusal("forbidden")
    words = " ".join(reason.split())
    if not 2 < len(words) <= 400 or level not in rules.LEVELS:
        raise Refusal("malformed", field="reason", why="say why, in 3 to 400 characters")
    merchant = accounts.require_merchant(merchant_id)
    with atomic():
        in_turn(merchant.pk)
        standing = MerchantApplication.objects.filter(merchant=merchant, state=rules.LIVE).first()
        if standing is not None and standing.level >= level:
            return standing
        for waiting in MerchantApplication.objects.select_for_update().filter(merchant=merchant, state__in=rules.OPEN):
            move(waiting, "cancel", review_due_at=None, forget_at=clock.now() + forget_after())
        replace_standing(merchant.pk)
        made = MerchantApplication.objects.create(
            merchant=merchant, level=level, note=words, reviewer_id=by.person_id, created_at=clock.now()
        )
        move(made, "admit", finished_at=clock.now(), reviewed_at=clock.now())
        audit.record(by, "admit_merchant", (KIND, made.pk), after={"reason": words, "level": level})
    return made


def _to_review(application_id: int, by: Actor) -> MerchantApplication:
    if by.person_id is None or not accounts.is_operator(by.person_id):
        raise Refusal("forbidden")
    if not MerchantApplication.objects.filter(pk=application_id).exists():
        raise Refusal("not_found")
    row = locked(application_id)
    if accounts.may_act_for(by.person_id, row.merchant_id) or row.applicant_id == by.person_id:
        raise Refusal("own_application")
    if row.state != "auditing":
        raise Refusal("stale_state", state=row.state, event="review")
    return row


def _confirm(row: MerchantApplication, by: Actor) -> None:
    values = data_of(row)
    licence = show_licence(
        merchant_id=row.merchant_id, kind=values["qualification_kind"], number=values["qualification_number"],
        issuer=values["qualification_issuer"], valid_from=_day(values["qualification_from"]),
        expires_at=_day(values["qualification_expires_on"], is_end=True), by=SYSTEM,
    )  # fmt: skip
    confirm_licence(licence_id=licence.pk, by=by)


def _day(text: str, *, is_end: bool = False) -> datetime:
    return datetime.combine(date.fromisoformat(text), time.max if is_end else time.min, tzinfo=UTC)
