"""The law of trade: what an order may become, by which timer, what it costs, what may be refunded, what is refused.

Money is in minor units.  How a line's money is split and given back is the ledger's law (`ledger/rules.py`).
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from meadow.kernel.errors import Refusal, Says
from meadow.kernel.states import Machine
from meadow.trade.rules import claims, escrow

ORDER = Machine(
    "order",
    "placed",
    {
        "placed": {"pay": "paid", "cancel": "closed", "expire": "closed"},
        "paid": {"ship_part": "part_shipped", "ship": "shipped", "cancel": "closed", "refund_all": "closed"},
        "part_shipped": {"ship_part": "part_shipped", "ship": "shipped", "refund_all": "closed"},
        "shipped": {"confirm": "confirmed", "refund_all": "closed"},
        "confirmed": {"settle": "settled", "refund_all": "closed"},
        "settled": {},
        "closed": {},
    },
    ends={"settled", "closed"},
)
IN_ESCROW = ("paid", "part_shipped", "shipped", "confirmed")  # the order's money is in its escrow account
REFUNDABLE = (*IN_ESCROW, "settled")
CANCELLABLE = ORDER.sources("cancel")

REFUND = Machine(
    "refund",
    "pending",
    {
        # pending: the money is not set apart yet, because the platform's advance is used up.
        "pending": {"fund": "sent"},
        # sent: the provider has been asked; its answer comes later.
        "sent": {"complete": "completed", "fail": "failed"},
        "failed": {"send_again": "sent"},
        "completed": {},
    },
    ends={"completed"},
)

CHECKOUT = Machine("checkout", "open", {"open": {"place": "placed"}, "placed": {}}, ends={"placed"})

# What a provider's word about a payment does to each order it pays, by the order's state.  "late" is a success that
# comes when the order is closed: always refunded, never reopened.  An order closed after it was paid got its money
# once already, so the same success again is a repeat there (see `effect_of_notice`).
PAYMENT_EFFECTS: Mapping[str, Mapping[str, str]] = {
    "placed": {"succeeded": "take", "failed": "ignore", "pending": "ignore", "closed": "ignore"},
    "closed": {"succeeded": "late", "failed": "ignore", "pending": "ignore", "closed": "ignore"},
} | {
    state: {"succeeded": "repeat", "failed": "ignore", "pending": "ignore", "closed": "ignore"} for state in REFUNDABLE
}

UNPAID_TTL = timedelta(minutes=30)
SETTLE_DELAY = timedelta(days=1)
AFTER_SALE_WINDOW = timedelta(days=15)
REFUND_RETRY = timedelta(minutes=10)
REFUND_RETRY_MOST = timedelta(days=1)
AUTO_CONFIRM: Mapping[str, timedelta] = MappingProxyType(
    {
        "express": timedelta(days=10),
        "pickup": timedelta(days=2),
        "virtual": timedelta(days=2),
        "post": timedelta(days=30),
    }
)
TIMERS: Mapping[str, timedelta] = MappingProxyType(
    {
        "order.unpaid_ttl": UNPAID_TTL,
        "escrow.settle_delay": SETTLE_DELAY,
        "after_sale.window": AFTER_SALE_WINDOW,
        "refund.retry": REFUND_RETRY,
        "refund.retry_most": REFUND_RETRY_MOST,
    }
    | {f"escrow.auto_confirm.{kind}": wait for kind, wait in AUTO_CONFIRM.items()}
    | dict(escrow.TIMERS)
    | dict(claims.TIMERS)
)

LIMITS: Mapping[str, int] = MappingProxyType(
    {
        "cart_lines": 100,
        "favourites": 500,
        "checkout_lines": 50,
        "line_quantity": 99,  # of one SKU in one order, whoever buys
        "parcels": 15,
        "reason_characters": 500,
        "address_characters": 200,
        "name_characters": 80,
        "parcel_number_characters": 40,
        "page": 100,
    }
)


def effect_of_notice(state: str, outcome: str, *, was_paid: bool) -> str:
    """What a provider's word does to an order: take, late, repeat or ignore."""
    effect = PAYMENT_EFFECTS[state].get(outcome, "ignore")
    return "repeat" if effect == "late" and was_paid else effect


