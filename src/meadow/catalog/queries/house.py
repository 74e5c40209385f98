"""What the verbs of the catalog and its operators ask: whose shop it is, what was taken, how imports go, what must hold."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from meadow.accounts import queries as accounts
from meadow.catalog import rules
from meadow.catalog.models import Import, Product, Shop, Sku
from meadow.kernel import clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal


def kept_shop(which: int | str, by: Actor, *, lock: bool = False) -> Shop:
    """A shop that the actor may change.  Refuses: not_found, forbidden."""
    shops = Shop.objects.select_for_update(no_key=True) if lock else Shop.objects
    shop = shops.filter(pk=which).first() if isinstance(which, int) else shops.filter(public_id=which).first()
    if shop is None:
        raise Refusal("not_found")
    require_keeper(shop, by, is_visible=shop.state == "open")
    return shop


def kept_product(which: int | str, by: Actor, *, lock: bool = False) -> Product:
    """A product of a shop that the actor may change.  Refuses: not_found, forbidden."""
    products = Product.objects.select_related("shop")
    if lock:
        products = products.select_for_update(no_key=True, of=("self",))
    found = products.filter(pk=which) if isinstance(which, int) else products.filter(public_id=which)
    product = found.first()
    if product is None:
        raise Refusal("not_found")
    require_keeper(product.shop, by, is_visible=product.state == "on_sale" and product.shop.state == "open")
    return product


def kept_sku(which: int | str, by: Actor) -> Sku:
    """A SKU of a shop that the actor may change.  Refuses: not_found, forbidden."""
    skus = Sku.objects.select_related("product__shop")
    sku = (skus.filter(pk=which) if isinstance(which, int) else skus.filter(public_id=which)).first()
    if sku is None:
        raise Refusal("not_found")
    product = sku.product
    require_keeper(product.shop, by, is_visible=product.state == "on_sale" and product.shop.state == "open")
    return sku


def require_keeper(shop: Shop, by: Actor, *, is_visible: bool) -> None:
    """What others can see is not theirs to change; what they cannot see is not there.  Refuses: not_found, forbidden."""
    if by.kind == "system":
        return
    if by.person_id is None or not accounts.may_act_for(by.person_id, shop.merchant_id):
        raise Refusal("forbidden" if is_visible else "not_found")


def shop_faces(ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """The public ids and names of shops."""
    return {row[0]: (row[1], row[2]) for row in Shop.objects.filter(pk__in=ids).values_list("pk", "public_id", "name")}


def product_faces(ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """The public ids and titles of products, on sale or not."""
    found = Product.objects.filter(pk__in=ids).values_list("pk", "public_id", "title")
    return {row[0]: (row[1], row[2]) for row in found}


def shop_id_of(public_id: str) -> int | None:
    return Shop.objects.filter(public_id=public_id).values_list("pk", flat=True).first()


def product_id_of(public_id: str) -> int | None:
    return Product.objects.filter(public_id=public_id).values_list("pk", flat=True).first()


def merchant_of_shop(shop_id: int) -> tuple[str, int] | None:
    """Who answers for a shop."""
    found = Shop.objects.filter(pk=shop_id).values_list("merchant_id", flat=True).first()
    return ("accounts.merchant", found) if found else None


def merchant_of_product(product_id: int) -> tuple[str, int] | None:
    """Who answers for a product."""
    found = Product.objects.filter(pk=product_id).values_list("shop__merchant_id", flat=True).first()
    return ("accounts.merchant", found) if found else None


def merchants_of(*, shop_ids: Collection[int] = (), product_ids: Collection[int] = ()) -> set[int]:
    """Who answers for these shops and products; one statement."""
    shops = Q(pk__in=list(shop_ids)) | Q(pk__in=Product.objects.filter(pk__in=list(product_ids)).values("shop_id"))
    return set(Shop.objects.filter(shops).values_list("merchant_id", flat=True))


def are_taken(kind: str, cause_ids: Collection[int]) -> bool:
    """Whether all that was ever promised to each of these causes is taken."""
    return bool(
        db.call(
            "SELECT count(DISTINCT cause_id) = %s AND bool_and(state = 'taken') FROM catalog_reservation "
            "WHERE cause_kind = %s AND cause_id = ANY(%s::bigint[])",
            [len(set(cause_ids)), kind, list(cause_ids)],
        )
    )


def held_quantities(kind: str) -> dict[tuple[int, int], int]:
    """What is promised at this moment to causes of a kind, by (cause id, SKU id)."""
    found = db.rows(
        "SELECT cause_id, sku_id, quantity FROM catalog_reservation WHERE cause_kind = %s AND state = 'held'", [kind]
    )
    return {(row["cause_id"], row["sku_id"]): row["quantity"] for row in found}


#: The statement that tells when the earliest promise of stock ends.
NEXT_RESERVATION_DUE = "SELECT min(expires_at) FROM catalog_reservation WHERE state = 'held'"


def waiting_imports(limit: int) -> list[int]:
    """Received files that no worker is at, oldest first; one whose worker has gone silent waits again."""
    found = db.rows(
        "SELECT id FROM catalog_import WHERE state = 'queued' OR (state = 'running' AND touched_at < %s) "
        "ORDER BY id LIMIT %s",
        [clock.machine_now() - rules.IMPORT_LEASE, limit],
    )
    return [row["id"] for row in found]


def next_import() -> datetime | None:
    """Since when the next file waits: a moment behind the clock's, or no sweep would ever find it due."""
    return Import.objects.filter(pk__in=waiting_imports(1)).values_list("created_at", flat=True).first()


def import_status(public_id: str, by: Actor) -> dict[str, Any]:
    """How far an import is and what it did, for who keeps the shop.  Refuses: not_found."""
    found = Import.objects.select_related("shop").filter(public_id=public_id).first()
    if found is None:
        raise Refusal("not_found")
    require_keeper(found.shop, by, is_visible=False)
    return {
        "id": found.public_id, "shop": found.shop.public_id, "state": found.state, "mode": found.mode,
        "dry_run": found.is_dry_run, "format": found.format, "rows": found.rows, "rows_done": found.rows_done,
        "products": found.products, "skus": found.skus, "images": found.images, "changed": found.changed,
        "rejected_count": found.rejected_count, "rejected": found.rejected,
    }  # fmt: skip


INVARIANTS: dict[str, Callable[[], int]] = {
    "catalog.reserved_is_sum_of_held": lambda: _count(
        "SELECT count(*) FROM catalog_sku s LEFT JOIN (SELECT sku_id, sum(quantity) AS held FROM catalog_reservation "
        "WHERE state = 'held' GROUP BY sku_id) r ON r.sku_id = s.id WHERE s.reserved <> coalesce(r.held, 0)"
    ),
    "catalog.never_oversold": lambda: _count(
        "SELECT count(*) FROM catalog_sku WHERE NOT is_unlimited AND (stock < 0 OR stock < reserved)"
    ),
    "catalog.price_is_its_newest_version": lambda: _count(
        "SELECT count(*) FROM catalog_sku s LEFT JOIN catalog_priceversion v "
        "ON v.sku_id = s.id AND v.version = s.price_version WHERE v.price_minor IS DISTINCT FROM s.price_minor"
    ),
}


def _count(sql: str) -> int:
    return int(db.call(sql))
