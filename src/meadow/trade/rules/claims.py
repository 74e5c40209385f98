"""The law of after-sale claims and disputes: what each may become, by which timer, what may be claimed and ruled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from meadow.kernel.errors import Refusal, Says
from meadow.kernel.states import Machine

KINDS = ("refund_only", "return_refund", "exchange")

CLAIM = Machine(
    "claim",
    "asked",
    {
        # asked: the seller must answer.  "ship" is the seller sending goods that were not sent when it was opened.
        "asked": {
            "agree_refund": "refunded",
            "agree_return": "returning",
            "silence_refund": "refunded",
            "silence_return": "returning",
            "refuse": "refused",
            "withdraw": "withdrawn",
            "ship": "overtaken",
            "overtake": "overtaken",
        },
        # returning: the buyer must send the goods back.
        "returning": {
            "send_back": "returned",
            "withdraw": "withdrawn",
            "silence": "lapsed",
            "overtake": "overtaken",
        },
        # returned: the seller must say that the goods came back.
        "returned": {
            "accept_refund": "refunded",
            "accept_exchange": "replacing",
            "silence_refund": "refunded",
            "silence_exchange": "replacing",
            "refuse": "refused",
            "overtake": "overtaken",
        },
        # replacing: the seller must send the replacement, else the money goes back.
        "replacing": {"replace": "replaced", "silence_refund": "refunded", "overtake": "overtaken"},
        # refused: the buyer may take it to the operator.
        "refused": {
            "give_in": "refunded",
            "dispute": "disputed",
            "withdraw": "withdrawn",
            "silence": "expired",
            "ship": "overtaken",
            "overtake": "overtaken",
        },
        "disputed": {
            "give_in": "refunded",
            "rule_refund": "refunded",
            "rule_return": "returning",
            "rule_reject": "rejected",
            "withdraw": "withdrawn",
            "overtake": "overtaken",
        },
        "refunded": {},
        "replaced": {},
        "withdrawn": {},
        "lapsed": {},
        "expired": {},
        "rejected": {},
        "overtaken": {},
    },
    ends={"refunded", "replaced", "withdrawn", "lapsed", "expired", "rejected", "overtaken"},
)
OPEN = tuple(state for state, row in CLAIM.table.items() if row)

DISPUTE = Machine(
    "dispute",
    "open",
    {
        # proposed: above the threshold a second operator must agree with the ruling.
        "open": {"propose": "proposed", "rule": "ruled", "settle": "settled", "withdraw": "withdrawn"},
        "proposed": {"approve": "ruled", "decline": "open", "settle": "settled", "withdraw": "withdrawn"},
        "ruled": {},
        "settled": {},
        "withdrawn": {},
    },
    ends={"ruled", "settled", "withdrawn"},
)
DISPUTE_OPEN = tuple(state for state, row in DISPUTE.table.items() if row)

FREEZE = Machine(
    "freeze",
    "proposed",
    {
        "proposed": {"approve": "active", "decline": "dropped", "close": "dropped"},
        "active": {"propose_end": "ending", "end": "ended", "close": "ended"},
        "ending": {"approve": "ended", "decline": "active", "close": "ended"},
        "dropped": {},
        "ended": {},
    },
    ends={"dropped", "ended"},
)
FREEZE_OPEN = tuple(state for state, row in FREEZE.table.items() if row)
FREEZE_HOLDS = ("active", "ending")

# Why a buyer claims, in both languages.
REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "not_received": ("The goods did not arrive", "未收到商品"),
        "late": ("Not sent in time", "未按时发货"),
        "not_as_described": ("Not as described", "与描述不符"),
        "damaged": ("Damaged", "商品破损"),
        "wrong_item": ("Wrong goods or some are missing", "发错或少件"),
        "counterfeit": ("Counterfeit", "假货"),
        "no_reason": ("Changed my mind", "七天无理由"),
        "other": ("Something else", "其他"),
    }
)
# Why an operator rules as they do.
RULING_REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "seller_at_fault": ("The seller is at fault", "商家责任"),
        "buyer_at_fault": ("The buyer is at fault", "买家责任"),
        "carrier_at_fault": ("Damaged or lost on the way", "物流责任"),
        "shared_fault": ("Both have a part in it", "双方责任"),
        "seller_proved_nothing": ("The seller brought no evidence", "商家举证不足"),
        "buyer_proved_nothing": ("The buyer brought no evidence", "买家举证不足"),
        "counterfeit": ("The goods are counterfeit", "假货成立"),
        "agreed": ("Both sides agreed to it", "双方协商一致"),
    }
)
PROHIBITED = "prohibited_goods"
FREEZE_REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "fraud_suspected": ("Fraud is suspected", "涉嫌欺诈"),
        "authority": ("An authority asked for it", "监管要求"),
        "merchant_insolvent": ("The merchant may be insolvent", "商家可能无力履约"),
        PROHIBITED: ("The goods turned out to be forbidden", "商品被认定为违禁品"),
        "tracking_doubtful": ("Whether the goods were sent is in doubt", "发货信息存疑"),
    }
)
OUTCOMES = ("refund", "return", "reject")
SIDES = ("buyer", "merchant", "operator", "system")

SELLER_ANSWERS = timedelta(hours=48)
BUYER_RETURNS = timedelta(days=7)
SELLER_RECEIVES = timedelta(days=10)
SELLER_REPLACES = timedelta(hours=48)
BUYER_DISPUTES = timedelta(days=7)
EVIDENCE_WINDOW = timedelta(days=3)
RULING_WITHIN = timedelta(hours=48)
NO_REASON_WINDOW = timedelta(days=7)
# How long each state may last; a dispute has its own clock.
DUE_IN: Mapping[str, timedelta] = MappingProxyType(
    {
        "asked": SELLER_ANSWERS,
        "returning": BUYER_RETURNS,
        "returned": SELLER_RECEIVES,
        "replacing": SELLER_REPLACES,
        "refused": BUYER_DISPUTES,
    }
)
# Whose turn it is.
TURN: Mapping[str, str] = MappingProxyType(
    {
        "asked": "merchant",
        "returning": "buyer",
        "returned": "merchant",
        "replacing": "merchant",
        "refused": "buyer",
        "disputed": "operator",
    }
)
TIMERS: Mapping[str, timedelta] = MappingProxyType(
    {
        "claim.seller_answers": SELLER_ANSWERS,
        "claim.buyer_returns": BUYER_RETURNS,
        "claim.seller_receives": SELLER_RECEIVES,
        "claim.seller_replaces": SELLER_REPLACES,
        "claim.buyer_disputes": BUYER_DISPUTES,
        "dispute.evidence": EVIDENCE_WINDOW,
        "dispute.rule_within": RULING_WITHIN,
        "return.no_reason": NO_REASON_WINDOW,
    }
)
LIMITS: Mapping[str, int] = MappingProxyType(
    {"claims_per_line": 5, "claims_a_day": 20, "evidence": 20, "pictures_at_once": 5, "text_characters": 2000}
)

# Risk of a buyer: told to operators, never a reason to deny by itself.
RISK_WINDOW = timedelta(days=90)
RISK_LEAST_ORDERS = 4
RISK_RATE_BP = 3_000
RISK_DEVICES = 5
RISK_HIGH = 50


@dataclass(frozen=True, slots=True)
class Claimable:
    """What counts when a claim on a line is opened."""

    order_state: str
    line_kind: str
    amount_minor: int
    left_minor: int
    shipped_quantity: int
    after_sale_until: datetime | None
    confirmed_at: datetime | None
    earlier: int
    is_claimed: bool


CLAIMABLE_STATES = ("paid", "part_shipped", "shipped", "confirmed", "settled")


def latest_claim(line: Claimable, reason: str) -> datetime | None:
    """Until when a claim can be made; None before the goods are received."""
    if reason == "no_reason" and line.confirmed_at is not None:
        return line.confirmed_at + NO_REASON_WINDOW
    return line.after_sale_until


def check_claim(line: Claimable, kind: str, reason: str, amount_minor: int, now: datetime) -> None:
    """Refuses: not_found, malformed, stale_state, claim_too_late, claim_open, claims_used_up, nothing_to_claim,
    claim_too_large."""
    if line.line_kind != "goods":
        raise Refusal("not_found")
    if kind not in KINDS:
        raise Refusal("malformed", field="kind", why=f"use {', '.join(KINDS)}")
    if reason not in REASONS:
        raise Refusal("malformed", field="reason", why=f"use {', '.join(REASONS)}")
    if line.order_state not in CLAIMABLE_STATES:
        raise Refusal("stale_state", state=line.order_state, event="claim")
    if now > (latest_claim(line, reason) or now):
        raise Refusal("claim_too_late")
    if kind != "refund_only" and not line.shipped_quantity:
        raise Refusal("malformed", field="kind", why="nothing was sent yet, so there is nothing to send back")
    if line.is_claimed:
        raise Refusal("claim_open")
    if line.earlier >= LIMITS["claims_per_line"]:
        raise Refusal("claims_used_up", most=LIMITS["claims_per_line"])
    if line.left_minor <= 0:
        raise Refusal("nothing_to_claim")
    check_amount("amount_minor", amount_minor, line.left_minor)


def check_amount(field: str, minor: object, left_minor: int) -> None:
    """Refuses: malformed, claim_too_large."""
    if type(minor) is not int or minor <= 0:
        raise Refusal("malformed", field=field, why="more than nothing")
    if minor > left_minor:
        raise Refusal("claim_too_large", left_minor=left_minor)


def check_text(field: str, text: str, *, is_needed: bool = False) -> str:
    """A text without blank ends and control characters.  Refuses: malformed."""
    kept = "".join(c for c in text.strip() if c == "\n" or c.isprintable())
    if is_needed and not kept:
        raise Refusal("malformed", field=field, why="write something")
    if len(kept) > LIMITS["text_characters"]:
        raise Refusal("malformed", field=field, why=f"at most {LIMITS['text_characters']} characters")
    return kept


def check_reason(field: str, code: str, known: Iterable[str]) -> str:
    """Refuses: malformed."""
    if code not in known:
        raise Refusal("malformed", field=field, why=f"use {', '.join(known)}")
    return code


def after_agreement(kind: str, *, knows_where: bool = True, how: str = "agree") -> str:
    """The event that the seller's agreement, or silence, is.

    A silent seller who never said where goods go back to gets none back: the buyer must not wait for an address.
    """
    return f"{how}_refund" if kind == "refund_only" or not knows_where else f"{how}_return"


def risk(paid: int, refunded: int, devices: int) -> tuple[int, list[str]]:
    """A buyer's score from 0 to 100, and why; it sorts the operator's list and decides nothing."""
    score, why = 0, []
    rate_bp = refunded * 10_000 // paid if paid else 0
    if paid >= RISK_LEAST_ORDERS and rate_bp > RISK_RATE_BP:
        score += min(70, 50 + (rate_bp - RISK_RATE_BP) // 350)
        why.append("refund_rate")
    if devices > RISK_DEVICES:
        score += min(30, 6 * (devices - RISK_DEVICES))
        why.append("many_devices")
    return score, why


REFUSALS: dict[str, Says] = {
    "claim_open": Says(
        409,
        "A claim on this is open. Withdraw it first, or wait for its end.",
        "该商品已有处理中的售后，请先撤销或等待处理完成。",
    ),
    "claims_used_up": Says(
        409,
        "At most {most} claims can be made on one product of an order. Write to the shop instead.",
        "同一商品最多申请 {most} 次售后，请直接联系商家。",
    ),
    "claim_too_late": Says(
        409,
        "The time for this claim is over. Write to the shop instead.",
        "已超过可申请售后的期限，请直接联系商家。",
    ),
    "nothing_to_claim": Says(
        409,
        "All that was paid for it was given back already. If something else is wrong, write to the shop.",
        "该商品的款项已全部退回。如还有其他问题，请直接联系商家。",
    ),
    "claim_too_large": Says(
        409,
        "At most {left_minor} (minor units) can be claimed for it. Claim that or less.",
        "该商品最多可申请 {left_minor}（最小货币单位），请减少金额。",
    ),
    "evidence_closed": Says(
        409,
        "The time to hand in evidence is over. The operator decides on what is there.",
        "举证期限已过，平台将根据现有证据裁决。",
    ),
    "evidence_full": Says(
        409,
        "At most {most} pieces of evidence fit into a claim. Put several into one text.",
        "一次售后最多提交 {most} 份证据，请合并说明。",
    ),
    "evidence_awaited": Says(
        409,
        "Both sides may hand in evidence until {until}. Rule after that.",
        "双方可在 {until} 前举证，请在此之后裁决。",
    ),
    "return_address_needed": Says(
        422,
        "Say where the goods go back to, then agree.",
        "请先填写退货地址再同意。",
    ),
    "own_case": Says(
        403,
        "You are a party of this yourself. Leave it to another operator.",
        "您是当事人，请交由其他运营人员处理。",
    ),
    "order_frozen": Says(
        409,
        "This order is frozen already. Look at its freeze first.",
        "该订单已被冻结，请先查看冻结记录。",
    ),
}
