"""Operations of a shopper, known or a guest: the cart, the checkout, placing orders."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from pydantic import AwareDatetime, ConfigDict, Field, StrictInt

from meadow.accounts import queries as accounts
from meadow.api import types as t
from meadow.api.callers import Caller, caller_of
from meadow.api.language import language_of
from meadow.api.operations import Group
from meadow.api.routers.orders import OrderShort, order_short
from meadow.api.routers.payments import PaymentOut, payment_out
from meadow.api.routers.sharing import Carrier, carrier_of
from meadow.catalog import queries as catalog
from meadow.kernel import rows
from meadow.kernel.errors import Refusal
from meadow.trade import queries, services

group = Group("buying")

# The signed id of a checkout: whoever has it may look and buy.
Checkout = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{20,400}$", examples=["eyJjIjoxfQ7wYtQ2m0x4pVnK8s"])]
Click = Annotated[str, Field(max_length=1024, examples=["eyJuIjoi…"], description="From /clicks.")]
Short = Annotated[str, Field(max_length=200)]
UNSOLD = ["not_on_sale", "out_of_stock", "over_buyer_limit"]
UNPAYABLE = ["merchant_not_live", "order_above_level"]


class CartLineIn(t.In):
    sku: t.SkuId
    quantity: t.Quantity = 1
    click: Click = ""
    carrier: Carrier = ""


class QuantityIn(t.In):
    quantity: t.Quantity
    carrier: Carrier = ""


class CartLine(t.Out):
    sku: t.SkuId
    product: t.ProductId
    title: str = Field(examples=["Linen shirt"])
    option_text: str = Field(examples=["Blue / M"])
    quantity: int
    price_minor: int = Field(examples=[10000])
    price_when_added_minor: int = Field(examples=[10000])
    amount_minor: int = Field(examples=[10000])
    currency: str = Field(examples=["CNY"])
    problem: str | None = Field(examples=[None])


class CartShop(t.Out):
    shop: t.ShopId
    name: str = Field(examples=["Linen & Co"])
    lines: list[CartLine]


class LineClick(t.Out):
    creator: t.CreatorId
    creator_name: str = Field(examples=["Mei"])
    surface: str = Field(examples=["showcase"])
    at: t.Moment
    by: str = Field(description="line: it came with the line; person or carrier: clicked elsewhere.", examples=["line"])
    counts: bool = Field(description="Whether the line would go to this creator now: the last click does.")


class Cart(t.Out):
    shops: list[CartShop]
    goods_minor: dict[str, int] = Field(examples=[{"CNY": 10000}])


class LineIn(t.In):
    sku: t.SkuId
    quantity: t.Quantity = 1
    click: Click = ""


class Source(t.In):
    model_config = ConfigDict(extra="ignore")

    type: Literal["url", "platform", "unknown"]
    url: Annotated[str, Field(max_length=2048, examples=["https://blog.example.com/teapots"])] = ""


class AffiliateAttribution(t.In):
    """ACP's object, member by member.  It is kept and never sent back, and nothing about it stops a checkout."""

    model_config = ConfigDict(extra="ignore")

    provider: Annotated[str, Field(min_length=1, max_length=255, examples=["meadow.example.com"])]
    token: Annotated[str | None, Field(max_length=4096, examples=["eyJqIjoi…"])] = None
    publisher_id: Annotated[str | None, Field(max_length=255, examples=["cre_01jd2m4q8r6t0v3x5z7y"])] = None
    campaign_id: Annotated[str | None, Field(max_length=255, examples=["spring"])] = None
    creative_id: Annotated[str | None, Field(max_length=255, examples=["top"])] = None
    sub_id: Annotated[str | None, Field(max_length=1024, examples=["u1=abc"])] = None
    touchpoint: Literal["first", "last"] | None = None
    source: Source | None = None
    issued_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    metadata: Annotated[dict[str, Any] | None, Field(max_length=20, examples=[{"placement": "top_pick"}])] = None


Attribution = Annotated[
    dict[Annotated[str, Field(max_length=255)], Annotated[str, Field(max_length=4096)]] | None,
    Field(
        default=None, max_length=50, examples=[{"campaign_source": "blog"}],
        description="UCP's map of referral texts; meadow_claim in it carries a claim of ours.",
    ),
]  # fmt: skip


