"""The law of the money: how a paid amount is split, and what each party gives back when a part of it is refunded.

Pure integer arithmetic by settled questions 1 to 8.  All amounts are minor units of one currency; rates are basis
points (2000 is 20 %).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from meadow.kernel.errors import Refusal, Says
from meadow.kernel.money import half_even, half_up
from meadow.kernel.states import Machine

FULL_BP = 10_000
SERVICE_BP = 1_000  # the platform's service fee, of the commission
TRADE_BP = 500  # the platform's trade fee, of the goods
LARGEST_MINOR = 10**15  # of one line; sums of many still fit a bigint
MOST_TRANSFERS = 200  # in one posting
MOST_POSTINGS = 1_000  # in one batch
MOST_STATEMENT_LINES = 500
SNAPSHOT_EVERY = timedelta(minutes=5)

CLOSE_AFTER = timedelta(hours=1)  # what began before midnight has ended by then

Void = Literal["below_minimum", "zero_rate"]

HOLD = Machine(
    name="hold",
    start="open",
    table={
        "open": {"release": "released", "expire": "expired", "consume": "consumed"},
        "released": {},
        "expired": {},
        "consumed": {},
    },
    ends={"released", "expired", "consumed"},
)

PARTIES = ("merchant", "creator")


@dataclass(frozen=True, slots=True)
class Split:
    """Who gets how much of an amount.  `void` tells why there is no commission."""

    merchant: int
    creator: int
    service: int
    trade: int
    void: Void | None = None

    @property
    def platform(self) -> int:
        return self.service + self.trade

    @property
    def total(self) -> int:
        return self.merchant + self.creator + self.service + self.trade

    @property
    def pool(self) -> int:
        """What does not go to the merchant."""
        return self.creator + self.service + self.trade

    def __add__(self, other: "Split") -> "Split":
        return Split(
            self.merchant + other.merchant,
            self.creator + other.creator,
            self.service + other.service,
            self.trade + other.trade,
        )

    def __sub__(self, other: "Split") -> "Split":
        return Split(
            self.merchant - other.merchant,
            self.creator - other.creator,
            self.service - other.service,
            self.trade - other.trade,
        )


NOTHING = Split(0, 0, 0, 0)


def split(goods_minor: int, rate_bp: int, service_bp: int = SERVICE_BP, trade_bp: int = TRADE_BP) -> Split:
    """The settlement split of a line of goods (settled question 2).  Refuses: malformed, fees_exceed_goods."""
    _check_amount("goods_minor", goods_minor)
    _check_rate(rate_bp)
    commission = half_even(goods_minor * rate_bp, FULL_BP)
    service = half_even(commission * service_bp, FULL_BP)
    trade = half_even(goods_minor * trade_bp, FULL_BP)
    merchant = goods_minor - commission - trade
    if merchant < 0:
        raise Refusal("fees_exceed_goods", goods_minor=goods_minor, fees_minor=commission + trade)
    void: Void | None = None
    if commission == 0:
        void = "zero_rate" if rate_bp == 0 else "below_minimum"
    return Split(merchant, commission - service, service, trade, void)


def shipping_split(shipping_minor: int) -> Split:
    """Shipping is a line of its own, wholly the merchant's."""
    _check_amount("shipping_minor", shipping_minor)
    return Split(shipping_minor, 0, 0, 0)


def reversal(original: Split, refunded_minor: int) -> Split:
    """What each party has given back once refunded_minor of a line was refunded in all (settled question 3).

    Half-up and not half-even, because only half-up never falls as the refund grows: a later refund would otherwise
    pay somebody.  Refuses: refund_exceeds_line.
    """
    total, pool = original.total, original.pool
    if not 0 <= refunded_minor <= total:
        raise Refusal("refund_exceeds_line", refunded_minor=refunded_minor, paid_minor=total)
    taken = _share(refunded_minor, pool, total)
    creator = _share(taken, original.creator, pool)
    service = _share(taken - creator, original.service, original.platform)
    return Split(refunded_minor - taken, creator, service, taken - creator - service)


def step(original: Split, before_minor: int, after_minor: int) -> Split:
    """What one refund takes back: the difference between two cumulative reversals.  Refuses: refund_exceeds_line."""
    if after_minor < before_minor:
        raise Refusal("refund_exceeds_line", refunded_minor=after_minor, paid_minor=original.total)
    return reversal(original, after_minor) - reversal(original, before_minor)


def total_of(parts: Iterable[Split]) -> Split:
    """The sum of the splits of several lines."""
    total = NOTHING
    for part in parts:
        total = total + part
    return total


def _share(amount: int, part: int, whole: int) -> int:
    """amount x part / whole, half-up; 0/0 is 0."""
    return half_up(amount * part, whole) if whole else 0


def _check_amount(field: str, minor: int) -> None:
    if not 0 <= minor <= LARGEST_MINOR:
        raise Refusal("malformed", field=field, why=f"a whole number from 0 to {LARGEST_MINOR}")


def _check_rate(rate_bp: int) -> None:
    if not 0 <= rate_bp <= FULL_BP:
        raise Refusal("malformed", field="rate", why="from 0 to 100 per cent")


def month_of(moment: datetime, zone: str) -> date:
    """The first day of the month that a moment lies in, in a time zone."""
    return moment.astimezone(ZoneInfo(zone)).date().replace(day=1)


def next_month(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def span_of(month: date, zone: str) -> tuple[datetime, datetime]:
    """When a month begins and ends; the beginning is in, the end is out."""
    first, after = (datetime.combine(day, time(), ZoneInfo(zone)) for day in (month, next_month(month)))
    return first.astimezone(UTC), after.astimezone(UTC)


REFUSALS: dict[str, Says] = {
    "month_open": Says(
        409,
        "The month {month} has not ended yet. Its statement is made an hour after it does.",
        "{month} 尚未结束，月结单将在月末一小时后生成。",
    ),
    "fees_exceed_goods": Says(
        422,
        "Commission and platform fees ({fees_minor}) come to more than the goods ({goods_minor}). Lower the rate.",
        "佣金与平台费用（{fees_minor}）超过商品金额（{goods_minor}），请降低佣金率。",
    ),
    "refund_exceeds_line": Says(
        422,
        "Refunds would come to {refunded_minor} of {paid_minor} paid. Refund no more than what is left.",
        "累计退款 {refunded_minor} 超过已付金额 {paid_minor}，请减少退款金额。",
    ),
    "posting_mismatch": Says(
        409,
        "The key {key} was posted with other contents. Use a new key for another posting.",
        "编号 {key} 已用于其他内容的记账，请使用新的编号。",
    ),
    "insufficient_funds": Says(
        409,
        "{account} has {available_minor} available, which is not enough. Wait for more to be released, or take less.",
        "{account} 可用余额为 {available_minor}，不足以支付。请等待更多款项到账，或减少金额。",
    ),
    "advance_exhausted": Says(
        409,
        "The platform's advance is used up ({left_minor} left). The refund waits; the operator has to raise the limit.",
        "平台垫付额度不足（剩余 {left_minor}），退款暂缓，请由运营者提高垫付额度。",
    ),
    "account_unknown": Says(
        422,
        "{account} is no account name the ledger knows. Use one such as escrow:ID or creator:ID:available.",
        "账户名 {account} 无效，请使用 escrow:ID 或 creator:ID:available 等形式。",
    ),
    "already_reversed": Says(
        409,
        "Posting {posting_id} was reversed before. Correct it with a new posting.",
        "记账 {posting_id} 已经冲正，请用新的记账更正。",
    ),
}
