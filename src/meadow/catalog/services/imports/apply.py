"""How drafts become products: set-based, one piece of a file at a time, touching only what differs."""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from meadow.catalog.feeds import Draft, DraftSku
from meadow.catalog.models import new_image_id, new_product_id, new_sku_id
from meadow.catalog.services.products import LOCK
from meadow.kernel import clock, db
from meadow.kernel.events import ProductChanged, ProductWithdrawn
from meadow.kernel.outbox import emit

_FIELDS = ("title", "description", "vendor", "category", "tags", "options", "source_url")
_SKU_FIELDS = (
    "position", "code", "barcode", "compare_at_minor", "price_minor", "is_gift", "weight_grams", "image_url",
)  # fmt: skip


def apply(shop_id: int, drafts: Sequence[Draft]) -> int:
    """Makes the shop's products what the drafts say; returns how many were new or differed.

    Runs in the caller's transaction.  Writers of one shop's handles go one after another (advisory lock); stock is
    locked in SKU order, and only where it changes, so that sales go on meanwhile.
    """
    db.call("SELECT pg_advisory_xact_lock(%s, %s::integer)", [LOCK, shop_id & 0x7FFFFFFF])
    changed = _upsert_products(shop_id, drafts)
    ids = {
        row["handle"]: row["id"]
        for row in db.rows(
            "SELECT id, handle FROM catalog_product WHERE shop_id = %s AND handle = ANY(%s::text[])",
            [shop_id, [draft.handle for draft in drafts]],
        )
    }
    visible, counted = _skus(drafts, ids)
    visible |= _pictures(drafts, ids)
    if untouched := sorted(visible - changed):
        db.execute(
            "UPDATE catalog_product SET version = version + 1, changed_at = %s WHERE id = ANY(%s::bigint[])",
            [clock.now(), untouched],
        )
    everything = changed | visible | counted
    emit(*(ProductChanged(product_id, shop_id) for product_id in sorted(everything)))
    return len(everything)


def _upsert_products(shop_id: int, drafts: Sequence[Draft]) -> set[int]:
    """New and differing products.  A file moves a product between draft and on sale, or withdraws it for good; what
    was withdrawn or suspended here stays so."""
    rows = [
        {name: getattr(draft, name) for name in (*_FIELDS, "handle", "state")}
        | {"public_id": new_product_id(), "place": place}
        for place, draft in enumerate(drafts)
    ]
    columns = ", ".join(_FIELDS)
    state = "CASE WHEN p.state IN ('draft', 'on_sale') THEN excluded.state ELSE p.state END"
    now = clock.now()
    found = db.rows(
        f"WITH given AS (SELECT * FROM jsonb_to_recordset(%s::jsonb) AS g(place integer, public_id text, handle text, "
        "state text, title text, description text, vendor text, category text, tags text[], options text[], "
        "source_url text)) "
        f"INSERT INTO catalog_product AS p (public_id, shop_id, handle, state, {columns}, version, created_at, changed_at) "
        f"SELECT public_id, %s, handle, state, {columns}, 1, %s, %s FROM given ORDER BY place "
        f"ON CONFLICT (shop_id, handle) DO UPDATE SET ({columns}) = ROW({', '.join('excluded.' + f for f in _FIELDS)}), "
        f"state = {state}, version = p.version + 1, changed_at = excluded.changed_at "
        f"WHERE ({', '.join('p.' + f for f in _FIELDS)}, p.state) IS DISTINCT FROM "
        f"({', '.join('excluded.' + f for f in _FIELDS)}, {state}) "
        "RETURNING id, version, state",
        [json.dumps(rows), shop_id, now, now],
    )
    gone = [row["id"] for row in found if row["state"] == "withdrawn" and row["version"] > 1]
    emit(*(ProductWithdrawn(product_id, shop_id) for product_id in gone))
    return {row["id"] for row in found}


def _skus(drafts: Sequence[Draft], ids: dict[str, int]) -> tuple[set[int], set[int]]:
    """(products with a visible change of a SKU, products where only the stock changed)."""
    known: dict[tuple[int, str, str, str], dict[str, Any]] = {}
    of_product: dict[int, set[tuple[int, str, str, str]]] = defaultdict(set)
    for row in db.rows(
        "SELECT id, product_id, option1, option2, option3, position, code, barcode, price_minor, compare_at_minor, "
        "is_gift, weight_grams, image_url, is_unlimited, is_retired, stock - reserved AS left "
        "FROM catalog_sku WHERE product_id = ANY(%s::bigint[])",
        [sorted(ids.values())],
    ):
        key = (row["product_id"], row["option1"], row["option2"], row["option3"])
        known[key] = row
        of_product[row["product_id"]].add(key)
    fresh: list[dict[str, Any]] = []
    changes: list[dict[str, Any]] = []
    visible, counted, retired = set[int](), set[int](), list[int]()
    for draft in drafts:
        product_id = ids[draft.handle]
        gone = set(of_product[product_id])
        for place, sku in enumerate(draft.skus, start=1):
            key = (product_id, sku.option1, sku.option2, sku.option3)
            gone.discard(key)
            wanted = _wanted(sku, place, product_id)
            old = known.get(key)
            if old is None:
                fresh.append(wanted | {"public_id": new_sku_id()})
                visible.add(product_id)
            elif any(old[name] != wanted[name] for name in _SKU_FIELDS) or old["is_retired"]:
                changes.append(wanted | {"id": old["id"]})
                visible.add(product_id)
            elif old["is_unlimited"] != wanted["is_unlimited"] or (
                not old["is_unlimited"] and old["left"] != wanted["left"]
            ):
                changes.append(wanted | {"id": old["id"]})
                counted.add(product_id)
        if draft.is_whole:
            leavers = [known[key]["id"] for key in gone if not known[key]["is_retired"]]
            retired += leavers
            visible |= {product_id} if leavers else set()
    _write_skus(fresh, changes, retired)
    return visible, counted


