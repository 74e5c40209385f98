"""Notices of what concerns a person: their order, their refund, a claim, a payout, a decision about them."""

from meadow.governance.services.contact import PLATFORM, Sender
from meadow.messaging import queries
from meadow.messaging.rules import Words
from meadow.messaging.services.delivery import deliver


def notify(
    *, person_id: int, topic: str, cause: tuple[str, int], turn: str = "", mail_to: str = "", **values: str
) -> None:
    """Puts a notice into a person's inbox and mails it; the same topic of the same cause comes once, or once for each
    turn of it.

    mail_to: where it is mailed to if the person has no address, as a guest has none.
    """
    words = queries.notice_words(topic).filled(**values)
    notify_in_words(person_id=person_id, topic=topic, cause=cause, words=words, turn=turn, mail_to=mail_to)


def notify_in_words(
    *, person_id: int, topic: str, cause: tuple[str, int], words: Words, turn: str = "", mail_to: str = ""
) -> None:
    """The same with words that are ready."""
    deliver(
        person_id=person_id, sender=Sender(PLATFORM), kind="service", words=words, cause=cause, mail_to=mail_to,
        once=f"{topic}:{cause[0]}:{cause[1]}:{person_id}{turn and ':'}{turn}",
    )  # fmt: skip
