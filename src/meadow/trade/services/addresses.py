"""How a person keeps addresses: each changed and deleted by its owner alone, one of them the first choice."""

from collections.abc import Mapping
from typing import Any

from meadow.kernel import db
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.trade import rules
from meadow.trade.models import SavedAddress

MOST_ADDRESSES = 20


def save_address(
    *, person_id: int, address: Mapping[str, Any], is_default: bool = False, address_id: str | None = None
) -> SavedAddress:
    """Keeps an address, or changes the one named; the first one kept is the first choice.

    Refuses: not_found, address_refused, addresses_full.
    """
    checked = rules.check_address(address)
    with atomic():
        # Two at once must not both be the last one allowed, or both the first choice.
        db.execute("SELECT pg_advisory_xact_lock(hashtextextended('trade:addresses', %s))", [person_id])
        mine = SavedAddress.objects.filter(person_id=person_id)
        if address_id is not None:
            found = mine.filter(public_id=address_id).first()
            if found is None:
                raise Refusal("not_found")
        else:
            count = mine.count()
            if count >= MOST_ADDRESSES:
                raise Refusal("addresses_full", most=MOST_ADDRESSES)
            found, is_default = SavedAddress(person_id=person_id), is_default or not count
        if is_default:
            mine.exclude(pk=found.pk).update(is_default=False)
        found.address = checked
        found.is_default = is_default or found.is_default
        found.save()
    return found


def drop_address(*, person_id: int, address_id: str) -> None:
    """Deletes a kept address; the newest of the others becomes the first choice.  Refuses: not_found."""
    with atomic():
        db.execute("SELECT pg_advisory_xact_lock(hashtextextended('trade:addresses', %s))", [person_id])
        mine = SavedAddress.objects.filter(person_id=person_id)
        found = mine.filter(public_id=address_id).first()
        if found is None:
            raise Refusal("not_found")
        was_default = found.is_default
        found.delete()
        newest = mine.order_by("-pk").first()
        if was_default and newest is not None:
            mine.filter(pk=newest.pk).update(is_default=True)


def erase_addresses(*, person_id: int) -> int:
    """Deletes every address that a person keeps; again, nothing is left to delete.  Orders keep what they were sent to."""
    with atomic():
        db.execute("SELECT pg_advisory_xact_lock(hashtextextended('trade:addresses', %s))", [person_id])
        return SavedAddress.objects.filter(person_id=person_id).delete()[0]
