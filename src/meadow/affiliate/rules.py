"""Which creator earns on an order line, by which plan, and why: one pure function of clicks, plans and time.

The rule is the last valid click of the buyer in the line's shop within fifteen days.  Everything the decision read is
kept beside it, so that it can be judged again from the log and must come out the same.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from numbers import Real
from typing import Any

from meadow.kernel.errors import Refusal, Says
from meadow.kernel.states import Machine

RULES_VERSION = "attribution.2"
WINDOW = timedelta(days=15)
PRECEDENCE = ("exclusive", "directed", "marketing", "general")

LAST_SECONDS = timedelta(seconds=10)  # a click so short before the order, from elsewhere than the one before it
REVIEW_TIME = timedelta(days=30)  # after release; a review that nobody decided by then ends for the creator

CLAIM_LIFE = timedelta(days=7)  # of a partner site's claim; a click earns no longer than the window anyway

LIMITS = {
    "sites_per_creator": 20,
    "attribution_members": 20,
    "attribution_characters": 4096,
    "candidate_clicks": 200,  # newest first; a buyer with more of them in one shop within 15 days is no person
}

COMMISSION = Machine(
    "commission",
    "estimated_at_payment",
    {
        "estimated_at_payment": {"reduce": "estimated_at_payment", "receive": "estimated_at_receipt", "void": "void"},
        "estimated_at_receipt": {"reduce": "estimated_at_receipt", "settle": "final", "void": "void"},
        "final": {"reduce": "final", "void": "void"},
        # Only what a person voided after a review can come back, to where it would be by then.
        "void": {
            "reinstate_paid": "estimated_at_payment",
            "reinstate_received": "estimated_at_receipt",
            "reinstate_settled": "final",
        },
    },
    ends={"void"},
)

REVIEW = Machine(
    "commission_review",
    "pending",
    {
        "pending": {"release": "released", "void": "voided"},
        "released": {"void": "voided"},
        "voided": {"restore": "pending"},
    },
    ends={"released", "voided"},
)

# Why a person voids a commission after a look, by the reasons that networks give, each with its words below.
ABUSE = (
    "traffic_hijack", "traffic_abnormal", "source_mismatch", "abnormal_account", "abnormal_trades", "rule_violation",
    "split_order", "gift_category", "enterprise_order", "group_buy_order", "over_category_cap", "blacklisted_sku",
    "wrong_binding",
)  # fmt: skip
# What a review was opened for, and the reason if it ends in a void.
REVIEWS = {
    "checkout_sniping": "traffic_hijack", "last_second_click": "traffic_hijack", "click_flood": "traffic_abnormal",
}  # fmt: skip

VOID_REASONS = (
    *ABUSE,
    "below_minimum",
    "zero_rate",
    "order_cancelled",
    "refund_before_receipt",
    "refund_before_release",
    "refund_after_release",
)


@dataclass(frozen=True, slots=True)
class Line:
    """What is bought, as far as attribution cares."""

    line_id: int
    shop_id: int
    product_id: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A click that reached this order, with the facts that decide about it, each as of the moment that counts."""

    click_id: str
    creator_id: int
    shop_id: int
    product_id: int | None
    clicked_at: datetime
    surface: str
    carried_by: str  # person, carrier or cart: how it reached this order
    is_token_valid: bool  # at click time
    is_creator_active: bool  # at order creation
    is_buyer: bool  # the creator is the buyer, by any verified identity
    flag: str = ""  # why it cannot win though all else is well, such as source_mismatch


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan in force at order creation.  product_id None: the whole shop; creator_ids None: every creator."""

    plan_id: int
    version_id: int
    kind: str
    rate_bp: int
    shop_id: int
    product_id: int | None
    creator_ids: frozenset[int] | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one candidate: won, older, or the reason why it cannot win."""

    click_id: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Who earns on a line.  creator_id None: nobody, and reason says why."""

    line_id: int
    creator_id: int | None
    click_id: str | None
    plan_id: int | None
    plan_version_id: int | None
    plan_kind: str | None
    rate_bp: int
    rule: str  # clicked_product, same_shop or organic
    reason: str
    verdicts: tuple[Verdict, ...]
    review: str = ""  # why the commission is held until a person has looked, or nothing


def attribute(
    lines: Sequence[Line],
    clicks: Iterable[Candidate],
    offers: Sequence[Offer],
    at: datetime,
    opened_at: datetime | None = None,
) -> list[Decision]:
    """One decision per line, in the order of the lines.

    Candidates of a line are the clicks on anything in its shop; the newest valid one wins.  A click of the buyer as
    creator is valid but earns nothing, and no older click earns in its place.  opened_at: when the checkout was opened;
    a click that took the order over after that earns only once a person has looked.
    """
    newest_first = sorted(set(clicks), key=lambda c: (c.clicked_at, c.click_id), reverse=True)
    decided = []
    for line in lines:
        here = [c for c in newest_first if c.shop_id == line.shop_id]
        decision = _decide(line, here, offers, at)
        decided.append(replace(decision, review=_review(decision, here, at, opened_at)) if opened_at else decision)
    return decided


def _review(decision: Decision, newest_first: Sequence[Candidate], at: datetime, opened_at: datetime) -> str:
    """Whether the click that won looks like one that took over what another had brought."""
    if decision.creator_id is None:
        return ""
    if len(newest_first) >= LIMITS["candidate_clicks"]:
        return "click_flood"
    by_id = {candidate.click_id: candidate for candidate in newest_first}
    won = by_id[decision.click_id or ""]
    # "older" is what would have won without it: the first of these was the newest valid one before.
    before = [by_id[v.click_id] for v in decision.verdicts if v.verdict == "older"]
    if won.clicked_at > opened_at:
        then = next((one for one in before if one.clicked_at <= opened_at), None)
        if then is None or then.creator_id != won.creator_id:
            return "checkout_sniping"
    from_elsewhere = bool(before) and before[0].creator_id != won.creator_id and before[0].surface != won.surface
    return "last_second_click" if from_elsewhere and at - won.clicked_at <= LAST_SECONDS else ""


def choose_offer(offers: Sequence[Offer], line: Line, candidate: Candidate) -> Offer | str:
    """The plan that pays this click for this line, or the reason why none does.

    The clicked product: exclusive, directed, marketing, general.  Another product of the shop: the general plan only.
    A product that is exclusive to others pays nobody else.
    """
    here = [o for o in offers if o.shop_id == line.shop_id and o.product_id in (None, line.product_id)]
    exclusive = [o for o in here if o.kind == "exclusive"]
    if exclusive and not any(_includes(o, candidate.creator_id) for o in exclusive):
        return "exclusive_other"
    clicked = candidate.product_id == line.product_id
    open_to = [o for o in here if _includes(o, candidate.creator_id) and (clicked or o.kind == "general")]
    if not open_to:
        return "no_plan"
    return min(open_to, key=lambda o: (PRECEDENCE.index(o.kind), -o.rate_bp, o.version_id))


def _includes(offer: Offer, creator_id: int) -> bool:
    return offer.creator_ids is None or creator_id in offer.creator_ids


def _decide(line: Line, candidates: Sequence[Candidate], offers: Sequence[Offer], at: datetime) -> Decision:
    won: tuple[Candidate, Offer] | None = None
    verdicts: list[Verdict] = []
    for candidate in candidates:
        answer = _judge(candidate, line, offers, at)
        if isinstance(answer, str):
            verdict = answer
        elif won is not None:
            verdict = "older"
        else:
            won, verdict = (candidate, answer), "self_purchase" if candidate.is_buyer else "won"
        verdicts.append(Verdict(candidate.click_id, verdict))
    if won is None:
        return _organic(line, verdicts[0].verdict if verdicts else "no_click", None, verdicts)
    candidate, offer = won
    if candidate.is_buyer:
        return _organic(line, "self_purchase", candidate.click_id, verdicts)
    return Decision(
        line_id=line.line_id,
        creator_id=candidate.creator_id,
        click_id=candidate.click_id,
        plan_id=offer.plan_id,
        plan_version_id=offer.version_id,
        plan_kind=offer.kind,
        rate_bp=offer.rate_bp,
        rule="clicked_product" if candidate.product_id == line.product_id else "same_shop",
        reason="newest_valid_click",
        verdicts=tuple(verdicts),
    )


def _judge(candidate: Candidate, line: Line, offers: Sequence[Offer], at: datetime) -> Offer | str:
    if candidate.clicked_at > at:
        return "after_order"
    if at - candidate.clicked_at > WINDOW:
        return "too_old"
    if not candidate.is_token_valid:
        return "token_invalid"
    if not candidate.is_creator_active:
        return "creator_inactive"
    if candidate.flag:
        return candidate.flag
    return choose_offer(offers, line, candidate)


def _organic(line: Line, reason: str, click_id: str | None, verdicts: Sequence[Verdict]) -> Decision:
    return Decision(line.line_id, None, click_id, None, None, None, 0, "organic", reason, tuple(verdicts))


# The log of a decision: all it read, as JSON, under the version of the rules that read it.


def log_of(
    line: Line, clicks: Iterable[Candidate], offers: Sequence[Offer], at: datetime, opened_at: datetime | None = None
) -> dict[str, Any]:
    """What `attribute` read for one line, ready to be stored."""
    newest_first = sorted(set(clicks), key=lambda c: (c.clicked_at, c.click_id), reverse=True)
    return {
        "rules": RULES_VERSION,
        "at": at.isoformat(),
        "opened_at": opened_at.isoformat() if opened_at else None,
        "line": asdict(line),
        "clicks": [
            asdict(c) | {"clicked_at": c.clicked_at.isoformat()} for c in newest_first if c.shop_id == line.shop_id
        ],
        "offers": [
            asdict(o) | {"creator_ids": None if o.creator_ids is None else sorted(o.creator_ids)}
            for o in offers
            if o.shop_id == line.shop_id and o.product_id in (None, line.product_id)
        ],
    }


def replay(log: Mapping[str, Any]) -> Decision:
    """The decision again, from its log alone, by the version of the rules that made it."""
    line = Line(**log["line"])
    clicks = [Candidate(**c | {"clicked_at": datetime.fromisoformat(c["clicked_at"])}) for c in log["clicks"]]
    offers = [
        Offer(**o | {"creator_ids": None if o["creator_ids"] is None else frozenset(o["creator_ids"])})
        for o in log["offers"]
    ]
    opened_at = datetime.fromisoformat(log["opened_at"]) if log.get("opened_at") else None
    return _VERSIONS[log["rules"]]([line], clicks, offers, datetime.fromisoformat(log["at"]), opened_at)[0]


Rules = Callable[[Sequence[Line], Iterable[Candidate], Sequence[Offer], datetime, datetime | None], list[Decision]]
# The first version knew neither flags nor reviews; its logs hold none, so the same function reads them as it did.
_VERSIONS: Mapping[str, Rules] = {"attribution.1": attribute, "attribution.2": attribute}


# What each reason and verdict says to a person: (en, zh).

SAYS: Mapping[str, tuple[str, str]] = {
    "newest_valid_click": (
        "The newest valid click within 15 days in this shop earns the commission.",
        "15 天内在本店的最后一次有效点击获得佣金。",
    ),
    "won": ("This click wins: it is the newest valid one.", "该点击胜出：它是最后一次有效点击。"),
    "older": ("A newer valid click exists.", "存在更新的有效点击。"),
    "no_click": ("No creator's click led to this order.", "没有达人的点击带来这笔订单。"),
    "self_purchase": (
        "The buyer is the creator of the newest valid click; own purchases earn nothing.",
        "最后一次有效点击的达人就是买家本人，自购不计佣金。",
    ),
    "too_old": ("The click is older than 15 days.", "点击已超过 15 天。"),
    "after_order": ("The click came after the order.", "点击发生在下单之后。"),
    "token_invalid": (
        "The share token was expired or withdrawn when it was clicked.",
        "点击时淘口令已过期或被撤销。",
    ),
    "creator_inactive": (
        "The creator was not active when the order was placed.",
        "下单时该达人未处于正常状态。",
    ),
    "exclusive_other": ("The product is exclusive to other creators.", "该商品由其他达人专属推广。"),
    "no_plan": (
        "No commission plan in force pays this creator for this product.",
        "没有有效的佣金计划为该达人支付该商品的佣金。",
    ),
    "clicked_product": ("The very product that was clicked.", "点击的正是该商品。"),
    "same_shop": (
        "Another product of the shop that was clicked: its general plan applies.",
        "同店其他商品：适用通用计划。",
    ),
    "organic": ("No commission.", "无佣金。"),
    "checkout_sniping": (
        "The click came after the checkout was opened and took the order over; a person looks at it.",
        "点击发生在打开结算页之后并改变了归属，正在人工核查。",
    ),
    "last_second_click": (
        "The click came from elsewhere in the last seconds before the order; a person looks at it.",
        "点击来自其他位置且发生在下单前最后几秒，正在人工核查。",
    ),
    "click_flood": (
        "There are far more clicks than a person makes; a person looks at it.",
        "点击数量远超常人，正在人工核查。",
    ),
    "traffic_hijack": ("The traffic was taken over from somebody else.", "流量劫持。"),
    "traffic_abnormal": ("The traffic is abnormal.", "流量异常。"),
    "source_mismatch": (
        "The click came from a site that the creator has not registered.",
        "来源与登记的推广网站不符。",
    ),
    "abnormal_account": ("The account is abnormal.", "账号异常。"),
    "abnormal_trades": ("Several trades are abnormal.", "多笔交易异常。"),
    "rule_violation": ("It breaks a rule of the platform.", "违反平台规则。"),
    "split_order": ("The order was split.", "拆单。"),
    "gift_category": ("The category is for gifts and pays no commission.", "礼品类目，不计佣金。"),
    "enterprise_order": ("An order of an enterprise pays no commission.", "企业订单，不计佣金。"),
    "group_buy_order": ("The group did not come about.", "团购未成团。"),
    "over_category_cap": ("The quantity is above the category's cap.", "购买数量超过类目上限。"),
    "blacklisted_sku": ("The product takes no part in commission.", "商品在佣金黑名单内。"),
    "wrong_binding": ("The accounts are bound wrongly.", "账号绑定有误。"),
    "below_minimum": ("The commission rounds to nothing.", "佣金不足最小单位。"),
    "zero_rate": ("The plan's rate is zero.", "计划佣金比率为零。"),
    "order_cancelled": ("The order was cancelled.", "订单已取消。"),
    "refund_before_receipt": ("Everything was refunded before receipt.", "确认收货前已全额退款。"),
    "refund_before_release": ("Everything was refunded before the money was released.", "放款前已全额退款。"),
    "refund_after_release": ("Everything was refunded after the money was released.", "放款后已全额退款。"),
}

# What a checkout is told by the open conventions.

_MAIL_OR_PHONE = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|(?<![\w.-])\+?[0-9][0-9 ()-]{8,}[0-9](?![\w.-])")
_PERSONAL = frozenset(
    {"email", "e_mail", "phone", "phone_number", "mobile", "ssn", "address", "user_email", "user_phone"}
)
_TEXTS = ("provider", "token", "publisher_id", "campaign_id", "creative_id", "sub_id")


def clean_attribution(given: Mapping[str, Any]) -> dict[str, Any]:
    """ACP's affiliate_attribution with the members we know; others are left out.  Refuses: malformed, pii_not_allowed."""
    data = {name: given[name] for name in _TEXTS if given.get(name)}
    for name, value in data.items():
        if not isinstance(value, str) or len(value) > LIMITS["attribution_characters"]:
            raise Refusal("malformed", field=f"affiliate_attribution.{name}", why="a text of at most 4096 characters")
    if "provider" not in data:
        raise Refusal("malformed", field="affiliate_attribution.provider", why="name the provider, such as its host")
    if "token" not in data and "publisher_id" not in data:
        raise Refusal("malformed", field="affiliate_attribution.token", why="give a token or a publisher_id")
    source, metadata = given.get("source"), given.get("metadata")
    if source:
        data["source"] = {name: str(source[name])[:2048] for name in ("type", "url") if source.get(name)}
    if metadata:
        data["metadata"] = _flat(metadata)
    for name in ("issued_at", "expires_at"):
        if given.get(name):
            data[name] = str(given[name])
    personal = {name: data[name] for name in ("publisher_id", "campaign_id", "creative_id", "sub_id") if name in data}
    _require_impersonal(personal | {f"metadata.{name}": value for name, value in data.get("metadata", {}).items()})
    return data


