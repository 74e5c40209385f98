"""Operations on merchants' applications for payment: hand in, prove, agree; review; and what the sandbox sent out."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from pydantic import Field

from meadow.accounts import queries as accounts
from meadow.api import limits
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group
from meadow.api.sandbox import require_sandbox
from meadow.kernel.errors import Refusal
from meadow.payments import queries, services

group = Group("applications")

Level = Literal[0, 1, 2]
Kind = Literal["phone", "bank"]
DocumentField = Literal["licence_picture", "qualification_picture"]
FieldName = Annotated[str, Field(max_length=40, examples=["legal_name"])]
Value = Annotated[str, Field(max_length=300, examples=["Ada Lovelace"])]


class StartIn(t.In):
    level: Annotated[
        Level, Field(description="0: an individual. 1: a verified business. 2: also restricted categories.")
    ] = 0


class SubmitIn(t.In):
    values: Annotated[dict[FieldName, Value], Field(max_length=30, examples=[{"legal_name": "Ada Lovelace"}])]


class ChallengeAnswerIn(t.In):
    answer: Annotated[
        str,
        Field(min_length=1, max_length=20, examples=["042042"], description="The code, or the amount in minor units."),
    ]


class SignIn(t.In):
    agreement: Annotated[str, Field(max_length=32, examples=["merchant-1"])]


class TurnDownIn(t.In):
    faults: Annotated[
        dict[FieldName, Annotated[str, Field(min_length=1, max_length=200, examples=["The stamp is missing."])]],
        Field(min_length=1, max_length=30, examples=[{"licence_picture": "The stamp is missing."}]),
    ]


class AdmitIn(t.In):
    reason: Annotated[str, Field(min_length=3, max_length=400, examples=["Sells at our market since 2019."])]
    level: Level = 0


class Reason(t.Out):
    field: str = Field(examples=["id_number"])
    code: str = Field(examples=["checksum"])
    en: str = Field(examples=["The check digit does not fit: a character is wrong."])
    zh: str = Field(examples=["校验位不符，请核对每一位。"])


class ApplicationOut(t.Out):
    id: t.ApplicationId
    merchant: t.MerchantId
    level: int = Field(examples=[0])
    state: str = Field(examples=["account_need_verify"])
    values: dict[str, str] = Field(
        description="What was handed in; numbers are shown by their last four characters.",
        examples=[{"legal_name": "Ada Lovelace", "id_number": "…002X"}],
    )
    asked: list[str] = Field(description="Fields and documents to hand in now.", examples=[["id_number"]])
    reasons: list[Reason] = Field(description="Why it was turned down, field by field.")
    waits_for: list[str] = Field(examples=[["phone", "bank"]])
    locked_until: t.Moment | None
    documents: list[str] = Field(examples=[["licence_picture"]])
    agreement: str = Field(description="What is agreed to in need_sign.", examples=["merchant-1"])
    review_due_at: t.Moment | None
    submitted_at: t.Moment | None
    finished_at: t.Moment | None


class VersionOut(t.Out):
    number: int = Field(examples=[1])
    at: t.Moment
    changed: list[str] = Field(examples=[["id_number"]])
    faults: list[dict[str, str]] = Field(examples=[[{"field": "id_number", "code": "checksum", "words": ""}]])


class DocumentOut(t.Out):
    id: t.DocumentId
    field: str = Field(examples=["licence_picture"])
    uploaded_at: t.Moment


class ViewOut(t.Out):
    document: t.DocumentId
    person: t.PersonId
    at: t.Moment


class ReviewOut(ApplicationOut):
    linked_merchants: list[str] = Field(
        description="Other merchants with the same person or business behind them.",
        examples=[["mer_01jd2m4q8r6t0v3x5z7y"]],
    )
    versions: list[VersionOut]
    pictures: list[DocumentOut]
    views: list[ViewOut]


class ApplicationStatisticsOut(t.Out):
    waiting: int = Field(examples=[2])
    overdue: int = Field(examples=[0])
    reviewed: int = Field(examples=[40])
    late: int = Field(examples=[1])


class LimitsOut(t.Out):
    """What a merchant's level allows; null sets no limit.  Amounts are in minor units of each currency."""

    level: int | None = Field(description="null: not verified yet.", examples=[0])
    order_minor: int | None = Field(description="The largest order.", examples=[2_000_000])
    payout_minor: int | None = Field(description="All payouts within 24 hours.", examples=[5_000_000])
    products: int | None = Field(description="Products on sale at a time.", examples=[1_000])
    paid_out_minor: dict[str, int] = Field(description="Within 24 hours, by currency.", examples=[{"CNY": 120_000}])
    raised_by: int | None = Field(description="The level to apply for to have them raised.", examples=[1])


class SentOut(t.Out):
    kind: str = Field(examples=["phone"])
    target: str = Field(examples=["+86 138 0000 0000"])
    content: str = Field(examples=["042042"])
    at: t.Moment


