"""Operations on shops: open, change, close."""

from typing import Annotated, Any

from django.http import HttpRequest
from pydantic import Field

from meadow.accounts import queries as accounts
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group
from meadow.catalog import queries, services
from meadow.kernel.errors import Refusal

group = Group("shops")

Notice = Annotated[str, Field(max_length=2000, examples=["Sent within two days."])]


class ZoneIn(t.In):
    """What sending costs to some places: the first grams, then each step begun; free from an amount on."""

    countries: Annotated[list[str], Field(max_length=300, examples=[["CN"]])] = []
    regions: Annotated[list[str], Field(max_length=300, examples=[["浙江", "上海"]])] = []
    first_grams: Annotated[int, Field(ge=1, le=1_000_000, examples=[1000])]
    first_minor: t.Minor
    step_grams: Annotated[int, Field(ge=0, le=1_000_000, examples=[500])] = 0
    step_minor: t.Minor = 0
    free_from_minor: t.Minor | None = None


class ZoneOut(t.Out):
    countries: list[str]
    regions: list[str]
    first_grams: int = Field(examples=[1000])
    first_minor: int = Field(examples=[1000])
    step_grams: int = Field(examples=[500])
    step_minor: int = Field(examples=[300])
    free_from_minor: int | None = Field(examples=[9900])


class ShopOut(t.Out):
    id: t.ShopId
    slug: str = Field(examples=["linen-and-co"])
    name: str = Field(examples=["Linen & Co"])
    currency: str = Field(examples=["CNY"])
    flat_shipping_minor: int = Field(examples=[1000])
    notice: str = Field(examples=["Sent within two days."])
    state: str = Field(examples=["open"])
    shipping_zones: list[ZoneOut]


class ShopIn(t.In):
    name: t.Name
    currency: t.Currency | None = Field(None, description="By default the installation's.")
    flat_shipping_minor: t.Minor = 0
    notice: Notice = ""


class ShopChange(t.In):
    name: t.Name | None = None
    flat_shipping_minor: t.Minor | None = None
    notice: Notice | None = None
    shipping_zones: list[ZoneIn] | None = Field(
        default=None, description="The shipping template, the first zone that fits counts; empty for the flat price."
    )


@group.post(
    "/merchants/{merchant}/shops", gives=ShopOut, status=201, scope="catalog",
    refuses=["merchant_suspended", "currency_unknown", "price_above_cap", "text_refused", "link_blocked"],
)  # fmt: skip
def open_shop(request: HttpRequest, merchant: t.MerchantId, body: ShopIn) -> Any:
    """Opens a shop of a merchant; everything in it has one currency."""
    found = accounts.merchant(merchant)
    made = services.open_shop(
        merchant_id=found.pk, name=body.name, currency=body.currency, notice=body.notice,
        flat_shipping_minor=body.flat_shipping_minor, by=caller_of(request).staff_of(found.pk),
    )  # fmt: skip
    return shop_out(queries.shop(made.pk))


@group.get("/merchants/{merchant}/shops", gives=list[ShopOut], scope="catalog")
def list_shops(request: HttpRequest, merchant: t.MerchantId) -> Any:
    """The shops of a merchant, open or not."""
    found = accounts.merchant(merchant)
    caller_of(request).staff_of(found.pk)
    return [shop_out(shop) for shop in queries.shops_of_merchants([found.pk])]


@group.get("/shops/{shop}", gives=ShopOut, guests=True)
def get_shop(request: HttpRequest, shop: t.ShopId) -> Any:
    """A shop as everyone sees it; one that is not open is seen by who keeps it."""
    return shop_out(visible_shop(request, shop))


@group.patch(
    "/shops/{shop}", gives=ShopOut, scope="catalog",
    refuses=["forbidden", "price_above_cap", "text_refused", "text_unclear", "link_blocked"],
)  # fmt: skip
def change_shop(request: HttpRequest, shop: t.ShopId, body: ShopChange) -> Any:
    """Changes what is given of a shop and leaves the rest."""
    found = queries.shop(shop)
    services.change_shop(
        shop_id=found.shop_id, name=body.name, flat_shipping_minor=body.flat_shipping_minor, notice=body.notice,
        shipping_zones=None if body.shipping_zones is None else [zone.model_dump() for zone in body.shipping_zones],
        by=caller_of(request).within(found.merchant_id),
    )  # fmt: skip
    return shop_out(queries.shop(found.shop_id))


@group.post("/shops/{shop}/close", gives=ShopOut, scope="catalog", refuses=["forbidden", "stale_state"])
def close_shop(request: HttpRequest, shop: t.ShopId) -> Any:
    """Closes a shop: nothing of it can be bought, orders on their way go on."""
    found = queries.shop(shop)
    services.close_shop(shop_id=found.shop_id, by=caller_of(request).within(found.merchant_id))
    return shop_out(queries.shop(found.shop_id))


@group.post(
    "/shops/{shop}/reopen", gives=ShopOut, scope="catalog",
    refuses=["forbidden", "stale_state", "suspended_by_decision"],
)  # fmt: skip
def reopen_shop(request: HttpRequest, shop: t.ShopId) -> Any:
    """Opens a closed shop again."""
    found = queries.shop(shop)
    services.reopen_shop(shop_id=found.shop_id, by=caller_of(request).within(found.merchant_id))
    return shop_out(queries.shop(found.shop_id))


def visible_shop(request: HttpRequest, shop: str) -> queries.ShopView:
    """A shop that the caller may see.  Refuses: not_found."""
    caller, found = caller_of(request), queries.shop(shop)
    # Stopped for what is new, its page stays; closed or suspended, it is seen by who keeps it.
    if found.state not in ("open", "stopped") and not caller.is_operator:
        if caller.person_id is None:
            raise Refusal("not_found")
        caller.staff_of(found.merchant_id)
    return found


def shop_out(shop: queries.ShopView) -> dict[str, Any]:
    return {
        "id": shop.public_id, "slug": shop.slug, "name": shop.name, "currency": shop.currency,
        "flat_shipping_minor": shop.flat_shipping_minor, "notice": shop.notice, "state": shop.state,
        "shipping_zones": shop.zones,
    }  # fmt: skip
