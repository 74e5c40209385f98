"""Operations on months of money: statements that recompute line by line, as a file; clawbacks; what waits where."""

from datetime import date
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from pydantic import Field

from meadow.accounts import queries as accounts
from meadow.affiliate import queries as affiliate
from meadow.affiliate import services as affiliate_verbs
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.lists import page
from meadow.api.operations import Group
from meadow.api.routers.money import Kind, PartyId, party_of
from meadow.kernel import cursors
from meadow.kernel.errors import Refusal
from meadow.ledger import queries, services
from meadow.trade import queries as trade

group = Group("statements")

Month = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", examples=["2026-11"])]


class MonthOut(t.Out):
    month: Month
    account: str = Field(description="available, held, or receivable: what is owed.", examples=["available"])
    currency: str = Field(examples=["CNY"])
    opening_minor: int = Field(examples=[0])
    in_minor: int = Field(examples=[1800])
    out_minor: int = Field(examples=[0])
    closing_minor: int = Field(examples=[1800])
    entries: int = Field(examples=[1])
    is_closed: bool = Field(description="false: the month still runs, or its statement is not made yet.")


class Clawback(t.Out):
    at: t.Moment
    currency: str = Field(examples=["CNY"])
    amount_minor: int = Field(examples=[720])
    owed_minor: int = Field(description="Of it, what was not there any more and is owed.", examples=[0])
    refund: str = Field(examples=["rfd_01jd2m4q8r6t0v3x5z7y"])
    order: str = Field(examples=["ord_01jd2m4q8r6t0v3x5z7y"])
    kind: str = Field(examples=["claim"])
    reason: str = Field(examples=["It came broken."])


class ClawbackPage(t.Out):
    items: list[Clawback]
    next_cursor: str | None


class Escrow(t.Out):
    currency: str = Field(examples=["CNY"])
    to_ship_minor: int = Field(examples=[11000])
    on_the_way_minor: int = Field(examples=[0])
    received_minor: int = Field(examples=[0])
    held_minor: int = Field(description="Out of escrow, not free yet, under the same claims.", examples=[0])
    released_minor: int = Field(examples=[8500])


class ToDos(t.Out):
    to_ship: int
    late: int
    claims: int
    claims_soon: int
    refunds_waiting: int


class Desk(t.Out):
    todos: ToDos
    escrow: list[Escrow]


WriteOffId = Annotated[str, t._id("wof")]


class Left(t.Out):
    creator: t.CreatorId
    state: str = Field(examples=["closed"])


class WriteOffIn(t.In):
    kind: Kind
    id: PartyId
    currency: t.Currency
    reason: Annotated[str, Field(min_length=1, max_length=400, examples=["Gone without an address."])]


class WriteOffOut(t.Out):
    id: WriteOffId
    kind: Kind
    party: PartyId
    currency: str = Field(examples=["CNY"])
    amount_minor: int = Field(examples=[720])
    reason: str = Field(examples=["Gone without an address."])
    state: str = Field(examples=["proposed"])
    proposed_at: t.Moment
    decided_at: t.Moment | None


class Closed(t.Out):
    month: Month
    statements: int


@group.get("/statements/{kind}/{party}/months", gives=list[MonthOut], scope="money")
def list_months(request: HttpRequest, kind: Kind, party: PartyId) -> Any:
    """A party's months, the newest first: what its accounts began with, what moved, what they ended with."""
    party_id = party_of(caller_of(request), kind, party)
    return [
        {name: getattr(view, name) for name in MonthOut.model_fields} | {"month": f"{view.month:%Y-%m}"}
        for view in queries.months_of(kind, party_id)
    ]


@group.get("/statements/{kind}/{party}/months/{month}/lines.csv", scope="money", media_type="text/csv")
def get_month_csv(request: HttpRequest, kind: Kind, party: PartyId, month: Month) -> StreamingHttpResponse:
    """Every entry of a month with its cause, as a file; it adds up to the statement."""
    party_id = party_of(caller_of(request), kind, party)
    response = StreamingHttpResponse(trade.month_csv(kind, party_id, _first_day(month)), content_type="text/csv")
    response["Content-Disposition"] = f'attachment; filename="statement-{month}.csv"'
    return response


@group.get("/clawbacks/{kind}/{party}", gives=ClawbackPage, scope="money")
def list_clawbacks(
    request: HttpRequest, kind: Kind, party: PartyId, cursor: t.Cursor = "", limit: t.PageSize = t.PAGE
) -> HttpResponse:
    """What refunds took back, each with its cause, the newest first."""
    party_id = party_of(caller_of(request), kind, party)
    name = f"clawbacks:{kind}:{party_id}"
    before = cursors.unseal(cursor, name)[0] if cursor else None
    found = queries.taken_back(kind, party_id, before_id=before, limit=limit + 1)
    faces = trade.refund_faces([str((each.note or {}).get("refund", "")) for each in found])
    items = [Clawback.model_validate(_clawback(each, faces)) for each in found[:limit]]
    return page(request, items, cursors.seal([found[limit - 1].posting_id], name) if len(found) > limit else None)


