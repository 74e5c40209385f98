"""Operations on messages: the inbox, chats, who may reach me, and a merchant's marketing."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from pydantic import Field

from meadow.accounts import queries as accounts
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.language import language_of
from meadow.api.operations import Group
from meadow.governance import queries as governance
from meadow.governance.queries import contact as contact_queries
from meadow.governance.services import contact as contacts
from meadow.kernel import cursors
from meadow.messaging import queries, services

group = Group("messages")

MessageId = Annotated[str, Field(pattern=r"^msg_[0-9a-hjkmnp-tv-z]{20}$", examples=["msg_01jd2m4q8r6t0v3x5z7y"])]
ThreadId = Annotated[str, Field(pattern=r"^thr_[0-9a-hjkmnp-tv-z]{20}$", examples=["thr_01jd2m4q8r6t0v3x5z7y"])]
SendId = Annotated[str, Field(pattern=r"^snd_[0-9a-hjkmnp-tv-z]{20}$", examples=["snd_01jd2m4q8r6t0v3x5z7y"])]
Words = Annotated[str, Field(min_length=1, max_length=2000, examples=["Is the shirt warm?"])]
Party = Annotated[str, Field(pattern=r"^(mer|cre|per)_[0-9a-hjkmnp-tv-z]{20}$", examples=["mer_01jd2m4q8r6t0v3x5z7y"])]
Topic = Annotated[str, Field(pattern=r"^[a-z_]{3,40}$", examples=["order_paid"])]
Stance = Literal["consent", "mute", "block"]
Minute = Annotated[int, Field(ge=0, le=1439, examples=[1320])]
Chatting = ("buy", "ship")


class MessageOut(t.Out):
    id: MessageId
    kind: str = Field(examples=["service"])
    title: str = Field(examples=["Your order is paid"])
    text: str = Field(examples=["Order ord_… is paid."])
    at: t.Moment
    is_read: bool


class Inbox(t.Out):
    items: list[MessageOut]
    unread: int
    next_cursor: str | None


class ContactOut(t.Out):
    sender: Party
    sender_name: str = Field(examples=["Linen & Co"])
    via: str = Field(examples=[""], description="The app that sent for the merchant, if any.")
    verdict: str = Field(examples=["refuse"])
    reason: str = Field(examples=["cap_month"])
    reason_text: str = Field(examples=["the sender's messages of this month are used up"])
    at: t.Moment


class StanceOut(t.Out):
    stance: str = Field(examples=["consent"])
    party: Party
    kind: str = Field(examples=["merchant"])
    name: str = Field(examples=["Linen & Co"])
    since: t.Moment


class Reach(t.Out):
    stances: list[StanceOut]
    quiet_from: int = Field(examples=[1320], description="Minutes of the day.")
    quiet_until: int = Field(examples=[480])
    day_most: int = Field(examples=[2], description="Marketing a day, of everybody together.")
    month_most: int = Field(examples=[4], description="Marketing a month, of one seller with all their shops.")
    received: list[ContactOut]


class QuietIn(t.In):
    start_minute: Minute
    end_minute: Minute


class CapsIn(t.In):
    day_most: Annotated[int, Field(ge=0, le=contact_queries.PERSON_DAY, examples=[1])]
    month_most: Annotated[int, Field(ge=0, le=contact_queries.OWNER_MONTH, examples=[2])]


class ContactFigures(t.Out):
    """How much marketing people get on one of their days, of those who get any."""

    p99: int = Field(examples=[2])
    most: int = Field(examples=[2])
    ceiling: int = Field(description="What nobody can get more than, whoever sends.", examples=[2])
    days: int = Field(examples=[30])


class PhoneIn(t.In):
    phone: Annotated[str, Field(max_length=40, examples=["13800138000"])]


class PhoneOut(t.Out):
    phone: str = Field(examples=["13800138000"])


class PhonesOut(t.Out):
    order: t.OrderId
    side: str = Field(examples=["buyer"])
    mine: str = Field(examples=["13800138000"])
    theirs_masked: str = Field(examples=["139****8001"])


class NoticeIn(t.In):
    title_en: Annotated[str, Field(min_length=1, max_length=80, examples=["Your order is paid"])]
    title_zh: Annotated[str, Field(min_length=1, max_length=80, examples=["订单已支付"])]
    text_en: Annotated[str, Field(min_length=1, max_length=2000, examples=["Order {order} is paid."])]
    text_zh: Annotated[str, Field(min_length=1, max_length=2000, examples=["订单 {order} 已支付。"])]


class NoticeOut(NoticeIn):
    topic: Topic


class ChatIn(t.In):
    text: Words


class LineOut(t.Out):
    id: MessageId
    side: str = Field(examples=["person"])
    text: str = Field(examples=["Is the shirt warm?"])
    warning: str | None = Field(examples=[None], description="Shown beside a message that leads to paying outside.")
    at: t.Moment


class ChatOut(t.Out):
    id: ThreadId
    merchant: t.MerchantId
    merchant_name: str = Field(examples=["Linen & Co"])
    side: str = Field(examples=["person"])
    lines: list[LineOut]


class ChatShort(t.Out):
    id: ThreadId
    merchant: t.MerchantId
    merchant_name: str = Field(examples=["Linen & Co"])
    side: str = Field(examples=["person"])
    last_at: t.Moment


class SendIn(t.In):
    client_msg_id: Annotated[str, Field(min_length=1, max_length=64, examples=["spring-1"])]
    title: Annotated[str, Field(min_length=1, max_length=80, examples=["New linen"])]
    text: Annotated[str, Field(min_length=1, max_length=2000, examples=["The spring colours are here."])]
    audience: Annotated[list[t.PersonId], Field(min_length=1, max_length=10_000)] | None = Field(
        default=None, description="Left out, it goes to everybody who agreed to marketing from this merchant."
    )


class SendPreviewIn(t.In):
    title: Annotated[str, Field(min_length=1, max_length=80, examples=["New linen"])]
    text: Annotated[str, Field(min_length=1, max_length=2000, examples=["The spring colours are here."])]
    audience: Annotated[list[t.PersonId], Field(min_length=1, max_length=10_000)] | None = Field(
        default=None, description="Left out: everybody who agreed to marketing from this merchant."
    )


class SendPreviewOut(t.Out):
    """How the message would fare if it were sent now."""

    audience: int
    counted: int = Field(
        description="How many were looked at: now + waiting + skipped. Less than a very large audience."
    )
    now: int = Field(description="Whom it would reach at once.")
    waiting: int = Field(description="Who are within their quiet hours: theirs comes when these end.")
    first: t.Moment | None = Field(description="When the first of these quiet hours ends.")
    last: t.Moment | None
    skipped: int
    reasons: dict[str, int] = Field(examples=[{"no_consent": 1, "cap_month": 3}])
    needs_other: bool = Field(description="Whether somebody else of the merchant must confirm it.")
    others: int = Field(description="How many people could.")


class SendOut(t.Out):
    id: SendId
    title: str = Field(examples=["New linen"])
    audience: int = Field(description="delivered + skipped + waiting")
    delivered: int
    waiting: int
    skipped: int
    reasons: dict[str, int] = Field(examples=[{"no_consent": 1}])
    at: t.Moment
    state: str = Field(examples=["accepted"], description="accepted, unconfirmed or expired")
    confirm_by: t.Moment | None = Field(description="Until when a second person must confirm it, if one must.")


@group.get("/me/inbox", gives=Inbox, scope="buy")
def get_inbox(request: HttpRequest, cursor: t.Cursor = "", limit: t.PageSize = t.PAGE) -> Any:
    """One's messages, the newest first."""
    person_id, language = caller_of(request).person, language_of(request)
    before_id = _before(cursor)
    found = queries.inbox(person_id, before_id=before_id, limit=limit + 1)
    items = []
    for row in found[:limit]:
        words = queries.said(row, language)
        items.append(
            {"id": row.public_id, "kind": row.kind, "title": words.title, "text": words.text, "at": row.at,
             "is_read": row.read_at is not None}
        )  # fmt: skip
    more = cursors.seal([found[limit - 1].pk], "inbox") if len(found) > limit else None
    return {"items": items, "unread": queries.unread(person_id), "next_cursor": more}