_OWN = ["forbidden", "stale_state", "rate_limited"]


@group.post(
    "/merchants/{merchant}/applications", gives=ApplicationOut, status=201, scope="catalog",
    refuses=["forbidden", "level_reached", "stale_state"],
)  # fmt: skip
def start_application(request: HttpRequest, merchant: t.MerchantId, body: StartIn) -> Any:
    """Begins to apply for payment, or gives the application that is open."""
    found = accounts.merchant(merchant)
    by = caller_of(request).staff_of(found.pk)
    return _shown(services.start_application(merchant_id=found.pk, level=body.level, by=by))


@group.get("/merchants/{merchant}/applications", gives=list[ApplicationOut], scope="catalog")
def list_merchant_applications(request: HttpRequest, merchant: t.MerchantId) -> Any:
    """A merchant's applications, the newest first."""
    found = accounts.merchant(merchant)
    caller_of(request).staff_of(found.pk)
    return [_shown(each) for each in queries.applications_of(found.pk)]


@group.get("/applications/{application}", gives=ApplicationOut, scope=("catalog", "operate"))
def get_application(request: HttpRequest, application: t.ApplicationId) -> Any:
    """Where an application is, what it waits for, and why it was turned down if it was."""
    return _shown(_seen(request, application))


@group.post(
    "/applications/{application}/submit", gives=ApplicationOut, scope="catalog",
    refuses=[*_OWN, "field_not_asked"],
)  # fmt: skip
def submit_application(request: HttpRequest, application: t.ApplicationId, body: SubmitIn) -> Any:
    """Hands the data in; it is checked at once.  After a no, only the fields found wrong are taken."""
    row = _seen(request, application)
    by = caller_of(request).within(row.merchant_id)
    return _shown(services.submit_application(application_id=row.pk, values=body.values, by=by))


@group.post(
    "/applications/{application}/{field}/pictures", gives=ApplicationOut, status=201, scope="catalog",
    takes="application/octet-stream",
    refuses=[*_OWN, "field_not_asked", "document_refused", "picture_too_large", "picture_unreadable", "limit_reached"],
)  # fmt: skip
def add_document(request: HttpRequest, application: t.ApplicationId, field: DocumentField) -> Any:
    """Adds a picture of a document as the body: JPEG, PNG, WebP or GIF, told by its content."""
    row = _seen(request, application)
    by = caller_of(request).within(row.merchant_id)
    content = request.read(limits.PICTURE_BYTES + 1)
    services.add_document(application_id=row.pk, field=field, content=content, by=by)
    return _shown(queries.application(application))


@group.post(
    "/applications/{application}/{kind}/answer", gives=ApplicationOut, scope="catalog",
    refuses=[*_OWN, "proof_wrong", "proof_locked", "proof_expired"],
)  # fmt: skip
def answer_challenge(request: HttpRequest, application: t.ApplicationId, kind: Kind, body: ChallengeAnswerIn) -> Any:
    """Says which code came to the phone, or which amount to the account."""
    row = _seen(request, application)
    by = caller_of(request).within(row.merchant_id)
    return _shown(services.answer_challenge(application_id=row.pk, kind=kind, answer=body.answer, by=by))


@group.post(
    "/applications/{application}/{kind}/send", gives=ApplicationOut, scope="catalog", refuses=[*_OWN, "proof_locked"]
)
def send_challenge(request: HttpRequest, application: t.ApplicationId, kind: Kind) -> Any:
    """Sends a new code or a new amount; the one before no longer counts."""
    row = _seen(request, application)
    services.send_again(application_id=row.pk, kind=kind, by=caller_of(request).within(row.merchant_id))
    return _shown(row)


@group.post(
    "/applications/{application}/sign", gives=ApplicationOut, scope="catalog", refuses=[*_OWN, "agreement_changed"]
)
def sign_application(request: HttpRequest, application: t.ApplicationId, body: SignIn) -> Any:
    """Agrees to the merchants' agreement; from then on the merchant is paid."""
    row = _seen(request, application)
    by = caller_of(request).within(row.merchant_id)
    return _shown(services.sign_application(application_id=row.pk, agreement=body.agreement, by=by))


@group.delete("/applications/{application}", gives=ApplicationOut, scope="catalog", refuses=_OWN)
def cancel_application(request: HttpRequest, application: t.ApplicationId) -> Any:
    """Gives an open application up; one that stands is not touched."""
    row = _seen(request, application)
    by = caller_of(request).within(row.merchant_id)
    return _shown(services.cancel_application(application_id=row.pk, by=by))


@group.get("/merchants/{merchant}/limits", gives=LimitsOut, scope="catalog")
def get_merchant_limits(request: HttpRequest, merchant: t.MerchantId) -> Any:
    """What the merchant's level of verification allows, and what of it is used."""
    found = accounts.merchant(merchant)
    caller_of(request).staff_of(found.pk)
    limits = queries.limits_of_merchant(found.pk)
    is_limited = limits.most != queries.limits_of_level(1)
    return {
        "level": limits.level, "order_minor": limits.most.order_minor, "payout_minor": limits.most.payout_minor,
        "products": limits.most.products, "paid_out_minor": limits.paid_out_minor,
        "raised_by": 1 if is_limited else None,
    }  # fmt: skip


