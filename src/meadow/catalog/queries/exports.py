"""What a shop's products look like in a file: read in pieces, so that any catalogue fits in memory."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings

from meadow.catalog.feeds import Picture, SoldProduct, SoldSku, google_tsv, google_xml, shopify_csv
from meadow.catalog.queries.sale import shop
from meadow.kernel import db

PIECE = 500


def export_csv(shop_id: int) -> Iterator[bytes]:
    """All products of a shop as a CSV in Shopify's form.  Refuses: not_found."""
    view = shop(shop_id)
    return shopify_csv(_products(shop_id, lambda product: ""), view.currency)


def google_feed(shop_id: int, *, form: str = "xml", link: Callable[[str], str] | None = None) -> Iterator[bytes]:
    """What is on sale in a shop as a Google Merchant feed, form "xml" or "tsv"; link makes a page's address.

    Refuses: not_found.
    """
    view = shop(shop_id)
    base: str = settings.MEADOW.base_url
    products = _products(shop_id, link or (lambda public_id: f"{base}/g/{public_id}"), only_on_sale=True)
    if form == "tsv":
        return google_tsv(products, view.currency)
    return google_xml(products, view.currency, title=view.name, link=base)


def _products(shop_id: int, link: Callable[[str], str], *, only_on_sale: bool = False) -> Iterator[SoldProduct]:
    after, shared = 0, _shared_codes(shop_id)
    while True:
        found = db.rows(
            "SELECT id, public_id, handle, title, description, vendor, category, tags, options, state "
            "FROM catalog_product WHERE shop_id = %s AND id > %s AND (NOT %s::boolean OR state = 'on_sale') "
            "ORDER BY id LIMIT %s",
            [shop_id, after, only_on_sale, PIECE],
        )
        if not found:
            return
        after = found[-1]["id"]
        ids = [row["id"] for row in found]
        skus, pictures = _skus(ids), _pictures(ids)
        for row in found:
            options = tuple(row["options"])
            yield SoldProduct(
                row["handle"], row["title"], row["description"], row["vendor"], row["category"], tuple(row["tags"]),
                options, row["state"], link(row["public_id"]),
                tuple(_sku(sku, len(options), row["handle"], shared) for sku in skus[row["id"]]),
                tuple(pictures[row["id"]]),
            )  # fmt: skip


def _shared_codes(shop_id: int) -> set[str]:
    """Codes that several SKUs of the shop have, and which therefore name none of them."""
    found = db.rows(
        "SELECT s.code FROM catalog_sku s JOIN catalog_product p ON p.id = s.product_id "
        "WHERE p.shop_id = %s AND s.code <> '' AND NOT s.is_retired GROUP BY s.code HAVING count(*) > 1",
        [shop_id],
    )
    return {row["code"] for row in found}


def _skus(product_ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    found = db.rows(
        "SELECT * FROM catalog_sku WHERE product_id = ANY(%s::bigint[]) AND NOT is_retired "
        "ORDER BY product_id, position, id",
        [product_ids],
    )
    skus: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in found:
        skus[row["product_id"]].append(row)
    return skus


def _pictures(product_ids: list[int]) -> dict[int, list[Picture]]:
    found = db.rows(
        "SELECT product_id, url, alt, position FROM catalog_productimage WHERE product_id = ANY(%s::bigint[]) "
        "ORDER BY product_id, position",
        [product_ids],
    )
    pictures: dict[int, list[Picture]] = defaultdict(list)
    for row in found:
        pictures[row["product_id"]].append(Picture(row["url"], row["alt"], row["position"]))
    return pictures


def _sku(row: dict[str, Any], options: int, handle: str, shared: set[str]) -> SoldSku:
    return SoldSku(
        row["code"], row["barcode"], (row["option1"], row["option2"], row["option3"])[:options], row["price_minor"],
        row["compare_at_minor"], None if row["is_unlimited"] else row["stock"] - row["reserved"], row["is_gift"],
        row["weight_grams"], row["image_url"],
        feed_id=row["code"] if row["code"] and row["code"] not in shared else f"{handle}~{row['position']}",
    )  # fmt: skip
