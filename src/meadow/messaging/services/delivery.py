"""The one place where a message leaves: every one is first decided by the contact policy, and mail follows the inbox."""

from django.conf import settings
from django.core.mail import EmailMessage

from meadow.accounts import queries as accounts
from meadow.governance.services import contact as contacts
from meadow.governance.services.contact import Decided, Sender
from meadow.kernel import clock, rows, signing
from meadow.kernel.db import atomic
from meadow.messaging import queries
from meadow.messaging.models import ChatLine, Message, Thread
from meadow.messaging.rules import Words

UNSUBSCRIBE = "unsubscribe"


def deliver(
    *,
    person_id: int,
    sender: Sender,
    kind: contacts.MessageClass,
    words: Words,
    cause: tuple[str, int],
    once: str,
    mail_to: str = "",
) -> Decided | None:
    """Asks the policy and, if it allows, puts a message into the inbox.  None: it was there already, or nobody is."""
    with atomic():
        if rows.first(Message, once=once) is not None:
            return None
        found = contacts.decide_contacts(sender=sender, kind=kind, person_ids=[person_id], cause=cause)
        decided = found.get(person_id)
        if decided is None or decided.decision.verdict != "allow":
            return decided
        at = clock.now()
        rows.add(
            Message(
                person_id=person_id, kind=kind, party_kind=sender.party[0], party_id=sender.party[1],
                title_en=words.title_en, title_zh=words.title_zh, text_en=words.text_en, text_zh=words.text_zh,
                once=once, contact_id=decided.contact_id, at=at,
                mail_due_at=at if mail_to or accounts.person(person_id).email else None, mail_to=mail_to,
            )
        )  # fmt: skip
    return decided


def say(
    *, thread: Thread, side: str, author_id: int, text: str, leads_outside: bool, line_id: int
) -> tuple[ChatLine | None, Decided]:
    """Asks the policy and, if it allows, adds a line to a talk.  A merchant's answer needs a window the person opened."""
    to_person = side == "merchant"
    party = ("accounts.merchant", thread.merchant_id) if to_person else ("accounts.person", thread.person_id)
    person_id = thread.person_id if to_person else thread.merchant.owner_id
    decided = contacts.decide_contacts(
        sender=Sender(party), kind="reply", person_ids=[person_id], cause=("messaging.thread", thread.pk),
        is_open=not to_person,
    )[person_id]  # fmt: skip
    if decided.decision.verdict != "allow":
        return None, decided
    line = ChatLine.objects.create(
        pk=line_id, thread=thread, side=side, author_id=author_id, text=text, leads_outside=leads_outside,
        contact_id=decided.contact_id, at=clock.now(),
    )  # fmt: skip
    return line, decided


def mail_twin(*, message: Message) -> None:
    """Sends the mail of an inbox message.  A crash between may send it twice, never not at all."""
    person = accounts.person(message.person_id)
    address = person.email or message.mail_to
    if address:
        said = queries.said(message, person.locale)
        link = unsubscribe_address(message.person_id, message.party_id) if message.kind == "marketing" else ""
        footer = ("\n\n退订：" if person.locale.startswith("zh") else "\n\nUnsubscribe: ") + link if link else ""
        headers = {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        EmailMessage(
            subject=said.title, body=said.text + footer, to=[address], headers=headers if link else None
        ).send()
    Message.objects.filter(pk=message.pk).update(mail_due_at=None, mailed_at=clock.now())


def unsubscribe_address(person_id: int, merchant_id: int) -> str:
    """The signed address that ends a merchant's marketing to a person, without signing in."""
    token = signing.sign({"p": person_id, "m": merchant_id}, UNSUBSCRIBE)
    return f"{settings.MEADOW.base_url}/inbox/stop/{token}"
