"""How operators word the notices: each wording is reviewed, and one that sells anything is refused."""

from meadow.governance import services as governance
from meadow.governance.queries import talk
from meadow.governance.services import TextSurface
from meadow.kernel import audit, clock
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.messaging import rules
from meadow.messaging.models import NoticeText
from meadow.messaging.rules import Words


def word_notice(*, topic: str, words: Words, by: Actor) -> NoticeText:
    """The words of a notice from now on.  A service message holds no coupon, no tempting price and no link.

    Refuses: forbidden, not_found, malformed, template_refused.
    """
    governance.require_operator(by)
    if topic not in rules.NOTICES:
        raise Refusal("not_found")
    rules.check_words(topic, words)
    for text in (words.title_en, words.title_zh, words.text_en, words.text_zh):
        _review(text, by)
    with atomic():
        made, _ = NoticeText.objects.update_or_create(
            topic=topic,
            defaults={
                "title_en": words.title_en, "title_zh": words.title_zh, "text_en": words.text_en,
                "text_zh": words.text_zh, "by_id": by.person_id, "at": clock.now(),
            },
        )  # fmt: skip
        audit.record(by, "word_notice", ("messaging.notice", made.pk), after={"topic": topic})
    return made


def use_shipped_words(*, topic: str, by: Actor) -> None:
    """Back to the words that ship; twice is once.  Refuses: forbidden, not_found."""
    governance.require_operator(by)
    if topic not in rules.NOTICES:
        raise Refusal("not_found")
    with atomic():
        NoticeText.objects.filter(topic=topic).delete()
        audit.record(by, "use_shipped_words", ("messaging.notices", 1), after={"topic": topic})


def _review(text: str, by: Actor) -> None:
    """Refuses: template_refused."""
    operator = ("accounts.person", by.person_id or 1)
    verdict = governance.check_text(surface=TextSurface.TEMPLATE, text=text, subject=operator, by=by)
    if verdict.verdict != "allow":
        hit = verdict.hits[0]
        raise Refusal("template_refused", rule=hit.rule, term=hit.shown or hit.term)
    if talk.has_link(text):
        raise Refusal("template_refused", rule="messages.service_only", term=text[:60])
