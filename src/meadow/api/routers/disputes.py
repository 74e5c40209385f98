"""Operations of the operator on sales in trouble: every claim and dispute with its clock, rulings, freezes, doubts."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from pydantic import Field

from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.lists import page
from meadow.api.operations import Group
from meadow.api.routers.claims import ClaimId, ClaimPage, ClaimShort, DisputeOut, claim_short, dispute_out
from meadow.kernel import cursors
from meadow.kernel.errors import Refusal
from meadow.trade import queries, services

group = Group("disputes")

DisputeId = Annotated[str, Field(pattern=r"^dsp_[0-9a-hjkmnp-tv-z]{20}$", examples=["dsp_01jd2m4q8r6t0v3x5z7y"])]
FreezeId = Annotated[str, Field(pattern=r"^frz_[0-9a-hjkmnp-tv-z]{20}$", examples=["frz_01jd2m4q8r6t0v3x5z7y"])]
State = Literal[
    "", "asked", "returning", "returned", "replacing", "refused", "disputed", "refunded", "replaced", "withdrawn",
    "lapsed", "expired", "rejected", "overtaken",
]  # fmt: skip
RulingReason = Literal[
    "seller_at_fault", "buyer_at_fault", "carrier_at_fault", "shared_fault", "seller_proved_nothing",
    "buyer_proved_nothing", "counterfeit", "agreed",
]  # fmt: skip
FreezeReason = Literal["fraud_suspected", "authority", "merchant_insolvent", "tracking_doubtful"]
Words = Annotated[str, Field(max_length=2000, examples=["The pictures show the crack before it was packed."])]
NeededWords = Annotated[str, Field(min_length=1, max_length=500, examples=["Looked at it again."])]


class DisputeWithClaim(DisputeOut):
    claim: ClaimShort
    risk_score: int = Field(examples=[0])


class RulingIn(t.In):
    outcome: Literal["refund", "return", "reject"]
    buyer_minor: t.Minor = Field(default=0, description="What the buyer gets, for a refund; the rest is the seller's.")
    reason_code: RulingReason
    text: Words = ""


class ReasonIn(t.In):
    reason: NeededWords


class FreezeIn(t.In):
    reason_code: FreezeReason
    text: Words = ""


class FreezeOut(t.Out):
    id: FreezeId
    order: t.OrderId
    state: str = Field(examples=["active"])
    reason_code: str = Field(examples=["fraud_suspected"])
    text: str = Field(examples=[""])
    proposed_at: t.Moment
    active_at: t.Moment | None
    end_reason: str = Field(examples=[""])
    ended_at: t.Moment | None


class DoubtOut(t.Out):
    order: t.OrderId
    state: str = Field(examples=["shipped"])
    flagged_at: t.Moment
    cleared_at: t.Moment | None


@group.get("/operator/claims", gives=ClaimPage, scope="operate", refuses=["forbidden"])
def list_all_claims(
    request: HttpRequest, state: State = "", cursor: t.Cursor = "", limit: t.PageSize = t.PAGE
) -> HttpResponse:
    """Every claim, the newest first, with whose turn it is and until when."""
    caller_of(request).operator()
    before = cursors.unseal(cursor, "all_claims")[0] if cursor else None
    found = queries.all_claims(states=[state] if state else (), before_id=before, limit=limit + 1)
    items = [ClaimShort.model_validate(claim_short(claim)) for claim in found[:limit]]
    more = cursors.seal([found[limit - 1].pk], "all_claims") if len(found) > limit else None
    return page(request, items, more)


@group.get("/operator/disputes", gives=list[DisputeWithClaim], scope="operate", refuses=["forbidden"])
def list_disputes(request: HttpRequest, open: bool = True) -> Any:
    """Disputes by their clock, the most urgent first."""
    caller_of(request).operator()
    return [_with_claim(one) for one in queries.disputes(is_open=open)]


@group.post(
    "/operator/disputes/{dispute}/ruling", gives=DisputeOut, scope="operate", once=True,
    refuses=["forbidden", "own_case", "stale_state", "evidence_awaited", "claim_too_large"],
)  # fmt: skip
def rule_dispute(request: HttpRequest, dispute: DisputeId, body: RulingIn) -> Any:
    """Rules a dispute; above the threshold it is a proposal until another operator approves it."""
    by, found = caller_of(request).operator(), queries.dispute(dispute)
    services.rule_dispute(
        dispute_id=found.pk, outcome=body.outcome, buyer_minor=body.buyer_minor, reason_code=body.reason_code,
        text=body.text, by=by,
    )  # fmt: skip
    return dispute_out(queries.dispute(dispute))


@group.post(
    "/operator/disputes/{dispute}/approve", gives=DisputeOut, scope="operate", once=True,
    refuses=["forbidden", "own_case", "stale_state", "second_person_needed"],
)  # fmt: skip
def approve_ruling(request: HttpRequest, dispute: DisputeId) -> Any:
    """Another operator agrees with a proposed ruling, and it is carried out."""
    by, found = caller_of(request).operator(), queries.dispute(dispute)
    services.approve_ruling(dispute_id=found.pk, by=by)
    return dispute_out(queries.dispute(dispute))


@group.post(
    "/operator/disputes/{dispute}/decline", gives=DisputeOut, scope="operate",
    refuses=["forbidden", "own_case", "stale_state"],
)  # fmt: skip
def decline_ruling(request: HttpRequest, dispute: DisputeId, body: ReasonIn) -> Any:
    """A proposed ruling is taken back; the dispute is open again."""
    by, found = caller_of(request).operator(), queries.dispute(dispute)
    services.decline_ruling(dispute_id=found.pk, reason=body.reason, by=by)
    return dispute_out(queries.dispute(dispute))


@group.get("/operator/freezes", gives=list[FreezeOut], scope="operate", refuses=["forbidden"])
def list_freezes(request: HttpRequest, open: bool = True) -> Any:
    """Orders whose money is stopped, or about to be, the newest first."""
    caller_of(request).operator()
    return [_freeze(one) for one in queries.freezes(is_open=open)]


@group.post(
    "/operator/orders/{order}/freeze", gives=FreezeOut, status=201, scope="operate",
    refuses=["forbidden", "own_case", "stale_state", "order_frozen"],
)  # fmt: skip
def freeze_order(request: HttpRequest, order: t.OrderId, body: FreezeIn) -> Any:
    """Stops the release of an order's money; above the threshold once another operator approves."""
    caller = caller_of(request)
    by, found = caller.operator(), queries.order_for(order, person_id=caller.person)
    made = services.freeze_order(order_id=found.order.pk, reason_code=body.reason_code, text=body.text, by=by)
    return _freeze(made)


