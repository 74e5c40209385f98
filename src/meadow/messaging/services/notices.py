"""Notices of what concerns a person: their order, their refund, a decision about them."""

from meadow.governance.services.contact import PLATFORM, Sender
from meadow.messaging import rules
from meadow.messaging.services.delivery import deliver


def notify(*, person_id: int, topic: str, cause: tuple[str, int], turn: str = "", **values: str) -> None:
    """Puts a notice into a person's inbox; the same topic of the same cause comes once, or once for each turn of it."""
    deliver(
        person_id=person_id, sender=Sender(PLATFORM), kind="service", words=rules.NOTICES[topic].filled(**values),
        cause=cause, once=f"{topic}:{cause[0]}:{cause[1]}:{person_id}{turn and ':'}{turn}",
    )  # fmt: skip