@group.get("/merchants/{merchant}/desk", gives=Desk, scope="money")
def get_merchant_desk(request: HttpRequest, merchant: t.MerchantId) -> Any:
    """What waits for a merchant, and the money in escrow, held and released."""
    found = accounts.merchant(merchant)
    caller_of(request).staff_of(found.pk)
    return {"todos": trade.todos_of_merchant(found.pk), "escrow": trade.escrow_of_merchant(found.pk)}


@group.post("/platform/months/{month}/close", gives=Closed, scope="operate", refuses=["forbidden", "month_open"])
def close_month(request: HttpRequest, month: Month) -> Any:
    """Closes a month that is over; the worker does it by itself, and twice is once."""
    caller_of(request).operator()
    return {"month": month, "statements": services.close_month(month=_first_day(month))}


@group.post(
    "/me/creator/close", gives=Left, scope="content",
    refuses=["creator_required", "closure_owes", "closure_balance", "closure_pending", "stale_state"],
)  # fmt: skip
def close_creator(request: HttpRequest) -> Any:
    """Gives the role of creator up, once nothing is owed by or to it; posts end, one may apply again."""
    caller = caller_of(request)
    creator = accounts.creator_of(caller.person)
    if creator is None:
        raise Refusal("creator_required")
    done = affiliate_verbs.close_creator(creator_id=creator.pk, by=caller.actor)
    return {"creator": done.public_id, "state": done.state}


@group.get("/write-offs", gives=list[WriteOffOut], scope="operate", refuses=["forbidden"])
def list_write_offs(request: HttpRequest) -> Any:
    """Debts that were given up or are proposed to be, the newest first."""
    caller_of(request).operator()
    return [_write_off(row) for row in affiliate.write_offs()]


@group.post(
    "/write-offs", gives=WriteOffOut, status=201, scope="operate",
    refuses=["forbidden", "not_found", "nothing_owed", "write_off_open"],
)  # fmt: skip
def propose_write_off(request: HttpRequest, body: WriteOffIn) -> Any:
    """Proposes to give up all that a party owes in a currency; another operator has to agree."""
    by = caller_of(request).operator()
    party_id = accounts.creator(body.id).pk if body.kind == "creator" else accounts.merchant(body.id).pk
    made = affiliate_verbs.propose_write_off(
        party=(body.kind, party_id), currency=body.currency, reason=body.reason, by=by
    )
    return _write_off(made)


@group.post(
    "/write-offs/{write_off}/approve", gives=WriteOffOut, scope="operate",
    refuses=["forbidden", "second_person_needed", "nothing_owed", "stale_state"],
)  # fmt: skip
def approve_write_off(request: HttpRequest, write_off: WriteOffId) -> Any:
    """Agrees, as the second person: the platform bears the debt, in one posting."""
    by = caller_of(request).operator()
    return _write_off(affiliate_verbs.approve_write_off(public_id=write_off, by=by))


@group.post("/write-offs/{write_off}/decline", gives=WriteOffOut, scope="operate", refuses=["forbidden", "stale_state"])
def decline_write_off(request: HttpRequest, write_off: WriteOffId) -> Any:
    """Says no: the debt stays."""
    by = caller_of(request).operator()
    return _write_off(affiliate_verbs.decline_write_off(public_id=write_off, by=by))


def _write_off(row: affiliate.WriteOff) -> dict[str, Any]:
    named = accounts.creator(row.party_id) if row.party_kind == "creator" else accounts.merchant(row.party_id)
    return {
        "id": row.public_id, "kind": row.party_kind, "party": named.public_id, "currency": row.currency,
        "amount_minor": row.amount_minor, "reason": row.reason, "state": row.state, "proposed_at": row.proposed_at,
        "decided_at": row.decided_at,
    }  # fmt: skip


def _first_day(month: str) -> date:
    year, number = month.split("-")
    if int(year) < 1970:
        raise Refusal("malformed", field="month", why="from 1970-01 on")
    return date(int(year), int(number), 1)


def _clawback(each: queries.TakenBack, faces: dict[str, trade.RefundFace]) -> dict[str, Any]:
    face = faces.get(str((each.note or {}).get("refund", "")))
    about = {"refund": face.refund, "order": face.order, "kind": face.kind, "reason": face.reason} if face else {}
    return {
        "at": each.at, "currency": each.currency, "amount_minor": each.amount_minor, "owed_minor": each.owed_minor,
        "refund": "", "order": "", "kind": "", "reason": "",
    } | about  # fmt: skip
