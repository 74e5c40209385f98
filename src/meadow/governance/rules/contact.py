"""Whether a person may be reached: one pure answer from consent, class, caps, mute, block and quiet hours.

A service message tells of what the person themselves set going (an order, a refund, a decision); a reply answers them
within a window they opened; everything else that somebody sells by is marketing.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MessageClass = Literal["service", "reply", "marketing"]
ContactVerdict = Literal["allow", "defer", "refuse"]
Opening = Literal["message", "paid"]

CLASSES: tuple[MessageClass, ...] = ("service", "reply", "marketing")
VERDICTS: tuple[ContactVerdict, ...] = ("allow", "defer", "refuse")
STANCES = ("consent", "mute", "block")

CHANNEL_DAY = 1  # marketing of one channel to a person, on one of their days
OWNER_MONTH = 4  # of everything one owner sells by, in one of their months
PERSON_DAY = 2  # of everybody together
QUIET_FROM, QUIET_UNTIL = 22 * 60, 8 * 60  # minutes of the person's day
DAY_MINUTES = 24 * 60

# What a person does opens a window for answers: how many, and for how long.
OPENINGS: dict[Opening, tuple[int, timedelta]] = {
    "message": (5, timedelta(hours=48)),
    "paid": (5, timedelta(hours=48)),
}

# Why somebody was not reached, or only later; shown to both sides.
REASONS: dict[str, tuple[str, str]] = {
    "": ("reached", "已送达"),
    "blocked": ("the recipient has blocked the sender", "对方已屏蔽发送者"),
    "window_closed": (
        "the recipient has not written lately, or was answered often enough",
        "对方近期未联系，或回复次数已用完",
    ),
    "no_consent": ("the recipient has not agreed to marketing from this sender", "对方未同意接收该发送者的营销消息"),
    "muted": ("the recipient has muted the sender", "对方已静音发送者"),
    "cap_month": ("the sender's messages of this month are used up", "发送者本月的消息次数已用完"),
    "cap_channel_day": ("the channel's message of today is used up", "该渠道今日的消息次数已用完"),
    "cap_person_day": ("the recipient got enough marketing today", "对方今日接收的营销消息已达上限"),
    "quiet_hours": ("it waits for the end of the recipient's quiet hours", "将在对方的免打扰时段结束后发送"),
    "no_recipient": ("there is no such person", "收件人不存在"),
}


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """All that counts.  quiet_until: when the recipient's quiet hours end, if it is within them now."""

    kind: MessageClass
    has_consent: bool = False
    is_muted: bool = False
    is_blocked: bool = False
    is_window_open: bool = False
    sent_today_by_channel: int = 0
    sent_this_month_by_owner: int = 0
    received_today: int = 0
    quiet_until: datetime | None = None
    # What the recipient takes, never more than the house allows.
    day_most: int = PERSON_DAY
    month_most: int = OWNER_MONTH


@dataclass(frozen=True, slots=True)
class ContactDecision:
    """until is set with defer: ask again then, caps and all."""

    verdict: ContactVerdict
    reason: str = ""
    until: datetime | None = None


def may_contact(facts: ContactFacts) -> ContactDecision:
    """The one answer for every message.  Who blocks is never overruled but for what they must know of their own money."""
    if facts.kind == "service":
        return ContactDecision("allow")
    if facts.is_blocked:
        return ContactDecision("refuse", "blocked")
    if facts.kind == "reply":
        # Who asks wants the answer now, muted or at night.
        return ContactDecision("allow") if facts.is_window_open else ContactDecision("refuse", "window_closed")
    if (why := _against_marketing(facts)) is not None:
        return ContactDecision("refuse", why)
    if facts.quiet_until is not None:
        return ContactDecision("defer", "quiet_hours", facts.quiet_until)
    return ContactDecision("allow")


def _against_marketing(facts: ContactFacts) -> str | None:
    if not facts.has_consent:
        return "no_consent"
    if facts.is_muted:
        return "muted"
    if facts.sent_this_month_by_owner >= min(facts.month_most, OWNER_MONTH):
        return "cap_month"
    # A night belongs to two days: the caps of the day are judged on the day when it would arrive.
    if facts.quiet_until is not None:
        return None
    if facts.sent_today_by_channel >= CHANNEL_DAY:
        return "cap_channel_day"
    return "cap_person_day" if facts.received_today >= min(facts.day_most, PERSON_DAY) else None


def zone_of(name: str) -> ZoneInfo:
    """A person's zone; one that is not known here is read as UTC."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def quiet_until(at: datetime, zone: ZoneInfo, start: int = QUIET_FROM, end: int = QUIET_UNTIL) -> datetime | None:
    """When the quiet hours end that `at` lies in, or None.  Equal start and end: there are none."""
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    is_quiet = start <= minute < end if start <= end else minute >= start or minute < end
    if not is_quiet:
        return None
    day = local.date() + timedelta(days=1 if minute >= end else 0)
    return datetime.combine(day, time(end // 60, end % 60), zone).astimezone(at.tzinfo)


def day_start(at: datetime, zone: ZoneInfo) -> datetime:
    """When the person's day began."""
    return datetime.combine(at.astimezone(zone).date(), time(), zone)


def month_start(at: datetime, zone: ZoneInfo) -> datetime:
    """When the person's month began."""
    return datetime.combine(at.astimezone(zone).date().replace(day=1), time(), zone)
