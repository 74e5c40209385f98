"""Operations on money of one's own: balances, statements, commissions, payouts; and the platform's accounts."""

from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from meadow.accounts import queries as accounts
from meadow.affiliate import queries as affiliate
from meadow.api import types as t
from meadow.api.callers import Caller, caller_of
from meadow.api.language import language_of
from meadow.api.lists import page
from meadow.api.operations import Group
from meadow.api.routers.orders import own_key
from meadow.kernel import cursors
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import queries
from meadow.payments import queries as payments
from meadow.payments import services as payment_services
from meadow.trade import queries as trade

group = Group("money")

Kind = Literal["creator", "merchant"]
PartyId = Annotated[str, Field(pattern=r"^(cre|mer)_[0-9a-hjkmnp-tv-z]{20}$", examples=["cre_01jd2m4q8r6t0v3x5z7y"])]
CurrencyQuery = Annotated[
    str, Query(min_length=3, max_length=3, description="ISO 4217; by default the installation's.")
]
PLATFORM = (
    "platform:trade_fee",
    "platform:service_fee",
    "platform:provider_cost",
    "platform:claims",
    "platform:written_off",
    "platform:advance",
)


class Balance(t.Out):
    currency: str = Field(examples=["CNY"])
    available_minor: int = Field(examples=[1800])
    held_minor: int = Field(description="Of it, set apart until the after-sale window ends.", examples=[1800])
    receivable_minor: int = Field(description="Zero or below: what the party owes.", examples=[0])
    withdrawable_minor: int = Field(examples=[0])


class Party(t.Out):
    kind: Kind
    id: PartyId
    name: str = Field(examples=["Mei"])
    balances: list[Balance]


class StatementLine(t.Out):
    at: t.Moment
    kind: str = Field(examples=["settle"])
    cause_kind: str = Field(examples=["trade.order"])
    cause_id: str = Field(examples=["12"])
    amount_minor: int = Field(description="Negative when it left.", examples=[1800])
    balance_minor: int = Field(examples=[1800])
    rule: str | None = Field(examples=["platform.fees v1"], description="The rule that sets what the platform took.")


class StatementPage(t.Out):
    items: list[StatementLine]
    next_cursor: str | None


class Commission(t.Out):
    order: t.OrderId
    line: t.LineId
    title: str = Field(examples=["Linen shirt"])
    state: str = Field(examples=["final"])
    void_reason: str = Field(examples=[""])
    void_text: str = Field(description="The same in words.", examples=[""])
    at_payment_minor: int = Field(description="Estimated when the buyer paid.", examples=[1800])
    at_receipt_minor: int | None = Field(description="Estimated when the goods arrived.", examples=[1800])
    final_minor: int | None = Field(description="What was released, less what was taken back since.", examples=[1800])
    currency: str = Field(examples=["CNY"])
    goods_minor: int = Field(examples=[10000])
    refunded_minor: int = Field(examples=[0])
    rate_bp: int = Field(examples=[2000])
    creator_minor: int = Field(description="What it comes to as things stand.", examples=[1800])
    paid_at: t.Moment
    received_at: t.Moment | None
    settled_at: t.Moment | None


class CommissionPage(t.Out):
    items: list[Commission]
    next_cursor: str | None


class PayoutIn(t.In):
    kind: Kind
    id: PartyId
    amount_minor: t.PositiveMinor
    currency: t.Currency
    provider: Annotated[
        str,
        Field(max_length=32, examples=["sandbox"], description="bank, or a sandbox; by default what there is."),
    ] = ""


class PayoutOut(t.Out):
    id: t.PayoutId
    provider: str = Field(examples=["sandbox"])
    state: str = Field(examples=["paid"])
    amount_minor: int = Field(examples=[1800])
    currency: str = Field(examples=["CNY"])
    created_at: t.Moment
    ended_at: t.Moment | None
    held_until: t.Moment | None = Field(description="The bank details are new: it rests until then.")
    reason: str = Field(description="Why it failed.", examples=[""])


@group.get("/balances", gives=list[Party], scope="money")
def list_balances(request: HttpRequest) -> Any:
    """What the caller's creator and merchants have, owe and may take out, per currency."""
    caller = caller_of(request)
    creator = accounts.creator_of(caller.person)
    parties = [("creator", creator.pk, creator.public_id, creator.name)] if creator and not caller.merchant_id else []
    parties += [
        ("merchant", one.merchant_id, one.public_id, one.name)
        for one in accounts.merchants_of(caller.person)
        if caller.merchant_id in (None, one.merchant_id)
    ]
    return [
        {"kind": kind, "id": public_id, "name": name, "balances": queries.party_balances(kind, party_id)}
        for kind, party_id, public_id, name in parties
    ]