def check_quantity(quantity: object) -> int:
    """A whole number from 1 to the limit.  Refuses: quantity_refused."""
    most = LIMITS["line_quantity"]
    if type(quantity) is not int or not 1 <= quantity <= most:
        raise Refusal("quantity_refused", most=most)
    return quantity


# Totals


@dataclass(frozen=True, slots=True)
class Priced:
    """A line at the price of this moment."""

    sku_id: int
    shop_id: int
    quantity: int
    unit_price_minor: int
    currency: str

    @property
    def amount_minor(self) -> int:
        return self.unit_price_minor * self.quantity


@dataclass(frozen=True, slots=True)
class Part:
    """What one shop's order will cost."""

    shop_id: int
    currency: str
    goods_minor: int
    shipping_minor: int
    sku_ids: tuple[int, ...]

    @property
    def total_minor(self) -> int:
        return self.goods_minor + self.shipping_minor


def parts_of(lines: Iterable[Priced], shipping_minor: Mapping[int, int]) -> list[Part]:
    """One part per shop, in the order of the shops' first lines; shipping is flat per shop."""
    by_shop: dict[int, list[Priced]] = {}
    for line in lines:
        by_shop.setdefault(line.shop_id, []).append(line)
    return [
        Part(
            shop_id,
            its[0].currency,
            sum(line.amount_minor for line in its),
            shipping_minor.get(shop_id, 0),
            tuple(line.sku_id for line in its),
        )
        for shop_id, its in by_shop.items()
    ]


def totals_of(parts: Iterable[Part]) -> dict[str, int]:
    """What is to be paid, per currency: one payment each, nothing is converted."""
    totals: dict[str, int] = {}
    for part in parts:
        totals[part.currency] = totals.get(part.currency, 0) + part.total_minor
    return totals


# Shipping


@dataclass(frozen=True, slots=True)
class ParcelIn:
    """A parcel as the merchant enters it.  lines are (order line id, quantity); none: all that is left to ship."""

    kind: str = "express"
    carrier: str = ""
    number: str = ""
    lines: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ToShip:
    """How much of a goods line is still to be shipped."""

    line_id: int
    left: int


def check_parcel(parcel: ParcelIn) -> ParcelIn:
    """The parcel with tidy texts; express and post need a carrier and a number.  Refuses: parcel_refused."""
    carrier, number = parcel.carrier.strip(), parcel.number.strip()
    most = LIMITS["parcel_number_characters"]
    if parcel.kind not in AUTO_CONFIRM:
        raise Refusal("parcel_refused", field="kind")
    if len(carrier) > most or (parcel.kind in ("express", "post") and not carrier):
        raise Refusal("parcel_refused", field="carrier")
    if len(number) > most or not number.isprintable() or (parcel.kind == "express" and not number):
        raise Refusal("parcel_refused", field="number")
    return ParcelIn(parcel.kind, carrier, number, parcel.lines)


def pack(parcels: Sequence[ParcelIn], to_ship: Sequence[ToShip]) -> list[tuple[tuple[int, int], ...]]:
    """What each parcel holds, in order.  Refuses: nothing_to_ship, parcel_refused."""
    left = {line.line_id: line.left for line in to_ship if line.left > 0}
    if not left:
        raise Refusal("nothing_to_ship")
    packed: list[tuple[tuple[int, int], ...]] = []
    for parcel in parcels:
        for line_id, quantity in parcel.lines:
            if type(quantity) is not int or not 1 <= quantity <= left.get(line_id, 0):
                raise Refusal("parcel_refused", field="lines")
            left[line_id] -= quantity
        packed.append(parcel.lines)
    rest = tuple((line_id, quantity) for line_id, quantity in left.items() if quantity)
    open_parcels = [n for n, parcel in enumerate(parcels) if not parcel.lines]
    if open_parcels:
        # One line may travel in several parcels, so the parcels without a list share the rest: it stands with the last.
        packed[open_parcels[-1]] = rest
    return packed


