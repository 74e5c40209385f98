"""Operations on where parties are paid and how payouts leave: bank details, approvals, files for the bank and its answer."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from pydantic import Field

from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group
from meadow.api.routers.money import Kind, PartyId, party_of
from meadow.kernel.errors import Refusal
from meadow.payments import queries, services

group = Group("payouts")

OWN = ["not_found", "forbidden", "step_up_required"]


class BankAccountIn(t.In):
    holder: Annotated[str, Field(min_length=2, max_length=80, examples=["王小明"])]
    bank: Annotated[str, Field(min_length=2, max_length=80, examples=["Bank of Meadows"])]
    number: Annotated[str, Field(min_length=6, max_length=60, examples=["6222 0200 0000 0000"])]


class BankAccountOut(t.Out):
    bank: str = Field(examples=["Bank of Meadows"])
    tail: str = Field(description="The last four of the number; the rest stays sealed.", examples=["0000"])
    usable_from: t.Moment = Field(description="Payouts asked for before rest until then.")


class ProviderAccountIn(t.In):
    provider: Annotated[str, Field(min_length=1, max_length=32, examples=["stripe"])]
    account: Annotated[str, Field(min_length=1, max_length=64, examples=["acct_1"])]
    kind: Literal["merchant", "person"] = "merchant"


class ProviderAccountOut(t.Out):
    id: t.ProviderAccountId
    provider: str = Field(examples=["stripe"])
    kind: str = Field(examples=["merchant"])
    account: str = Field(examples=["acct_1"])


class VerifiedNameIn(t.In):
    name: Annotated[str, Field(min_length=2, max_length=80, examples=["王小明"])]
    source: Annotated[str, Field(min_length=1, max_length=64, examples=["passport, seen on 2026-11-20"])]


class WaitingPayoutOut(t.Out):
    id: t.PayoutId
    party_kind: Kind
    state: str = Field(examples=["approving"])
    provider: str = Field(examples=["bank"])
    amount_minor: int = Field(examples=[6000000])
    currency: t.Currency
    approvals: int = Field(examples=[1])
    held_until: t.Moment | None
    created_at: t.Moment


class PayoutRefusalIn(t.In):
    reason: Annotated[str, Field(min_length=1, max_length=200, examples=["The bank knows no such account."])]


class PayoutBatchIn(t.In):
    currency: t.Currency


class PayoutBatchOut(t.Out):
    id: t.BatchId
    currency: t.Currency
    count: int = Field(examples=[2])
    total_minor: int = Field(examples=[3600])
    created_at: t.Moment


class BatchReportOut(PayoutBatchOut):
    paid_count: int = Field(examples=[1])
    paid_minor: int = Field(examples=[1800])
    failed_count: int = Field(examples=[1])
    failed_minor: int = Field(examples=[1800])
    open_count: int = Field(examples=[0])
    open_minor: int = Field(examples=[0])
    is_reconciled: bool


class BankResultsOut(t.Out):
    paid: int = Field(examples=[1])
    failed: int = Field(examples=[1])
    repeated: int = Field(examples=[0])


@group.get("/bank-accounts/{kind}/{party}", gives=BankAccountOut, scope="money", refuses=["not_found", "forbidden"])
def get_bank_account(request: HttpRequest, kind: Kind, party: PartyId) -> Any:
    """Where a party of the caller's is paid."""
    found = queries.bank_account_of((kind, party_of(caller_of(request), kind, party)))
    if found is None:
        raise Refusal("not_found")
    return found


@group.put(
    "/bank-accounts/{kind}/{party}", gives=BankAccountOut, scope="money",
    refuses=[*OWN, "bank_details_refused", "identity_unverified", "holder_name_differs"],
)  # fmt: skip
def set_bank_account(request: HttpRequest, kind: Kind, party: PartyId, body: BankAccountIn, proof: t.Proof = "") -> Any:
    """Where a party is paid from now on: an account in its verified name.  After a change payouts rest for 72 hours."""
    caller = caller_of(request)
    party_id = party_of(caller, kind, party)
    return services.set_bank_account(
        party=(kind, party_id), holder=body.holder, bank=body.bank, number=body.number, by=caller.actor,
        is_stepped_up=caller.is_present(proof),
    )  # fmt: skip


@group.get(
    "/provider-accounts/{kind}/{party}",
    gives=list[ProviderAccountOut],
    scope="money",
    refuses=["not_found", "forbidden"],
)
def list_provider_accounts(request: HttpRequest, kind: Kind, party: PartyId) -> Any:
    """A party's own accounts at providers."""
    found = queries.provider_accounts_of((kind, party_of(caller_of(request), kind, party)))
    return [_account(one) for one in found]


@group.post(
    "/provider-accounts/{kind}/{party}", gives=ProviderAccountOut, status=201, scope="money",
    refuses=[*OWN, "provider_unknown", "provider_closed", "account_taken"],
)  # fmt: skip
def open_provider_account(
    request: HttpRequest, kind: Kind, party: PartyId, body: ProviderAccountIn, proof: t.Proof = ""
) -> Any:
    """Notes a party's own account at a provider, which then receives its part of payments directly."""
    caller = caller_of(request)
    party_id = party_of(caller, kind, party)
    return _account(
        services.open_provider_account(
            party=(kind, party_id), provider=body.provider, account=body.account, kind=body.kind, by=caller.actor,
            is_stepped_up=caller.is_present(proof),
        )
    )  # fmt: skip


@group.post("/provider-accounts/{kind}/{party}/{account}/close", status=204, scope="money", refuses=OWN)
def close_provider_account(
    request: HttpRequest, kind: Kind, party: PartyId, account: t.ProviderAccountId, proof: t.Proof = ""
) -> None:
    """From now on the party is paid out from what it has available."""
    caller = caller_of(request)
    party_id = party_of(caller, kind, party)
    services.close_provider_account(
        public_id=account, party=(kind, party_id), by=caller.actor, is_stepped_up=caller.is_present(proof)
    )


