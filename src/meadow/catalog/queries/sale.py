"""What is on sale now, at which price and how much of it is left: the reads behind carts, cards and product pages."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from meadow.catalog import freight, rules
from meadow.catalog.drawing import drawn_svg
from meadow.kernel import db
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import is_id


@dataclass(frozen=True, slots=True)
class SkuForSale:
    """A SKU as a buyer meets it; `left` is a large number where the stock is not counted."""

    sku_id: int
    sku_public_id: str
    product_id: int
    product_public_id: str
    shop_id: int
    merchant_id: int
    title: str
    option_text: str
    price_minor: int
    price_version: int
    currency: str
    left: int
    on_sale: bool
    is_gift: bool
    image: str
    weight_grams: int | None
    buyer_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A product as a list shows it: its lowest price, whether SKUs differ in price, and what is left of all."""

    product_id: int
    public_id: str
    handle: str
    title: str
    shop_id: int
    shop_public_id: str
    shop_slug: str
    shop_name: str
    price_minor: int
    price_max_minor: int
    compare_at_minor: int | None
    currency: str
    left: int
    on_sale: bool
    version: int
    image: str
    is_paused: bool = False  # not for sale at the moment: it or its shop is stopped, or it went back to the shelf
    is_hidden: bool = False  # and its page is closed meanwhile, so nothing may link there

    @property
    def is_sold_out(self) -> bool:
        return self.left <= 0


@dataclass(frozen=True, slots=True)
class ShopView:
    shop_id: int
    public_id: str
    slug: str
    name: str
    merchant_id: int
    currency: str
    flat_shipping_minor: int
    notice: str
    state: str
    opened_at: datetime
    shipping_zones: str = "[]"

    @property
    def zones(self) -> list[dict[str, Any]]:
        """The shop's shipping template; empty where one price holds everywhere."""
        found: list[dict[str, Any]] = json.loads(self.shipping_zones)
        return found

    def shipping_for(self, country: str, region: str, grams: int, goods_minor: int) -> int | None:
        """What sending costs; None if the shop does not send there."""
        zones = self.zones
        if not zones:
            return self.flat_shipping_minor
        zone = freight.zone_of(zones, country, region) if country else zones[0]
        return None if zone is None else freight.fee(zone, grams, goods_minor)


@dataclass(frozen=True, slots=True)
class SkuView:
    sku_id: int
    public_id: str
    code: str
    options: tuple[str, ...]
    price_minor: int
    compare_at_minor: int | None
    price_version: int
    left: int
    is_gift: bool
    buyer_limit: int | None = None

    @property
    def option_text(self) -> str:
        return " / ".join(self.options)


@dataclass(frozen=True, slots=True)
class ProductPage:
    """All that a product's page shows, in two statements; remote pictures are counted, never named."""

    card: Card
    shop: ShopView
    description: str
    vendor: str
    category: str
    tags: tuple[str, ...]
    options: tuple[str, ...]
    state: str
    remote_images: int
    skus: tuple[SkuView, ...]


_LEFT = f"CASE WHEN s.is_unlimited THEN {rules.UNLIMITED_LEFT} ELSE s.stock - s.reserved END"
_ON_SALE = "p.state = 'on_sale' AND h.state = 'open'"
_OPTIONS = "concat_ws(' / ', nullif(s.option1, ''), nullif(s.option2, ''), nullif(s.option3, ''))"


def skus_for_sale(sku_ids: Iterable[int]) -> dict[int, SkuForSale]:
    """What carts and checkouts must know of SKUs, by id, on sale or not; one statement."""
    found = db.rows(
        f"SELECT s.id AS sku_id, s.public_id AS sku_public_id, p.id AS product_id, p.public_id AS product_public_id, "
        f"h.id AS shop_id, h.merchant_id, p.title, {_OPTIONS} AS option_text, s.price_minor, s.price_version, "
        f"h.currency, {_LEFT} AS left, ({_ON_SALE} AND NOT s.is_retired) AS on_sale, s.is_gift, p.version, "
        "s.weight_grams, s.buyer_limit FROM catalog_sku s JOIN catalog_product p ON p.id = s.product_id "
        "JOIN catalog_shop h ON h.id = p.shop_id WHERE s.id = ANY(%s::bigint[])",
        [list(sku_ids)],
    )
    return {
        row["sku_id"]: SkuForSale(image=picture_path(row["product_public_id"], row.pop("version")), **row)
        for row in found
    }


