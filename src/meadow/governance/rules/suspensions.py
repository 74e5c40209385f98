"""What a temporary stop must say before it may begin, what it stops, and what happens when its review is due.

A stop without a date is how things stay stopped for ever: each has a review-by, at most thirty days off, and when that
passes without a word it lifts by itself, or is called out, and lifts a few days later if nobody answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from meadow.kernel.errors import Refusal, Says
from meadow.kernel.states import Machine

SUSPENSION = Machine(
    "suspension",
    "announced",
    {
        "announced": {"start": "active", "cancel": "cancelled"},
        "active": {"keep": "active", "call_out": "overdue", "lift": "lifted"},
        "overdue": {"keep": "active", "lift": "lifted"},
        "lifted": {},
        "cancelled": {},
    },
    ends={"lifted", "cancelled"},
)
IN_FORCE = ("active", "overdue")

SCOPES = ("new", "existing", "all")
# Grounds other than the policy may take effect at once: waiting would let the harm be done.
GROUNDS = ("policy", "fraud", "security", "legal")
AT_ONCE = ("fraud", "security", "legal")
AT_REVIEW = ("lift", "escalate")
ENDINGS = ("operator", "review", "appeal", "reversed", "cancelled")
NOTICE = timedelta(days=7)
LONGEST = timedelta(days=30)
LONGEST_NOTICE = timedelta(days=90)
# How long a called-out suspension lasts at most while nobody answers.
CALLED_OUT = timedelta(days=7)

FEATURE = "governance.feature"


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of thing that can be suspended: the scopes that mean something for it, and what each stops."""

    en: str
    zh: str
    stops: Mapping[str, tuple[str, str]]


TARGETS: dict[str, Target] = {
    "accounts.creator": Target(
        "Creator", "达人",
        {
            "new": ("New posts, links and plans; what is published stays and earns.", "停止发布新内容、生成链接和加入计划；已发布的内容保留并照常计佣。"),
            "all": ("New posts and links; published posts are hidden.", "停止发布和生成链接；已发布的内容隐藏。"),
        },
    ),
    "accounts.merchant": Target(
        "Merchant", "商家",
        {
            "new": ("New shops and new orders; pages stay, orders on their way are finished.", "停止开店和接收新订单；页面保留，在途订单照常履约。"),
            "all": (
                "All shops are off sale and their pages are hidden; orders on their way are finished.",
                "全部店铺下架，页面隐藏；在途订单照常履约。",
            ),
        },
    ),
    "catalog.shop": Target(
        "Shop", "店铺",
        {
            "new": ("New orders; pages stay, orders on their way are finished.", "停止接收新订单；页面保留，在途订单照常履约。"),
            "all": (
                "The shop is off sale and its pages are hidden; orders on their way are finished.",
                "店铺下架，页面隐藏；在途订单照常履约。",
            ),
        },
    ),
    "catalog.product": Target(
        "Product", "商品",
        {
            "new": ("New orders of it; its page stays.", "停止接收新订单；商品页保留。"),
            "all": ("It is off sale and its page is hidden.", "商品下架，商品页隐藏。"),
        },
    ),
    "content.recommendation": Target(
        "Post", "内容",
        {
            "existing": ("The post is hidden.", "内容隐藏。"),
            "all": ("The post is hidden.", "内容隐藏。"),
        },
    ),
    "sharing.token": Target(
        "Share token", "口令",
        {
            "existing": ("The token leads nowhere; earlier clicks still count.", "口令失效；此前的点击照常有效。"),
            "all": ("The token leads nowhere; earlier clicks still count.", "口令失效；此前的点击照常有效。"),
        },
    ),
    FEATURE: Target(
        "Feature of this site", "平台功能",
        {"new": ("Nobody begins it anew; what is on its way is finished.", "暂停新发起；进行中的照常完成。")},
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Feature:
    """Something the whole installation can do that can be stopped for everybody; `number` is its id as a subject."""

    number: int
    en: str
    zh: str


FEATURES: dict[str, Feature] = {
    "posting": Feature(1, "Publishing recommendations", "发布种草内容"),
    "sharing": Feature(2, "Making share tokens", "生成分享口令"),
    "ordering": Feature(3, "Placing orders", "下单"),
    "applications": Feature(4, "Applying as a creator", "申请成为达人"),
    "shops": Feature(5, "Opening shops", "开设店铺"),
    "payouts": Feature(6, "Withdrawing money", "提现"),
}
FEATURE_NAMES = {feature.number: name for name, feature in FEATURES.items()}


@dataclass(frozen=True, slots=True)
class Terms:
    """When a suspension begins and when it is looked at again."""

    starts_at: datetime
    review_by: datetime


def terms(
    *, ground: str, now: datetime, notice: timedelta | None, starts_at: datetime | None, review_by: datetime | None
) -> Terms:
    """The dates of a suspension, checked.  Without a start it begins when the notice is over.  Refuses: malformed."""
    if ground not in GROUNDS:
        raise Refusal("malformed", field="ground", why=f"use one of {', '.join(GROUNDS)}")
    least = timedelta(0) if ground in AT_ONCE else NOTICE
    wait = least if notice is None else notice
    if not least <= wait <= LONGEST_NOTICE:
        raise Refusal("malformed", field="notice_days", why=f"{least.days} to {LONGEST_NOTICE.days} days")
    begins = now + wait if starts_at is None else starts_at
    if begins < now + wait or begins > now + LONGEST_NOTICE:
        raise Refusal("malformed", field="starts_at", why=f"not before the notice of {wait.days} days is over")
    if review_by is None:
        raise Refusal("malformed", field="review_by", why=f"say when it is looked at again, within {LONGEST.days} days")
    check_review(begins, review_by)
    return Terms(begins, review_by)


def check_review(since: datetime, review_by: datetime) -> None:
    """Refuses: malformed."""
    if not since < review_by <= since + LONGEST:
        raise Refusal("malformed", field="review_by", why=f"after the start and at most {LONGEST.days} days later")


def check_target(kind: str, scope: str) -> None:
    """Refuses: malformed."""
    if kind not in TARGETS:
        raise Refusal("malformed", field="target", why=f"use one of {', '.join(TARGETS)}")
    if scope not in TARGETS[kind].stops:
        raise Refusal("malformed", field="scope", why=f"use {' or '.join(TARGETS[kind].stops)} for this target")


def action_for(scope: str) -> str:
    """The decision that carries a scope: what exists is touched unless only what is new stops."""
    return "stop_new" if scope == "new" else "suspend"


REFUSALS: dict[str, Says] = {
    "feature_suspended": Says(
        403,
        "This is stopped for everybody until {until} at the latest: {reason} (rule {rule}). Please come back then.",
        "该功能已对所有用户暂停，最迟至 {until}：{reason_zh}（规则 {rule}）。请届时再试。",
    ),
    "suspended_already": Says(
        409,
        "It has a suspension of this scope already, {suspension}. Review that one.",
        "该对象已有同一范围的暂停 {suspension}，请直接复核该暂停。",
    ),
}
