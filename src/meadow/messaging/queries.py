"""What stands in an inbox, what two sides said, and what became of a send."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from meadow.accounts import queries as accounts
from meadow.governance import queries as governance
from meadow.governance.queries.contact import REASONS
from meadow.kernel import rows
from meadow.kernel.errors import Refusal
from meadow.messaging import rules
from meadow.messaging.models import ChatLine, Delivery, Message, NoticeText, PhoneShare, Send, Thread
from meadow.messaging.rules import ACTIONS, LIMITS, NO_ESCROW, OUTCOMES, REPORTABLE, WARNING, Words
from meadow.trade import queries as trade

__all__ = [
    "ACTIONS",
    "LIMITS",
    "NO_ESCROW",
    "Phones",
    "Words",
    "OUTCOMES",
    "REASONS",
    "REPORTABLE",
    "WARNING",
    "Held",
    "Report",
    "Said",
    "SendShort",
    "around",
    "author_of",
    "inbox",
    "line_faces",
    "line_id_of",
    "lines_of",
    "merchant_of_send",
    "notice_words",
    "notices",
    "paid_order",
    "phones_of",
    "reportable",
    "report_of_send",
    "said",
    "sends_of",
    "thread_for",
    "threads_of",
    "unread",
]


@dataclass(frozen=True, slots=True)
class Said:
    """A message in one language."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Held:
    """A talk in the hands of one of its two sides."""

    thread: Thread
    side: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a send: delivered + skipped + waiting = audience, and waiting ends at zero."""

    public_id: str
    title: str
    audience: int
    delivered: int
    waiting: int
    skipped: int
    reasons: dict[str, int]
    at: datetime
    state: str = "accepted"  # unconfirmed until a second person agrees, expired if nobody does
    confirm_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Phones:
    """The telephone numbers of an order to one of its sides: one's own, and the other's masked."""

    order: str
    side: str
    mine: str
    theirs_masked: str


def said(message: Message, language: str) -> Said:
    """The words of a message in a language."""
    if language.startswith("zh"):
        return Said(message.title_zh, message.text_zh)
    return Said(message.title_en, message.text_en)


def inbox(person_id: int, *, before_id: int | None = None, limit: int = 20) -> list[Message]:
    """A person's messages, the newest first."""
    found = Message.objects.filter(person_id=person_id)
    if before_id is not None:
        found = found.filter(pk__lt=before_id)
    return list(found.order_by("-pk")[: min(limit, rules.LIMITS["page"])])


def unread(person_id: int) -> int:
    return Message.objects.filter(person_id=person_id, read_at__isnull=True).count()


def threads_of(person_id: int, limit: int = 50) -> list[Held]:
    """A person's talks, on either side, the one with the newest message first."""
    mine = {member.merchant_id for member in accounts.merchants_of(person_id)}
    found = Thread.objects.filter(Q(person_id=person_id) | Q(merchant_id__in=mine)).select_related("person", "merchant")
    rows = found.order_by("-last_at", "-pk")[: min(limit, rules.LIMITS["page"])]
    return [Held(row, "person" if row.person_id == person_id else "merchant") for row in rows]


def thread_for(public_id: str, *, person_id: int) -> Held:
    """A talk, to one of its two sides and nobody else, operators included.  Refuses: not_found."""
    found = Thread.objects.filter(public_id=public_id).select_related("person", "merchant").first()
    if found is not None and found.person_id == person_id:
        return Held(found, "person")
    if found is not None and accounts.may_act_for(person_id, found.merchant_id):
        return Held(found, "merchant")
    raise Refusal("not_found")


def lines_of(held: Held, limit: int = 100) -> list[ChatLine]:
    """The newest lines of a talk, the oldest of them first.  Only who holds the talk can ask."""
    found = ChatLine.objects.filter(thread=held.thread).order_by("-pk")[: min(limit, rules.LIMITS["page"])]
    return list(found)[::-1]


def reportable(kind: str, public_id: str, *, person_id: int) -> tuple[str, int]:
    """What a report would be about.  A private line exists for its two sides alone.  Refuses: malformed, not_found."""
    if kind not in rules.REPORTABLE:
        raise Refusal("malformed", field="kind", why=f"use one of {', '.join(rules.REPORTABLE)}")
    if kind == "message":
        line = ChatLine.objects.filter(public_id=public_id).select_related("thread").first()
        if line is None:
            raise Refusal("not_found")
        thread_for(line.thread.public_id, person_id=person_id)
    return governance.subject_named(kind, public_id)