def clean_ucp(given: Mapping[str, str]) -> dict[str, str]:
    """UCP's attribution: texts by name.  Refuses: malformed."""
    if (
        len(given) > 50
        or sum(len(name) + len(value) for name, value in given.items()) > 2 * LIMITS["attribution_characters"]
    ):
        raise Refusal("malformed", field="attribution", why="at most 50 members and 8192 characters")
    return dict(given)


def _flat(metadata: Mapping[str, Any]) -> dict[str, Any]:
    size = sum(len(str(name)) + len(str(value)) for name, value in metadata.items())
    if len(metadata) > LIMITS["attribution_members"] or size > LIMITS["attribution_characters"]:
        raise Refusal("malformed", field="affiliate_attribution.metadata", why="at most 20 members and 4096 characters")
    for value in metadata.values():
        if not isinstance(value, str | int | Real):
            raise Refusal(
                "malformed", field="affiliate_attribution.metadata", why="values are texts, numbers or true and false"
            )
    return {str(name): value if isinstance(value, str | int) else str(value) for name, value in metadata.items()}


def _require_impersonal(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name.rpartition(".")[2].lower() in _PERSONAL or (isinstance(value, str) and _MAIL_OR_PHONE.search(value)):
            raise Refusal("pii_not_allowed", field=f"affiliate_attribution.{name}")


WRITE_OFF = Machine(
    "write-off",
    "proposed",
    {"proposed": {"approve": "posted", "decline": "declined"}, "posted": {}, "declined": {}},
    ends={"posted", "declined"},
)

REFUSALS: dict[str, Says] = {
    "closure_owes": Says(
        409,
        "You owe {owed_minor} in {currency} from refunds. It is paid from what comes in next; until then the role stays.",
        "您尚有退款欠款 {owed_minor}（{currency}，最小单位），将从后续收入中抵扣，还清前不能注销。",
    ),
    "closure_balance": Says(
        409,
        "There is still {minor} in {currency} of yours. Withdraw it first.",
        "您尚有余额 {minor}（{currency}，最小单位），请先提现。",
    ),
    "closure_pending": Says(
        409,
        "{count} commissions are not final yet. Close the role when they are.",
        "尚有 {count} 笔佣金未结算，请结算后再注销。",
    ),
    "nothing_owed": Says(
        409, "Nothing is owed in this currency. Look at the balance again.", "该币种下没有欠款，请核对余额。"
    ),
    "write_off_open": Says(
        409,
        "Giving up this debt was proposed already. A second person has to decide.",
        "该欠款已提请核销，需由另一人决定。",
    ),
    "pii_not_allowed": Says(
        422,
        "Attribution carries nothing about a person, but {field} does. Leave it out.",
        "归因信息不得包含个人信息，请删除 {field}。",
    ),
    "site_unregistered": Says(
        422,
        "{host} is none of your registered sites. Register it first.",
        "{host} 不在您登记的推广网站中，请先登记。",
    ),
    "too_many_sites": Says(
        409,
        "At most {most} sites can be registered. Remove one first.",
        "最多登记 {most} 个推广网站，请先移除一个。",
    ),
    "token_gone": Says(
        409,
        "This share token is live no longer, or leads to no shop here. Make a new one.",
        "该口令已失效，或不指向本站店铺，请重新生成。",
    ),
}
