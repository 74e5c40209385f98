"""Operations of after-sale claims: open, look, answer, send back, replace, dispute, show evidence."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from meadow.accounts import queries as accounts
from meadow.api import limits
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.lists import page
from meadow.api.operations import Group
from meadow.api.routers.orders import Link, visible_order
from meadow.kernel import cursors, pictures
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.trade import queries, services

group = Group("claims")

SIDES = ("buy", "ship", "operate")
ClaimId = Annotated[str, Field(pattern=r"^clm_[0-9a-hjkmnp-tv-z]{20}$", examples=["clm_01jd2m4q8r6t0v3x5z7y"])]
EvidenceId = Annotated[str, Field(pattern=r"^evd_[0-9a-hjkmnp-tv-z]{20}$", examples=["evd_01jd2m4q8r6t0v3x5z7y"])]
Kind = Literal["refund_only", "return_refund", "exchange"]
Reason = Literal[
    "damaged", "not_received", "late", "not_as_described", "wrong_item", "counterfeit", "no_reason", "other"
]
Words = Annotated[str, Field(max_length=2000, examples=["The glaze is cracked on one side."])]
NeededWords = Annotated[str, Field(min_length=1, max_length=2000, examples=["It was whole when it left."])]
OpenOnly = Annotated[bool, Query(description="Only those that wait for somebody.")]


class AfterSaleClaimIn(t.In):
    line: t.LineId
    kind: Kind
    reason: Reason
    amount_minor: t.PositiveMinor | None = Field(
        default=None, description="Left out: all that is left of the line.", examples=[4000]
    )
    text: Words = ""


class ClaimShort(t.Out):
    id: ClaimId
    order: t.OrderId
    line: t.LineId
    kind: str = Field(examples=["return_refund"])
    reason: str = Field(examples=["damaged"])
    state: str = Field(examples=["asked"])
    turn: str = Field(description="Whose word is awaited: buyer, merchant, operator or nobody.", examples=["merchant"])
    due_at: t.Moment | None = Field(description="When it moves on by itself.")
    currency: str = Field(examples=["CNY"])
    amount_minor: int = Field(examples=[4000])
    opened_at: t.Moment
    ended_at: t.Moment | None


class EntryOut(t.Out):
    event: str = Field(examples=["open"])
    before: str = Field(examples=[""])
    after: str = Field(examples=["asked"])
    side: str = Field(examples=["buyer"])
    text: str = Field(examples=["The glaze is cracked."])
    at: t.Moment


class EvidenceOut(t.Out):
    id: EvidenceId
    side: str = Field(examples=["buyer"])
    text: str = Field(examples=["See the second picture."])
    picture: str | None = Field(description="Where its picture is.", examples=["/api/v1/evidence/evd_…/picture"])
    at: t.Moment


class DisputeOut(t.Out):
    id: str = Field(examples=["dsp_01jd2m4q8r6t0v3x5z7y"])
    state: str = Field(examples=["open"])
    opened_at: t.Moment
    evidence_until: t.Moment
    rule_due_at: t.Moment
    overdue_at: t.Moment | None
    outcome: str = Field(examples=["refund"])
    buyer_minor: int = Field(examples=[2500])
    reason_code: str = Field(examples=["seller_at_fault"])
    text: str = Field(examples=[""])
    ruled_by: str | None = Field(description="The operator who ruled.", examples=["per_01jd2m4q8r6t0v3x5z7y"])
    approved_by: str | None = Field(examples=[None])
    ended_at: t.Moment | None


class ClaimOut(ClaimShort):
    role: str = Field(examples=["buyer"])
    may: list[str] = Field(description="What the caller can do now.", examples=[["withdraw", "evidence"]])
    return_to: str = Field(examples=["Ada, Tea Road 7, Hangzhou"])
    return_carrier: str = Field(examples=["SF"])
    return_number: str = Field(examples=["SF1234567890"])
    refund: t.RefundId | None
    entries: list[EntryOut]
    evidence: list[EvidenceOut]
    disputes: list[DisputeOut]
    risk_score: int | None = Field(description="For operators alone; it decides nothing.", examples=[None])
    risk_reasons: list[str] = Field(examples=[[]])


class ClaimPage(t.Out):
    items: list[ClaimShort]
    next_cursor: str | None


class AgreeIn(t.In):
    return_to: Annotated[str, Field(max_length=2000, examples=["Ada, Tea Road 7, Hangzhou"])] = ""


class RefuseIn(t.In):
    reason: NeededWords


class TrackingIn(t.In):
    carrier: Annotated[str, Field(max_length=100, examples=["SF"])]
    number: Annotated[str, Field(max_length=100, examples=["SF1234567890"])]


class ReplaceIn(TrackingIn):
    kind: Literal["express", "pickup", "virtual", "post"] = "express"


class TextIn(t.In):
    text: Words = ""


class EvidenceIn(t.In):
    text: NeededWords


@group.post(
    "/orders/{order}/claims", gives=ClaimOut, status=201, scope="buy", guests=True, once=True,
    refuses=["forbidden", "stale_state", "claim_open", "claims_used_up", "claim_too_late", "nothing_to_claim", "claim_too_large"],
)  # fmt: skip
def open_claim(request: HttpRequest, order: t.OrderId, body: AfterSaleClaimIn, link: Link = "") -> Any:
    """Asks for money back, with or without the goods, or for other goods; the order's timer stands meanwhile."""
    found = visible_order(request, order, link)
    line = next((one.line_id for one in found.lines if one.public_id == body.line), None)
    if line is None:
        raise Refusal("not_found")
    claim = services.open_claim(
        order_id=found.order.pk, line_id=line, kind=body.kind, reason=body.reason, amount_minor=body.amount_minor,
        text=body.text, by=_buyer_or(request, found),
    )  # fmt: skip
    return claim_out(queries.claim_in_order(claim.public_id, order_id=found.order.pk))