def paid_order(order_id: str, *, person_id: int) -> tuple[trade.OrderView, str]:
    """A paid order and which side of it somebody is on.  Refuses: not_found, order_unpaid."""
    view = trade.order_for(order_id, person_id=person_id)
    if view.role not in rules.PHONE_SIDES:
        raise Refusal("not_found")
    if view.order.state not in trade.REFUNDABLE:
        raise Refusal("order_unpaid")
    return view, view.role


def phones_of(order_id: str, *, person_id: int) -> Phones:
    """The numbers of an order, the other side's masked.  Refuses: not_found, order_unpaid."""
    view, side = paid_order(order_id, person_id=person_id)
    known = dict(PhoneShare.objects.filter(order_id=view.order.pk).values_list("side", "phone"))
    theirs = next((phone for other, phone in known.items() if other != side and phone), "")
    return Phones(view.order.public_id, side, known.get(side, ""), rules.masked(theirs))


def notice_words(topic: str) -> Words:
    """The words of a notice: as an operator put them, else as they ship."""
    found = rows.first(NoticeText, topic=topic)
    if found is None:
        return rules.NOTICES[topic]
    return Words(found.title_en, found.title_zh, found.text_en, found.text_zh)


def notices() -> dict[str, Words]:
    """Every notice by its topic, as it is worded now."""
    return {topic: notice_words(topic) for topic in rules.NOTICES}


def line_faces(ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """The public ids of lines; what they say is private."""
    found = ChatLine.objects.filter(pk__in=ids).values_list("pk", "public_id")
    return {pk: (public_id, public_id) for pk, public_id in found}


def line_id_of(public_id: str) -> int | None:
    return ChatLine.objects.filter(public_id=public_id).values_list("pk", flat=True).first()


def report_of_send(public_id: str, *, person_id: int) -> Report:
    """What became of a send, to the merchant's staff.  Refuses: not_found."""
    send = Send.objects.filter(public_id=public_id).first()
    if send is None or not accounts.may_act_for(person_id, send.merchant_id):
        raise Refusal("not_found")
    rows = Delivery.objects.filter(send=send).values_list("state", "reason").annotate(n=Count("pk"))
    counts = {state: sum(n for s, _, n in rows if s == state) for state in rules.DELIVERY_STATES}
    reasons = {reason: n for state, reason, n in rows if state == "skipped"}
    if send.unknown:
        reasons["no_recipient"] = reasons.get("no_recipient", 0) + send.unknown
    return Report(
        send.public_id, send.title, send.audience, counts["delivered"], counts["waiting"],
        counts["skipped"] + send.unknown, reasons, send.at, send.state, send.confirm_by,
    )  # fmt: skip


def merchant_of_send(public_id: str) -> int:
    """Refuses: not_found."""
    found = Send.objects.filter(public_id=public_id).values_list("merchant_id", flat=True).first()
    if found is None:
        raise Refusal("not_found")
    return found


@dataclass(frozen=True, slots=True)
class SendShort:
    """A send as the list of a merchant's people shows it; may_confirm is for whoever looks."""

    public_id: str
    merchant: str
    title: str
    text: str
    audience: int
    writer: str
    state: str
    at: datetime
    confirm_by: datetime | None
    may_confirm: bool


def sends_of(person_id: int, limit: int = 20) -> list[SendShort]:
    """What the merchants that somebody acts for have sent, the newest first."""
    mine = {m.merchant_id for m in accounts.merchants_of(person_id) if m.role in ("owner", "staff")}
    rows = Send.objects.filter(merchant_id__in=mine).select_related("merchant", "by").order_by("-pk")[:limit]
    return [
        SendShort(
            row.public_id, row.merchant.name, row.title, row.text, row.audience, row.by.name or row.by.public_id,
            row.state, row.at, row.confirm_by, row.state == "unconfirmed" and row.by_id != person_id,
        )
        for row in rows
    ]  # fmt: skip


def author_of(line_id: int) -> tuple[str, int] | None:
    """Who answers for a line of a talk."""
    found = ChatLine.objects.filter(pk=line_id).select_related("thread").first()
    if found is None:
        return None
    merchant = ("accounts.merchant", found.thread.merchant_id)
    return merchant if found.side == "merchant" else ("accounts.person", found.author_id)


def around(line_id: int, reporter_id: int) -> list[dict[str, Any]]:
    """What was said around a line, if its reporter is one of the two sides; governance shows it by that report alone."""
    found = ChatLine.objects.filter(pk=line_id).select_related("thread").first()
    if found is None:
        return []
    try:
        thread_for(found.thread.public_id, person_id=reporter_id)
    except Refusal:
        return []
    near = ChatLine.objects.filter(thread_id=found.thread_id, pk__lte=line_id).order_by("-pk")[:5]
    return [{"side": line.side, "text": line.text, "at": line.at.isoformat()} for line in list(near)[::-1]]
