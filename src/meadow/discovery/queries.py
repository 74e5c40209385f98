"""Which goods a creator can pick, filtered and sorted, page by page, in one statement on one table."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from meadow.catalog.queries import picture_path
from meadow.discovery import rules
from meadow.kernel import cursors, db
from meadow.kernel.errors import Refusal
from meadow.kernel.money import EXPONENTS

__all__ = ["NEXT_REFRESH_DUE", "PLANS", "SORTS", "STANDINGS", "GoodsCard", "GoodsPage", "Wish", "categories", "pick"]

PLANS, STANDINGS, SORTS = rules.PLANS, rules.STANDINGS, tuple(rules.SORTS)
#: The statement that tells when the next row must be made anew: something changed, or a plan begins or ends.
NEXT_REFRESH_DUE = (
    "SELECT least((SELECT min(at) FROM discovery_stale), "
    "(SELECT min(changes_at) FROM discovery_goods WHERE changes_at IS NOT NULL))"
)
_SHOWN = (
    "product_id, product_public_id, title, category, shop_id, shop_public_id, shop_name, version, price_minor, "
    'price_max_minor, currency, "left", rate_bp, plan_kind, earns_minor, standing, refreshed_at'
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a creator looks for.  Money is in minor units of one currency, the installation's unless another is named.

    plan: a kind, "any" that pays, or "none".  standing: that good or better.
    """

    text: str = ""
    category: str = ""
    shop_id: int | None = None
    plan: str = "any"
    standing: str = "limited"
    least_left: int = 1
    least_rate_bp: int | None = None
    most_rate_bp: int | None = None
    least_earns_minor: int | None = None
    most_earns_minor: int | None = None
    least_price_minor: int | None = None
    most_price_minor: int | None = None
    currency: str = ""
    sort: str = "earns"


@dataclass(frozen=True, slots=True)
class GoodsCard:
    """A product with what its creator would earn on one sale at the lowest price."""

    product_id: int
    product_public_id: str
    title: str
    category: str
    shop_id: int
    shop_public_id: str
    shop_name: str
    version: int
    price_minor: int
    price_max_minor: int
    currency: str
    left: int
    rate_bp: int
    plan_kind: str
    earns_minor: int
    standing: str
    refreshed_at: datetime

    @property
    def image(self) -> str:
        return picture_path(self.product_public_id, self.version)


@dataclass(frozen=True, slots=True)
class GoodsPage:
    cards: list[GoodsCard]
    next_cursor: str | None


def pick(creator_id: int, wish: Wish, *, cursor: str | None = None, limit: int = 20) -> GoodsPage:
    """What a creator can pick: invitations of their own stand in for what everybody earns.  One statement.

    Refuses: malformed.
    """
    if not 1 <= limit <= rules.LIMITS["page"]:
        raise Refusal("malformed", field="limit", why=f"from 1 to {rules.LIMITS['page']}")
    order = rules.order_of(wish.sort)
    where, values = _conditions(wish, order)
    values |= {"creator": creator_id, "most": limit + 1}
    down, compare = ("DESC", "<") if order.is_down else ("ASC", ">")
    if cursor:
        last, last_id = _unsealed(cursor, wish)
        where.append(f"({order.column}, product_id) {compare} (%(last)s, %(last_id)s)")
        values |= {"last": last, "last_id": last_id}
    filters = "".join(f" AND {each}" for each in where)
    sorting = f"ORDER BY {order.column} {down}, product_id {down} LIMIT %(most)s"
    # Few products have all of several words, but PostgreSQL cannot know that and would walk along the sorted index.
    found_by_words = "words" in values
    hits = (
        f"WITH hits AS MATERIALIZED (SELECT creator_id, is_listed, {_SHOWN} FROM discovery_goods "
        "WHERE words @> %(words)s::text[]) "
    )
    table = "hits" if found_by_words else "discovery_goods"
    mine = f"SELECT {_SHOWN} FROM {table} WHERE is_listed AND creator_id = %(creator)s{filters} {sorting}"
    everybodys = (
        f"SELECT {_SHOWN} FROM {table} g WHERE is_listed AND creator_id IS NULL{filters} AND NOT EXISTS (SELECT 1 "
        "FROM discovery_goods o WHERE o.product_id = g.product_id AND o.creator_id = %(creator)s) " + sorting
    )
    # Nobody is invited to what is everybody's.
    parts = [mine] if wish.plan in ("exclusive", "directed") else [everybodys, mine]
    union = " UNION ALL ".join(f"({part})" for part in parts)
    found = db.rows(f"{hits if found_by_words else ''}SELECT * FROM ({union}) p {sorting}", values)
    page = [GoodsCard(**row) for row in found[:limit]]
    if len(found) <= limit:
        return GoodsPage(page, None)
    return GoodsPage(page, cursors.seal([found[limit - 1][order.column], page[-1].product_id], _list_name(wish)))