@group.get("/orders/{order}/claims", gives=list[ClaimShort], scope=SIDES, guests=True)
def list_order_claims(request: HttpRequest, order: t.OrderId, link: Link = "") -> Any:
    """An order's claims, the oldest first."""
    found = visible_order(request, order, link)
    return [claim_short(claim) for claim in queries.claims_of_order(found.order.pk)]


@group.get("/claims", gives=ClaimPage, scope="buy")
def list_claims(request: HttpRequest, cursor: t.Cursor = "", limit: t.PageSize = t.PAGE) -> HttpResponse:
    """The caller's own claims, the newest first."""
    before = cursors.unseal(cursor, "claims")[0] if cursor else None
    found = queries.claims_of_buyer(caller_of(request).person, before_id=before, limit=limit + 1)
    return _page(request, found, limit, "claims")


@group.get("/merchants/{merchant}/claims", gives=ClaimPage, scope="ship")
def list_merchant_claims(
    request: HttpRequest, merchant: t.MerchantId, open: OpenOnly = False, cursor: t.Cursor = "",
    limit: t.PageSize = t.PAGE,
) -> HttpResponse:  # fmt: skip
    """The claims on what a merchant sold, the newest first."""
    found = accounts.merchant(merchant)
    caller_of(request).staff_of(found.pk)
    name = f"claims:{found.pk}"
    before = cursors.unseal(cursor, name)[0] if cursor else None
    claims = queries.claims_of_merchant(found.pk, is_open=open, before_id=before, limit=limit + 1)
    return _page(request, claims, limit, name)


@group.get("/claims/{claim}", gives=ClaimOut, scope=SIDES, guests=True)
def get_claim(request: HttpRequest, claim: ClaimId, order: str = "", link: Link = "") -> Any:
    """A claim with its clock, its trail and its evidence; to a guest by the order and its signed link."""
    return claim_out(_visible(request, claim, order, link))


@group.post(
    "/claims/{claim}/agree", gives=ClaimOut, scope="ship", once=True,
    refuses=["forbidden", "stale_state", "return_address_needed"],
)  # fmt: skip
def agree_to_claim(request: HttpRequest, claim: ClaimId, body: AgreeIn) -> Any:
    """The seller agrees: the money goes back, or the goods first, to the address named."""
    found = _visible(request, claim, "", "")
    services.agree_to_claim(claim_id=found.claim.pk, return_to=body.return_to, by=_seller(request, found))
    return claim_out(_visible(request, claim, "", ""))


