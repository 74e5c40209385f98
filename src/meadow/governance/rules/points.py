"""What a violation costs and what follows: points by kind and severity that decay, and a ladder of sanctions.

Everything is computed from the log of violations and reversals alone, in whole thousandths of a point.  A schedule that
was published is never edited: each violation names the schedule it was judged by, and a change is a new number.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

SEVERITIES = ("minor", "serious", "grave", "extreme")
MILLI = 1000
DAY = timedelta(days=1)
# A sanction without an end is looked at again after this long; called out, it lasts this much longer at most.
REVIEW_AFTER, CALLED_OUT = 90 * DAY, 7 * DAY

# What a limit stops, in the words of the page that shows it to the account's holder.
LIMITS_OF_SANCTIONS: dict[str, tuple[str, str]] = {
    "links": ("No links to other sites", "不能发布站外链接"),
    "post": ("No new posts, comments, questions or listings", "不能发布新内容（帖子、评论、提问、商品）"),
    "message": ("No first messages to people", "不能主动发起私信"),
    "payout": ("No withdrawal; money is held, not taken", "暂停提现；资金仅冻结，不会扣划"),
    "account": ("The account is suspended", "账号已暂停"),
}


@dataclass(frozen=True, slots=True)
class Offence:
    """A kind of violation: the public rule it breaks and its points for each severity."""

    rule_id: str
    points: Mapping[str, int]
    decays_over: timedelta
    # What the first, the second, ... offence of this kind leads to by itself, the last for all that follow.
    repeats: "tuple[Step | None, ...]" = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the ladder: from how many points, which limits, for how long (None: until it is looked at again)."""

    grade: int
    at_points: int
    limits: tuple[str, ...]
    lasts: timedelta | None
    en: str
    zh: str

    @property
    def holds_money(self) -> bool:
        return "payout" in self.limits

    @property
    def suspends(self) -> bool:
        return "account" in self.limits


@dataclass(frozen=True, slots=True)
class Schedule:
    """What violations cost and what points lead to, in one published version."""

    number: int
    offences: Mapping[str, Offence]
    ladder: tuple[Step, ...]

    def step(self, milli: int) -> Step | None:
        """The highest step that so many thousandths of a point reach."""
        return next((step for step in reversed(self.ladder) if milli >= step.at_points * MILLI), None)


def _offence(rule_id: str, minor: int, serious: int, grave: int, days: int) -> Offence:
    return Offence(rule_id, {"minor": minor, "serious": serious, "grave": grave, "extreme": 48}, timedelta(days=days))


_HOUR = timedelta(hours=1)
# A deceptive link costs no points: the first is told, then links are off for half a day, a day, and a week each time.
_LINK_STEPS: tuple[Step | None, ...] = (
    None,
    Step(1, 0, ("links",), 12 * _HOUR, "Links are off for 12 hours", "暂停发布链接 12 小时"),
    Step(1, 0, ("links",), DAY, "Links are off for a day", "暂停发布链接 1 天"),
    Step(1, 0, ("links",), 7 * DAY, "Links are off for a week", "暂停发布链接 7 天"),
)

SCHEDULES: dict[int, Schedule] = {
    1: Schedule(
        1,
        {
            "link": _offence("link.partners", 1, 3, 6, 90),
            "spam": _offence("conduct.harassment", 1, 4, 12, 90),
            "harassment": _offence("conduct.harassment", 2, 6, 12, 180),
            "diversion": _offence("conduct.diversion", 2, 6, 12, 180),
            "goods": _offence("goods.prohibited", 3, 12, 24, 365),
            "counterfeit": _offence("conduct.counterfeit", 6, 12, 24, 365),
            "fraud": _offence("conduct.fraud", 6, 12, 24, 365),
            "recruiting": _offence("conduct.recruiting", 6, 12, 24, 365),
            "evasion": _offence("conduct.evasion", 3, 12, 24, 365),
            "false_report": _offence("conduct.false_reports", 1, 3, 6, 90),
        },
        (
            Step(1, 3, ("links",), 7 * DAY, "Links are off for a week", "暂停发布链接 7 天"),
            Step(2, 6, ("links", "message"), 15 * DAY, "Links and first messages are off", "暂停链接与主动私信 15 天"),
            Step(3, 12, ("links", "message", "post"), 30 * DAY, "Posting is off for a month", "暂停发布 30 天"),
            Step(
                4, 24, ("links", "message", "post", "payout"), 30 * DAY,
                "Posting is off and money is held for a month", "暂停发布并冻结资金 30 天",
            ),
            Step(
                5, 36, ("links", "message", "post", "payout", "account"), 90 * DAY,
                "The account is suspended for 90 days", "账号暂停 90 天",
            ),
            Step(
                6, 48, ("links", "message", "post", "account"), None,
                "The account is suspended until it is looked at again", "账号暂停，直至复核",
            ),
        ),
    )
}  # fmt: skip
SCHEDULES[2] = Schedule(
    2,
    {
        **SCHEDULES[1].offences,
        "link": replace(
            SCHEDULES[1].offences["link"],
            points={"minor": 0, "serious": 3, "grave": 6, "extreme": 48},
            repeats=_LINK_STEPS,
        ),
    },
    SCHEDULES[1].ladder,
)
CURRENT = SCHEDULES[max(SCHEDULES)]