@group.post(
    "/operator/freezes/{freeze}/end", gives=FreezeOut, scope="operate", refuses=["forbidden", "own_case", "stale_state"]
)
def end_freeze(request: HttpRequest, freeze: FreezeId, body: ReasonIn) -> Any:
    """Lets the money of a frozen order go again; above the threshold once another operator approves."""
    by, found = caller_of(request).operator(), queries.freeze(freeze)
    return _freeze(services.end_freeze(freeze_id=found.pk, reason=body.reason, by=by))


@group.post(
    "/operator/freezes/{freeze}/approve", gives=FreezeOut, scope="operate",
    refuses=["forbidden", "own_case", "stale_state", "second_person_needed"],
)  # fmt: skip
def approve_freeze(request: HttpRequest, freeze: FreezeId) -> Any:
    """Another operator agrees with a freeze, or with its end."""
    by, found = caller_of(request).operator(), queries.freeze(freeze)
    return _freeze(services.approve_freeze(freeze_id=found.pk, by=by))


@group.post(
    "/operator/freezes/{freeze}/decline", gives=FreezeOut, scope="operate",
    refuses=["forbidden", "own_case", "stale_state"],
)  # fmt: skip
def decline_freeze(request: HttpRequest, freeze: FreezeId) -> Any:
    """A proposed freeze, or its proposed end, is not carried out."""
    by, found = caller_of(request).operator(), queries.freeze(freeze)
    return _freeze(services.decline_freeze(freeze_id=found.pk, by=by))


@group.get("/operator/doubts", gives=list[DoubtOut], scope="operate", refuses=["forbidden"])
def list_doubts(request: HttpRequest) -> Any:
    """Orders whose tracking is in doubt: they are not confirmed by themselves, the oldest first."""
    caller_of(request).operator()
    return [_doubt(one) for one in queries.doubted_orders()]


@group.post(
    "/operator/doubts/{order}/clear", gives=DoubtOut, scope="operate", refuses=["forbidden", "own_case", "stale_state"]
)
def clear_tracking(request: HttpRequest, order: t.OrderId, body: ReasonIn) -> Any:
    """The operator has looked and believes the tracking: the timer goes on."""
    caller = caller_of(request)
    by, found = caller.operator(), queries.order_for(order, person_id=caller.person)
    return _doubt(services.clear_tracking(order_id=found.order.pk, reason=body.reason, by=by))


@group.get("/operator/claims/{claim}/dispute", gives=DisputeOut, scope="operate", refuses=["forbidden"])
def get_dispute(request: HttpRequest, claim: ClaimId) -> Any:
    """The newest dispute of a claim."""
    caller = caller_of(request)
    caller.operator()
    found = queries.claim_for(claim, person_id=caller.person).dispute
    if found is None:
        raise Refusal("not_found")
    return dispute_out(found)


def _with_claim(dispute: Any) -> dict[str, Any]:
    return {
        **dispute_out(dispute), "claim": claim_short(dispute.claim), "risk_score": dispute.claim.risk_score,
    }  # fmt: skip


def _freeze(freeze: Any) -> dict[str, Any]:
    return {
        "id": freeze.public_id, "order": freeze.order.public_id, "state": freeze.state,
        "reason_code": freeze.reason_code, "text": freeze.text, "proposed_at": freeze.proposed_at,
        "active_at": freeze.active_at, "end_reason": freeze.end_reason, "ended_at": freeze.ended_at,
    }  # fmt: skip


def _doubt(order: Any) -> dict[str, Any]:
    return {
        "order": order.public_id, "state": order.state, "flagged_at": order.flagged_at,
        "cleared_at": order.flag_cleared_at,
    }  # fmt: skip
