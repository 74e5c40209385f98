"""How people keep what they like, in their account or in a browser nobody has signed in on."""

from meadow.catalog import queries as catalog
from meadow.kernel import clock
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.trade.models import Favourite
from meadow.trade.queries.favourites import favourites_owned
from meadow.trade.rules import LIMITS


def keep_favourite(
    *, product_id: int, person_id: int | None = None, carrier: str = "", tell_price_drop: bool | None = None
) -> Favourite:
    """Keeps a product with its price of now; twice is once.  tell_price_drop None leaves the choice as it is.

    Who keeps a product while signed in is told when it gets cheaper, until they say otherwise; a browser cannot be.
    Refuses: not_found, favourites_full, malformed.
    """
    card = catalog.cards([product_id]).get(product_id)
    if card is None or not card.on_sale:
        known = favourites_owned(person_id, carrier).filter(product=product_id).exists()
        if card is None or not known:
            raise Refusal("not_found")
    owner = _owner(person_id, carrier)
    with atomic():
        if favourites_owned(person_id, carrier).exclude(product=product_id).count() >= LIMITS["favourites"]:
            raise Refusal("favourites_full", most=LIMITS["favourites"])
        kept, _ = Favourite.objects.get_or_create(
            **owner, product_id=product_id,
            defaults={
                "price_minor": card.price_minor, "currency": card.currency, "kept_at": clock.now(),
                "tell_price_drop": person_id is not None,
            },
        )  # fmt: skip
        wanted = kept.tell_price_drop if tell_price_drop is None else tell_price_drop
        if person_id is not None and wanted != kept.tell_price_drop:
            kept.tell_price_drop = wanted
            kept.save(update_fields=["tell_price_drop"])
    return kept


def drop_favourite(*, product_id: int, person_id: int | None = None, carrier: str = "") -> None:
    """Refuses: not_found."""
    gone, _ = favourites_owned(person_id, carrier).filter(product=product_id).delete()
    if not gone:
        raise Refusal("not_found")


def merge_favourites(*, carrier: str, person_id: int) -> int:
    """At sign-in: what a browser kept joins what the person keeps; what both have stays as the person had it.

    Nobody said yes to mail when they tapped a heart without an account, so what is brought asks for none.
    """
    with atomic():
        brought = list(Favourite.objects.select_for_update().filter(carrier=carrier)) if carrier else []
        if not brought:
            return 0
        mine = set(Favourite.objects.filter(person_id=person_id).values_list("product_id", flat=True))
        room = max(0, LIMITS["favourites"] - len(mine))
        fresh = [each for each in sorted(brought, key=lambda each: -each.pk) if each.product_id not in mine][:room]
        Favourite.objects.filter(carrier=carrier).delete()
        Favourite.objects.bulk_create(
            [
                Favourite(
                    person_id=person_id, product_id=each.product_id, price_minor=each.price_minor,
                    currency=each.currency, kept_at=each.kept_at, tell_price_drop=False,
                )
                for each in fresh
            ],
            ignore_conflicts=True,
        )  # fmt: skip
        return len(fresh)


def _owner(person_id: int | None, carrier: str) -> dict[str, int | str]:
    if person_id is not None:
        return {"person_id": person_id}
    if carrier and len(carrier) <= 64:
        return {"carrier": carrier}
    raise Refusal("malformed", field="carrier", why="sign in, or name the carrier of the browser")
