"""How the two sides of a paid order give each other a telephone number: beside the chat, masked, and for a time."""

from datetime import datetime

from meadow.kernel import audit, clock
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.messaging import queries, rules
from meadow.messaging.models import PhoneShare


def share_phone(*, order_id: str, person_id: int, phone: str) -> PhoneShare:
    """Gives the other side of a paid order a number; an empty one takes it back.

    Refuses: not_found, order_unpaid, malformed.
    """
    number = rules.clean_phone(phone)
    with atomic():
        view, side = queries.paid_order(order_id, person_id=person_id)
        order = view.order
        made, _ = PhoneShare.objects.update_or_create(
            order_id=order.pk, side=side,
            defaults={"phone": number, "by_id": person_id, "shared_at": clock.now(), "due_at": _until(number)},
        )  # fmt: skip
        by = Actor("person", person_id)
        audit.record(by, "share_phone", ("trade.order", order.pk), after={"side": side, "is_given": bool(number)})
    return made


def reveal_phone(*, order_id: str, person_id: int) -> str:
    """The other side's number in full; who looked is written down.  Refuses: not_found, order_unpaid."""
    with atomic():
        view, side = queries.paid_order(order_id, person_id=person_id)
        order = view.order
        other = PhoneShare.objects.filter(order_id=order.pk).exclude(side=side).exclude(phone="").first()
        if other is None:
            raise Refusal("not_found")
        audit.record(Actor("person", person_id), "reveal_phone", ("trade.order", order.pk), after={"side": side})
    return other.phone


def forget_phone(*, share: PhoneShare) -> None:
    """Its time is over: the delivery is long done."""
    PhoneShare.objects.filter(pk=share.pk).update(phone="", due_at=None)


def _until(number: str) -> datetime | None:
    return clock.now() + rules.PHONE_KEPT if number else None