@group.get("/statements/{kind}/{party}", gives=StatementPage, scope="money")
def get_statement(
    request: HttpRequest, kind: Kind, party: PartyId, currency: CurrencyQuery = "", cursor: t.Cursor = "",
    limit: t.PageSize = t.PAGE,
) -> HttpResponse:  # fmt: skip
    """Every movement of a party's money in order, with the balance after it; it recomputes from the ledger."""
    party_id = party_of(caller_of(request), kind, party)
    name = f"statement:{kind}:{party_id}"
    after = cursors.unseal(cursor, name)[0] if cursor else 0
    lines = queries.statement(
        f"{kind}:{party_id}:available", currency or settings.MEADOW.currency, after_id=after, limit=limit + 1
    )
    items = [StatementLine.model_validate(line) for line in lines[:limit]]
    more = cursors.seal([lines[limit - 1].transfer_id], name) if len(lines) > limit else None
    return page(request, items, more)


@group.get("/commissions", gives=CommissionPage, scope="money", refuses=["creator_required"])
def list_commissions(request: HttpRequest, cursor: t.Cursor = "", limit: t.PageSize = t.PAGE) -> HttpResponse:
    """What the calling creator earns, order line by order line, the newest first: estimated, final or void."""
    creator = accounts.creator_of(caller_of(request).person)
    if creator is None:
        raise Refusal("creator_required")
    name = f"commissions:{creator.pk}"
    before = cursors.unseal(cursor, name)[0] if cursor else None
    found = affiliate.commissions_of_creator(creator.pk, before_id=before, limit=limit + 1)
    faces = trade.line_faces([line.order_line_id for line in found[:limit]])
    items = [_commission(line, faces, language_of(request)) for line in found[:limit]]
    return page(request, items, cursors.seal([found[limit - 1].pk], name) if len(found) > limit else None)


@group.post(
    "/payouts", gives=PayoutOut, status=201, scope="money", once=True,
    refuses=[
        "not_found", "forbidden", "provider_unknown", "receivable_outstanding", "insufficient_funds", "limited",
        "feature_suspended", "payout_below_minimum", "step_up_required", "bank_details_missing",
        "identity_unverified", "holder_name_differs", "payout_above_level",
    ],
)  # fmt: skip
def withdraw(request: HttpRequest, body: PayoutIn, proof: t.Proof = "") -> Any:
    """Pays out what a party of the caller's has free; what it owes is paid first.  To a bank it needs a proof."""
    caller = caller_of(request)
    party_id = party_of(caller, body.kind, body.id)
    payout = payment_services.withdraw(
        key=own_key(request), party=(body.kind, party_id), amount=Money(body.amount_minor, body.currency),
        by=caller.actor, provider=body.provider, is_stepped_up=caller.is_present(proof),
    )  # fmt: skip
    return _payout(payout)


@group.get("/payouts/{kind}/{party}", gives=list[PayoutOut], scope="money")
def list_payouts(request: HttpRequest, kind: Kind, party: PartyId) -> Any:
    """What a party took out, the newest first."""
    party_id = party_of(caller_of(request), kind, party)
    return [_payout(payout) for payout in payments.payouts_of((kind, party_id))]


@group.get("/platform/balances", gives=dict[str, int], scope="operate", refuses=["forbidden"])
def get_platform_balances(request: HttpRequest, currency: CurrencyQuery = "") -> Any:
    """The platform's own accounts and those at the payment providers, in one currency."""
    caller_of(request).operator()
    names = [*PLATFORM, *(f"psp:{provider}" for provider in payments.providers())]
    return queries.balances(names, currency or settings.MEADOW.currency)


def party_of(caller: Caller, kind: str, public_id: str, *, as_operator: bool = False) -> int:
    """The party's id, if it is the caller's own, or an operator asks as one.  Refuses: not_found, forbidden."""
    if as_operator:
        caller.operator()
        return accounts.creator(public_id).pk if kind == "creator" else accounts.merchant(public_id).pk
    if kind == "creator":
        found = accounts.creator(public_id)
        if found.person_id != caller.person or caller.merchant_id is not None:
            raise Refusal("not_found")
        return found.pk
    merchant = accounts.merchant(public_id)
    caller.staff_of(merchant.pk)
    if not accounts.may_act_for(caller.person, merchant.pk, ("owner", "finance")):
        raise Refusal("forbidden")
    return merchant.pk


def _commission(line: affiliate.CommissionLine, faces: dict[int, tuple[str, str, str]], language: str) -> Commission:
    public_id, order, title = faces[line.order_line_id]
    said = affiliate.SAYS.get(line.void_reason, ("", ""))
    shown = {name: getattr(line, name) for name in Commission.model_fields if hasattr(line, name)}
    about = {"line": public_id, "order": order, "title": title, "void_text": said[1 if language == "zh" else 0]}
    return Commission.model_validate(shown | about)


def _payout(payout: payments.Payout) -> dict[str, Any]:
    return {
        "id": payout.public_id, "state": payout.state, "amount_minor": payout.amount_minor,
        "currency": payout.currency, "created_at": payout.created_at, "ended_at": payout.ended_at,
        "provider": payout.provider, "held_until": payout.held_until, "reason": payout.reason,
    }  # fmt: skip