def sku_ids(public_ids: Iterable[str]) -> dict[str, int]:
    """The ids behind public ids of SKUs; unknown ones are left out."""
    wanted = [public_id for public_id in public_ids if is_id(public_id, "sku")]
    found = db.rows("SELECT public_id, id FROM catalog_sku WHERE public_id = ANY(%s::text[])", [wanted])
    return {row["public_id"]: row["id"] for row in found}


def product_ids(public_ids: Iterable[str]) -> dict[str, int]:
    """The ids behind public ids of products; unknown ones are left out."""
    wanted = [public_id for public_id in public_ids if is_id(public_id, "prd")]
    found = db.rows("SELECT public_id, id FROM catalog_product WHERE public_id = ANY(%s::text[])", [wanted])
    return {row["public_id"]: row["id"] for row in found}


def ids_by_handle(shop_id: int, handles: Iterable[str]) -> dict[str, int]:
    """The ids of a shop's products by their handles; unknown ones are left out."""
    found = db.rows(
        "SELECT handle, id FROM catalog_product WHERE shop_id = %s AND handle = ANY(%s::text[])",
        [shop_id, list(handles)],
    )
    return {row["handle"]: row["id"] for row in found}


CARD_COLUMNS = (
    "p.id AS product_id, p.public_id, p.handle, p.title, h.id AS shop_id, h.public_id AS shop_public_id, "
    "h.slug AS shop_slug, h.name AS shop_name, coalesce(x.price_minor, 0) AS price_minor, "
    "coalesce(x.price_max_minor, 0) AS price_max_minor, x.compare_at_minor, h.currency, "
    f'coalesce(x."left", 0) AS "left", ({_ON_SALE} AND x.price_minor IS NOT NULL) AS on_sale, p.version, '
    "(p.state IN ('draft', 'stopped', 'suspended') OR h.state IN ('stopped', 'suspended')) AS is_paused, "
    "(p.state IN ('draft', 'suspended') OR h.state = 'suspended') AS is_hidden"
)
CARD_JOINS = (
    "JOIN catalog_shop h ON h.id = p.shop_id CROSS JOIN LATERAL (SELECT min(s.price_minor) AS price_minor, "
    "max(s.price_minor) AS price_max_minor, min(s.compare_at_minor) AS compare_at_minor, "
    f'least(sum({_LEFT}), {rules.UNLIMITED_LEFT})::integer AS "left" '
    "FROM catalog_sku s WHERE s.product_id = p.id AND NOT s.is_retired) x"
)


def card_of(row: dict[str, object]) -> Card:
    return Card(image=picture_path(str(row["public_id"]), row["version"]), **row)  # type: ignore[arg-type]


def cards(wanted: Iterable[int]) -> dict[int, Card]:
    """Cards of products by id, on sale or not, with live price and stock; one statement."""
    found = db.rows(
        f"SELECT {CARD_COLUMNS} FROM catalog_product p {CARD_JOINS} WHERE p.id = ANY(%s::bigint[])", [list(wanted)]
    )
    return {row["product_id"]: card_of(row) for row in found}


_SHOP = (
    "SELECT h.id AS shop_id, h.public_id, h.slug, h.name, h.merchant_id, "
    "h.currency, h.flat_shipping_minor, h.notice, h.state, h.opened_at, h.shipping_zones::text "
    "FROM catalog_shop h "
)


def shop(which: int | str) -> ShopView:
    """A shop by id, public id or slug, open or not.  Refuses: not_found."""
    column = "id" if isinstance(which, int) else "public_id" if is_id(which, "shp") else "slug"
    row = db.one(_SHOP + f"WHERE h.{column} = %s", [which])
    if row is None:
        raise Refusal("not_found")
    return ShopView(**row)