def auto_confirm_due(kinds: Iterable[str], last_parcel_at: datetime) -> datetime:
    """The slowest kind of parcel counts from the last parcel, so nobody's timer ends before the goods can arrive."""
    return last_parcel_at + max(AUTO_CONFIRM[kind] for kind in kinds)


# Refunds


@dataclass(frozen=True, slots=True)
class Refundable:
    """A paid line and what was refunded of it so far."""

    line_id: int
    kind: str
    amount_minor: int
    refunded_minor: int

    @property
    def left_minor(self) -> int:
        return self.amount_minor - self.refunded_minor


def refund_amounts(
    lines: Sequence[Refundable], goods: Sequence[tuple[int, int]], shipping_minor: int
) -> list[tuple[int, int]]:
    """(line id, minor) to refund, shipping last.  Refuses: not_found, refund_refused, refund_too_large."""
    by_id = {line.line_id: line for line in lines}
    shipping = next((line for line in lines if line.kind == "shipping"), None)
    asked: dict[int, int] = {}
    for line_id, minor in goods:
        if line_id not in by_id or by_id[line_id].kind != "goods":
            raise Refusal("not_found")
        if line_id in asked or type(minor) is not int or minor <= 0:
            raise Refusal("refund_refused")
        asked[line_id] = minor
    if type(shipping_minor) is not int or shipping_minor < 0 or not (asked or shipping_minor):
        raise Refusal("refund_refused")
    if shipping_minor:
        if shipping is None:
            raise Refusal("refund_too_large", left_minor=0)
        asked[shipping.line_id] = shipping_minor
    for line_id, minor in asked.items():
        if minor > by_id[line_id].left_minor:
            raise Refusal("refund_too_large", left_minor=by_id[line_id].left_minor)
    return list(asked.items())


def retry_refund_at(asked_at: datetime, now: datetime) -> datetime:
    """After as long again as it has waited already, at most a day."""
    return now + min(max(REFUND_RETRY, now - asked_at), REFUND_RETRY_MOST)


def everything_left(lines: Sequence[Refundable]) -> list[tuple[int, int]]:
    """(line id, minor) of all that was not refunded yet."""
    return [(line.line_id, line.left_minor) for line in lines if line.left_minor]


# Addresses

_REQUIRED = ("name", "phone", "line1", "city", "country")
_OPTIONAL = ("line2", "district", "region", "postal_code")
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,22}[0-9]\Z")
_EMAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\".]+\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_POSTAL = re.compile(r"[A-Z0-9][A-Z0-9 -]{1,10}\Z")


def check_address(raw: Mapping[str, Any]) -> dict[str, str]:
    """A delivery address with tidy texts and no other keys.  Refuses: address_refused."""
    address = {field: _tidy(raw.get(field, ""), f"address.{field}") for field in _REQUIRED + _OPTIONAL}
    address["country"] = address["country"].upper()
    address["postal_code"] = address["postal_code"].upper()
    for field in _REQUIRED:
        if not address[field]:
            raise Refusal("address_refused", field=f"address.{field}")
    if not _PHONE.match(address["phone"]):
        raise Refusal("address_refused", field="address.phone")
    if not _COUNTRY.match(address["country"]):
        raise Refusal("address_refused", field="address.country")
    if address["postal_code"] and not _POSTAL.match(address["postal_code"]):
        raise Refusal("address_refused", field="address.postal_code")
    if len(address["name"]) > LIMITS["name_characters"]:
        raise Refusal("address_refused", field="address.name")
    return address


def check_contact(raw: Mapping[str, Any], *, is_needed: bool) -> dict[str, str]:
    """How to reach the buyer: e-mail, phone or both; a guest must give one.  Refuses: address_refused."""
    contact = {field: _tidy(raw.get(field, ""), f"contact.{field}") for field in ("email", "phone")}
    if contact["email"] and (len(contact["email"]) > 254 or not _EMAIL.match(contact["email"])):
        raise Refusal("address_refused", field="contact.email")
    if contact["phone"] and not _PHONE.match(contact["phone"]):
        raise Refusal("address_refused", field="contact.phone")
    if is_needed and not (contact["email"] or contact["phone"]):
        raise Refusal("address_refused", field="contact.email")
    return contact


