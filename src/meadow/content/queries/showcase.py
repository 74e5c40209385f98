"""What stands in a creator's showcase now: only live recommendations of what is on sale, in the creator's order."""

from dataclasses import dataclass
from datetime import datetime

from meadow.catalog import queries as catalog
from meadow.catalog.queries import Card
from meadow.content import rules
from meadow.content.models import Showcase
from meadow.kernel import clock, db


@dataclass(frozen=True, slots=True)
class ShowcaseItem:
    """A product on the wall, with the creator's reason.  is_shown is told to the owner only: shoppers see no other."""

    public_id: str
    recommendation_public_id: str
    reason: str
    card: Card
    tab: str
    ad_label: bool
    is_shown: bool
    added_at: datetime

    @property
    def state(self) -> str:
        if not self.is_shown:
            return "paused" if self.card.is_paused else "withdrawn"
        return "sold_out" if self.card.is_sold_out else "on_sale"


@dataclass(frozen=True, slots=True)
class ShowcaseView:
    """A wall; tabs name each category on it with how many products it has, in the order of the wall."""

    creator_id: int
    version: int
    items: tuple[ShowcaseItem, ...]
    tabs: tuple[tuple[str, int], ...]


# Which products are paid for is `plans`' to say, by its own SQL function.
_WALL = (
    "WITH w AS MATERIALIZED (SELECT e.id, e.public_id, e.position, e.added_at, r.public_id AS recommendation, "
    "r.state, r.creator_id, i.reason, i.product_id, i.shop_id FROM content_showcase s "
    "JOIN content_showcaseentry e ON e.showcase_id = s.id JOIN content_recommendationitem i ON i.id = e.item_id "
    "JOIN content_recommendation r ON r.id = i.recommendation_id WHERE s.creator_id = %(creator)s), "
    "a AS MATERIALIZED (SELECT array_agg(w.product_id ORDER BY w.id) AS products, array_agg(w.shop_id ORDER BY w.id) "
    "AS shops, array_agg(w.creator_id ORDER BY w.id) AS creators, array_agg(w.id ORDER BY w.id) AS ids FROM w), "
    "paid AS MATERIALIZED (SELECT a.ids[n] AS id FROM a, plans_paying(a.products, a.shops, a.creators, %(at)s) AS n) "
    "SELECT w.*, w.id IN (SELECT id FROM paid) AS ad_label FROM w ORDER BY w.position, w.id"
)


def showcase(creator_id: int, *, for_owner: bool = False) -> ShowcaseView:
    """A creator's wall, read live, so that what ended or was taken down is gone at once; three statements.

    The owner also sees what is hidden just now.
    """
    version = Showcase.objects.filter(creator_id=creator_id).values_list("version", flat=True).first() or 1
    rows = db.rows(_WALL, {"creator": creator_id, "at": clock.now()})
    facts = catalog.goods_facts([row["product_id"] for row in rows]) if rows else {}
    items = tuple(
        ShowcaseItem(
            public_id=row["public_id"], recommendation_public_id=row["recommendation"], reason=row["reason"],
            card=facts[row["product_id"]].card, tab=rules.tab_of(facts[row["product_id"]].category),
            ad_label=row["ad_label"], added_at=row["added_at"],
            is_shown=row["state"] == "published" and facts[row["product_id"]].card.on_sale,
        )
        for row in rows
    )  # fmt: skip
    seen = items if for_owner else tuple(item for item in items if item.is_shown)
    tabs: dict[str, int] = {}
    for item in seen:
        if item.tab:
            tabs[item.tab] = tabs.get(item.tab, 0) + 1
    return ShowcaseView(creator_id, version, seen, tuple(tabs.items()))


def shown_items(view: ShowcaseView, tab: str = "") -> list[ShowcaseItem]:
    """The items of one tab, or all."""
    return [item for item in view.items if not tab or item.tab == tab]
