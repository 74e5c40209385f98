"""Operations of a creator who looks for goods to recommend: filtered by what they earn, stock, plan and standing."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from meadow.accounts import queries as accounts
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.lists import page
from meadow.api.operations import Group
from meadow.catalog import queries as catalog
from meadow.discovery import queries, services

group = Group("picking")

Amount = Annotated[int | None, Field(ge=0, le=10**12)]
Rate = Annotated[int | None, Field(ge=0, le=10_000)]


class WishIn(t.Out):
    """What goods are filtered and sorted by; amounts are in one currency."""

    q: str = Field("", max_length=100, description="Words of title, category, brand or shop; all must be there.")
    category: str = Field("", max_length=255)
    shop: str = Field("", max_length=64)
    plan: Literal["any", "exclusive", "directed", "marketing", "general", "none"] = "any"
    standing: Literal["good", "noted", "limited"] = Field("limited", description="That good or better.")
    min_left: int = Field(1, ge=0, le=1_000_000, description="At least so many are left.")
    min_rate_bp: Rate = None
    max_rate_bp: Rate = None
    min_earns_minor: Amount = None
    max_earns_minor: Amount = None
    min_price_minor: Amount = None
    max_price_minor: Amount = None
    currency: str = Field("", max_length=3, description="For amounts; by default the installation's.")
    sort: Literal["earns", "rate", "newest", "cheapest", "dearest"] = "earns"


class GoodsOut(t.Out):
    product: t.ProductId
    title: str = Field(examples=["Linen shirt"])
    category: str = Field(examples=["Shirts"])
    shop: t.ShopId
    shop_name: str = Field(examples=["Linen & Co"])
    standing: str = Field(description="How the shop stands with the rulebook.", examples=["good"])
    image: str = Field(examples=["/pictures/prd_01jd2m4q8r6t0v3x5z7y/1.svg"])
    price_minor: int = Field(examples=[10000])
    price_max_minor: int = Field(examples=[12000])
    currency: str = Field(examples=["CNY"])
    left: int = Field(examples=[10])
    rate_bp: int = Field(examples=[2000])
    plan: str = Field(examples=["general"])
    earns_minor: int = Field(description="The creator's part of one sale at the lowest price.", examples=[1800])


class GoodsPage(t.Out):
    items: list[GoodsOut]
    next_cursor: str | None


class Noted(t.Out):
    products: int = Field(examples=[50000])


@group.get("/goods", gives=GoodsPage, scope=("share", "content"), refuses=["creator_required"])
def pick_goods(
    request: HttpRequest, wanted: Query[WishIn], cursor: t.Cursor = "", limit: t.PageSize = t.PAGE
) -> HttpResponse:
    """Goods to recommend, with what the calling creator would earn on each by their best plan."""
    creator = accounts.require_creator(caller_of(request).person)
    wish = queries.Wish(
        text=wanted.q, category=wanted.category, plan=wanted.plan, standing=wanted.standing, sort=wanted.sort,
        shop_id=catalog.shop(wanted.shop).shop_id if wanted.shop else None, least_left=wanted.min_left,
        least_rate_bp=wanted.min_rate_bp, most_rate_bp=wanted.max_rate_bp,
        least_earns_minor=wanted.min_earns_minor, most_earns_minor=wanted.max_earns_minor,
        least_price_minor=wanted.min_price_minor, most_price_minor=wanted.max_price_minor, currency=wanted.currency,
    )  # fmt: skip
    found = queries.pick(creator.pk, wish, cursor=cursor or None, limit=limit)
    return page(request, [GoodsOut.model_validate(_goods(card)) for card in found.cards], found.next_cursor)


@group.get("/goods/categories", gives=list[str], scope=("share", "content"), refuses=["creator_required"])
def list_goods_categories(request: HttpRequest) -> Any:
    """The categories that have something to pick."""
    accounts.require_creator(caller_of(request).person)
    return queries.categories()


@group.post("/goods/rebuild", gives=Noted, status=202, scope="operate", refuses=["forbidden"])
def rebuild_goods(request: HttpRequest) -> Any:
    """Has the table that goods are picked from made anew from its sources; picking goes on meanwhile."""
    caller_of(request).operator()
    return {"products": services.rebuild_goods()}


def _goods(card: queries.GoodsCard) -> dict[str, Any]:
    return {
        "product": card.product_public_id, "title": card.title, "category": card.category,
        "shop": card.shop_public_id, "shop_name": card.shop_name, "standing": card.standing, "image": card.image,
        "price_minor": card.price_minor, "price_max_minor": card.price_max_minor, "currency": card.currency,
        "left": card.left, "rate_bp": card.rate_bp, "plan": card.plan_kind, "earns_minor": card.earns_minor,
    }  # fmt: skip