def _tidy(value: object, field: str) -> str:
    """NFC, single spaces; control characters and long texts are refused rather than cut."""
    if not isinstance(value, str) or len(value) > LIMITS["address_characters"]:
        raise Refusal("address_refused", field=field)
    text = " ".join(unicodedata.normalize("NFC", value).split())
    if any(unicodedata.category(character) in ("Cc", "Cs", "Co") for character in text):
        raise Refusal("address_refused", field=field)
    return text


REFUSALS: dict[str, Says] = {
    **claims.REFUSALS,
    **escrow.REFUSALS,
    "quantity_refused": Says(
        422, "Choose a whole number from 1 to {most} of each product.", "每种商品的数量须为 1 到 {most} 的整数。"
    ),
    "over_buyer_limit": Says(
        409, "One buyer may have {most} of “{title}”, and you have {had} already. Take fewer.",
        "“{title}”每人限购 {most} 件，您已购 {had} 件，请减少数量。",
    ),
    "favourites_full": Says(
        409, "You keep {most} products already. Let go of some first.", "收藏已达 {most} 件上限，请先移除部分商品。"
    ),
    "cart_full": Says(
        409, "The cart holds at most {most} products. Check out or remove some first.",
        "购物车最多 {most} 种商品，请先结算或移除部分商品。",
    ),
    "checkout_empty": Says(422, "There is nothing to buy here. Choose a product first.", "没有可结算的商品，请先选择商品。"),
    "checkout_too_long": Says(
        422, "One checkout takes at most {most} products. Split it in two.", "一次最多结算 {most} 种商品，请分次结算。"
    ),
    "not_for_sale": Says(
        409, "“{title}” is not for sale any more ({why}). Remove it and go on with the rest.",
        "“{title}”已不可购买（{why}），请移除后继续结算其他商品。",
    ),
    "not_delivered": Says(
        409, "{shop} does not send to this address. Choose another address, or take its goods out.",
        "{shop}不配送至该地址，请更换地址或移除该店商品。",
    ),
    "gift_alone": Says(
        409, "A gift is only sent along with something that is paid. Add a product of the same shop.",
        "赠品须与付费商品一同下单，请添加同店商品。",
    ),
    "price_changed": Says(
        409, "A price changed while you were here. Look at the new total and confirm it.",
        "商品价格已变化，请核对新的总价并确认。",
    ),
    "total_changed": Says(
        409, "The total is now {total_minor} (minor units, {currency}). Look at it and confirm it.",
        "应付总额已变为 {total_minor}（最小货币单位，{currency}），请核对后确认。",
    ),
    "address_refused": Says(
        422, "Please fill in {field} correctly.", "请正确填写 {field}。"
    ),
    "addresses_full": Says(
        409, "You keep {most} addresses, which is the most. Delete one first.", "最多保存 {most} 个地址，请先删除一个。"
    ),
    "parcel_refused": Says(
        422, "Please correct the parcel's {field}.", "请更正包裹的 {field}。"
    ),
    "too_many_parcels": Says(
        409, "An order travels in at most {most} parcels. Put more into each.", "一笔订单最多 {most} 个包裹，请合并发货。"
    ),
    "nothing_to_ship": Says(
        409, "Everything of this order is shipped or refunded. Load it again.", "该订单已全部发货或退款，请刷新查看。"
    ),
    "refund_refused": Says(
        422, "Name amounts greater than zero, each line once.", "请填写大于零的退款金额，每个订单行仅一次。"
    ),
    "refund_too_large": Says(
        409, "Only {left_minor} (minor units) of it is left to refund. Ask for that or less.",
        "该项最多还可退 {left_minor}（最小货币单位），请减少金额。",
    ),
}  # fmt: skip
