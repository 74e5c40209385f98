"""Which products a list shows, page by page: as cards for pages, as JSON built by PostgreSQL for the API."""

import json
from dataclasses import dataclass

from meadow.catalog import rules
from meadow.catalog.queries.sale import CARD_COLUMNS, CARD_JOINS, Card, card_of
from meadow.kernel import cursors, db
from meadow.kernel.errors import Refusal

_STATES = ("on_sale", "draft", "withdrawn", "stopped", "suspended")
_PICTURE = "replace(replace(%(picture)s, '{public_id}', p.public_id), '{version}', p.version::text)"


@dataclass(frozen=True, slots=True)
class CardPage:
    cards: list[Card]
    next_cursor: str | None


def newest_cards(*, shop_id: int | None = None, cursor: str | None = None, limit: int = 20) -> CardPage:
    """Cards of what is on sale, newest first, of one shop or of all open ones; one statement."""
    before, size = _start(cursor, shop_id), _size(limit)
    found = db.rows(
        f"SELECT {CARD_COLUMNS} FROM ({_shelf(shop_id)}) p {CARD_JOINS} ORDER BY p.id DESC",
        {"shop": shop_id, "before": before, "most": size + 1},
    )
    more = len(found) > size
    page = [card_of(row) for row in found[:size]]
    return CardPage(page, _cursor(page[-1].product_id, shop_id) if more else None)


def product_list_json(*, shop_id: int | None = None, cursor: str | None = None, limit: int = 20) -> bytes:
    """The same as the API's answer, {"items": [...], "next_cursor": ...}; one statement, no object made per row."""
    before, size = _start(cursor, shop_id), _size(limit)
    row = db.one(
        "SELECT coalesce(json_agg(item ORDER BY id DESC) FILTER (WHERE n <= %(size)s), '[]')::text AS items, "
        "min(id) FILTER (WHERE n <= %(size)s) AS last, count(*) > %(size)s AS more FROM ("
        " SELECT p.id, row_number() OVER (ORDER BY p.id DESC) AS n, json_build_object("
        "  'id', p.public_id, 'handle', p.handle, 'title', p.title, 'vendor', p.vendor, 'category', p.category,"
        "  'shop', json_build_object('id', h.public_id, 'slug', h.slug, 'name', h.name),"
        "  'price_minor', x.price_minor, 'price_max_minor', x.price_max_minor,"
        "  'compare_at_minor', x.compare_at_minor, 'currency', h.currency, 'left', x.\"left\","
        f"  'on_sale', h.state = 'open', 'version', p.version, 'image', {_PICTURE}) AS item"
        f" FROM ({_shelf(shop_id)}) p {CARD_JOINS}) listed",
        {"shop": shop_id, "before": before, "most": size + 1, "size": size, "picture": rules.PICTURE_PATH},
    )
    assert row is not None
    follow = json.dumps(_cursor(row["last"], shop_id) if row["more"] else None)
    return f'{{"items":{row["items"]},"next_cursor":{follow}}}'.encode()


def product_json(public_id: str) -> bytes:
    """One product with its SKUs as the API's answer, while it is on sale or withdrawn.  Refuses: not_found."""
    text = db.call(
        "SELECT json_build_object('id', p.public_id, 'handle', p.handle, 'title', p.title,"
        " 'description', p.description, 'vendor', p.vendor, 'category', p.category, 'tags', p.tags,"
        " 'options', p.options, 'state', p.state, 'version', p.version, 'currency', h.currency,"
        " 'on_sale', p.state = 'on_sale' AND h.state = 'open',"
        " 'shop', json_build_object('id', h.public_id, 'slug', h.slug, 'name', h.name,"
        "  'flat_shipping_minor', h.flat_shipping_minor),"
        f" 'image', {_PICTURE},"
        " 'remote_images', (SELECT count(*) FROM catalog_productimage i WHERE i.product_id = p.id),"
        " 'skus', (SELECT coalesce(json_agg(json_build_object('id', s.public_id, 'code', s.code,"
        "  'options', (ARRAY[s.option1, s.option2, s.option3])[:cardinality(p.options)],"
        "  'price_minor', s.price_minor, 'compare_at_minor', s.compare_at_minor, 'price_version', s.price_version,"
        f"  'left', CASE WHEN s.is_unlimited THEN {rules.UNLIMITED_LEFT} ELSE s.stock - s.reserved END,"
        "  'is_gift', s.is_gift, 'buyer_limit', s.buyer_limit) ORDER BY s.position, s.id), '[]')"
        "  FROM catalog_sku s WHERE s.product_id = p.id AND NOT s.is_retired))::text "
        "FROM catalog_product p JOIN catalog_shop h ON h.id = p.shop_id "
        "WHERE p.public_id = %(product)s AND p.state IN ('on_sale', 'withdrawn', 'stopped') "
        "AND h.state <> 'suspended'",
        {"product": public_id, "picture": rules.PICTURE_PATH},
    )
    if text is None:
        raise Refusal("not_found")
    return str(text).encode()