@group.put("/verified-names/{kind}/{party}", status=204, scope="operate", refuses=OWN)
def set_verified_name(
    request: HttpRequest, kind: Kind, party: PartyId, body: VerifiedNameIn, proof: t.Proof = ""
) -> None:
    """An operator saw whose identity this is; from then on only accounts in that name are paid."""
    caller = caller_of(request)
    services.state_verified_name(
        party=(kind, party_of(caller, kind, party, as_operator=True)), name=body.name, source=body.source,
        by=caller.operator(), is_stepped_up=caller.is_present(proof),
    )  # fmt: skip


@group.get("/payout-queue", gives=list[WaitingPayoutOut], scope="operate", refuses=["forbidden"])
def list_open_payouts(request: HttpRequest) -> Any:
    """Payouts that have not ended, the oldest first."""
    caller_of(request).operator()
    return [_waiting(payout) for payout in queries.open_payouts()]


@group.post(
    "/payout-queue/{payout}/approve", gives=WaitingPayoutOut, scope="operate",
    refuses=[*OWN, "stale_state", "second_person_needed"],
)  # fmt: skip
def approve_payout(request: HttpRequest, payout: t.PayoutId, proof: t.Proof = "") -> Any:
    """One person's yes to a large payout; with the second, by another, it goes on."""
    caller = caller_of(request)
    return _waiting(
        services.approve_payout(public_id=payout, by=caller.operator(), is_stepped_up=caller.is_present(proof))
    )


@group.post("/payout-queue/{payout}/refuse", gives=WaitingPayoutOut, scope="operate", refuses=[*OWN, "stale_state"])
def refuse_payout(request: HttpRequest, payout: t.PayoutId, body: PayoutRefusalIn, proof: t.Proof = "") -> Any:
    """Calls a payout off that has not gone out; its money goes back to its party, once."""
    caller = caller_of(request)
    return _waiting(
        services.refuse_payout(
            public_id=payout, reason=body.reason, by=caller.operator(), is_stepped_up=caller.is_present(proof)
        )
    )


@group.get("/payout-batches", gives=list[PayoutBatchOut], scope="operate", refuses=["forbidden"])
def list_payout_batches(request: HttpRequest) -> Any:
    """Files for the bank, the newest first."""
    caller_of(request).operator()
    return [_batch(one) for one in queries.batches()]


@group.post(
    "/payout-batches", gives=PayoutBatchOut, status=201, scope="operate", once=True,
    refuses=["forbidden", "step_up_required", "nothing_to_export"],
)  # fmt: skip
def export_payout_batch(request: HttpRequest, body: PayoutBatchIn, proof: t.Proof = "") -> Any:
    """Puts every payout that waits for the bank into one file; each goes into one file only."""
    caller = caller_of(request)
    return _batch(
        services.export_batch(currency=body.currency, by=caller.operator(), is_stepped_up=caller.is_present(proof))
    )


@group.get("/payout-batches/{batch}", gives=BatchReportOut, scope="operate", refuses=["forbidden", "not_found"])
def get_payout_batch(request: HttpRequest, batch: t.BatchId) -> Any:
    """What became of a file: paid, failed and open add up to the file."""
    caller_of(request).operator()
    found = services.batch_report(public_id=batch)
    names = [name for name in BatchReportOut.model_fields if name not in PayoutBatchOut.model_fields]
    return _batch(found.batch) | {name: getattr(found, name) for name in names}


@group.get("/payout-batches/{batch}/file", scope="operate", media_type="text/csv", refuses=OWN)
def get_payout_file(request: HttpRequest, batch: t.BatchId, proof: t.Proof = "") -> HttpResponse:
    """The file for the bank, CSV; every reading of it is written down, since it names accounts."""
    caller = caller_of(request)
    data = services.batch_file(public_id=batch, by=caller.operator(), is_stepped_up=caller.is_present(proof))
    return csv_answer(data, f"{batch}.csv")


@group.post(
    "/payout-batches/{batch}/result-files", gives=BankResultsOut, scope="operate", takes="application/octet-stream",
    refuses=[*OWN, "result_file_refused", "body_too_large"],
)  # fmt: skip
def take_bank_results(request: HttpRequest, batch: t.BatchId, proof: t.Proof = "") -> Any:
    """Takes the bank's answer in, all lines or none; sent twice, it changes nothing the second time."""
    caller = caller_of(request)
    return services.import_results(
        public_id=batch, data=request.body, by=caller.operator(), is_stepped_up=caller.is_present(proof)
    )


def csv_answer(data: bytes, name: str) -> HttpResponse:
    """A file to be kept, not shown."""
    return HttpResponse(
        data, content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )  # fmt: skip


def _account(found: queries.ProviderAccount) -> dict[str, Any]:
    return {"id": found.public_id, "provider": found.provider, "kind": found.kind, "account": found.account}


def _waiting(payout: queries.Payout) -> dict[str, Any]:
    return {
        "id": payout.public_id, "party_kind": payout.party_kind, "state": payout.state, "provider": payout.provider,
        "amount_minor": payout.amount_minor, "currency": payout.currency,
        "approvals": queries.approvals_of(payout.pk), "held_until": payout.held_until,
        "created_at": payout.created_at,
    }  # fmt: skip


def _batch(found: queries.PayoutBatch) -> dict[str, Any]:
    return {
        "id": found.public_id, "currency": found.currency, "count": found.count, "total_minor": found.total_minor,
        "created_at": found.created_at,
    }  # fmt: skip
