"""What others keep beside their own facts of a product: its card with category, vendor and merchant, and whose it is."""

from collections.abc import Iterable
from dataclasses import dataclass

from meadow.catalog.queries.sale import CARD_COLUMNS, CARD_JOINS, Card, card_of
from meadow.kernel import db


@dataclass(frozen=True, slots=True)
class GoodsFacts:
    """A product's card with the facts that lists are filtered by."""

    card: Card
    category: str
    vendor: str
    merchant_id: int


def goods_facts(wanted: Iterable[int]) -> dict[int, GoodsFacts]:
    """The facts of products by id, on sale or not; one statement."""
    found = db.rows(
        f"SELECT {CARD_COLUMNS}, p.category, p.vendor, h.merchant_id FROM catalog_product p {CARD_JOINS} "
        "WHERE p.id = ANY(%s::bigint[])",
        [list(wanted)],
    )
    return {
        row["product_id"]: GoodsFacts(
            category=row.pop("category"), vendor=row.pop("vendor"), merchant_id=row.pop("merchant_id"),
            card=card_of(row),
        )
        for row in found
    }  # fmt: skip


def products_in_shops(shop_ids: Iterable[int]) -> list[int]:
    """The ids of all products of shops, drafts too."""
    found = db.rows("SELECT id FROM catalog_product WHERE shop_id = ANY(%s::bigint[]) ORDER BY id", [list(shop_ids)])
    return [row["id"] for row in found]


def all_products(after: int = 0, limit: int = 10_000) -> list[int]:
    """The ids of all products behind one, for whoever copies what is known of them."""
    found = db.rows("SELECT id FROM catalog_product WHERE id > %s ORDER BY id LIMIT %s", [after, limit])
    return [row["id"] for row in found]
