"""Operations on payment providers: how far contracts go, their health, what was not believed, what does not reconcile."""

from datetime import date
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest
from ninja import Query
from pydantic import Field

from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group
from meadow.api.sandbox import require_sandbox
from meadow.payments import queries, services

group = Group("providers")

State = Literal["active", "no_new_merchants", "no_new_payments", "terminated"]
Provider = Annotated[str, Field(min_length=1, max_length=32, examples=["sandbox"])]
CurrencyQuery = Annotated[str, Query(max_length=3, description="ISO 4217; by default the installation's.")]
StateQuery = Annotated[Literal["open", "closed", ""], Query(description="Empty for all.")]


class ProviderLimitsOut(t.Out):
    max_split_ratio_bp: int | None = Field(examples=[3000])
    max_hold_days: int | None = Field(examples=[30])
    return_window_days: int | None = Field(examples=[180])
    personal_receiver_returnable: bool
    lands_with: str = Field(examples=["platform"])
    currencies: list[str] | None = Field(examples=[["CNY"]])


class ProviderOut(t.Out):
    provider: Provider
    currency: t.Currency
    state: State
    may_pay: bool
    may_query: bool
    may_refund: bool
    position: int = Field(description="Its place in the order in which buyers are offered them.", examples=[0])
    since: t.Moment | None
    reason: str = Field(examples=["Contract ended."])
    is_down: bool = Field(
        description="It failed too often of late, so nobody is sent there just now.", examples=[False]
    )
    failures: int = Field(examples=[0])
    last_ok_at: t.Moment | None
    last_failed_at: t.Moment | None
    last_error: str = Field(examples=[""])
    limits: ProviderLimitsOut


class ProviderContractIn(t.In):
    currency: t.Currency
    state: State
    reason: Annotated[str, Field(max_length=200, examples=["Contract ended."])] = ""
    may_pay: bool | None = Field(None, examples=[None])
    may_query: bool | None = Field(None, examples=[None])
    may_refund: bool | None = Field(None, examples=[None])


class ProviderOrderIn(t.In):
    currency: t.Currency
    providers: Annotated[list[Provider], Field(max_length=10)]


class SandboxOutageIn(t.In):
    provider: Literal["sandbox", "sandbox2"]
    is_down: bool


class RefusedNotice(t.Out):
    provider: str = Field(examples=["sandbox"])
    why: str = Field(examples=["signature"])
    at: t.Moment


class ReconcileIn(t.In):
    provider: Provider
    day: date = Field(examples=["2026-11-21"])


class ReconciledOut(t.Out):
    provider: Provider
    day: date = Field(examples=["2026-11-21"])
    lines: int = Field(examples=[12])
    found: int = Field(description="Differences, whether closed since or not.", examples=[0])
    fees_minor: dict[str, int] = Field(examples=[{"CNY": 60}])
    done_at: t.Moment | None
    retry_at: t.Moment | None


class DifferenceOut(t.Out):
    id: t.DifferenceId
    provider: Provider
    day: date = Field(examples=["2026-11-21"])
    kind: str = Field(description="missing, extra, amount or currency", examples=["amount"])
    subject: str = Field(examples=["payment"])
    our_ref: str = Field(examples=["pay_01jd2m4q8r6t0v3x5z7y"])
    provider_ref: str = Field(examples=["42000011"])
    ours_minor: int | None = Field(examples=[11000])
    ours_currency: str = Field(examples=["CNY"])
    theirs_minor: int | None = Field(examples=[11001])
    theirs_currency: str = Field(examples=["CNY"])
    state: str = Field(examples=["open"])
    reason: str = Field(examples=[""])
    found_at: t.Moment
    closed_at: t.Moment | None


class DifferenceReasonIn(t.In):
    reason: Annotated[str, Field(min_length=1, max_length=500, examples=["Their line was a test of theirs."])]


class ChargebackOut(t.Out):
    payment: t.PaymentId
    state: str = Field(examples=["open"])
    amount_minor: int = Field(examples=[11000])
    fee_minor: int = Field(examples=[1500])
    currency: t.Currency
    reason: str = Field(examples=["fraudulent"])
    opened_at: t.Moment
    ended_at: t.Moment | None


@group.get("/providers", gives=list[ProviderOut], scope="operate", refuses=["forbidden", "currency_unknown"])
def list_providers(request: HttpRequest, currency: CurrencyQuery = "") -> Any:
    """How we stand with each provider, in the order in which buyers are offered them."""
    caller_of(request).operator()
    return queries.provider_views(currency or settings.MEADOW.currency)