@group.post("/claims/{claim}/refuse", gives=ClaimOut, scope="ship", refuses=["forbidden", "stale_state"])
def refuse_claim(request: HttpRequest, claim: ClaimId, body: RefuseIn) -> Any:
    """The seller says no, or that what came back is not what it should be; the buyer may dispute it for seven days."""
    found = _visible(request, claim, "", "")
    services.refuse_claim(claim_id=found.claim.pk, reason=body.reason, by=_seller(request, found))
    return claim_out(_visible(request, claim, "", ""))


@group.post("/claims/{claim}/accept", gives=ClaimOut, scope="ship", once=True, refuses=["forbidden", "stale_state"])
def accept_goods(request: HttpRequest, claim: ClaimId) -> Any:
    """The seller has the goods back: the money follows, or the replacement is due."""
    found = _visible(request, claim, "", "")
    services.accept_goods(claim_id=found.claim.pk, by=_seller(request, found))
    return claim_out(_visible(request, claim, "", ""))


@group.post(
    "/claims/{claim}/replace", gives=ClaimOut, scope="ship",
    refuses=["forbidden", "stale_state", "parcel_refused", "too_many_parcels"],
)  # fmt: skip
def send_replacement(request: HttpRequest, claim: ClaimId, body: ReplaceIn) -> Any:
    """The seller sends other goods; no money moves, and the order's timer starts anew."""
    found = _visible(request, claim, "", "")
    parcel = services.ParcelIn(body.kind, body.carrier, body.number)
    services.send_replacement(claim_id=found.claim.pk, parcel=parcel, by=_seller(request, found))
    return claim_out(_visible(request, claim, "", ""))


@group.post(
    "/claims/{claim}/send-back", gives=ClaimOut, scope="buy", guests=True,
    refuses=["forbidden", "stale_state", "parcel_refused"],
)  # fmt: skip
def send_back(request: HttpRequest, claim: ClaimId, body: TrackingIn, order: str = "", link: Link = "") -> Any:
    """The buyer sends the goods back."""
    found = _visible(request, claim, order, link)
    services.send_back(
        claim_id=found.claim.pk, carrier=body.carrier, number=body.number, by=_claimant(request, found)
    )  # fmt: skip
    return claim_out(_visible(request, claim, order, link))


@group.post("/claims/{claim}/withdraw", gives=ClaimOut, scope="buy", guests=True, refuses=["forbidden", "stale_state"])
def withdraw_claim(request: HttpRequest, claim: ClaimId, order: str = "", link: Link = "") -> Any:
    """The buyer takes a claim back; the order's timer goes on with what was left."""
    found = _visible(request, claim, order, link)
    services.withdraw_claim(claim_id=found.claim.pk, by=_claimant(request, found))
    return claim_out(_visible(request, claim, order, link))


@group.post("/claims/{claim}/dispute", gives=ClaimOut, scope="buy", guests=True, refuses=["forbidden", "stale_state"])
def dispute_claim(request: HttpRequest, claim: ClaimId, body: TextIn, order: str = "", link: Link = "") -> Any:
    """The buyer takes a refused claim to the operator; both sides may show evidence for three days."""
    found = _visible(request, claim, order, link)
    services.dispute_claim(claim_id=found.claim.pk, text=body.text, by=_claimant(request, found))
    return claim_out(_visible(request, claim, order, link))


@group.post(
    "/claims/{claim}/evidence", gives=ClaimOut, status=201, scope=SIDES, guests=True,
    refuses=["stale_state", "evidence_closed", "evidence_full"],
)  # fmt: skip
def add_evidence(request: HttpRequest, claim: ClaimId, body: EvidenceIn, order: str = "", link: Link = "") -> Any:
    """Shows something in words; both sides and the operator see it."""
    found = _visible(request, claim, order, link)
    services.add_evidence(claim_id=found.claim.pk, text=body.text, by=_whoever(request, found))
    return claim_out(_visible(request, claim, order, link))


@group.post(
    "/claims/{claim}/pictures", gives=ClaimOut, status=201, scope=SIDES, guests=True, takes="image/*",
    refuses=["stale_state", "evidence_closed", "evidence_full", "picture_too_large", "picture_unreadable"],
)  # fmt: skip
def add_evidence_picture(request: HttpRequest, claim: ClaimId, order: str = "", link: Link = "") -> Any:
    """Shows a picture: JPEG, PNG, WebP or GIF as the body; it is judged by its content and drawn anew."""
    found = _visible(request, claim, order, link)
    services.add_evidence(
        claim_id=found.claim.pk, picture=request.read(limits.PICTURE_BYTES + 1), by=_whoever(request, found)
    )
    return claim_out(_visible(request, claim, order, link))