def categories(limit: int = 40) -> list[str]:
    """The categories that have something to pick, in order of their names; found by skipping along an index."""
    rows = db.rows(
        "WITH RECURSIVE c AS ((SELECT category FROM discovery_goods WHERE is_listed AND creator_id IS NULL "
        "AND category > '' ORDER BY category LIMIT 1) UNION ALL SELECT (SELECT g.category FROM discovery_goods g "
        "WHERE g.is_listed AND g.creator_id IS NULL AND g.category > c.category ORDER BY g.category LIMIT 1) "
        "FROM c WHERE c.category IS NOT NULL) SELECT category FROM c WHERE category IS NOT NULL LIMIT %s",
        [limit],
    )
    return [row["category"] for row in rows]


def _conditions(wish: Wish, order: rules.Order) -> tuple[list[str], dict[str, Any]]:
    """What a row must fulfil, and the values for it.  Refuses: malformed."""
    rules.check_span("rate", wish.least_rate_bp, wish.most_rate_bp)
    rules.check_span("earns", wish.least_earns_minor, wish.most_earns_minor)
    rules.check_span("price", wish.least_price_minor, wish.most_price_minor)
    money = (wish.least_earns_minor, wish.most_earns_minor, wish.least_price_minor, wish.most_price_minor)
    wanted: list[tuple[str, str, Any]] = [
        ('"left" >=', "left", wish.least_left),
        ("rate_bp >=", "least_rate", wish.least_rate_bp), ("rate_bp <=", "most_rate", wish.most_rate_bp),
        ("earns_minor >=", "least_earns", wish.least_earns_minor),
        ("earns_minor <=", "most_earns", wish.most_earns_minor),
        ("price_minor >=", "least_price", wish.least_price_minor),
        ("price_minor <=", "most_price", wish.most_price_minor),
        ("shop_id =", "shop", wish.shop_id), ("category =", "category", wish.category or None),
    ]  # fmt: skip
    if wish.currency or order.is_money or any(amount is not None for amount in money):
        wanted.append(("currency =", "currency", _currency(wish.currency)))
    where = [f"{test} %({name})s" for test, name, value in wanted if value is not None]
    values = {name: value for _, name, value in wanted if value is not None}
    if wish.plan not in ("any", *rules.PLANS):
        raise Refusal("malformed", field="plan", why=f"one of any, {', '.join(rules.PLANS)}")
    where.append("rate_bp > 0" if wish.plan == "any" else "plan_kind = %(plan)s")
    values["plan"] = wish.plan
    good_enough = rules.at_least(wish.standing)
    if len(good_enough) < len(rules.STANDINGS):
        where.append("standing = ANY(%(standings)s)")
        values["standings"] = good_enough
    if words := rules.words_asked(wish.text):
        values["words"] = words
    return where, values


def _currency(code: str) -> str:
    if code and code not in EXPONENTS:
        raise Refusal("malformed", field="currency", why="an ISO 4217 code such as CNY")
    return code or str(settings.MEADOW.currency)


def _list_name(wish: Wish) -> str:
    """A cursor goes on in the order that it was made for."""
    return f"goods:{wish.sort}"


def _unsealed(cursor: str, wish: Wish) -> tuple[int, int]:
    last, last_id = cursors.unseal(cursor, _list_name(wish))
    return int(last), int(last_id)