@group.get("/applications", gives=list[ApplicationOut], scope="operate", refuses=["forbidden"])
def list_applications_to_review(request: HttpRequest) -> Any:
    """What waits for a reviewer, the one due first before the others."""
    caller_of(request).operator()
    return [_shown(each) for each in queries.to_review()]


@group.get("/applications/statistics", gives=ApplicationStatisticsOut, scope="operate", refuses=["forbidden"])
def get_review_statistics(request: HttpRequest) -> Any:
    """How reviews keep their clock; overdue must be 0."""
    caller_of(request).operator()
    return queries.review_statistics()


@group.get("/applications/{application}/review", gives=ReviewOut, scope="operate", refuses=["forbidden"])
def get_application_for_review(request: HttpRequest, application: t.ApplicationId) -> Any:
    """Everything a reviewer needs: data in full, earlier versions, linked merchants, pictures and who looked at them."""
    caller_of(request).operator()
    row = queries.application(application)
    return _shown(row, in_full=True) | {
        "linked_merchants": queries.merchants_of_one_entity(row), "versions": queries.versions_of(row),
        "pictures": [
            {"id": each.public_id, "field": each.field, "uploaded_at": each.uploaded_at}
            for each in queries.documents_of(row)
        ],
        "views": queries.views_of_documents(row),
    }  # fmt: skip


@group.get("/documents/{document}", scope="operate", media_type="image/webp", refuses=["forbidden"])
def view_document(request: HttpRequest, document: t.DocumentId) -> HttpResponse:
    """The picture of a document, for a reviewer; the look is noted."""
    content = services.view_document(public_id=document, by=caller_of(request).operator())
    return HttpResponse(content, content_type="image/webp", headers={"X-Content-Type-Options": "nosniff"})


@group.post(
    "/applications/{application}/approve", gives=ApplicationOut, scope="operate",
    refuses=["forbidden", "own_application", "stale_state"],
)  # fmt: skip
def approve_application(request: HttpRequest, application: t.ApplicationId) -> Any:
    """A reviewer's yes; nobody reviews their own."""
    caller, row = caller_of(request), queries.application(application)
    return _shown(services.approve_application(application_id=row.pk, by=caller.operator()))


@group.post(
    "/applications/{application}/turn-down", gives=ApplicationOut, scope="operate",
    refuses=["forbidden", "own_application", "stale_state"],
)  # fmt: skip
def turn_down_application(request: HttpRequest, application: t.ApplicationId, body: TurnDownIn) -> Any:
    """A reviewer's no, with what is wrong for each field; only those are asked for again."""
    caller, row = caller_of(request), queries.application(application)
    return _shown(services.turn_down_application(application_id=row.pk, faults=body.faults, by=caller.operator()))


@group.post("/merchants/{merchant}/admit", gives=ApplicationOut, status=201, scope="operate", refuses=["forbidden"])
def admit_merchant(request: HttpRequest, merchant: t.MerchantId, body: AdmitIn) -> Any:
    """Lets a merchant that the operator knows be paid without an application; the reason stays on record."""
    by, found = caller_of(request).operator(), accounts.merchant(merchant)
    return _shown(services.admit_merchant(merchant_id=found.pk, reason=body.reason, level=body.level, by=by))


@group.get("/sandbox/applications/{application}/sent", gives=list[SentOut], scope="catalog", refuses=["sandbox_only"])
def list_sent_by_sandbox(request: HttpRequest, application: t.ApplicationId) -> Any:
    """The codes and amounts that a sandbox sent out instead of messages and transfers, the newest first."""
    require_sandbox()
    return queries.sent_by_twin(_seen(request, application))


def _seen(request: HttpRequest, public_id: str) -> Any:
    """An application to its merchant's people and to operators; to all others there is none."""
    caller, row = caller_of(request), queries.application(public_id)
    if caller.merchant_id is not None and caller.merchant_id != row.merchant_id:
        raise Refusal("not_found")
    queries.require_seen_by(row, caller.actor)
    return row


def _shown(row: Any, *, in_full: bool = False) -> dict[str, Any]:
    view = queries.view_of(row, in_full=in_full)
    return {
        "id": row.public_id, "merchant": accounts.require_merchant(row.merchant_id).public_id, "level": row.level,
        "state": row.state, "values": view.values, "asked": view.asked, "reasons": view.reasons,
        "waits_for": view.waits_for, "locked_until": view.locked_until, "documents": view.documents,
        "agreement": queries.AGREEMENT, "review_due_at": row.review_due_at, "submitted_at": row.submitted_at,
        "finished_at": row.finished_at,
    }  # fmt: skip
