"""What there is to read: the feed of newest recommendations and one recommendation, with live price, stock and label."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from meadow.catalog import queries as catalog
from meadow.catalog.queries import Card
from meadow.content import rules
from meadow.content.models import Recommendation
from meadow.governance.queries import contact
from meadow.kernel import clock, cursors, db
from meadow.kernel.errors import Refusal
from meadow.kernel.money import decimal_text

__all__ = [
    "FeedPage",
    "ItemView",
    "Recommendation",
    "RecommendationView",
    "feed_json",
    "feed_page",
    "posts_of_creator",
    "recommendation",
]

_LIST = "content.newest"


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page of cards, plain dicts with every text ready; next_cursor is None on the last page."""

    cards: list[dict[str, Any]]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ItemView:
    """A product in a post: the reason beside live price and stock.  state: on_sale, sold_out, paused or withdrawn.

    has_page: whether the product can be looked at; while it is hidden nothing may link to it.
    """

    position: int
    reason: str
    product_id: int
    product_public_id: str
    shop_id: int
    shop_public_id: str
    shop_name: str
    title: str
    image: str
    state: str
    left: int
    price_minor: int
    price_at_post_minor: int
    currency: str
    is_price_changed: bool
    ad_label: bool
    has_page: bool = True


@dataclass(frozen=True, slots=True)
class RecommendationView:
    """A recommendation as its page shows it.  ad_label is computed from the plans in force; nobody can set it."""

    recommendation_id: int
    public_id: str
    creator_id: int
    creator_public_id: str
    creator_name: str
    title: str
    text: str
    state: str
    published_at: datetime
    ad_label: bool
    items: tuple[ItemView, ...]


# Which (product, creator) pairs are paid for is `plans`' to say, by its own SQL function.
_FEED = (
    "WITH page AS MATERIALIZED (SELECT * FROM content_recommendation WHERE state = 'published' {after} {wanted} "
    "ORDER BY published_at DESC, id DESC LIMIT %(limit)s), "
    "w AS MATERIALIZED (SELECT array_agg(i.product_id ORDER BY i.id) AS products, array_agg(i.shop_id ORDER BY i.id) "
    "AS shops, array_agg(p.creator_id ORDER BY i.id) AS creators, array_agg(p.id ORDER BY i.id) AS posts "
    "FROM page p JOIN content_recommendationitem i ON i.recommendation_id = p.id), "
    "paid AS MATERIALIZED (SELECT DISTINCT w.posts[n] AS id FROM w, "
    "plans_paying(w.products, w.shops, w.creators, %(at)s) AS n) "
    "SELECT p.id, p.public_id, p.creator_public_id, p.creator_name, p.title, p.text, p.published_at, i.reason, "
    "i.product_id, i.price_at_post_minor, i.currency, p.id IN (SELECT id FROM paid) AS ad_label, "
    "(SELECT count(*) FROM content_recommendationitem c WHERE c.recommendation_id = p.id)::integer AS products "
    "FROM page p JOIN content_recommendationitem i ON i.recommendation_id = p.id AND i.position = 1 "
    "ORDER BY p.published_at DESC, p.id DESC"
)
_AFTER = "AND (published_at, id) < (%(published_at)s, %(id)s)"
_WANTED = "AND creator_id <> ALL(%(unwanted)s::bigint[])"
# By whether a page is a later one and whether its reader has muted anybody.
_PAGES = {(a, w): _FEED.format(after=_AFTER * a, wanted=_WANTED * w) for a in (False, True) for w in (False, True)}
_LOOKS = 5  # how many pages' worth of posts are looked through for one that has room for so few that are paid for