def _wanted(sku: DraftSku, place: int, product_id: int) -> dict[str, Any]:
    wanted = sku._asdict() | {"position": place, "product_id": product_id, "is_unlimited": sku.left is None}
    return wanted | {"left": sku.left or 0}


_SHAPE = (
    "id bigint, public_id text, product_id bigint, position integer, code text, barcode text, option1 text, "
    "option2 text, option3 text, price_minor bigint, compare_at_minor bigint, is_gift boolean, weight_grams integer, "
    'image_url text, "left" integer, is_unlimited boolean'
)


def _write_skus(fresh: list[dict[str, Any]], changes: list[dict[str, Any]], retired: list[int]) -> None:
    now = clock.now()
    if fresh:
        db.execute(
            f"WITH given AS (SELECT g.*, row_number() OVER () AS place FROM jsonb_to_recordset(%s::jsonb) AS g({_SHAPE})), "
            "made AS (INSERT INTO catalog_sku (public_id, product_id, position, code, barcode, option1, option2, option3, "
            "price_minor, compare_at_minor, is_gift, weight_grams, image_url, stock, is_unlimited, reserved, "
            "price_version, is_retired) SELECT public_id, product_id, position, code, barcode, option1, option2, option3, "
            'price_minor, compare_at_minor, is_gift, weight_grams, image_url, "left", is_unlimited, 0, 1, false '
            "FROM given ORDER BY place RETURNING id, price_version, price_minor, compare_at_minor) "
            "INSERT INTO catalog_priceversion (sku_id, version, price_minor, compare_at_minor, since) "
            "SELECT id, price_version, price_minor, compare_at_minor, %s FROM made",
            [json.dumps(fresh), now],
        )
    if changes:
        db.execute(
            f"WITH given AS (SELECT * FROM jsonb_to_recordset(%s::jsonb) AS g({_SHAPE})), "
            "locked AS MATERIALIZED (SELECT s.id, s.price_version AS was FROM catalog_sku s JOIN given g ON g.id = s.id "
            "ORDER BY s.id FOR NO KEY UPDATE OF s), "
            "done AS (UPDATE catalog_sku s SET position = g.position, code = g.code, barcode = g.barcode, "
            "price_version = s.price_version + CASE WHEN (s.price_minor, s.compare_at_minor) IS DISTINCT FROM "
            "(g.price_minor, g.compare_at_minor) THEN 1 ELSE 0 END, "
            "price_minor = g.price_minor, compare_at_minor = g.compare_at_minor, is_gift = g.is_gift, "
            "weight_grams = g.weight_grams, image_url = g.image_url, is_unlimited = g.is_unlimited, "
            # What a file counts is what is left for sale, beside what is promised to orders.
            'stock = CASE WHEN g.is_unlimited THEN s.stock ELSE g."left" + s.reserved END, is_retired = false '
            "FROM locked l JOIN given g ON g.id = l.id WHERE s.id = l.id "
            "RETURNING s.id, s.price_version, s.price_minor, s.compare_at_minor, l.was) "
            "INSERT INTO catalog_priceversion (sku_id, version, price_minor, compare_at_minor, since) "
            "SELECT id, price_version, price_minor, compare_at_minor, %s FROM done WHERE price_version > was",
            [json.dumps(changes), now],
        )
    if retired:
        db.execute(
            "WITH locked AS MATERIALIZED (SELECT id FROM catalog_sku WHERE id = ANY(%s::bigint[]) ORDER BY id "
            "FOR NO KEY UPDATE) UPDATE catalog_sku s SET is_retired = true FROM locked l WHERE s.id = l.id",
            [retired],
        )


def _pictures(drafts: Sequence[Draft], ids: dict[str, int]) -> set[int]:
    """Replaces the pictures of products whose list of them differs; returns those products."""
    known: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for row in db.rows(
        "SELECT product_id, url, alt FROM catalog_productimage WHERE product_id = ANY(%s::bigint[]) "
        "ORDER BY product_id, position",
        [sorted(ids.values())],
    ):
        known[row["product_id"]].append((row["url"], row["alt"]))
    differing = {
        ids[draft.handle]: draft.pictures
        for draft in drafts
        if known[ids[draft.handle]] != [(picture.url, picture.alt) for picture in draft.pictures]
    }
    if differing:
        db.execute("DELETE FROM catalog_productimage WHERE product_id = ANY(%s::bigint[])", [sorted(differing)])
        rows = [
            {
                "public_id": new_image_id(),
                "product_id": product_id,
                "position": n,
                "url": picture.url,
                "alt": picture.alt,
            }
            for product_id, pictures in differing.items()
            for n, picture in enumerate(pictures, start=1)
        ]
        db.execute(
            "INSERT INTO catalog_productimage (public_id, product_id, position, url, alt) SELECT g.* FROM "
            "jsonb_to_recordset(%s::jsonb) AS g(public_id text, product_id bigint, position integer, url text, alt text)",
            [json.dumps(rows)],
        )
    return set(differing)
