"""A merchant's marketing to a list of people: accepted once, delivered one by one, each judged when it goes out."""

import hashlib
import json
from collections.abc import Sequence

from meadow.accounts import queries as accounts
from meadow.governance.services import TextSurface, require_links, require_text
from meadow.governance.services import contact as contacts
from meadow.governance.services.contact import Sender
from meadow.kernel import clock, db, signing
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.messaging import rules
from meadow.messaging.models import Delivery, Send
from meadow.messaging.rules import Words
from meadow.messaging.services.delivery import UNSUBSCRIBE, deliver


def send_marketing(
    *, merchant_id: int, client_msg_id: str, title: str, text: str, audience: Sequence[str], by: Actor, via: str = ""
) -> Send:
    """Accepts a message to people, named by public ids.  The same client_msg_id within a day gives the first send back.

    Refuses: not_found, merchant_suspended, malformed, audience_too_large, link_blocked, send_mismatch, text_refused,
    text_unclear.
    """
    if by.person_id is None or not accounts.may_act_for(by.person_id, merchant_id, ("owner", "staff")):
        raise Refusal("not_found")
    accounts.require_merchant(merchant_id)
    client_msg_id = rules.clean("client_msg_id", client_msg_id, 64)
    title = rules.clean("title", title, rules.LIMITS["title_characters"])
    text = rules.clean("text", text, rules.LIMITS["text_characters"])
    wanted = sorted(set(audience))
    if len(wanted) > rules.LIMITS["audience"]:
        raise Refusal("audience_too_large", most=rules.LIMITS["audience"])
    words, merchant = f"{title}\n{text}", ("accounts.merchant", merchant_id)
    require_links(surface="post", subject=merchant, text=words)
    verdict = require_text(surface=TextSurface.AD, text=words, subject=merchant, merchant_id=merchant_id)
    if verdict.verdict == "review":
        # Nobody looks at a message before it goes out, so it must be clear as it stands.
        hit = verdict.hits[0]
        raise Refusal("text_unclear", rule=hit.rule, term=hit.shown or hit.term)
    digest = hashlib.sha256(json.dumps([title, text, wanted]).encode()).hexdigest()
    at = clock.now()
    with atomic():
        db.execute("SELECT pg_advisory_xact_lock(hashtextextended('messaging:send', %s))", [merchant_id])
        known = Send.objects.filter(
            merchant_id=merchant_id, client_msg_id=client_msg_id, at__gt=at - rules.SEND_REMEMBERED
        ).first()
        if known is not None:
            if known.digest != digest:
                raise Refusal("send_mismatch")
            return known
        found = accounts.Person.objects.filter(public_id__in=wanted, is_active=True).values_list("pk", flat=True)
        people = list(found)
        send = Send.objects.create(
            merchant_id=merchant_id, client_msg_id=client_msg_id, digest=digest, title=title, text=text, via=via[:80],
            audience=len(wanted), unknown=len(wanted) - len(people), by_id=by.person_id, at=at,
        )  # fmt: skip
        Delivery.objects.bulk_create(Delivery(send=send, person_id=person_id, due_at=at) for person_id in people)
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