def feed_page(cursor: str | None = None, limit: int = 20, *, reader_id: int | None = None) -> FeedPage:
    """Newest recommendations first, each as a card of its first product, without whom the reader has muted or blocked.

    Two statements, and one for a known reader.  Of a page's cards no more are paid for than the installation lets;
    those that there is no room for are left out.  Refuses: malformed.
    """
    limit = max(1, min(limit, rules.LIMITS["feed_page"]))
    params: dict[str, Any] = {"limit": limit + 1, "at": clock.now()}
    if cursor:
        published_at, last_id = cursors.unseal(cursor, _LIST)
        params |= {"published_at": datetime.fromisoformat(published_at), "id": last_id}
    if reader_id is not None and (unwanted := contact.unwanted_authors(reader_id).creator_ids):
        params["unwanted"] = sorted(unwanted)
    share = settings.MEADOW.feed_ad_percent
    rows, last = _page(params, limit) if share >= 100 else _page_with_few_ads(params, limit, share)
    products = catalog.cards([row["product_id"] for row in rows]) if rows else {}
    return FeedPage(
        [_card(row, products[row["product_id"]]) for row in rows],
        cursors.seal([last["published_at"].isoformat(), last["id"]], _LIST) if last else None,
    )


def _page(params: dict[str, Any], limit: int) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The next posts, and the last of them if more come after it."""
    rows = db.rows(_PAGES["id" in params, "unwanted" in params], params)
    return rows[:limit], rows[limit - 1] if len(rows) > limit else None


def _page_with_few_ads(
    params: dict[str, Any], limit: int, share: int
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The same, with at most so many of a hundred that are paid for; with every page, a day's pages hold it too."""
    taken: list[dict[str, Any]] = []
    last: dict[str, Any] | None = None
    for _ in range(_LOOKS):
        rows, last = _page(params, limit)
        for row in rows:
            ads = sum(one["ad_label"] for one in taken)
            if not row["ad_label"] or (ads + 1) * 100 <= share * limit:
                taken.append(row)
            if len(taken) == limit:
                last = row if last or row is not rows[-1] else None
                break
        if len(taken) == limit or last is None:
            break
        params = params | {"published_at": last["published_at"], "id": last["id"]}
    return _within(taken, share), last


def _within(rows: list[dict[str, Any]], share: int) -> list[dict[str, Any]]:
    """A page that did not fill holds fewer ads still: the oldest of them go."""
    ads = [row for row in rows if row["ad_label"]]
    while ads and len(ads) * 100 > share * len(rows):
        gone = ads.pop()
        rows = [row for row in rows if row is not gone]
    return rows


def feed_json(cursor: str | None = None, limit: int = 20, *, reader_id: int | None = None) -> bytes:
    """The same page as JSON text, ready to be sent.  Refuses: malformed."""
    page = feed_page(cursor, limit, reader_id=reader_id)
    items = [card | {"published_at": card["published_at"].isoformat()} for card in page.cards]
    return json.dumps(
        {"items": items, "next_cursor": page.next_cursor}, ensure_ascii=False, separators=(",", ":")
    ).encode()


def recommendation(
    which: int | str, *, for_creator: int | None = None, for_operator: bool = False
) -> RecommendationView:
    """A recommendation with its products, two statements.

    Published and ended ones are for everybody; hidden and taken down ones for their creator and the operator.
    Refuses: not_found.
    """
    rows = db.rows(
        "WITH post AS MATERIALIZED (SELECT * FROM content_recommendation WHERE {} = %(which)s), "
        "i AS MATERIALIZED (SELECT i.* FROM post JOIN content_recommendationitem i ON i.recommendation_id = post.id), "
        "paid AS MATERIALIZED (SELECT w.items[n] AS id FROM (SELECT array_agg(i.id ORDER BY i.id) AS items, "
        "array_agg(i.product_id ORDER BY i.id) AS products, array_agg(i.shop_id ORDER BY i.id) AS shops, "
        "array_agg(post.creator_id ORDER BY i.id) AS creators FROM i, post) w, "
        "plans_paying(w.products, w.shops, w.creators, %(at)s) AS n) "
        "SELECT post.id, post.public_id, post.creator_id, post.creator_public_id, post.creator_name, post.title, "
        "post.text, post.state, post.published_at, i.position, i.reason, i.product_id, i.price_at_post_minor, "
        "i.currency, i.id IN (SELECT id FROM paid) AS ad_label FROM post, i ORDER BY i.position".format(
            "public_id" if isinstance(which, str) else "id"
        ),
        {"which": which, "at": clock.now()},
    )
    if not rows:
        raise Refusal("not_found")
    first = rows[0]
    if first["state"] in ("hidden", "taken_down") and not (for_operator or for_creator == first["creator_id"]):
        raise Refusal("not_found")
    products = catalog.cards([row["product_id"] for row in rows])
    items = tuple(_item(row, products[row["product_id"]]) for row in rows)
    return RecommendationView(
        recommendation_id=first["id"], public_id=first["public_id"], creator_id=first["creator_id"],
        creator_public_id=first["creator_public_id"], creator_name=first["creator_name"], title=first["title"],
        text=first["text"], state=first["state"], published_at=first["published_at"],
        ad_label=any(item.ad_label for item in items), items=items,
    )  # fmt: skip


