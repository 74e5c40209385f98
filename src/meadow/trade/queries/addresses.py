"""Which addresses a person keeps."""

from typing import Any

from meadow.kernel.errors import Refusal
from meadow.trade.models import SavedAddress


def addresses_of(person_id: int) -> list[SavedAddress]:
    """A person's addresses, the first choice first."""
    return list(SavedAddress.objects.filter(person_id=person_id).order_by("-is_default", "-pk"))


def address_of_person(address_id: str, *, person_id: int) -> SavedAddress:
    """One of a person's own addresses.  Refuses: not_found."""
    found = SavedAddress.objects.filter(person_id=person_id, public_id=address_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def export_addresses(person_id: int) -> list[dict[str, Any]]:
    """All that is kept of a person's addresses, as plain values for their export."""
    return [
        {"id": one.public_id, "is_default": one.is_default, "kept_since": one.created_at.isoformat(), **one.address}
        for one in addresses_of(person_id)
    ]