@group.post("/me/inbox/{message}/read", scope="buy", refuses=["not_found"])
def mark_message_read(request: HttpRequest, message: MessageId) -> None:
    """Marks a message as read; twice is once."""
    services.mark_read(message_id=message, person_id=caller_of(request).person)


@group.get("/me/reach", gives=Reach, scope="buy")
def get_my_reach(request: HttpRequest) -> Any:
    """Who may reach me, and every commercial contact received or kept away, with its reason."""
    return _reach(request)


@group.put("/me/reach/{stance}/{party}", gives=Reach, scope="buy", refuses=["not_found"])
def set_stance(request: HttpRequest, stance: Stance, party: Party) -> Any:
    """Consents to a merchant's marketing, or mutes or blocks a merchant, creator or person; twice is once."""
    contacts.set_stance(person_id=caller_of(request).person, stance=stance, party=_party(party), source="api")
    return _reach(request)


@group.delete("/me/reach/{stance}/{party}", gives=Reach, scope="buy", refuses=["not_found"])
def end_stance(request: HttpRequest, stance: Stance, party: Party) -> Any:
    """Takes back a consent, mute or block; twice is once."""
    contacts.end_stance(person_id=caller_of(request).person, stance=stance, party=_party(party))
    return _reach(request)


@group.put("/me/caps", gives=Reach, scope="buy")
def set_caps(request: HttpRequest, body: CapsIn) -> Any:
    """Sets how much marketing one takes, at most what the house allows anybody; nought is none."""
    contacts.set_caps(person_id=caller_of(request).person, day_most=body.day_most, month_most=body.month_most)
    return _reach(request)


