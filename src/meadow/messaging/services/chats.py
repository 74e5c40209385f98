"""Talks between a buyer and a merchant: the buyer begins, a stranger with one plain message; answers need a window."""

from meadow.accounts import queries as accounts
from meadow.governance.queries import OUTSIDE, talk
from meadow.governance.services import TextSurface, TextVerdict, check_text, judge_words, next_id, require_allowed
from meadow.governance.services import contact as contacts
from meadow.governance.services.sanctions import record_violation
from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.messaging import queries, rules
from meadow.messaging.models import ChatLine, Thread
from meadow.messaging.services.delivery import say
from meadow.trade import queries as trade


def write_to_merchant(*, merchant_id: int, person_id: int, text: str) -> ChatLine:
    """A person writes to a merchant.  Until the merchant has answered: one message, without a link.

    Refuses: not_found, limited, malformed, first_message_plain, wait_for_answer, contact_refused.
    """
    merchant = accounts.merchant(merchant_id)
    text = rules.clean("text", text, rules.LIMITS["chat_characters"])
    require_allowed(parties=[("accounts.person", person_id)], act="message")
    # What a person says goes to a shop, which needs no warning; it is looked at all the same, by the same check.
    author = ("accounts.person", person_id)
    verdict = _checked(text, author, author)
    is_first = not Thread.objects.filter(
        person_id=person_id, merchant_id=merchant.pk, answered_at__isnull=False
    ).exists()
    line_id = _judged(text, verdict, author, person_id, merchant.pk, is_first=is_first)
    with atomic():
        Thread.objects.get_or_create(person_id=person_id, merchant_id=merchant.pk, defaults={"last_at": clock.now()})
        thread = Thread.objects.select_for_update(of=("self",)).select_related("merchant").get(
            person_id=person_id, merchant_id=merchant.pk
        )  # fmt: skip
        if thread.answered_at is None:
            if ChatLine.objects.filter(thread=thread).exists():
                raise Refusal("wait_for_answer")
            if talk.has_link(text):
                raise Refusal("first_message_plain")
        line = _said(thread, "person", person_id, text, verdict, line_id)
        contacts.open_window(person_id=person_id, party=("accounts.merchant", merchant.pk), opening="message")
    return line


def answer(*, thread_id: str, person_id: int, text: str) -> ChatLine:
    """A merchant's staff answers.  Refuses: not_found, limited, malformed, contact_refused."""
    found = queries.thread_for(thread_id, person_id=person_id)
    if found.side != "merchant":
        raise Refusal("not_found")
    text = rules.clean("text", text, rules.LIMITS["chat_characters"])
    merchant_id = found.thread.merchant_id
    require_allowed(parties=[("accounts.merchant", merchant_id), ("accounts.person", person_id)], act="message")
    verdict = _checked(text, ("messaging.thread", found.thread.pk), ("accounts.merchant", merchant_id))
    line_id = _judged(text, verdict, ("accounts.merchant", merchant_id), found.thread.person_id, merchant_id)
    with atomic():
        thread = Thread.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=found.thread.pk)
        line = _said(thread, "merchant", person_id, text, verdict, line_id)
        if thread.answered_at is None:
            Thread.objects.filter(pk=thread.pk).update(answered_at=line.at)
        if line.leads_outside:
            _count_offence(merchant_id)
    return line


def _checked(text: str, subject: tuple[str, int], party: tuple[str, int]) -> TextVerdict:
    """A private message is delivered as it was written; what leads outside is warned about, with a record."""
    return check_text(surface=TextSurface.CHAT, text=text, subject=subject, party=party)


def _judged(
    text: str,
    verdict: TextVerdict,
    author: tuple[str, int],
    person_id: int,
    merchant_id: int,
    *,
    is_first: bool = False,
) -> int:
    """Lets the operators' detectors judge a message, by its counts and never by its words; returns the id it will have.

    What they want looked at is delivered and filed as a case; what they block is refused.  Refuses: text_refused.
    """
    line_id = next_id("messaging_chatline")
    judge_words(
        event_type="message", surface=TextSurface.CHAT, words=text, subject=("messaging.chatline", line_id),
        actor=author, verdict=verdict,
        more={
            "message_class": "chat", "is_first_contact": is_first,
            "has_order": trade.has_paid_order(person_id, merchant_id),
            "diversions_30d": _offences(merchant_id) if author[0] == "accounts.merchant" else None,
        },
    )  # fmt: skip
    return line_id


def _said(thread: Thread, side: str, author_id: int, text: str, verdict: TextVerdict, line_id: int) -> ChatLine:
    outside = [hit for hit in verdict.hits if hit.rule_id == OUTSIDE]
    # After an order is paid both sides may speak about how to reach each other for its delivery.
    if outside and all(hit.term == "phone" for hit in outside) and trade.has_paid_order(
        thread.person_id, thread.merchant_id
    ):  # fmt: skip
        outside = []
    leads_outside = bool(outside)
    line, decided = say(
        thread=thread, side=side, author_id=author_id, text=text, leads_outside=leads_outside, line_id=line_id
    )
    if line is None:
        en, zh = queries.REASONS[decided.decision.reason]
        raise Refusal("contact_refused", reason=en, reason_zh=zh)
    Thread.objects.filter(pk=thread.pk).update(last_at=line.at)
    return line


def _count_offence(merchant_id: int) -> None:
    """Each third message of a merchant that leads outside, within thirty days, is a violation."""
    offences = _offences(merchant_id)
    if offences % rules.OFFENCES == 0:
        record_violation(
            party=("accounts.merchant", merchant_id), kind="diversion", severity="minor", by=SYSTEM,
            reason=f"{offences} messages within 30 days led buyers to pay outside.",
            reason_zh=f"30 天内有 {offences} 条消息引导买家站外付款。",
        )  # fmt: skip


def _offences(merchant_id: int) -> int:
    """How many messages of a merchant led outside within thirty days."""
    return ChatLine.objects.filter(
        thread__merchant_id=merchant_id, side="merchant", leads_outside=True, at__gt=clock.now() - rules.OFFENCE_WINDOW
    ).count()