@group.put(
    "/providers/{provider}/contract", gives=ProviderOut, scope="operate",
    refuses=["forbidden", "step_up_required", "provider_unknown", "currency_unknown", "stale_state"],
)  # fmt: skip
def set_contract(request: HttpRequest, provider: Provider, body: ProviderContractIn, proof: t.Proof = "") -> Any:
    """Takes a provider through its states and switches; no merchant's own settings are touched."""
    caller = caller_of(request)
    services.set_contract(
        provider=provider, by=caller.operator(), is_stepped_up=caller.is_present(proof), **body.model_dump()
    )
    return next(view for view in queries.provider_views(body.currency) if view.provider == provider)


@group.put(
    "/provider-order", gives=list[ProviderOut], scope="operate",
    refuses=["forbidden", "step_up_required", "provider_unknown", "currency_unknown"],
)  # fmt: skip
def set_provider_order(request: HttpRequest, body: ProviderOrderIn, proof: t.Proof = "") -> Any:
    """The order in which buyers are offered the providers of a currency."""
    caller = caller_of(request)
    services.set_order(
        currency=body.currency, providers=body.providers, by=caller.operator(), is_stepped_up=caller.is_present(proof)
    )
    return queries.provider_views(body.currency)


@group.post("/sandbox/outage", status=204, scope="operate", refuses=["forbidden", "sandbox_only", "provider_unknown"])
def set_sandbox_outage(request: HttpRequest, body: SandboxOutageIn) -> None:
    """Takes a sandbox provider away, or gives it back."""
    caller_of(request).operator()
    require_sandbox()
    services.sandbox_outage(provider=body.provider, is_down=body.is_down)


@group.post("/providers/probe", gives=list[ProviderOut], scope="operate", refuses=["forbidden"])
def probe_providers(request: HttpRequest) -> Any:
    """Looks now whether each provider answers, where it was not heard of for a while."""
    caller_of(request).operator()
    services.probe_providers()
    return queries.provider_views(settings.MEADOW.currency)


@group.get("/refused-notices", gives=list[RefusedNotice], scope="operate", refuses=["forbidden"])
def list_refused_notices(request: HttpRequest) -> Any:
    """The newest notices that were not believed, and why."""
    caller_of(request).operator()
    return [{"provider": one.provider, "why": one.refused, "at": one.received_at} for one in queries.refused_notices()]


@group.get("/reconciliations", gives=list[ReconciledOut], scope="operate", refuses=["forbidden"])
def list_reconciliations(request: HttpRequest) -> Any:
    """The newest days that were held against providers' statements."""
    caller_of(request).operator()
    return queries.reconciliations()


@group.post(
    "/reconciliations", gives=ReconciledOut, status=201, scope="operate",
    refuses=["forbidden", "provider_unknown", "provider_down"],
)  # fmt: skip
def reconcile_day(request: HttpRequest, body: ReconcileIn) -> Any:
    """Holds a provider's statement of a day against our books now; repeated, it finds only what is new."""
    caller_of(request).operator()
    return services.reconcile(provider=body.provider, day=body.day)


@group.get("/differences", gives=list[DifferenceOut], scope="operate", refuses=["forbidden"])
def list_differences(request: HttpRequest, state: StateQuery = "open") -> Any:
    """What our books and providers' statements tell differently."""
    caller_of(request).operator()
    return [_difference(row) for row in queries.differences(state=state)]


@group.post(
    "/differences/{difference}/close", gives=DifferenceOut, scope="operate",
    refuses=["forbidden", "not_found", "stale_state"],
)  # fmt: skip
def close_difference(request: HttpRequest, difference: t.DifferenceId, body: DifferenceReasonIn) -> Any:
    """Says why the two differ, and takes it off the list."""
    by = caller_of(request).operator()
    return _difference(services.close_difference(public_id=difference, reason=body.reason, by=by))


@group.get("/chargebacks", gives=list[ChargebackOut], scope="operate", refuses=["forbidden"])
def list_chargebacks(request: HttpRequest) -> Any:
    """Payments that buyers' banks took back, the newest first."""
    caller_of(request).operator()
    return [
        {
            "payment": one.payment.public_id, "state": one.state, "amount_minor": one.amount_minor,
            "fee_minor": one.fee_minor, "currency": one.currency, "reason": one.reason, "opened_at": one.opened_at,
            "ended_at": one.ended_at,
        }
        for one in queries.chargebacks()
    ]  # fmt: skip


def _difference(row: queries.Difference) -> dict[str, Any]:
    names = DifferenceOut.model_fields
    return {"id": row.public_id} | {name: getattr(row, name) for name in names if name != "id"}
