"""Operations on commission plans: what a shop pays to whom for what."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from pydantic import AwareDatetime, Field

from meadow.accounts import queries as accounts
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group
from meadow.catalog import queries as catalog
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.plans import queries, services

group = Group("plans")

Date = Annotated[AwareDatetime, Field(examples=["2026-12-01T00:00:00Z"])]
Products = Annotated[list[t.ProductId], Field(min_length=1, max_length=1000)]
Creators = Annotated[list[t.CreatorId], Field(max_length=1000)]
MADE = ["rate_out_of_range", "fees_exceed_goods"]


class CannotCarry(t.Out):
    provider: str = Field(examples=["wechatpay"])
    most_bp: int = Field(description="The most of a sale that it passes on to others.", examples=[3000])


class PlanOut(t.Out):
    id: t.PlanId
    kind: str = Field(examples=["general"])
    name: str = Field(examples=["Winter"])
    state: str = Field(examples=["active"])
    rate_bp: int = Field(examples=[2000])
    version: int
    starts_at: t.Moment | None
    ends_at: t.Moment | None
    next_rate_bp: int | None = Field(description="A cut that was announced.", examples=[1500])
    next_from: t.Moment | None
    products: list[t.ProductId]
    creators: list[t.CreatorId]
    warnings: list[CannotCarry] = Field(
        description="Payment providers that cannot pass on so much: buyers are not offered them.", examples=[[]]
    )


class RateIn(t.In):
    rate_bp: t.RateBp


class PlanIn(t.In):
    kind: Literal["directed", "marketing", "exclusive"]
    rate_bp: t.RateBp
    products: Products
    creators: Creators = []
    name: Annotated[str, Field(max_length=80, examples=["Winter"])] = ""
    starts_at: Date | None = None
    ends_at: Date | None = None


class MembersIn(t.In):
    creators: Annotated[list[t.CreatorId], Field(min_length=1, max_length=1000)]


class PreviewIn(t.In):
    goods_minor: t.Minor
    rate_bp: t.RateBp


class Preview(t.Out):
    merchant_minor: int = Field(examples=[750])
    creator_minor: int = Field(examples=[180])
    platform_minor: int = Field(examples=[70])
    share_bp: int = Field(description="How much of the sale goes to others than the merchant.", examples=[2500])
    warnings: list[CannotCarry] = Field(
        description="Payment providers that cannot pass on so much: buyers are not offered them.", examples=[[]]
    )


class PlanCommission(t.Out):
    rate_bp: int = Field(examples=[2000])
    kind: str = Field(examples=["general"])


@group.get("/shops/{shop}/plans", gives=list[PlanOut], scope="plans")
def list_plans(request: HttpRequest, shop: t.ShopId) -> Any:
    """A shop's plans, the general one first, for who keeps the shop."""
    found = catalog.shop(shop)
    caller_of(request).staff_of(found.merchant_id)
    return [_plan(summary) for summary in queries.plans_of_shop(found.shop_id)]


@group.put("/shops/{shop}/plans/general", gives=PlanOut, scope="plans", refuses=["forbidden", *MADE])
def set_general_plan(request: HttpRequest, shop: t.ShopId, body: RateIn) -> Any:
    """Sets what the shop pays every creator: a raise counts at once, a cut after 24 hours."""
    found = catalog.shop(shop)
    by = caller_of(request).staff_of(found.merchant_id)
    plan = services.set_general_plan(shop_id=found.shop_id, rate_bp=body.rate_bp, by=by)
    return _plan(queries.summary(plan.pk))


@group.post(
    "/shops/{shop}/plans", gives=PlanOut, status=201, scope="plans", refuses=["forbidden", "plan_conflict", *MADE]
)
def create_plan(request: HttpRequest, shop: t.ShopId, body: PlanIn) -> Any:
    """Makes a plan for named products: for named creators (directed, exclusive) or for all (marketing)."""
    found = catalog.shop(shop)
    by = caller_of(request).staff_of(found.merchant_id)
    plan = _create(found.shop_id, body, by)
    return _plan(queries.summary(plan.pk))


@group.get("/plans/{plan}", gives=PlanOut, scope="plans")
def get_plan(request: HttpRequest, plan: t.PlanId) -> Any:
    """A plan of a shop that the caller keeps, or one the caller is invited to."""
    caller, found = caller_of(request), queries.summary(plan)
    shop_id = queries.plan(plan).shop_id
    creator = accounts.creator_of(caller.person)
    if creator is None or creator.pk not in found.creator_ids:
        caller.staff_of(catalog.shop(shop_id).merchant_id)
    return _plan(found)


@group.put("/plans/{plan}/rate", gives=PlanOut, scope="plans", refuses=["plan_ended", *MADE])
def change_plan_rate(request: HttpRequest, plan: t.PlanId, body: RateIn) -> Any:
    """Changes a plan's rate: a raise counts at once, a cut after 24 hours."""
    plan_id, by = _own(request, plan)
    services.change_rate(plan_id=plan_id, rate_bp=body.rate_bp, by=by)
    return _plan(queries.summary(plan_id))