class CheckoutIn(t.In):
    """Either lines, or what is in the cart."""

    lines: Annotated[list[LineIn], Field(max_length=200)] = []
    from_cart: bool = Field(False, description="Take what is in the cart instead of lines.", examples=[False])
    carrier: Carrier = ""
    affiliate_attribution: AffiliateAttribution | None = None
    attribution: Attribution = None


class CheckoutLine(t.Out):
    sku: t.SkuId
    product: t.ProductId
    title: str = Field(examples=["Linen shirt"])
    option_text: str = Field(examples=["Blue / M"])
    quantity: int
    price_minor: int = Field(examples=[10000])
    price_version: int
    shown_price_minor: int = Field(examples=[10000])
    amount_minor: int = Field(examples=[10000])
    problem: str | None = Field(examples=[None])


class CheckoutPart(t.Out):
    shop: t.ShopId
    name: str = Field(examples=["Linen & Co"])
    currency: str = Field(examples=["CNY"])
    goods_minor: int = Field(examples=[10000])
    shipping_minor: int = Field(examples=[1000])
    total_minor: int = Field(examples=[11000])
    lines: list[CheckoutLine]


class CheckoutOut(t.Out):
    id: Checkout
    state: str = Field(examples=["open"])
    parts: list[CheckoutPart]
    total_minor: dict[str, int] = Field(examples=[{"CNY": 11000}])
    is_changed: bool = Field(description="A price differs from the one that was shown.", examples=[False])
    orders: list[OrderShort] = Field(description="What came of it once it is placed.")


class Contact(t.In):
    email: Annotated[str, Field(max_length=254, examples=["bo@example.com"])] = ""
    phone: Annotated[str, Field(max_length=40, examples=["+86 138 0000 0000"])] = ""


class Address(t.In):
    name: Annotated[Short, Field(examples=["Bo"])]
    phone: Annotated[Short, Field(examples=["+86 138 0000 0000"])]
    line1: Annotated[Short, Field(examples=["12 Meadow Lane"])]
    line2: Short = ""
    district: Short = ""
    city: Annotated[Short, Field(examples=["Hangzhou"])]
    region: Short = ""
    postal_code: Annotated[Short, Field(examples=["310000"])] = ""
    country: Annotated[str, Field(min_length=2, max_length=2, examples=["CN"])]


class PlaceIn(t.In):
    address: Address
    contact: Contact = Contact()
    provider: Annotated[
        str, Field(max_length=32, examples=["sandbox"], description="Empty takes the best that is offered.")
    ] = ""
    price_versions: dict[t.SkuId, Annotated[StrictInt, Field(ge=0, le=2**31 - 1)]] | None = Field(
        None, max_length=200, description="The prices the shopper has seen; by default those of the open checkout.",
        examples=[None],
    )  # fmt: skip
    total_minor: dict[t.Currency, t.Minor] | None = Field(
        None, max_length=20, description="Confirms a shipping price that rose; what is charged is counted here.",
        examples=[None],
    )  # fmt: skip
    affiliate_attribution: AffiliateAttribution | None = None
    attribution: Attribution = None


class WayToPayOut(t.Out):
    provider: str = Field(examples=["sandbox"])
    why_not: str = Field(
        description="Empty if it is offered; else currency, share, contract, merchant or down.", examples=[""]
    )


class PlacedOrder(OrderShort):
    link: str = Field(description="How a guest comes back to the order.", examples=["eyJvIjoxfQ…"])


class RefusedPart(t.Out):
    shop: t.ShopId
    code: str = Field(examples=["out_of_stock"])
    params: dict[str, Any] = Field(examples=[{"left": 0}])


class Placed(t.Out):
    orders: list[PlacedOrder]
    payments: list[PaymentOut]
    refused: list[RefusedPart] = Field(description="Shops that could not sell; they are not charged.", examples=[[]])


@group.get("/cart", gives=Cart, scope="buy", guests=True)
def get_cart(request: HttpRequest, carrier: t.Filter = "") -> Any:
    """What is in the cart, at the prices of this moment."""
    return _cart(caller_of(request), carrier)


@group.post(
    "/cart/lines", gives=Cart, status=201, scope="buy", guests=True,
    refuses=["not_found", "quantity_refused", "cart_full", *UNSOLD],
)  # fmt: skip
def add_to_cart(request: HttpRequest, body: CartLineIn) -> Any:
    """Puts so many more of a SKU into the cart; a guest's cart is found again by its carrier."""
    caller = caller_of(request)
    services.add_to_cart(
        sku_id=_sku_ids([body.sku])[body.sku], quantity=body.quantity, person_id=caller.person_id, click=body.click,
        carrier=carrier_of(caller, body.carrier),
    )  # fmt: skip
    return _cart(caller, body.carrier)


