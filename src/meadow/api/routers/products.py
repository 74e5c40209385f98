"""Operations on products: lists and pages for everyone; adding, pricing, stocking and withdrawing for who keeps the shop."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from pydantic import Field, StrictInt

from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.lists import page, whole_page
from meadow.api.operations import Group
from meadow.catalog import queries, services
from meadow.kernel.errors import Refusal

group = Group("products")

Option = Annotated[str, Field(max_length=255, examples=["Blue"])]
Left = Annotated[StrictInt, Field(ge=0, le=2_000_000_000, examples=[10])]
UNPRICED = ["price_negative", "price_zero", "price_above_cap"]


class ShopShort(t.Out):
    id: t.ShopId
    slug: str = Field(examples=["linen-and-co"])
    name: str = Field(examples=["Linen & Co"])


class ProductShort(t.Out):
    id: t.ProductId
    handle: str = Field(examples=["linen-shirt"])
    title: str = Field(examples=["Linen shirt"])
    vendor: str = Field(examples=["Linen & Co"])
    category: str = Field(examples=["Shirts"])
    shop: ShopShort
    price_minor: int = Field(examples=[10000])
    price_max_minor: int = Field(examples=[12000])
    compare_at_minor: int | None = Field(examples=[15000])
    currency: str = Field(examples=["CNY"])
    left: int = Field(examples=[10])
    on_sale: bool
    version: int
    image: str = Field(examples=["/pictures/prd_01jd2m4q8r6t0v3x5z7y/1.svg"])


class ProductPage(t.Out):
    items: list[ProductShort]
    next_cursor: str | None


class SkuOut(t.Out):
    id: t.SkuId
    code: str = Field(examples=["LS-BLUE-M"])
    options: list[str] = Field(examples=[["Blue", "M"]])
    price_minor: int = Field(examples=[10000])
    compare_at_minor: int | None = Field(examples=[15000])
    price_version: int
    left: int = Field(examples=[10])
    is_gift: bool = Field(examples=[False])
    buyer_limit: int | None = Field(description="How many one buyer may have.", examples=[2])


class ShopWithShipping(ShopShort):
    flat_shipping_minor: int = Field(examples=[1000])


class ProductOut(t.Out):
    id: t.ProductId
    handle: str = Field(examples=["linen-shirt"])
    title: str = Field(examples=["Linen shirt"])
    description: str = Field(examples=["Washed linen, cut wide."])
    vendor: str = Field(examples=["Linen & Co"])
    category: str = Field(examples=["Shirts"])
    tags: list[str] = Field(examples=[["summer"]])
    options: list[str] = Field(examples=[["Colour", "Size"]])
    state: str = Field(examples=["on_sale"])
    version: int
    currency: str = Field(examples=["CNY"])
    on_sale: bool
    shop: ShopWithShipping
    image: str = Field(examples=["/pictures/prd_01jd2m4q8r6t0v3x5z7y/1.svg"])
    remote_images: int = Field(description="Pictures that stand elsewhere; they are counted, not shown.")
    skus: list[SkuOut]


class SkuIn(t.In):
    price_minor: t.Minor
    left: Left | None = Field(0, description="null: the stock is not counted.")
    options: Annotated[list[Option], Field(max_length=3)] = []
    code: t.Line = ""
    compare_at_minor: t.Minor | None = None
    is_gift: bool = False


class ProductIn(t.In):
    title: Annotated[str, Field(min_length=1, max_length=255, examples=["Linen shirt"])]
    handle: Annotated[str, Field(max_length=255, examples=["linen-shirt"])] = ""
    description: Annotated[str, Field(max_length=50_000, examples=["Washed linen, cut wide."])] = ""
    vendor: t.Line = ""
    category: t.Line = ""
    tags: Annotated[list[t.Line], Field(max_length=250, examples=[["summer"]])] = []
    options: Annotated[list[t.Line], Field(max_length=3, examples=[["Colour"]])] = []
    skus: Annotated[list[SkuIn], Field(min_length=1, max_length=2000)]
    on_sale: bool = True


class PriceIn(t.In):
    price_minor: t.Minor
    compare_at_minor: t.Minor | None = None


class StockIn(t.In):
    left: Left | None = Field(description="How many are left for sale; null: not counted.")


class BuyerLimitIn(t.In):
    most: Annotated[StrictInt, Field(ge=1, le=1_000_000, examples=[2])] | None = Field(
        description="How many one buyer may have, in all their orders; null: as many as there are."
    )


class KeptProduct(t.Out):
    id: t.ProductId
    handle: str = Field(examples=["linen-shirt"])
    title: str = Field(examples=["Linen shirt"])
    state: str = Field(examples=["draft"])
    skus: int
    price_minor: int | None = Field(examples=[10000])
    left: int = Field(examples=[10])
    reserved: int = Field(examples=[0])


class KeptPage(t.Out):
    items: list[KeptProduct]
    next_cursor: str | None


State = Literal["", "on_sale", "draft", "withdrawn", "stopped", "suspended"]


@group.get("/products", gives=ProductPage, guests=True)
def list_products(
    request: HttpRequest, shop: t.Filter = "", cursor: t.Cursor = "", limit: t.PageSize = t.PAGE
) -> HttpResponse:
    """What is on sale, the newest first; of one shop if it is named."""
    shop_id = queries.shop(shop).shop_id if shop else None
    return whole_page(request, queries.product_list_json(shop_id=shop_id, cursor=cursor or None, limit=limit))


@group.get("/products/{product}", gives=ProductOut, guests=True)
def get_product(request: HttpRequest, product: t.ProductId) -> bytes:
    """A product with its SKUs, live prices and stock; a withdrawn one says so."""
    return queries.product_json(product)


@group.get("/shops/{shop}/products", gives=KeptPage, scope="catalog")
def list_kept_products(
    request: HttpRequest, shop: t.ShopId, state: State = "", cursor: t.Cursor = "", limit: t.PageSize = t.PAGE
) -> HttpResponse:
    """All products of a shop, drafts too, for who keeps it."""
    found = queries.shop(shop)
    caller_of(request).staff_of(found.merchant_id)
    kept, more = queries.products_of_shop(found.shop_id, state=state or None, cursor=cursor or None, limit=limit)
    return page(request, [KeptProduct.model_validate(_kept(product)) for product in kept], more)


@group.post(
    "/shops/{shop}/products", gives=ProductOut, status=201, scope="catalog",
    refuses=["forbidden", "text_refused", "link_blocked", "handle_taken", "title_missing", "text_too_long", "too_many", "skus_missing",
             "option_missing", "duplicate_choice", "stock_invalid", "products_above_level", *UNPRICED],
)  # fmt: skip
def add_product(request: HttpRequest, shop: t.ShopId, body: ProductIn) -> Any:
    """Adds a product with its SKUs; each differs from the others in the options."""
    found = queries.shop(shop)
    made = services.add_product(
        shop_id=found.shop_id, title=body.title, handle=body.handle, description=body.description,
        vendor=body.vendor, category=body.category, tags=body.tags, options=body.options, skus=_skus(body.skus),
        on_sale=body.on_sale, by=caller_of(request).within(found.merchant_id),
    )  # fmt: skip
    return _for_keeper(made.public_id)


@group.post("/products/{product}/withdraw", gives=ProductOut, scope="catalog", refuses=["forbidden", "stale_state"])
def withdraw_product(request: HttpRequest, product: t.ProductId) -> Any:
    """Takes a product off sale; what is ordered is unharmed, posts stay readable."""
    found = queries.product_page(product, keeper=True)
    services.withdraw_product(product_id=found.card.product_id, by=caller_of(request).within(found.shop.merchant_id))
    return _for_keeper(product)


@group.post(
    "/products/{product}/offer", gives=ProductOut, scope="catalog",
    refuses=["forbidden", "stale_state", "suspended_by_decision", "products_above_level"],
)  # fmt: skip
def offer_product(request: HttpRequest, product: t.ProductId) -> Any:
    """Puts a draft or withdrawn product on sale."""
    found = queries.product_page(product, keeper=True)
    services.offer_product(product_id=found.card.product_id, by=caller_of(request).within(found.shop.merchant_id))
    return _for_keeper(product)


@group.put("/skus/{sku}/price", gives=ProductOut, scope="catalog", refuses=["forbidden", *UNPRICED])
def change_price(request: HttpRequest, sku: t.SkuId, body: PriceIn) -> Any:
    """Sets a SKU's price from now on; open checkouts must confirm it."""
    sku_id, product, merchant_id = _sku(sku)
    services.change_price(
        sku_id=sku_id, price_minor=body.price_minor, compare_at_minor=body.compare_at_minor,
        by=caller_of(request).within(merchant_id),
    )  # fmt: skip
    return _for_keeper(product)


