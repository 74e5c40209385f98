"""Operations on favourites: what a shopper keeps, known or a guest, and whether they hear of lower prices."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from pydantic import Field

from meadow.api import types as t
from meadow.api.callers import Caller, caller_of
from meadow.api.lists import page
from meadow.api.operations import Group
from meadow.api.routers.sharing import Carrier, carrier_of
from meadow.catalog import queries as catalog
from meadow.kernel.errors import Refusal
from meadow.trade import queries, services

group = Group("favourites")


class FavouriteIn(t.In):
    tell_price_drop: bool | None = Field(
        None, description="Whether to be told of a lower price; by default on for people, never for guests."
    )
    carrier: Carrier = ""


class FavouriteOut(t.Out):
    product: t.ProductId
    title: str = Field(examples=["Linen shirt"])
    shop: t.ShopId
    shop_name: str = Field(examples=["Linen & Co"])
    image: str = Field(examples=["/pictures/prd_01jd2m4q8r6t0v3x5z7y/1.svg"])
    price_minor: int = Field(examples=[9000])
    price_when_kept_minor: int = Field(examples=[10000])
    drop_minor: int = Field(examples=[1000])
    currency: str = Field(examples=["CNY"])
    on_sale: bool
    left: int = Field(examples=[10])
    tell_price_drop: bool
    kept_at: t.Moment


class FavouritePage(t.Out):
    items: list[FavouriteOut]
    next_cursor: str | None


@group.get("/favourites", gives=FavouritePage, scope="buy", guests=True)
def list_favourites(
    request: HttpRequest, carrier: t.Filter = "", cursor: t.Cursor = "", limit: t.PageSize = t.PAGE
) -> HttpResponse:
    """What one keeps, the newest first, with the price then and now."""
    owner = _owner(caller_of(request), carrier)
    found, more = queries.favourites_of(**owner, cursor=cursor or None, limit=limit)
    return page(request, [FavouriteOut.model_validate(_out(item)) for item in found], more)


@group.put("/favourites/{product}", gives=None, scope="buy", guests=True, refuses=["favourites_full"])
def keep_favourite(request: HttpRequest, product: t.ProductId, body: FavouriteIn) -> None:
    """Keeps a product, once; a guest's are found again by their carrier."""
    services.keep_favourite(
        product_id=_product(product), tell_price_drop=body.tell_price_drop,
        **_owner(caller_of(request), body.carrier),
    )  # fmt: skip


@group.delete("/favourites/{product}", gives=None, scope="buy", guests=True)
def drop_favourite(request: HttpRequest, product: t.ProductId, carrier: t.Filter = "") -> None:
    """Lets go of a kept product."""
    services.drop_favourite(product_id=_product(product), **_owner(caller_of(request), carrier))


def _owner(caller: Caller, carrier: str) -> dict[str, Any]:
    return {"person_id": caller.person_id, "carrier": carrier_of(caller, carrier)}


def _product(public_id: str) -> int:
    """Refuses: not_found."""
    found = catalog.product_ids([public_id]).get(public_id)
    if found is None:
        raise Refusal("not_found")
    return found


def _out(item: queries.FavouriteItem) -> dict[str, Any]:
    card = item.card
    return {
        "product": card.public_id, "title": card.title, "shop": card.shop_public_id, "shop_name": card.shop_name,
        "image": card.image, "price_minor": card.price_minor, "price_when_kept_minor": item.price_when_kept_minor,
        "drop_minor": item.drop_minor, "currency": card.currency, "on_sale": card.on_sale, "left": card.left,
        "tell_price_drop": item.tell_price_drop, "kept_at": item.kept_at,
    }  # fmt: skip
