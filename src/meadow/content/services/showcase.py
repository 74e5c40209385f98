"""How a creator's showcase is filled, emptied and sorted: one change at a time, and never a wall nobody has seen."""

from collections.abc import Sequence

from django.conf import settings
from django.db.models import Min

from meadow.accounts import queries as accounts
from meadow.catalog import queries as catalog
from meadow.content import rules
from meadow.content.models import RecommendationItem, Showcase, ShowcaseEntry
from meadow.governance import queries as governance
from meadow.kernel import clock, db
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal


def add_to_showcase(*, creator_id: int, recommendation_id: int, product_id: int) -> ShowcaseEntry:
    """Puts a product of one of the creator's live recommendations on top of their wall; twice is once.

    Refuses: not_found, stale_state, product_unavailable, showcase_full, creator_required, creator_suspended.
    """
    _require_active(creator_id)
    with atomic():
        wall = _locked(creator_id)
        item = _live_item(creator_id, recommendation_id, product_id)
        known = ShowcaseEntry.objects.filter(item=item).first()
        if known is not None:
            return known
        _make_room(wall, 1)
        return _put(wall, [item])[0]


def show_whole_recommendation(*, creator_id: int, recommendation_id: int) -> int:
    """The same for every product of a recommendation that is on sale; answers how many came on."""
    _require_active(creator_id)
    with atomic():
        wall = _locked(creator_id)
        items = RecommendationItem.objects.filter(
            recommendation=recommendation_id, recommendation__creator=creator_id, recommendation__state="published"
        )
        on_wall = set(ShowcaseEntry.objects.filter(item__in=items).values_list("item_id", flat=True))
        cards = catalog.cards(item.product_id for item in items)
        fresh = [
            item for item in items.order_by("position") if item.pk not in on_wall and cards[item.product_id].on_sale
        ]
        if fresh:
            _make_room(wall, len(fresh))
            _put(wall, fresh)
        return len(fresh)


def remove_from_showcase(*, creator_id: int, entry: str) -> None:
    """Takes a product off the wall; the recommendation stays.  Refuses: not_found."""
    with atomic():
        wall = _locked(creator_id)
        gone, _ = ShowcaseEntry.objects.filter(showcase=wall, public_id=entry).delete()
        if not gone:
            raise Refusal("not_found")
        _changed(wall)


def reorder_showcase(*, creator_id: int, entries: Sequence[str], version: int) -> Showcase:
    """The named entries stand first, in this order; the rest follows as it stood.

    version is the one that was seen: of two who sort at once, the second is told.
    Refuses: showcase_changed, not_found, malformed, creator_required, creator_suspended.
    """
    _require_active(creator_id)
    if len(set(entries)) < len(entries):
        raise Refusal("malformed", field="entries", why="each entry once")
    with atomic():
        wall = _locked(creator_id)
        if wall.version != version:
            raise Refusal("showcase_changed", version=wall.version)
        standing = list(
            ShowcaseEntry.objects.filter(showcase=wall).order_by("position", "pk").values_list("public_id", flat=True)
        )
        if set(entries) - set(standing):
            raise Refusal("not_found")
        named = set(entries)
        order = [*entries, *(each for each in standing if each not in named)]
        db.execute(
            "UPDATE content_showcaseentry e SET position = o.n FROM unnest(%s::text[]) WITH ORDINALITY AS o(id, n) "
            "WHERE e.public_id = o.id AND e.position <> o.n",
            [order],
        )
        _changed(wall)
    return wall


def forget_recommendation(*, recommendation_id: int) -> None:
    """An ended recommendation leaves the wall."""
    with atomic():
        found = ShowcaseEntry.objects.filter(item__recommendation=recommendation_id)
        for wall in Showcase.objects.select_for_update().filter(pk__in=found.values("showcase_id")):
            found.delete()
            _changed(wall)


def _require_active(creator_id: int) -> None:
    creator = accounts.creator(creator_id)
    if creator.state == "suspended" or governance.is_suspended(rules.CREATOR, creator_id):
        raise Refusal("creator_suspended")
    if creator.state != "active":
        raise Refusal("creator_required")


def _locked(creator_id: int) -> Showcase:
    wall, _ = Showcase.objects.get_or_create(creator_id=creator_id)
    return Showcase.objects.select_for_update().get(pk=wall.pk)


def _live_item(creator_id: int, recommendation_id: int, product_id: int) -> RecommendationItem:
    item = (
        RecommendationItem.objects.select_related("recommendation")
        .filter(recommendation=recommendation_id, recommendation__creator=creator_id, product=product_id)
        .first()
    )
    if item is None:
        raise Refusal("not_found")
    if item.recommendation.state != "published":
        raise Refusal("stale_state", state=item.recommendation.state, event="show")
    card = catalog.cards([product_id])[product_id]
    if not card.on_sale:
        raise Refusal("product_unavailable", title=card.title)
    return item


def _make_room(wall: Showcase, wanted: int) -> None:
    """A full wall first loses what is not on sale any more; what only rests or is sold out keeps its place."""
    most = settings.MEADOW.showcase_items
    held = ShowcaseEntry.objects.filter(showcase=wall)
    if held.count() + wanted <= most:
        return
    products = dict(held.values_list("pk", "item__product_id"))
    cards = catalog.cards(products.values())
    held.filter(pk__in=[pk for pk, product_id in products.items() if not cards[product_id].on_sale]).delete()
    if held.count() + wanted > most:
        raise Refusal("showcase_full", most=most)


def _put(wall: Showcase, items: Sequence[RecommendationItem]) -> list[ShowcaseEntry]:
    """On top of the wall, in this order."""
    lowest = ShowcaseEntry.objects.filter(showcase=wall).aggregate(low=Min("position"))["low"]
    top, now = 1 if lowest is None else lowest, clock.now()
    made = ShowcaseEntry.objects.bulk_create(
        ShowcaseEntry(showcase=wall, item=item, position=top - len(items) + n, added_at=now)
        for n, item in enumerate(items)
    )
    _changed(wall)
    return made


def _changed(wall: Showcase) -> None:
    wall.version, wall.changed_at = wall.version + 1, clock.now()
    Showcase.objects.filter(pk=wall.pk).update(version=wall.version, changed_at=wall.changed_at)