@group.get("/figures/contacts", gives=ContactFigures, guests=True)
def get_contact_figures(request: HttpRequest) -> Any:
    """How many commercial messages people got a day over the last thirty: the p99, the most, and the hard ceiling."""
    return contact_queries.contacts_a_day()


@group.put("/me/quiet-hours", gives=Reach, scope="buy")
def set_quiet_hours(request: HttpRequest, body: QuietIn) -> Any:
    """Sets when marketing must wait, in minutes of one's own day; equal ends mean never."""
    contacts.set_quiet_hours(
        person_id=caller_of(request).person, start_minute=body.start_minute, end_minute=body.end_minute
    )
    return _reach(request)


@group.get("/me/chats", gives=list[ChatShort], scope=Chatting)
def list_chats(request: HttpRequest) -> Any:
    """One's talks with shops, or with buyers as a shop's staff, the newest first."""
    return [
        {"id": held.thread.public_id, "merchant": held.thread.merchant.public_id, "side": held.side,
         "merchant_name": held.thread.merchant.name, "last_at": held.thread.last_at}
        for held in queries.threads_of(caller_of(request).person)
    ]  # fmt: skip


@group.get("/chats/{chat}", gives=ChatOut, scope=Chatting, refuses=["not_found"])
def get_chat(request: HttpRequest, chat: ThreadId) -> Any:
    """A talk, to its two sides alone."""
    return _chat(request, chat)


@group.post(
    "/merchants/{merchant}/chat", gives=ChatOut, status=201, scope="buy",
    refuses=["not_found", "limited", "first_message_plain", "wait_for_answer", "contact_refused"],
)  # fmt: skip
def write_to_merchant(request: HttpRequest, merchant: t.MerchantId, body: ChatIn) -> Any:
    """Writes to a merchant; a first message is one without a link until it is answered."""
    line = services.write_to_merchant(
        merchant_id=accounts.merchant(merchant).pk, person_id=caller_of(request).person, text=body.text
    )
    return _chat(request, line.thread.public_id)