def shop_page(which: int | str) -> ShopView:
    """A shop as everybody may see it: open, closed, or stopped for what is new.  Refuses: not_found, while it is
    suspended altogether."""
    found = shop(which)
    if found.state == "suspended":
        raise Refusal("not_found")
    return found


def shops(which: Iterable[int]) -> dict[int, ShopView]:
    """Shops by id, in one statement."""
    found = db.rows(_SHOP + "WHERE h.id = ANY(%s::bigint[])", [list(which)])
    return {row["shop_id"]: ShopView(**row) for row in found}


def shops_of_merchants(merchant_ids: Iterable[int]) -> list[ShopView]:
    """The shops of merchants, oldest first."""
    found = db.rows(_SHOP + "WHERE h.merchant_id = ANY(%s::bigint[]) ORDER BY h.id", [list(merchant_ids)])
    return [ShopView(**row) for row in found]


def on_sale_of_merchant(merchant_id: int) -> int:
    """How many products a merchant has on sale in all its shops."""
    return int(
        db.call(
            "SELECT count(*) FROM catalog_product p JOIN catalog_shop h ON h.id = p.shop_id "
            "WHERE h.merchant_id = %s AND p.state = 'on_sale'",
            [merchant_id],
        )
    )


def product_page(which: int | str, *, keeper: bool = False) -> ProductPage:
    """A product that is on sale or was; drafts, and what is suspended itself or with its shop, only for who keeps it.

    Refuses: not_found.
    """
    column = "id" if isinstance(which, int) else "public_id"
    row = db.one(
        f"SELECT {CARD_COLUMNS}, p.description, p.vendor, p.category, p.tags, p.options, p.state, "
        "h.merchant_id, h.flat_shipping_minor, h.notice, h.state AS shop_state, "
        "h.opened_at, (SELECT count(*) FROM catalog_productimage i WHERE i.product_id = p.id)::integer AS remote "
        f"FROM catalog_product p {CARD_JOINS} WHERE p.{column} = %s",
        [which],
    )
    if row is None or (row["is_hidden"] and not keeper):
        raise Refusal("not_found")
    card = card_of({name: row[name] for name in Card.__slots__ if name != "image"})
    return ProductPage(
        card=card,
        shop=ShopView(
            row["shop_id"], row["shop_public_id"], row["shop_slug"], row["shop_name"], row["merchant_id"],
            row["currency"], row["flat_shipping_minor"], row["notice"],
            row["shop_state"], row["opened_at"],
        ),
        description=row["description"], vendor=row["vendor"], category=row["category"], tags=tuple(row["tags"]),
        options=tuple(row["options"]), state=row["state"], remote_images=row["remote"],
        skus=_skus_of(card.product_id, len(row["options"])),
    )  # fmt: skip


def _skus_of(product_id: int, options: int) -> tuple[SkuView, ...]:
    found = db.rows(
        "SELECT s.id AS sku_id, s.public_id, s.code, ARRAY[s.option1, s.option2, s.option3] AS options, s.price_minor, "
        f"s.compare_at_minor, s.price_version, {_LEFT} AS left, s.is_gift, s.buyer_limit FROM catalog_sku s "
        "WHERE s.product_id = %s AND NOT s.is_retired ORDER BY s.position, s.id",
        [product_id],
    )
    return tuple(SkuView(options=tuple(row.pop("options")[:options]), **row) for row in found)


def picture_path(public_id: str, version: object) -> str:
    """Where the drawn picture of a product is served; the version lets it be cached for good."""
    return rules.PICTURE_PATH.format(public_id=public_id, version=version)


def placeholder_svg(product: int | str | Card) -> str:
    """The drawn picture of a product (a card, an id or a public id).  Refuses: not_found."""
    if isinstance(product, Card):
        return drawn_svg(product.title, product.public_id)
    column = "id" if isinstance(product, int) else "public_id"
    row = db.one(f"SELECT title, public_id FROM catalog_product WHERE {column} = %s", [product])
    if row is None:
        raise Refusal("not_found")
    return drawn_svg(row["title"], row["public_id"])