@group.get("/evidence/{evidence}/picture", scope=SIDES, guests=True, media_type="image/webp")
def get_evidence_picture(request: HttpRequest, evidence: EvidenceId, order: str = "", link: Link = "") -> HttpResponse:
    """The picture of a piece of evidence, to the sides of its claim and operators."""
    if link:
        held = visible_order(request, order, link).order.pk
        name = queries.evidence_picture(evidence, order_id=held)
    else:
        name = queries.evidence_picture(evidence, person_id=caller_of(request).person)
    response = HttpResponse(pictures.kept(name), content_type=pictures.MEDIA_TYPE)
    response["Cache-Control"] = "private, max-age=3600"
    return response


def claim_short(claim: Any) -> dict[str, Any]:
    return {
        "id": claim.public_id, "order": claim.order.public_id, "line": claim.line.public_id, "kind": claim.kind,
        "reason": claim.reason, "state": claim.state, "turn": queries.TURN.get(claim.state, ""),
        "due_at": claim.due_at, "currency": claim.currency, "amount_minor": claim.amount_minor,
        "opened_at": claim.opened_at, "ended_at": claim.ended_at,
    }  # fmt: skip


def claim_out(view: queries.ClaimView) -> dict[str, Any]:
    claim, is_operator = view.claim, view.role == "operator"
    return {
        **claim_short(claim), "due_at": view.due_at, "role": view.role, "may": sorted(view.may),
        "return_to": claim.return_to, "return_carrier": claim.return_carrier, "return_number": claim.return_number,
        "refund": claim.refund.public_id if claim.refund else None, "entries": view.entries,
        "evidence": [
            {
                "id": one.public_id, "side": one.side, "text": one.text, "at": one.at,
                "picture": f"/api/v1/evidence/{one.public_id}/picture" if one.picture else None,
            }
            for one in view.evidence
        ],
        "disputes": [dispute_out(one) for one in view.disputes],
        "risk_score": claim.risk_score if is_operator else None,
        "risk_reasons": claim.risk_reasons if is_operator else [],
    }  # fmt: skip


def dispute_out(dispute: Any) -> dict[str, Any]:
    return {
        "id": dispute.public_id, "state": dispute.state, "opened_at": dispute.opened_at,
        "evidence_until": dispute.evidence_until, "rule_due_at": dispute.rule_due_at,
        "overdue_at": dispute.overdue_at, "outcome": dispute.outcome, "buyer_minor": dispute.buyer_minor,
        "reason_code": dispute.reason_code, "text": dispute.text,
        "ruled_by": dispute.ruled_by.public_id if dispute.ruled_by else None,
        "approved_by": dispute.approved_by.public_id if dispute.approved_by else None, "ended_at": dispute.ended_at,
    }  # fmt: skip


def _visible(request: HttpRequest, claim: str, order: str, link: str) -> queries.ClaimView:
    """A claim that the caller may see, as who they are to it.  Refuses: not_found, sign_in_required."""
    if link:
        return queries.claim_in_order(claim, order_id=visible_order(request, order, link).order.pk)
    return queries.claim_for(claim, person_id=caller_of(request).person)


def _buyer_or(request: HttpRequest, order: queries.OrderView) -> Actor:
    caller = caller_of(request)
    return caller.actor if caller.person_id is not None else Actor("person", order.order.buyer_id)


def _claimant(request: HttpRequest, view: queries.ClaimView) -> Actor:
    """The caller; or who holds the order's link, which only its buyer was given."""
    caller = caller_of(request)
    return caller.actor if caller.person_id is not None else Actor("person", view.claim.buyer_id)


def _seller(request: HttpRequest, view: queries.ClaimView) -> Actor:
    return caller_of(request).within(view.claim.merchant_id)


def _whoever(request: HttpRequest, view: queries.ClaimView) -> Actor:
    return _seller(request, view) if view.role == "merchant" else _claimant(request, view)


def _page(request: HttpRequest, found: list[Any], limit: int, name: str) -> HttpResponse:
    items = [ClaimShort.model_validate(claim_short(claim)) for claim in found[:limit]]
    more = cursors.seal([found[limit - 1].pk], name) if len(found) > limit else None
    return page(request, items, more)