@dataclass(frozen=True, slots=True)
class KeptProduct:
    """A product as who keeps the shop sees it in a table."""

    product_id: int
    public_id: str
    handle: str
    title: str
    state: str
    skus: int
    price_minor: int | None
    left: int
    reserved: int


def products_of_shop(
    shop_id: int, *, state: str | None = None, cursor: str | None = None, limit: int = 50
) -> tuple[list[KeptProduct], str | None]:
    """All products of a shop, drafts too, newest first, for who keeps it; the cursor goes on."""
    if state is not None and state not in _STATES:
        raise Refusal("malformed", field="state", why=f"one of {', '.join(_STATES)}")
    before, size = _start(cursor, shop_id), _size(limit)
    found = db.rows(
        "SELECT p.id AS product_id, p.public_id, p.handle, p.title, p.state, x.* FROM catalog_product p "
        "CROSS JOIN LATERAL (SELECT count(*)::integer AS skus, min(s.price_minor) AS price_minor, "
        f"least(coalesce(sum(CASE WHEN s.is_unlimited THEN {rules.UNLIMITED_LEFT} ELSE s.stock - s.reserved END), 0), "
        f'{rules.UNLIMITED_LEFT})::integer AS "left", coalesce(sum(s.reserved), 0)::integer AS reserved '
        "FROM catalog_sku s WHERE s.product_id = p.id AND NOT s.is_retired) x "
        "WHERE p.shop_id = %(shop)s AND p.id < %(before)s AND (%(state)s::text IS NULL OR p.state = %(state)s) "
        "ORDER BY p.id DESC LIMIT %(most)s",
        {"shop": shop_id, "before": before, "state": state, "most": size + 1},
    )
    page = [KeptProduct(**row) for row in found[:size]]
    return page, _cursor(page[-1].product_id, shop_id) if len(found) > size else None


def _shelf(shop_id: int | None) -> str:
    """The page's products alone, straight from a partial index, before anything is joined to them."""
    if shop_id is not None:
        return (
            "SELECT p.* FROM catalog_product p WHERE p.shop_id = %(shop)s AND p.state = 'on_sale' "
            "AND p.id < %(before)s ORDER BY p.id DESC LIMIT %(most)s"
        )
    return (
        "SELECT p.* FROM catalog_product p WHERE p.state = 'on_sale' AND p.id < %(before)s AND EXISTS "
        "(SELECT 1 FROM catalog_shop o WHERE o.id = p.shop_id AND o.state = 'open') "
        "ORDER BY p.id DESC LIMIT %(most)s"
    )


def _start(cursor: str | None, shop_id: int | None) -> int:
    if cursor is None:
        return 2**63 - 1
    (last,) = cursors.unseal(cursor, _list_name(shop_id))
    return int(last)


def _cursor(last: int, shop_id: int | None) -> str:
    return cursors.seal([last], _list_name(shop_id))


def _list_name(shop_id: int | None) -> str:
    return f"products:{shop_id or 'all'}"


def _size(limit: int) -> int:
    if not 1 <= limit <= rules.LIMITS["page_size"]:
        raise Refusal("malformed", field="limit", why=f"from 1 to {rules.LIMITS['page_size']}")
    return limit
