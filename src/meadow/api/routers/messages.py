"""Operations on messages: the inbox, chats, who may reach me, and a merchant's marketing."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from pydantic import Field

from meadow.accounts import queries as accounts
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.language import language_of
from meadow.api.operations import Group
from meadow.governance.queries import contact as contact_queries
from meadow.governance.services import contact as contacts
from meadow.kernel import cursors
from meadow.messaging import queries, services

group = Group("messages")

MessageId = Annotated[str, Field(pattern=r"^msg_[0-9a-hjkmnp-tv-z]{20}$", examples=["msg_01jd2m4q8r6t0v3x5z7y"])]
ThreadId = Annotated[str, Field(pattern=r"^thr_[0-9a-hjkmnp-tv-z]{20}$", examples=["thr_01jd2m4q8r6t0v3x5z7y"])]
SendId = Annotated[str, Field(pattern=r"^snd_[0-9a-hjkmnp-tv-z]{20}$", examples=["snd_01jd2m4q8r6t0v3x5z7y"])]
Words = Annotated[str, Field(min_length=1, max_length=2000, examples=["Is the shirt warm?"])]
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
    sender: str = Field(examples=["mer_01jd2m4q8r6t0v3x5z7y"])
    sender_name: str = Field(examples=["Linen & Co"])
    via: str = Field(examples=[""], description="The app that sent for the merchant, if any.")
    verdict: str = Field(examples=["refuse"])
    reason: str = Field(examples=["cap_month"])
    reason_text: str = Field(examples=["the sender's messages of this month are used up"])
    at: t.Moment


class StanceOut(t.Out):
    stance: str = Field(examples=["consent"])
    merchant: t.MerchantId
    name: str = Field(examples=["Linen & Co"])
    since: t.Moment


class Reach(t.Out):
    stances: list[StanceOut]
    quiet_from: int = Field(examples=[1320], description="Minutes of the day.")
    quiet_until: int = Field(examples=[480])
    received: list[ContactOut]


class QuietIn(t.In):
    start_minute: Minute
    end_minute: Minute


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
    audience: Annotated[list[t.PersonId], Field(min_length=1, max_length=10_000)]


class SendOut(t.Out):
    id: SendId
    title: str = Field(examples=["New linen"])
    audience: int = Field(description="delivered + skipped + waiting")
    delivered: int
    waiting: int
    skipped: int
    reasons: dict[str, int] = Field(examples=[{"no_consent": 1}])
    at: t.Moment


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


@group.put("/me/reach/{stance}/{merchant}", gives=Reach, scope="buy", refuses=["not_found"])
def set_stance(request: HttpRequest, stance: Stance, merchant: t.MerchantId) -> Any:
    """Consents to a merchant's marketing, or mutes or blocks it; twice is once."""
    party = ("accounts.merchant", accounts.merchant(merchant).pk)
    contacts.set_stance(person_id=caller_of(request).person, stance=stance, party=party, source="api")
    return _reach(request)


@group.delete("/me/reach/{stance}/{merchant}", gives=Reach, scope="buy", refuses=["not_found"])
def end_stance(request: HttpRequest, stance: Stance, merchant: t.MerchantId) -> Any:
    """Takes back a consent, mute or block; twice is once."""
    party = ("accounts.merchant", accounts.merchant(merchant).pk)
    contacts.end_stance(person_id=caller_of(request).person, stance=stance, party=party)
    return _reach(request)


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
    refuses=["not_found", "merchant_suspended", "audience_too_large", "link_blocked", "send_mismatch"],
)  # fmt: skip
def send_marketing(request: HttpRequest, merchant: t.MerchantId, body: SendIn) -> Any:
    """Sends marketing to people who agreed to it; the same client_msg_id within a day gives the first send back."""
    caller = caller_of(request)
    merchant_id = accounts.merchant(merchant).pk
    send = services.send_marketing(
        merchant_id=merchant_id, client_msg_id=body.client_msg_id, title=body.title, text=body.text,
        audience=body.audience, by=caller.staff_of(merchant_id),
    )  # fmt: skip
    return _report(send.public_id, caller.person)


@group.get("/sends/{send}", gives=SendOut, scope="share", refuses=["not_found"])
def get_send(request: HttpRequest, send: SendId) -> Any:
    """What became of a send: delivered and skipped add up to the audience once nobody waits."""
    return _report(send, caller_of(request).person)


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


def _reach(request: HttpRequest) -> dict[str, Any]:
    person_id, is_zh = caller_of(request).person, language_of(request).startswith("zh")
    start, end = contact_queries.quiet_hours(person_id)
    return {
        "quiet_from": start, "quiet_until": end,
        "stances": [
            {"stance": one.stance, "merchant": merchant.public_id, "name": merchant.name, "since": one.since}
            for one in contact_queries.stances_of(person_id)
            if one.party[0] == "accounts.merchant"
            for merchant in [accounts.merchant(one.party[1])]
        ],
        "received": [
            {"sender": merchant.public_id, "sender_name": merchant.name, "via": one.via, "verdict": one.verdict,
             "reason": one.reason, "reason_text": one.reason_zh if is_zh else one.reason_en, "at": one.at}
            for one in contact_queries.commercial_contacts(person_id)
            if one.party[0] == "accounts.merchant"
            for merchant in [accounts.merchant(one.party[1])]
        ],
    }  # fmt: skip