@group.get("/cart/lines/{sku}/clicks", gives=list[LineClick], scope="buy", guests=True)
def list_cart_line_clicks(request: HttpRequest, sku: t.SkuId, carrier: t.Filter = "") -> Any:
    """Who may earn on a line of the cart and who would now: every click, the last one first."""
    caller = caller_of(request)
    found = queries.line_clicks(_sku_ids([sku])[sku], person_id=caller.person_id, carrier=carrier_of(caller, carrier))
    creators = {click.creator_id: accounts.creator(click.creator_id) for click in found}
    return [
        {
            "creator": creators[click.creator_id].public_id, "creator_name": creators[click.creator_id].name,
            "surface": click.surface, "at": click.at, "by": click.by, "counts": click.counts,
        }
        for click in found
    ]  # fmt: skip


@group.put("/cart/lines/{sku}", gives=Cart, scope="buy", guests=True, refuses=["quantity_refused", *UNSOLD])
def set_cart_quantity(request: HttpRequest, sku: t.SkuId, body: QuantityIn) -> Any:
    """Sets how many of a SKU are in the cart."""
    caller = caller_of(request)
    services.set_quantity(
        sku_id=_sku_ids([sku])[sku], quantity=body.quantity, person_id=caller.person_id,
        carrier=carrier_of(caller, body.carrier),
    )  # fmt: skip
    return _cart(caller, body.carrier)


@group.delete("/cart/lines/{sku}", gives=Cart, scope="buy", guests=True)
def remove_from_cart(request: HttpRequest, sku: t.SkuId, carrier: t.Filter = "") -> Any:
    """Takes a SKU out of the cart."""
    caller = caller_of(request)
    services.remove_from_cart(
        sku_id=_sku_ids([sku])[sku], person_id=caller.person_id, carrier=carrier_of(caller, carrier)
    )
    return _cart(caller, carrier)


@group.post(
    "/checkouts", gives=CheckoutOut, status=201, scope="buy", guests=True,
    refuses=["not_found", "checkout_empty", "checkout_too_long", "quantity_refused", "gift_alone", *UNSOLD, *UNPAYABLE],
)  # fmt: skip
def open_checkout(request: HttpRequest, body: CheckoutIn) -> Any:
    """Opens a checkout and notes the prices shown; nothing is reserved yet, and no cookie is needed."""
    caller = caller_of(request)
    carrier = carrier_of(caller, body.carrier)
    if body.from_cart:
        opened = services.open_cart_checkout(person_id=caller.person_id, carrier=carrier)
    else:
        ids = _sku_ids(line.sku for line in body.lines)
        lines = [services.LineIn(ids[line.sku], line.quantity, line.click) for line in body.lines]
        opened = services.open_checkout(lines=lines, buyer_id=caller.person_id, carrier=carrier)
    _note(opened.pk, "first", body)
    return _checkout(queries.checkout_token(opened), queries.quote(opened), [])


@group.get("/checkouts/{checkout}", gives=CheckoutOut, scope="buy", guests=True)
def get_checkout(request: HttpRequest, checkout: Checkout) -> Any:
    """What a checkout costs now, or which orders came of it."""
    found = queries.checkout_by_token(checkout, person_id=caller_of(request).person_id)
    return _checkout(checkout, queries.quote(found), queries.orders_of_checkout(found.pk))


@group.post("/checkouts/{checkout}/show-again", gives=CheckoutOut, scope="buy", guests=True, refuses=["stale_state"])
def show_checkout_again(request: HttpRequest, checkout: Checkout) -> Any:
    """Shows the prices of now: from here on they are the ones the shopper has seen."""
    found = queries.checkout_by_token(checkout, person_id=caller_of(request).person_id)
    return _checkout(checkout, queries.quote(services.show_again(checkout_id=found.pk)), [])


@group.get("/checkouts/{checkout}/ways-to-pay", gives=dict[str, list[WayToPayOut]], scope="buy", guests=True)
def list_ways_to_pay(request: HttpRequest, checkout: Checkout) -> Any:
    """The providers per currency, the best first, each with why it is not offered for this checkout."""
    found = queries.checkout_by_token(checkout, person_id=caller_of(request).person_id)
    return {
        currency: [{"provider": offer.provider, "why_not": offer.why_not} for offer in offers]
        for currency, offers in queries.ways_to_pay(queries.quote(found)).items()
    }


