"""How a merchant comes to be paid: it applies by itself, what can be checked is checked at once, and each no names a field."""

from collections.abc import Mapping
from datetime import date, timedelta

from meadow.governance.services import licence_kinds
from meadow.kernel import audit, clock, limits
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.payments import vault
from meadow.payments.models import ApplicantDocument, ApplicationVersion, LegalEntity, MerchantApplication, Proof
from meadow.payments.queries.applications import data_of
from meadow.payments.rules import applications as rules
from meadow.payments.rules.applications import APPLICATION, Answer, Fault
from meadow.payments.services.application_moves import (
    KIND,
    forget_after,
    go_on,
    in_turn,
    locked,
    move,
    owned,
    replace_standing,
    require_owner,
    sealed,
    take_effect,
)
from meadow.payments.services.documents import content_of
from meadow.payments.services.proofs import note_proof, proof_digest
from meadow.payments.services.proving import challenge_what_is_open
from meadow.payments.verifiers import verifier

CHECK_AGAIN_AFTER = timedelta(minutes=2)


def start_application(*, merchant_id: int, level: int, by: Actor) -> MerchantApplication:
    """The merchant's open application, a new one where there is none; its level may still change.

    Refuses: malformed, not_found, forbidden, level_reached, stale_state.
    """
    require_owner(merchant_id, by)
    if level not in rules.LEVELS:
        raise Refusal("malformed", field="level", why="0, 1 or 2")
    with atomic():
        in_turn(merchant_id)
        standing = MerchantApplication.objects.filter(merchant_id=merchant_id, state=rules.LIVE).first()
        if standing is not None and standing.level >= level:
            raise Refusal("level_reached", level=standing.level)
        fresh = MerchantApplication(
            merchant_id=merchant_id, level=level, applicant_id=by.person_id, created_at=clock.now()
        )
        # Two at once: the second finds the first one's row.
        MerchantApplication.objects.bulk_create([fresh], ignore_conflicts=True)
        found = MerchantApplication.objects.select_for_update().get(merchant_id=merchant_id, state__in=rules.OPEN)
        if found.level != level:
            if found.state != "draft":
                raise Refusal("stale_state", state=found.state, event="change level")
            found.level = level
            found.save(update_fields=["level"])
        if found.public_id == fresh.public_id:
            audit.record(by, "start_application", (KIND, found.pk), after={"level": level})
    return found


def submit_application(*, application_id: int, values: Mapping[str, str], by: Actor) -> MerchantApplication:
    """Hands the data in and checks it at once.  After a no, only the fields that were found wrong are asked for again.

    What comes back tells: rejected with its faults, account_need_verify, auditing or need_sign.
    Refuses: malformed, not_found, forbidden, field_not_asked, stale_state, rate_limited.
    """
    application = owned(application_id, by)
    unknown = set(values) - set(rules.EVERY_FIELD)
    if unknown:
        raise Refusal("malformed", field=min(unknown)[:40], why="no field of an application")
    limits.hit("merchant_application", str(application.merchant_id), per=timedelta(hours=1), burst=20)
    with atomic():
        row = locked(application.pk)
        APPLICATION.next(row.state, "submit")
        kept = _amended(row, rules.tidy(values))
        now = clock.now()
        move(
            row, "submit", data_sealed=sealed(kept), submitted_at=now, check_due_at=now + CHECK_AGAIN_AFTER,
            faults=[], forget_at=None, applicant_id=by.person_id,
        )  # fmt: skip
        number = ApplicationVersion.objects.filter(application=row).count() + 1
        ApplicationVersion.objects.create(
            application=row, number=number, data_sealed=row.data_sealed, person_id=by.person_id, at=now
        )
        audit.record(by, "submit_application", (KIND, row.pk), after={"version": number})
    # Whoever verifies may be slow: it is asked outside the transaction, and a sweep takes up what a crash cut short.
    return check_application(row)


def _amended(row: MerchantApplication, given: Mapping[str, str]) -> dict[str, str]:
    """The data with what is new; after a no, what was accepted stays as it is."""
    kept = data_of(row)
    if row.state != "rejected":
        return {field: given.get(field, kept.get(field, "")) for field in rules.FIELDS[row.level]}
    asked = [fault["field"] for fault in row.faults]
    for field, text in given.items():
        if field not in asked and text != kept.get(field, ""):
            raise Refusal("field_not_asked", field=field, asked=", ".join(asked))
    return kept | {field: given[field] for field in asked if field in given}