@group.post("/plans/{plan}/end", gives=PlanOut, scope="plans", refuses=["plan_ended"])
def end_plan(request: HttpRequest, plan: t.PlanId) -> Any:
    """Ends a plan, after 24 hours of notice."""
    plan_id, by = _own(request, plan)
    services.end_plan(plan_id=plan_id, by=by)
    return _plan(queries.summary(plan_id))


@group.post("/plans/{plan}/members", gives=PlanOut, scope="plans", refuses=["plan_is_open"])
def add_plan_members(request: HttpRequest, plan: t.PlanId, body: MembersIn) -> Any:
    """Invites creators into a directed or exclusive plan, at once."""
    plan_id, by = _own(request, plan)
    services.add_members(plan_id=plan_id, creator_ids=_creator_ids(body.creators), by=by)
    return _plan(queries.summary(plan_id))


@group.delete("/plans/{plan}/members/{creator}", gives=PlanOut, scope="plans")
def remove_plan_member(request: HttpRequest, plan: t.PlanId, creator: t.CreatorId) -> Any:
    """Takes a creator out of a plan, after 24 hours of notice."""
    plan_id, by = _own(request, plan)
    services.remove_member(plan_id=plan_id, creator_id=accounts.creator(creator).pk, by=by)
    return _plan(queries.summary(plan_id))


@group.post("/plans/preview", gives=Preview, guests=True, refuses=MADE)
def preview_split(request: HttpRequest, body: PreviewIn) -> Any:
    """Who would get how much of a sale at a rate, by the rules that settle it."""
    made = queries.preview(goods_minor=body.goods_minor, rate_bp=body.rate_bp)
    return {
        "merchant_minor": made.merchant, "creator_minor": made.creator, "platform_minor": made.platform,
        "share_bp": queries.share_of(body.rate_bp), "warnings": _warnings(body.rate_bp),
    }  # fmt: skip


@group.get("/products/{product}/commission", gives=PlanCommission | None, scope="share", refuses=["creator_required"])
def get_commission(request: HttpRequest, product: t.ProductId) -> Any:
    """What the calling creator would earn on a product now; null: nothing."""
    creator = accounts.require_creator(caller_of(request).person)
    found = catalog.product_page(product)
    choice = queries.plan_for(product_id=found.card.product_id, creator_id=creator.pk)
    return choice and {"rate_bp": choice.rate_bp, "kind": choice.kind}


def _create(shop_id: int, body: PlanIn, by: Actor) -> queries.Plan:
    ids = catalog.product_ids(body.products)
    if len(ids) < len(set(body.products)):
        raise Refusal("not_found")
    products = [ids[public_id] for public_id in body.products]
    dates: dict[str, datetime | None] = {"starts_at": body.starts_at, "ends_at": body.ends_at}
    if body.kind == "marketing":
        return services.create_marketing_plan(
            shop_id=shop_id, product_ids=products, rate_bp=body.rate_bp, by=by, name=body.name, **dates
        )
    create = services.create_directed_plan if body.kind == "directed" else services.create_exclusive_plan
    return create(
        shop_id=shop_id, product_ids=products, rate_bp=body.rate_bp, creator_ids=_creator_ids(body.creators), by=by,
        name=body.name, **dates,
    )  # fmt: skip


def _own(request: HttpRequest, plan: str) -> tuple[int, Actor]:
    """A plan of a shop that the caller keeps.  Refuses: not_found."""
    found = queries.plan(plan)
    return found.pk, caller_of(request).staff_of(catalog.shop(found.shop_id).merchant_id)


def _creator_ids(public_ids: list[str]) -> list[int]:
    return [accounts.creator(public_id).pk for public_id in dict.fromkeys(public_ids)]


def _warnings(rate_bp: int) -> list[dict[str, Any]]:
    return [{"provider": name, "most_bp": most_bp} for name, most_bp in queries.cannot_carry(rate_bp)]


def _plan(plan: queries.PlanSummary) -> dict[str, Any]:
    cards = catalog.cards(plan.product_ids) if plan.product_ids else {}
    return {
        "id": plan.public_id, "kind": plan.kind, "name": plan.name, "state": plan.state, "rate_bp": plan.rate_bp,
        "version": plan.version, "starts_at": plan.starts_at, "ends_at": plan.ends_at,
        "next_rate_bp": plan.next_rate_bp, "next_from": plan.next_from,
        "products": [cards[product_id].public_id for product_id in plan.product_ids],
        "creators": [accounts.creator(creator_id).public_id for creator_id in plan.creator_ids],
        "warnings": _warnings(max(plan.rate_bp, plan.next_rate_bp or 0)),
    }  # fmt: skip