@group.post(
    "/checkouts/{checkout}/place", gives=Placed, status=201, scope="buy", guests=True, once=True,
    refuses=["address_refused", "price_changed", "total_changed", "gift_alone", "provider_unknown",
             "provider_closed", "provider_cannot_carry", *UNSOLD, *UNPAYABLE],
)  # fmt: skip
def place_orders(request: HttpRequest, checkout: Checkout, body: PlaceIn) -> Any:
    """Makes one order per shop and one payment per currency, and reserves the stock; once, however often it is sent."""
    caller = caller_of(request)
    found = queries.checkout_by_token(checkout, person_id=caller.person_id)
    ids, seen = _sku_ids(body.price_versions or {}), body.price_versions
    _note(found.pk, "last", body)
    placed = services.place_orders(
        checkout_id=found.pk, address=body.address.model_dump(), contact=body.contact.model_dump(),
        provider=body.provider or "", total_minor=body.total_minor, buyer_id=caller.person_id,
        price_versions=None if seen is None else {ids[sku]: version for sku, version in seen.items()},
        locale="zh-hans" if language_of(request) == "zh" else "en",
    )  # fmt: skip
    rows.fill(placed.orders, "shop")
    return {
        "orders": [{**order_short(order), "link": queries.order_link(order)} for order in placed.orders],
        "payments": [payment_out(payment) for payment in placed.payments],
        "refused": list(placed.refused),
    }


def _note(checkout_id: int, touchpoint: str, body: CheckoutIn | PlaceIn) -> None:
    """What the door learns about who brought the buyer: when it was opened, and when it is placed.

    Refuses: malformed, pii_not_allowed.
    """
    given = body.affiliate_attribution
    services.note_attribution(
        checkout_id=checkout_id, touchpoint=touchpoint, attribution=body.attribution,
        affiliate_attribution=given.model_dump(exclude_none=True) if given else None,
    )  # fmt: skip


def _sku_ids(public_ids: Iterable[str]) -> dict[str, int]:
    """Refuses: not_found."""
    wanted = set(public_ids)
    ids = catalog.sku_ids(wanted) if wanted else {}
    if len(ids) < len(wanted):
        raise Refusal("not_found")
    return ids


def _cart(caller: Caller, carrier: str) -> dict[str, Any]:
    cart = queries.cart_of(person_id=caller.person_id, carrier=carrier_of(caller, carrier))
    shops = catalog.shops(cart.shops)
    return {
        "shops": [
            {
                "shop": shops[shop_id].public_id, "name": shops[shop_id].name,
                "lines": [
                    {
                        "sku": item.sku.sku_public_id, "product": item.sku.product_public_id, "title": item.sku.title,
                        "option_text": item.sku.option_text, "quantity": item.quantity,
                        "price_minor": item.sku.price_minor, "price_when_added_minor": item.price_when_added_minor,
                        "amount_minor": item.amount_minor, "currency": item.sku.currency, "problem": item.problem,
                    }
                    for item in items
                ],
            }
            for shop_id, items in cart.shops.items()
        ],
        "goods_minor": cart.goods_minor,
    }  # fmt: skip


def _checkout(token: str, quote: queries.Quote, orders: list[Any]) -> dict[str, Any]:
    return {
        "id": token, "state": quote.state, "total_minor": quote.total_minor, "is_changed": quote.is_changed,
        "parts": [_part(part) for part in quote.parts], "orders": [order_short(order) for order in orders],
    }  # fmt: skip


def _part(part: queries.QuotePart) -> dict[str, Any]:
    return {
        "shop": part.shop.public_id, "name": part.shop.name, "currency": part.currency,
        "goods_minor": part.goods_minor, "shipping_minor": part.shipping_minor, "total_minor": part.total_minor,
        "lines": [
            {
                "sku": line.sku.sku_public_id, "product": line.sku.product_public_id, "title": line.sku.title,
                "option_text": line.sku.option_text, "quantity": line.quantity, "price_minor": line.sku.price_minor,
                "price_version": line.sku.price_version, "shown_price_minor": line.shown_price_minor,
                "amount_minor": line.amount_minor, "problem": line.problem,
            }
            for line in part.lines
        ],
    }  # fmt: skip
