"""What a payment, a refund at a provider, a payout and a notice may be: life cycles, limits, and the refusals."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from meadow.kernel.errors import Says
from meadow.kernel.states import Machine

# Money can arrive after we gave a payment up: the late success is recorded, and its owner sends the money back.
PAYMENT = Machine(
    name="payment",
    start="created",
    table={
        "created": {"submit": "pending", "succeed": "succeeded", "fail": "failed", "close": "closed"},
        "pending": {"succeed": "succeeded", "fail": "failed", "close": "closed"},
        "failed": {"submit": "pending", "succeed": "succeeded", "close": "closed"},
        "closed": {"succeed": "succeeded"},
        "succeeded": {},
    },
    ends={"succeeded"},
)

PROVIDER_REFUND = Machine(
    name="provider_refund",
    start="requested",
    table={
        "requested": {"submit": "pending", "post": "posted", "fail": "failed"},
        "pending": {"post": "posted", "fail": "failed"},
        "posted": {},
        "failed": {},
    },
    ends={"posted", "failed"},
)

PAYOUT = Machine(
    name="payout",
    start="requested",
    table={
        "requested": {"submit": "pending", "pay": "paid", "fail": "failed"},
        "pending": {"pay": "paid", "fail": "failed"},
        "paid": {},
        "failed": {},
    },
    ends={"paid", "failed"},
)

SANDBOX_STATES = ("waiting", "succeeded", "failed", "closed")
SUBJECTS = ("payment", "refund", "payout")
OUTCOMES = ("succeeded", "failed", "pending")
PARTIES = ("merchant", "creator")
BEHAVIOURS = (
    "succeed",
    "fail",
    "timeout",
    "notify_twice",
    "late",
    "out_of_order",
    "bad_signature",
    "wrong_amount",
    "wrong_currency",
    "unknown_order",
)

LARGEST_MINOR = 10**13  # of one payment
MOST_NOTICE_BYTES = 16_384
MOST_PAYOUTS = 200
MOST_HEADERS = 50
MOST_HEADER_CHARS = 400
SIGNATURE_LIFE = timedelta(minutes=5)  # machine time; older ones are taken for replays
LATE_BY = timedelta(hours=1)
ASK_AFTER = timedelta(minutes=2)  # a provider that said nothing is asked
ASK_UNTIL = timedelta(days=7)

NOTICE_FAULTS = ("signature", "stale", "replay", "shape", "unknown", "amount", "currency", "provider")
Subject = Literal["payment", "refund", "payout"]
Outcome = Literal["succeeded", "failed", "pending"]


@dataclass(frozen=True, slots=True)
class ProviderLimits:
    """What a provider can carry (settled question 9); None is no limit."""

    max_split_ratio_bp: int | None = None
    max_hold_days: int | None = None
    return_window_days: int | None = None
    personal_receiver_returnable: bool = True


REFUSALS: dict[str, Says] = {
    "notice_refused": Says(
        400,
        "This payment notice was not accepted ({why}) and nothing was changed. Check its signature and contents.",
        "该支付通知未被接受（{why}），未做任何变更，请检查签名与内容。",
    ),
    "provider_unknown": Says(
        422,
        "{provider} is no payment provider of this installation. Choose one that is offered.",
        "本站未启用支付渠道 {provider}，请选择可用的支付方式。",
    ),
    "key_reused": Says(
        409,
        "The key {key} was used for something else. Use a new key for a new request.",
        "编号 {key} 已用于其他请求，请使用新的编号。",
    ),
    "refund_exceeds_payment": Says(
        422,
        "Only {left_minor} of this payment can still be refunded. Refund no more than that.",
        "该笔付款最多还可退 {left_minor}，请减少退款金额。",
    ),
    "behaviour_unknown": Says(
        422,
        "The sandbox knows no behaviour {behaviour}. Choose one of: {known}.",
        "沙盒不支持 {behaviour}，请选择：{known}。",
    ),
    "receivable_outstanding": Says(
        409,
        "{owed_minor} is still owed from an earlier refund. It is paid from what comes in next; what is left can be taken.",
        "尚有 {owed_minor} 应收款未结清，将优先从后续入账中扣除，剩余部分可提现。",
    ),
}
