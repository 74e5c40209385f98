"""A merchant's marketing to a list of people: accepted once, delivered one by one, each judged when it goes out."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings

from meadow.accounts import queries as accounts
from meadow.governance import queries as governance
from meadow.governance.queries import contact as contact_queries
from meadow.governance.queries import reaching
from meadow.governance.services import TextSurface, TextVerdict, judge_words, next_id, require_links, require_text
from meadow.governance.services import contact as contacts
from meadow.governance.services.contact import Sender
from meadow.kernel import audit, clock, db, signing
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.messaging import rules
from meadow.messaging.models import Delivery, Send
from meadow.messaging.rules import Words
from meadow.messaging.services.delivery import UNSUBSCRIBE, deliver
from meadow.messaging.services.notices import notify


@dataclass(frozen=True, slots=True)
class Preview:
    """A message before it is sent: now + waiting + skipped = counted, and counted is less than very many."""

    title: str
    text: str
    audience: int
    counted: int
    now: int
    waiting: int
    first: datetime | None
    last: datetime | None
    reasons: dict[str, int]
    needs_other: bool
    others: int  # how many could confirm it, if somebody must

    @property
    def skipped(self) -> int:
        return sum(self.reasons.values())


def send_marketing(
    *,
    merchant_id: int,
    client_msg_id: str,
    title: str,
    text: str,
    audience: Sequence[str] | None,
    by: Actor,
    via: str = "",
) -> Send:
    """Accepts a message to people, named by public ids, or to everybody who agreed (audience None).

    The same client_msg_id within a day gives the first send back.  To more people than the installation's threshold
    it waits for a second person, for half an hour.
    Refuses: not_found, merchant_suspended, malformed, audience_too_large, link_blocked, send_mismatch, text_refused,
    text_unclear.
    """
    writer_id = _require_sender(merchant_id, by)
    client_msg_id = rules.clean("client_msg_id", client_msg_id, 64)
    title, text, verdict = _clear_words(merchant_id, title, text)
    wanted = _named(audience)
    send_id = next_id("messaging_send")
    if _known(merchant_id, client_msg_id) is None:
        _judge(send_id, merchant_id, f"{title}\n{text}", verdict)
    digest = hashlib.sha256(json.dumps([title, text, wanted if audience is not None else "*"]).encode()).hexdigest()
    at = clock.now()
    with atomic():
        db.execute("SELECT pg_advisory_xact_lock(hashtextextended('messaging:send', %s))", [merchant_id])
        known = _known(merchant_id, client_msg_id)
        if known is not None:
            if known.digest != digest:
                raise Refusal("send_mismatch")
            return known
        people, size = _people(merchant_id, wanted if audience is not None else None)
        needs_other = size > settings.MEADOW.confirm_audience
        send = Send.objects.create(
            pk=send_id, merchant_id=merchant_id, client_msg_id=client_msg_id, digest=digest, title=title, text=text, via=via[:80],
            audience=size, unknown=size - len(people), by_id=writer_id, at=at,
            state="unconfirmed" if needs_other else "accepted", confirm_by=at + rules.CONFIRM_WITHIN if needs_other else None,
        )  # fmt: skip
        rows = (Delivery(send=send, person_id=person_id, due_at=at) for person_id in people)
        Delivery.objects.bulk_create(rows, batch_size=5_000)
        if needs_other:
            _ask_others(send)
    return send


def preview_send(*, merchant_id: int, title: str, text: str, audience: Sequence[str] | None, by: Actor) -> Preview:
    """How a message would fare if it were sent now: whom it reaches, who waits, who is skipped and why, in counts.

    Its words are checked as sending checks them; nothing is sent, and nothing counts against anybody's caps.
    Refuses: what sending refuses.
    """
    writer_id = _require_sender(merchant_id, by)
    title, text, _verdict = _clear_words(merchant_id, title, text)
    people, size = _people(merchant_id, _named(audience) if audience is not None else None)
    counted = people[: rules.LIMITS["foreseen"]]
    found = reaching.foresee(party=("accounts.merchant", merchant_id), kind="marketing", person_ids=counted)
    skipped = dict(found.refused)
    if size > len(people):
        skipped["no_recipient"] = skipped.get("no_recipient", 0) + size - len(people)
    needs_other = size > settings.MEADOW.confirm_audience
    return Preview(
        title, text, size, len(counted) + size - len(people), found.allowed, found.waiting, found.first, found.last,
        skipped, needs_other, len(_others(merchant_id, writer_id)) if needs_other else 0,
    )  # fmt: skip


def confirm_send(*, send_id: str, by: Actor) -> Send:
    """A second person of the merchant lets a message to many go out.

    Refuses: not_found, merchant_suspended, other_must_confirm, stale_state.
    """
    with atomic():
        send = _locked(send_id, by)
        accounts.require_merchant(send.merchant_id)
        if by.person_id == send.by_id:
            raise Refusal("other_must_confirm")
        at = clock.now()
        if send.state == "unconfirmed" and send.confirm_by is not None and send.confirm_by <= at:
            raise Refusal("stale_state", state="expired", event="confirm")
        db.move(send, rules.SEND, "confirm", confirmed_by_id=by.person_id)
        Delivery.objects.filter(send=send, state="waiting").update(due_at=at)
        audit.record(by, "confirm_send", ("messaging.send", send.pk), after={"audience": send.audience})
    return send


def expire_send(*, send: Send) -> None:
    """Nobody else confirmed it in time: it is never sent.  The row is locked by the sweep."""
    db.move(send, rules.SEND, "expire")
    Delivery.objects.filter(send=send, state="waiting").update(state="skipped", reason="expired", due_at=None)


def _require_sender(merchant_id: int, by: Actor) -> int:
    """The person who sends for a merchant.  Refuses: not_found, merchant_suspended."""
    if by.person_id is None or not accounts.may_act_for(by.person_id, merchant_id, ("owner", "staff")):
        raise Refusal("not_found")
    accounts.require_merchant(merchant_id)
    return by.person_id


def _known(merchant_id: int, client_msg_id: str) -> Send | None:
    """The send that a client_msg_id names, while it is remembered."""
    since = clock.now() - rules.SEND_REMEMBERED
    return Send.objects.filter(merchant_id=merchant_id, client_msg_id=client_msg_id, at__gt=since).first()


def _judge(send_id: int, merchant_id: int, words: str, verdict: TextVerdict) -> None:
    """Lets the operators' detectors judge a message to many; what they want looked at first is not sent.

    Refuses: text_refused, text_unclear.
    """
    merchant = ("accounts.merchant", merchant_id)
    heard = judge_words(
        event_type="message", surface=TextSurface.AD, words=words, subject=("messaging.send", send_id), actor=merchant,
        verdict=verdict, more={"message_class": "marketing"},
    )  # fmt: skip
    if heard.decision_id is not None:
        made = governance.decision(heard.decision_id)
        raise Refusal("text_unclear", rule=f"{made.rule_id} v{made.rule_version}", term=words[:40])


def _clear_words(merchant_id: int, title: str, text: str) -> tuple[str, str, TextVerdict]:
    """Refuses: malformed, link_blocked, text_refused, text_unclear."""
    title = rules.clean("title", title, rules.LIMITS["title_characters"])
    text = rules.clean("text", text, rules.LIMITS["text_characters"])
    words, merchant = f"{title}\n{text}", ("accounts.merchant", merchant_id)
    require_links(surface="post", subject=merchant, text=words)
    verdict = require_text(surface=TextSurface.AD, text=words, subject=merchant, merchant_id=merchant_id)
    if verdict.verdict == "review":
        # Nobody looks at a message before it goes out, so it must be clear as it stands.
        hit = verdict.hits[0]
        raise Refusal("text_unclear", rule=hit.rule, term=hit.shown or hit.term)
    return title, text, verdict


def _named(audience: Sequence[str] | None) -> list[str]:
    """Refuses: audience_too_large."""
    wanted = sorted(set(audience or ()))
    if len(wanted) > rules.LIMITS["audience"]:
        raise Refusal("audience_too_large", most=rules.LIMITS["audience"])
    return wanted


def _people(merchant_id: int, wanted: list[str] | None) -> tuple[list[int], int]:
    """Who is meant, and how many were named.  Refuses: audience_too_large."""
    if wanted is not None:
        found = accounts.Person.objects.filter(public_id__in=wanted, is_active=True).values_list("pk", flat=True)
        return list(found), len(wanted)
    most = rules.LIMITS["everybody"]
    people = contact_queries.consenting(("accounts.merchant", merchant_id), most + 1)
    if len(people) > most:
        raise Refusal("audience_too_large", most=most)
    return people, len(people)


def _ask_others(send: Send) -> None:
    """Tells whoever could confirm it; the writer cannot."""
    writer, until = accounts.person(send.by_id), send.confirm_by
    assert until is not None
    for person_id in _others(send.merchant_id, send.by_id):
        notify(
            person_id=person_id, topic="send_waits", cause=("messaging.send", send.pk),
            title=send.title, audience=str(send.audience), name=writer.name or writer.public_id,
            until=f"{until.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        )  # fmt: skip


def _others(merchant_id: int, writer_id: int) -> list[int]:
    """Who may let out what somebody has written."""
    return [
        int(one["person_id"])
        for one in accounts.staff_of(merchant_id)
        if one["role"] in ("owner", "staff") and one["person_id"] != writer_id
    ]


def _locked(send_id: str, by: Actor) -> Send:
    """Refuses: not_found, also for who does not act for the merchant."""
    send = Send.objects.select_for_update(of=("self",)).filter(public_id=send_id).first()
    if (
        send is None
        or by.person_id is None
        or not accounts.may_act_for(by.person_id, send.merchant_id, ("owner", "staff"))
    ):
        raise Refusal("not_found")
    return send


def pass_delivery(*, delivery: Delivery) -> None:
    """Delivers to one person, skips them with the reason, or waits for the end of their quiet hours."""
    send = delivery.send
    words = Words(send.title, send.title, send.text, send.text)
    decided = deliver(
        person_id=delivery.person_id, sender=Sender(("accounts.merchant", send.merchant_id), via=send.via),
        kind="marketing", words=words, cause=("messaging.send", send.pk), once=f"send:{send.pk}:{delivery.person_id}",
    )  # fmt: skip
    one = decided.decision if decided else None
    if one is not None and one.verdict == "defer":
        Delivery.objects.filter(pk=delivery.pk).update(due_at=one.until, reason=one.reason)
    elif one is None:
        Delivery.objects.filter(pk=delivery.pk).update(state="skipped", reason="no_recipient", due_at=None)
    else:
        state = "delivered" if one.verdict == "allow" else "skipped"
        Delivery.objects.filter(pk=delivery.pk).update(state=state, reason=one.reason, due_at=None)


def unsubscribe(*, token: str) -> int:
    """One tap on the link of a message ends that merchant's marketing; twice is once.  Refuses: not_found.

    Returns the merchant.  No sign-in: the link proves who it was sent to.
    """
    payload = signing.unsign(token, UNSUBSCRIBE)
    if payload is None:
        raise Refusal("not_found")
    contacts.end_stance(person_id=payload["p"], stance="consent", party=("accounts.merchant", payload["m"]))
    return int(payload["m"])
