"""What a commission plan may promise and which plan applies: rates, notice of a cut, limits, precedence."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from meadow.kernel.errors import Refusal, Says

PRECEDENCE = ("exclusive", "directed", "marketing", "general")
BY_INVITATION = frozenset({"exclusive", "directed"})  # the other kinds are open to every creator
NOTICE = timedelta(hours=24)  # a cut takes effect only after creators could read about it

LIMITS = {
    "rate_cap_bp": 9000,
    "products_per_plan": 20,
    "members_per_call": 30,
    "members_per_plan": 1000,
    "name_characters": 80,
}

_RATE = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2})0*)?\Z")


@dataclass(frozen=True, slots=True)
class Version:
    """What a plan pays from effective_from on, between starts_at and ends_at."""

    version: int
    rate_bp: int
    effective_from: datetime
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan in force.  product_id None: the whole shop; creator_ids None: every creator."""

    plan_id: int
    version_id: int
    kind: str
    rate_bp: int
    shop_id: int
    product_id: int | None
    creator_ids: frozenset[int] | None

    def includes(self, creator_id: int) -> bool:
        return self.creator_ids is None or creator_id in self.creator_ids


@dataclass(frozen=True, slots=True)
class PlanChoice:
    """The plan that pays a creator for a product."""

    plan_id: int
    version_id: int
    kind: str
    rate_bp: int


def choose(
    offers: Iterable[Offer], *, shop_id: int, product_id: int, creator_id: int, is_clicked: bool = True
) -> PlanChoice | None:
    """The plan that pays (settled question 20), or None.

    The clicked product: exclusive, directed, marketing, general, among the plans that include the creator.  Another
    product of the shop: the general plan only.  A product that is exclusive to others pays nobody else.
    """
    here = [offer for offer in offers if offer.shop_id == shop_id and offer.product_id in (None, product_id)]
    if any(offer.kind == "exclusive" for offer in here):
        here = [offer for offer in here if offer.kind != "exclusive" or offer.includes(creator_id)]
        if not any(offer.kind == "exclusive" for offer in here):
            return None
    open_to = [offer for offer in here if offer.includes(creator_id) and (is_clicked or offer.kind == "general")]
    if not open_to:
        return None
    best = min(open_to, key=lambda offer: (PRECEDENCE.index(offer.kind), -offer.rate_bp, offer.version_id))
    return PlanChoice(best.plan_id, best.version_id, best.kind, best.rate_bp)


def in_force(versions: Iterable[Version], at: datetime) -> Version | None:
    """The version of one plan that counts at a moment, or None before its first and outside its dates."""
    due = [version for version in versions if not version.is_withdrawn and version.effective_from <= at]
    newest = max(due, key=lambda version: version.version, default=None)
    return newest if newest is not None and is_running(newest, at) else None


def is_running(version: Version, at: datetime) -> bool:
    """Whether a moment lies within a version's dates; the start is in, the end is out."""
    starts, ends = version.starts_at, version.ends_at
    return (starts is None or starts <= at) and (ends is None or at < ends)


def are_apart(one: tuple[datetime | None, datetime | None], other: tuple[datetime | None, datetime | None]) -> bool:
    """Whether two spans (start, end), open where None, never meet."""
    return any(
        end is not None and start is not None and end <= start
        for end, start in ((one[1], other[0]), (other[1], one[0]))
    )


def effective_from(rate_bp: int, promised_bp: int, now: datetime) -> datetime:
    """When a new rate counts: a raise at once, a cut after the notice."""
    return now if rate_bp >= promised_bp else now + NOTICE


def check_rate(rate_bp: int) -> None:
    """Refuses: rate_out_of_range."""
    if type(rate_bp) is not int or not 0 <= rate_bp <= LIMITS["rate_cap_bp"]:
        raise Refusal("rate_out_of_range", cap=rate_text(LIMITS["rate_cap_bp"]))


def check_dates(starts_at: datetime | None, ends_at: datetime | None, now: datetime) -> None:
    """Refuses: malformed."""
    if any(moment is not None and moment.tzinfo is None for moment in (starts_at, ends_at)):
        raise Refusal("malformed", field="starts_at, ends_at", why="give the time zone with the time")
    if ends_at is not None and ends_at <= max(starts_at or now, now):
        raise Refusal("malformed", field="ends_at", why="it must come after the start and after now")


def rate_from(value: str | int | Decimal) -> int:
    """Basis points of a rate in per cent such as "12.5".  Refuses: malformed, rate_out_of_range."""
    text = str(value).strip()
    if text.startswith("-") and _RATE.match(text[1:]):
        raise Refusal("rate_out_of_range", cap=rate_text(LIMITS["rate_cap_bp"]))
    match = _RATE.match(text) if text.isascii() else None
    if match is None:
        raise Refusal("malformed", field="rate", why="per cent with at most two decimals, such as 12.5")
    rate_bp = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    check_rate(rate_bp)
    return rate_bp


def rate_text(rate_bp: int) -> str:
    """A rate in per cent without idle zeros: "12.5"."""
    whole, part = divmod(rate_bp, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".")


REFUSALS: dict[str, Says] = {
    "rate_out_of_range": Says(
        422, "A commission rate lies between 0 and {cap} per cent. Choose one in between.", "佣金率须在 0 至 {cap}% 之间，请重新填写。"
    ),
    "plan_conflict": Says(
        409,
        "An exclusive plan shares its products with no other plan, and here a {kind} plan meets it. End that one first, choose "
        "dates that do not overlap, or take other products.",
        "专属计划不能与其他计划共用商品，此处与{kind}计划冲突。请先结束该计划、错开日期，或改选其他商品。",
    ),
    "prohibited_compensation": Says(
        422,
        "{what} would pay for recruiting or for other people's sales ({kind}). Only the creator of the click that led to an "
        "order line earns on it; set one rate for a plan.",
        "“{what}”属于按发展人员或他人业绩计酬（{kind}），不被允许。每笔商品只有带来该次点击的达人获得佣金，请只设置计划的佣金率。",
    ),
    "plan_ended": Says(
        409, "This plan has ended. Make a new one instead.", "该计划已结束，请新建计划。"
    ),
    "plan_is_open": Says(
        409,
        "A {kind} plan is open to every creator and has no members. Make a directed plan to invite somebody.",
        "{kind}计划对所有达人开放，没有成员名单；如需定向邀请，请新建定向计划。",
    ),
}  # fmt: skip
