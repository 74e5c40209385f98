"""How an applicant's documents are kept: pictures only, sealed, seen by reviewers with every look noted, and forgotten."""

from datetime import timedelta

from meadow.accounts import queries as accounts
from meadow.kernel import audit, clock, limits
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.pictures import recode
from meadow.payments import vault
from meadow.payments.models import (
    ApplicantDocument,
    ApplicationVersion,
    Challenge,
    DocumentView,
    MerchantApplication,
    TwinMessage,
)
from meadow.payments.rules import applications as rules
from meadow.payments.services.application_moves import KIND, locked, owned

SEALED = "applicant document"


def add_document(*, application_id: int, field: str, content: bytes, by: Actor) -> ApplicantDocument:
    """Takes a picture of a document in the place of the one before.

    Refuses: malformed, not_found, forbidden, picture_too_large, picture_unreadable, document_refused,
    field_not_asked, limit_reached, stale_state, rate_limited.
    """
    application = owned(application_id, by)
    if field not in rules.EVERY_DOCUMENT:
        raise Refusal("malformed", field="field", why=", ".join(rules.EVERY_DOCUMENT))
    limits.hit("applicant_document", str(application.merchant_id), per=timedelta(hours=1), burst=30)
    # Judged by its content: a drawing, a page, an archive or a bomb is no picture.
    picture = recode(content)
    if min(picture.width, picture.height) < rules.DOCUMENT_EXTENT_LEAST:
        raise Refusal("document_refused", field=field, least=rules.DOCUMENT_EXTENT_LEAST)
    with atomic():
        row = locked(application.pk)
        if row.state not in ("draft", "rejected"):
            raise Refusal("stale_state", state=row.state, event="add document")
        asked = [fault["field"] for fault in row.faults] or list(rules.DOCUMENTS[row.level])
        if field not in asked:
            raise Refusal("field_not_asked", field=field, asked=", ".join(asked))
        if ApplicantDocument.objects.filter(application=row).count() >= rules.MOST_DOCUMENTS:
            raise Refusal("limit_reached", most=rules.MOST_DOCUMENTS)
        ApplicantDocument.objects.filter(application=row, field=field, is_current=True).update(is_current=False)
        made = ApplicantDocument.objects.create(
            application=row, field=field, content_sealed=vault.seal_bytes(picture.content, SEALED),
            width=picture.width, height=picture.height, uploaded_by_id=by.person_id, uploaded_at=clock.now(),
        )  # fmt: skip
        audit.record(by, "add_document", (KIND, row.pk), after={"field": field})
    return made


def content_of(document: ApplicantDocument) -> bytes:
    """The picture, for what checks it by itself."""
    return vault.unseal_bytes(document.content_sealed or b"", SEALED)


def view_document(*, public_id: str, by: Actor) -> bytes:
    """The picture for a reviewer; the look is noted before it is shown.  Refuses: forbidden, not_found."""
    if by.person_id is None or not accounts.is_operator(by.person_id):
        raise Refusal("forbidden")
    with atomic():
        found = ApplicantDocument.objects.filter(public_id=public_id, deleted_at=None).first()
        if found is None:
            raise Refusal("not_found")
        DocumentView.objects.create(document=found, person_id=by.person_id, at=clock.now())
        audit.record(by, "view_document", ("payments.document", found.pk))
    return content_of(found)


def forget_application(row: MerchantApplication) -> None:
    """Its time is over: data and documents go, and what remains says only that there was an application."""
    with atomic():
        now = clock.now()
        ApplicantDocument.objects.filter(application=row, deleted_at=None).update(content_sealed=None, deleted_at=now)
        ApplicationVersion.objects.filter(application=row).update(data_sealed=b"")
        Challenge.objects.filter(application=row).delete()
        TwinMessage.objects.filter(application=row).delete()
        MerchantApplication.objects.filter(pk=row.pk).update(data_sealed=b"", forget_at=None)
        audit.record(audit.SYSTEM, "forget_application", (KIND, row.pk))