def post_faces(ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """The public ids and titles of posts, shown or not."""
    found = Recommendation.objects.filter(pk__in=ids).values_list("pk", "public_id", "title", "text")
    return {row[0]: (row[1], row[2] or rules.excerpt(row[3]) or row[1]) for row in found}


def post_id_of(public_id: str) -> int | None:
    return Recommendation.objects.filter(public_id=public_id).values_list("pk", flat=True).first()


def author_of(recommendation_id: int) -> tuple[str, int] | None:
    """Who answers for a post."""
    found = Recommendation.objects.filter(pk=recommendation_id).values_list("creator_id", flat=True).first()
    return ("accounts.creator", found) if found else None


def creators_of_goods(*, shop_ids: Sequence[int] = (), product_ids: Sequence[int] = ()) -> list[int]:
    """The creators whose published posts recommend something of some shops, or some products."""
    found = db.rows(
        "SELECT DISTINCT r.creator_id FROM content_recommendationitem i JOIN content_recommendation r "
        "ON r.id = i.recommendation_id WHERE r.state = 'published' "
        "AND (i.product_id = ANY(%s::bigint[]) OR i.shop_id = ANY(%s::bigint[])) ORDER BY 1",
        [list(product_ids), list(shop_ids)],
    )
    return [row["creator_id"] for row in found]


def posts_of_creator(creator_id: int, limit: int = 50) -> list[Recommendation]:
    """A creator's own posts in every state, newest first."""
    return list(Recommendation.objects.filter(creator_id=creator_id).order_by("-published_at")[:limit])


def _item(row: dict[str, Any], card: Card) -> ItemView:
    return ItemView(
        position=row["position"], reason=row["reason"], product_id=card.product_id,
        product_public_id=card.public_id, shop_id=card.shop_id, shop_public_id=card.shop_public_id,
        shop_name=card.shop_name, title=card.title, image=card.image, state=_state(card), left=card.left,
        price_minor=card.price_minor, price_at_post_minor=row["price_at_post_minor"], currency=card.currency,
        is_price_changed=card.price_minor != row["price_at_post_minor"], ad_label=row["ad_label"],
        has_page=not card.is_hidden,
    )  # fmt: skip


def _card(row: dict[str, Any], card: Card) -> dict[str, Any]:
    return {
        "id": row["public_id"],
        "title": row["title"],
        "reason": rules.excerpt(row["reason"]),
        "creator": row["creator_name"],
        "creator_id": row["creator_public_id"],
        "published_at": row["published_at"],
        "ad_label": row["ad_label"],
        "products": row["products"],
        "product_id": card.public_id,
        "product": card.title,
        "image": card.image,
        "shop": card.shop_name,
        "shop_id": card.shop_public_id,
        "state": _state(card),
        "left": card.left,
        "price_minor": card.price_minor,
        "price": decimal_text(card.price_minor, card.currency),
        "currency": card.currency,
        "is_price_changed": card.price_minor != row["price_at_post_minor"],
    }


def _state(card: Card) -> str:
    if not card.on_sale:
        return "paused" if card.is_paused else "withdrawn"
    return "sold_out" if card.is_sold_out else "on_sale"