@group.put("/skus/{sku}/buyer-limit", gives=ProductOut, scope="catalog", refuses=["forbidden"])
def limit_per_buyer(request: HttpRequest, sku: t.SkuId, body: BuyerLimitIn) -> Any:
    """Sets how many of a SKU one buyer may have, in all their orders."""
    sku_id, product, merchant_id = _sku(sku)
    services.limit_per_buyer(sku_id=sku_id, most=body.most, by=caller_of(request).within(merchant_id))
    return _for_keeper(product)


@group.put("/skus/{sku}/stock", gives=ProductOut, scope="catalog", refuses=["forbidden", "stock_invalid"])
def change_stock(request: HttpRequest, sku: t.SkuId, body: StockIn) -> Any:
    """Sets how many of a SKU are left for sale, beside those promised to orders."""
    sku_id, product, merchant_id = _sku(sku)
    services.change_stock(sku_id=sku_id, left=body.left, by=caller_of(request).within(merchant_id))
    return _for_keeper(product)


def _sku(public_id: str) -> tuple[int, str, int]:
    """(SKU id, its product's public id, its merchant's id).  Refuses: not_found."""
    sku_id = queries.sku_ids([public_id]).get(public_id)
    found = queries.skus_for_sale([sku_id]).get(sku_id) if sku_id else None
    if found is None:
        raise Refusal("not_found")
    return found.sku_id, found.product_public_id, found.merchant_id