def check_application(row: MerchantApplication) -> MerchantApplication:
    """Asks the verifier about an application in `checking` and moves it on; called twice, the second finds it moved."""
    values = data_of(row)
    pictures = ApplicantDocument.objects.filter(application=row, is_current=True)
    documents = {each.field: each for each in pictures}
    faults = rules.faults_of(row.level, values, frozenset(documents), clock.now().date())
    if row.level == 2 and not faults and values["qualification_kind"] not in licence_kinds():
        faults.append(Fault("qualification_kind", "malformed"))
    is_unknown = False
    if not faults:
        faults, is_unknown = _ask(row, values, documents)
    with atomic():
        row = locked(row.pk)
        if row.state != "checking":
            return row
        if faults:
            note_faults(row, faults, by=None)
            return row
        row.entity = _entity(row.level, values)
        row.needs_review = row.level == 2 or is_unknown
        row.save(update_fields=["entity", "needs_review"])
        if challenge_what_is_open(row, values):
            move(row, "prove", check_due_at=None)
        else:
            go_on(row)
    return row


def note_faults(row: MerchantApplication, faults: list[Fault], *, by: int | None) -> None:
    """A no: it names each field, and stands beside what was handed in."""
    listed = [fault.as_dict() for fault in faults]
    latest = ApplicationVersion.objects.filter(application=row).order_by("-number").values("pk")[:1]
    ApplicationVersion.objects.filter(pk__in=latest).update(faults=listed)
    move(
        row, "reject", faults=listed, check_due_at=None, review_due_at=None, reviewer_id=by,
        forget_at=clock.now() + forget_after(),
    )  # fmt: skip


def sign_application(*, application_id: int, agreement: str, by: Actor) -> MerchantApplication:
    """The owner agrees to the merchants' agreement, and from then on the merchant is paid.

    Refuses: not_found, forbidden, agreement_changed, stale_state.
    """
    application = owned(application_id, by)
    if agreement != rules.AGREEMENT:
        raise Refusal("agreement_changed", current=rules.AGREEMENT)
    with atomic():
        row = locked(application.pk)
        APPLICATION.next(row.state, "sign")
        replace_standing(row.merchant_id)
        move(row, "sign", agreed_to=agreement, finished_at=clock.now(), forget_at=None)
        take_effect(row)
        audit.record(by, "sign_application", (KIND, row.pk), after={"agreement": agreement, "level": row.level})
    return row


def cancel_application(*, application_id: int, by: Actor) -> MerchantApplication:
    """The owner gives it up; one that stands is not touched.  Refuses: not_found, forbidden, stale_state."""
    application = owned(application_id, by)
    with atomic():
        row = locked(application.pk)
        move(row, "cancel", review_due_at=None, forget_at=clock.now() + forget_after())
        audit.record(by, "cancel_application", (KIND, row.pk))
    return row


def _ask(
    row: MerchantApplication, values: Mapping[str, str], documents: Mapping[str, ApplicantDocument]
) -> tuple[list[Fault], bool]:
    """What the verifier finds wrong, and whether it could not tell; what this person proved before is not asked again."""
    service, answers = verifier(), dict[str, tuple[Answer, str, str]]()
    proved = Proof.objects.filter(person=row.applicant)
    if not proved.filter(kind="identity", digest=proof_digest("identity", values)).exists():
        answers["identity"] = (
            service.person(
                kind=values.get("id_kind") or rules.ID_KINDS[0], number=values["id_number"],
                name=values["legal_name"], expires_on=date.fromisoformat(values["id_expires_on"]),
            ),
            "legal_name", "id_expires_on",
        )  # fmt: skip
    if row.level >= 1 and not proved.filter(kind="company", digest=proof_digest("company", values)).exists():
        until = values.get("licence_expires_on")
        answers["company"] = (
            service.company(
                kind=values.get("licence_kind") or rules.LICENCE_KINDS[0], number=values["licence_number"],
                name=values["company_name"], expires_on=date.fromisoformat(until) if until else None,
            ),
            "company_name", "licence_expires_on",
        )  # fmt: skip
    for field in rules.DOCUMENTS[row.level]:
        answers[field] = (service.document(field=field, picture=content_of(documents[field])), field, field)
    faults = []
    for kind, (answer, name_field, date_field) in answers.items():
        if answer == "match" and kind in rules.PROOFS:
            note_proof(row, kind, values)
        if answer == "mismatch":
            faults.append(Fault(name_field, "mismatch"))
        elif answer in ("expired", "unreadable"):
            faults.append(Fault(date_field, answer))
    return faults, any(answer == "unknown" for answer, _, _ in answers.values())


def _entity(level: int, values: Mapping[str, str]) -> LegalEntity:
    kind, number = rules.entity_of(level, values)
    found, _ = LegalEntity.objects.get_or_create(kind=kind, digest=vault.digest(number, f"entity {kind}"))
    return found