@group.post(
    "/chats/{chat}/answers",
    gives=ChatOut,
    status=201,
    scope="ship",
    refuses=["not_found", "limited", "contact_refused"],
)
def answer_chat(request: HttpRequest, chat: ThreadId, body: ChatIn) -> Any:
    """Answers as a merchant's staff, within the window that the buyer opened."""
    caller = caller_of(request)
    held = queries.thread_for(chat, person_id=caller.person)
    caller.within(held.thread.merchant_id)
    services.answer(thread_id=chat, person_id=caller.person, text=body.text)
    return _chat(request, chat)


@group.post(
    "/merchants/{merchant}/sends", gives=SendOut, status=201, scope="share",
    refuses=["not_found", "merchant_suspended", "audience_too_large", "link_blocked", "text_refused", "text_unclear",
             "send_mismatch"],
)  # fmt: skip
def send_marketing(request: HttpRequest, merchant: t.MerchantId, body: SendIn) -> Any:
    """Sends marketing to people who agreed to it; the same client_msg_id within a day gives the first send back.

    To more people than the installation's threshold (10,000 unless set) it waits until somebody else of the merchant
    confirms it, and expires after half an hour.
    """
    caller = caller_of(request)
    merchant_id = accounts.merchant(merchant).pk
    send = services.send_marketing(
        merchant_id=merchant_id, client_msg_id=body.client_msg_id, title=body.title, text=body.text,
        audience=body.audience, by=caller.staff_of(merchant_id),
    )  # fmt: skip
    return _report(send.public_id, caller.person)


@group.post(
    "/merchants/{merchant}/send-previews", gives=SendPreviewOut, scope="share",
    refuses=["not_found", "merchant_suspended", "audience_too_large", "link_blocked", "text_refused", "text_unclear"],
)  # fmt: skip
def preview_send(request: HttpRequest, merchant: t.MerchantId, body: SendPreviewIn) -> Any:
    """Says whom a message would reach if it were sent now, who would wait and who be skipped and why; sends nothing."""
    merchant_id = accounts.merchant(merchant).pk
    found = services.preview_send(
        merchant_id=merchant_id, title=body.title, text=body.text, audience=body.audience,
        by=caller_of(request).staff_of(merchant_id),
    )  # fmt: skip
    return {name: getattr(found, name) for name in SendPreviewOut.model_fields}


@group.get("/sends/{send}", gives=SendOut, scope="share", refuses=["not_found"])
def get_send(request: HttpRequest, send: SendId) -> Any:
    """What became of a send: delivered and skipped add up to the audience once nobody waits."""
    return _report(send, caller_of(request).person)


@group.post(
    "/sends/{send}/confirm", gives=SendOut, scope="share",
    refuses=["not_found", "merchant_suspended", "other_must_confirm", "stale_state"],
)  # fmt: skip
def confirm_send(request: HttpRequest, send: SendId) -> Any:
    """A second person of the merchant lets a message to many go out; its writer cannot."""
    caller = caller_of(request)
    services.confirm_send(send_id=send, by=caller.within(queries.merchant_of_send(send)))
    return _report(send, caller.person)


@group.get("/orders/{order}/phone", gives=PhonesOut, scope=Chatting, refuses=["not_found", "order_unpaid"])
def get_order_phones(request: HttpRequest, order: t.OrderId) -> Any:
    """The numbers that the two sides of a paid order gave each other, the other side's masked."""
    return queries.phones_of(order, person_id=caller_of(request).person)


@group.put("/orders/{order}/phone", gives=PhonesOut, scope=Chatting, refuses=["not_found", "order_unpaid"])
def share_phone(request: HttpRequest, order: t.OrderId, body: PhoneIn) -> Any:
    """Gives the other side of a paid order a number for its delivery; an empty one takes it back."""
    person_id = caller_of(request).person
    services.share_phone(order_id=order, person_id=person_id, phone=body.phone)
    return queries.phones_of(order, person_id=person_id)


@group.post("/orders/{order}/phone/reveal", gives=PhoneOut, scope=Chatting, refuses=["not_found", "order_unpaid"])
def reveal_phone(request: HttpRequest, order: t.OrderId) -> Any:
    """The other side's number in full; that one looked is written down."""
    return {"phone": services.reveal_phone(order_id=order, person_id=caller_of(request).person)}


