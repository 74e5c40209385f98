"""What somebody keeps, with its price then and now, and who wants to hear when it gets cheaper."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from meadow.catalog import queries as catalog
from meadow.catalog.queries import Card
from meadow.kernel import cursors
from meadow.trade.models import Favourite

_LIST = "favourites"


@dataclass(frozen=True, slots=True)
class FavouriteItem:
    """A kept product; drop_minor is how much cheaper it is than when it was kept, 0 if it is not."""

    card: Card
    price_when_kept_minor: int
    drop_minor: int
    tell_price_drop: bool
    kept_at: datetime


def favourites_owned(person_id: int | None, carrier: str) -> "QuerySet[Favourite]":
    """The person's if somebody is signed in, else the browser's."""
    if person_id is not None:
        return Favourite.objects.filter(person_id=person_id)
    return Favourite.objects.filter(carrier=carrier) if carrier else Favourite.objects.none()


def favourites_of(
    *, person_id: int | None = None, carrier: str = "", cursor: str | None = None, limit: int = 20
) -> tuple[list[FavouriteItem], str | None]:
    """What somebody keeps, the newest first; the cursor goes on.  Two statements.  Refuses: malformed."""
    found = favourites_owned(person_id, carrier)
    if cursor:
        found = found.filter(pk__lt=int(cursors.unseal(cursor, _LIST)[0]))
    rows = list(found.order_by("-pk")[: limit + 1])
    cards = catalog.cards([row.product_id for row in rows[:limit]])
    items = [
        FavouriteItem(
            card=cards[row.product_id], price_when_kept_minor=row.price_minor, tell_price_drop=row.tell_price_drop,
            drop_minor=max(0, row.price_minor - cards[row.product_id].price_minor), kept_at=row.kept_at,
        )
        for row in rows[:limit]
    ]  # fmt: skip
    return items, cursors.seal([rows[limit - 1].pk], _LIST) if len(rows) > limit else None


def favourites_among(product_ids: Collection[int], *, person_id: int | None = None, carrier: str = "") -> set[int]:
    """Which of these products somebody keeps; one statement."""
    if person_id is None and not carrier:
        return set()
    found = favourites_owned(person_id, carrier).filter(product__in=list(product_ids))
    return set(found.values_list("product_id", flat=True))


def price_drop_listeners(product_id: int, price_minor: int) -> list[int]:
    """The people who asked to hear of it when a product costs less than when they kept it."""
    found = Favourite.objects.filter(
        product=product_id, person__isnull=False, tell_price_drop=True, price_minor__gt=price_minor
    )
    return list(found.order_by("pk").values_list("person_id", flat=True))