def _skus(given: Sequence[SkuIn]) -> list[services.NewSku]:
    return [
        services.NewSku(
            price_minor=sku.price_minor, left=sku.left, options=tuple(sku.options), code=sku.code,
            compare_at_minor=sku.compare_at_minor, is_gift=sku.is_gift,
        )
        for sku in given
    ]  # fmt: skip


def _for_keeper(public_id: str) -> dict[str, Any]:
    """The product as its keeper sees it, in whatever state."""
    found = queries.product_page(public_id, keeper=True)
    card, shop = found.card, found.shop
    return {
        "id": card.public_id, "handle": card.handle, "title": card.title, "description": found.description,
        "vendor": found.vendor, "category": found.category, "tags": list(found.tags), "options": list(found.options),
        "state": found.state, "version": card.version, "currency": card.currency, "on_sale": card.on_sale,
        "shop": {
            "id": shop.public_id, "slug": shop.slug, "name": shop.name,
            "flat_shipping_minor": shop.flat_shipping_minor,
        },
        "image": card.image, "remote_images": found.remote_images,
        "skus": [
            {
                "id": sku.public_id, "code": sku.code, "options": list(sku.options), "price_minor": sku.price_minor,
                "compare_at_minor": sku.compare_at_minor, "price_version": sku.price_version, "left": sku.left,
                "is_gift": sku.is_gift, "buyer_limit": sku.buyer_limit,
            }
            for sku in found.skus
        ],
    }  # fmt: skip


def _kept(product: queries.KeptProduct) -> dict[str, Any]:
    return {
        "id": product.public_id, "handle": product.handle, "title": product.title, "state": product.state,
        "skus": product.skus, "price_minor": product.price_minor, "left": product.left, "reserved": product.reserved,
    }  # fmt: skip