@dataclass(frozen=True, slots=True)
class Entry:
    """A violation in the log of one party, in the order of the log; is_reversed when a later decision took it back."""

    id: int
    kind: str
    severity: str
    at: datetime
    schedule: int = CURRENT.number
    is_reversed: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A sanction that the log calls for: from its violation, of a grade, until a moment or until looked at again."""

    violation: int
    grade: int
    limits: tuple[str, ...]
    since: datetime
    until: datetime | None

    @property
    def review_by(self) -> datetime | None:
        """When somebody must look at it again; only what has no end needs it."""
        return self.since + REVIEW_AFTER if self.until is None else None


def points_milli(entry: Entry, at: datetime) -> int:
    """What is left of a violation's points: they decay to nothing in equal parts, one for each whole day.

    By whole days, so that two violations on one day add up to what they cost.
    """
    offence = SCHEDULES[entry.schedule].offences[entry.kind]
    days = offence.decays_over // DAY
    left = max(0, days - max(timedelta(0), at - entry.at) // DAY)
    return offence.points[entry.severity] * MILLI * left // days


def standing_milli(log: Iterable[Entry], at: datetime) -> int:
    """A party's points at a moment, in thousandths."""
    return sum(points_milli(entry, at) for entry in log if not entry.is_reversed and entry.at <= at)


def sanctions_due(log: Sequence[Entry]) -> list[Due]:
    """Every sanction the log calls for, one at most for each violation, by the points that stood when it was made.

    What was reversed counts as if it had never been, also for the sanctions of later violations.
    """
    found: list[Due] = []
    counted: list[Entry] = []
    for entry in log:
        if entry.is_reversed:
            continue
        counted.append(entry)
        milli = sum(points_milli(earlier, entry.at) for earlier in counted)
        steps = (SCHEDULES[entry.schedule].step(milli), _repeated(counted))
        if laid := [_laid(entry, step) for step in steps if step is not None]:
            # The one with more limits, and of those alike the one that lasts longer.
            worst = laid[0]
            for other in laid[1:]:
                more = len(other.limits) - len(worst.limits)
                worst = other if more > 0 or (more == 0 and _lasts_longer(other, worst)) else worst
            found.append(worst)
    return found


def _laid(entry: Entry, step: Step) -> Due:
    return Due(entry.id, step.grade, step.limits, entry.at, entry.at + step.lasts if step.lasts else None)


def _repeated(counted: Sequence[Entry]) -> Step | None:
    """What the last offence leads to because it is not the first of its kind within the time its points would last."""
    last = counted[-1]
    offence = SCHEDULES[last.schedule].offences[last.kind]
    if not offence.repeats:
        return None
    times = sum(one.kind == last.kind and last.at - one.at < offence.decays_over for one in counted)
    return offence.repeats[min(times, len(offence.repeats)) - 1]


def limits_in_force(due: Iterable[Due], at: datetime) -> dict[str, Due]:
    """Each limit at a moment with the sanction it rests on, the one that lasts longest."""
    found: dict[str, Due] = {}
    for sanction in due:
        if sanction.since <= at and (sanction.until is None or at < sanction.until):
            for limit in sanction.limits:
                if limit not in found or _lasts_longer(sanction, found[limit]):
                    found[limit] = sanction
    return found


def _lasts_longer(one: Due, other: Due) -> bool:
    if one.until is None or other.until is None:
        return one.until is None and other.until is not None
    return one.until > other.until