@group.get("/notices", gives=list[NoticeOut], scope="operate", refuses=["forbidden"])
def list_notices(request: HttpRequest) -> Any:
    """Every service notice, as it is worded now."""
    caller_of(request).operator()
    return [_notice(topic, words) for topic, words in queries.notices().items()]


@group.put("/notices/{topic}", gives=NoticeOut, scope="operate", refuses=["forbidden", "not_found", "template_refused"])
def word_notice(request: HttpRequest, topic: Topic, body: NoticeIn) -> Any:
    """Words a service notice anew; one that sells anything is refused."""
    words = queries.Words(body.title_en, body.title_zh, body.text_en, body.text_zh)
    services.word_notice(topic=topic, words=words, by=caller_of(request).operator())
    return _notice(topic, queries.notice_words(topic))


@group.delete("/notices/{topic}", status=204, scope="operate", refuses=["forbidden", "not_found"])
def use_shipped_words(request: HttpRequest, topic: Topic) -> None:
    """Back to the words that ship; twice is once."""
    services.use_shipped_words(topic=topic, by=caller_of(request).operator())


@group.post("/unsubscribe/{token}", guests=True, refuses=["not_found"])
def unsubscribe(request: HttpRequest, token: Annotated[str, Field(max_length=400)]) -> None:
    """Ends a merchant's marketing by the link of a message, without signing in; twice is once."""
    services.unsubscribe(token=token)


def _before(cursor: str) -> int | None:
    return int(cursors.unseal(cursor, "inbox")[0]) if cursor else None


def _report(send: str, person_id: int) -> dict[str, Any]:
    found = queries.report_of_send(send, person_id=person_id)
    return {
        "id": found.public_id, "title": found.title, "audience": found.audience, "delivered": found.delivered,
        "waiting": found.waiting, "skipped": found.skipped, "reasons": found.reasons, "at": found.at,
        "state": found.state, "confirm_by": found.confirm_by,
    }  # fmt: skip


def _chat(request: HttpRequest, chat: str) -> dict[str, Any]:
    held = queries.thread_for(chat, person_id=caller_of(request).person)
    warning = queries.WARNING[1 if language_of(request).startswith("zh") else 0]
    return {
        "id": chat, "merchant": held.thread.merchant.public_id, "merchant_name": held.thread.merchant.name,
        "side": held.side,
        "lines": [
            {"id": line.public_id, "side": line.side, "text": line.text, "at": line.at,
             "warning": warning if line.leads_outside else None}
            for line in queries.lines_of(held)
        ],
    }  # fmt: skip


def _notice(topic: str, words: queries.Words) -> dict[str, str]:
    return {
        "topic": topic, "title_en": words.title_en, "title_zh": words.title_zh, "text_en": words.text_en,
        "text_zh": words.text_zh,
    }  # fmt: skip


def _party(public_id: str) -> tuple[str, int]:
    """Refuses: not_found."""
    kind = {"mer": "merchant", "cre": "creator", "per": "person"}[public_id[:3]]
    return governance.subject_named(kind, public_id)


def _reach(request: HttpRequest) -> dict[str, Any]:
    person_id, is_zh = caller_of(request).person, language_of(request).startswith("zh")
    start, end = contact_queries.quiet_hours(person_id)
    day_most, month_most = contact_queries.caps(person_id)
    stances, received = contact_queries.stances_of(person_id), contact_queries.commercial_contacts(person_id)
    faces = governance.faces([one.party for one in stances] + [one.party for one in received])
    return {
        "quiet_from": start, "quiet_until": end, "day_most": day_most, "month_most": month_most,
        "stances": [
            {"stance": one.stance, "party": faces[one.party].public_id, "kind": faces[one.party].name,
             "name": faces[one.party].title, "since": one.since}
            for one in stances
        ],
        "received": [
            {"sender": faces[one.party].public_id, "sender_name": faces[one.party].title, "via": one.via,
             "verdict": one.verdict, "reason": one.reason,
             "reason_text": one.reason_zh if is_zh else one.reason_en, "at": one.at}
            for one in received
        ],
    }  # fmt: skip
