"""What an order is, to each who may see it: its buyer, the merchant's staff, the operator; and to nobody else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from meadow.accounts import queries as accounts
from meadow.kernel import rows, signing
from meadow.kernel.errors import Refusal
from meadow.ledger.queries import Split
from meadow.trade.models import Order, OrderLine, Parcel, Refund, RefundLine
from meadow.trade.rules import IN_ESCROW, LIMITS, Refundable


@dataclass(frozen=True, slots=True)
class LineView:
    line_id: int
    public_id: str
    kind: str
    sku_id: int | None
    product_id: int | None
    title: str
    option_text: str
    quantity: int
    shipped_quantity: int
    unit_price_minor: int
    amount_minor: int
    tax_minor: int
    refunded_minor: int
    creator_id: int | None
    attribution_id: int | None
    plan_version_id: int | None
    rate_bp: int
    split: Split


@dataclass(frozen=True, slots=True)
class ParcelView:
    public_id: str
    kind: str
    carrier: str
    number: str
    contents: tuple[tuple[int, int], ...]
    shipped_at: datetime


@dataclass(frozen=True, slots=True)
class RefundView:
    """A refund with what each party gives for it."""

    refund_id: int
    public_id: str
    kind: str
    state: str
    currency: str
    amount_minor: int
    goods_minor: int
    shipping_minor: int
    merchant_minor: int
    creator_minor: int
    platform_minor: int
    is_from_escrow: bool
    reason: str
    asked_at: datetime
    completed_at: datetime | None
    lines: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order whole: the row, its lines, parcels and refunds."""

    order: Order
    role: str
    lines: tuple[LineView, ...]
    parcels: tuple[ParcelView, ...]
    refunds: tuple[RefundView, ...]


@dataclass(frozen=True, slots=True)
class SettlementView:
    """What each party got at release (or would get, were it now), and what is left to each after all refunds."""

    currency: str
    is_released: bool
    released: Split
    left: Split

    @property
    def merchant_minor(self) -> int:
        return self.released.merchant

    @property
    def creator_minor(self) -> int:
        return self.released.creator

    @property
    def platform_minor(self) -> int:
        return self.released.platform


def order_for(which: int | str, *, person_id: int) -> OrderView:
    """An order by id or public id, to somebody who may see it.  Refuses: not_found."""
    order = _order(which)
    return view_of(order, role_in(order, person_id))


def order_by_id(order_id: int) -> Order:
    """An order as the house itself reads it, without a lock.  Refuses: not_found."""
    found = rows.first(Order, id=order_id)
    if found is None:
        raise Refusal("not_found")
    return found


def role_in(order: Order, person_id: int) -> str:
    """What somebody is to an order: buyer, merchant or operator.  Refuses: not_found."""
    if order.buyer_id == person_id:
        return "buyer"
    if accounts.may_act_for(person_id, order.merchant_id):
        return "merchant"
    if accounts.is_operator(person_id):
        return "operator"
    raise Refusal("not_found")


def view_of(order: Order, role: str = "system") -> OrderView:
    """An order with all that belongs to it; three statements, and two for its refunds if it has any."""
    lines = tuple(_line(line) for line in lines_of(order.pk))
    parcels = tuple(
        ParcelView(p.public_id, p.kind, p.carrier, p.number, tuple((a, b) for a, b in p.contents), p.shipped_at)
        for p in rows.find(Parcel, order_id=order.pk)
    )
    return OrderView(order, role, lines, parcels, tuple(refunds_of(order.pk)))


def order_link(order: Order) -> str:
    """The signed text by which a guest comes back to an order."""
    return signing.sign({"o": order.pk}, "order")


def order_by_link(text: str) -> OrderView:
    """The order of such a link, as its buyer sees it.  Refuses: not_found."""
    payload = signing.unsign(text, "order")
    if payload is None:
        raise Refusal("not_found")
    return view_of(_order(int(payload["o"])), "buyer")


def orders_of(
    buyer_id: int, *, states: Iterable[str] = (), before_id: int | None = None, limit: int = 20
) -> list[Order]:
    """A buyer's orders, the newest first."""
    return _page({"buyer_id": buyer_id}, states, before_id, limit)


def orders_of_shop(
    shop_id: int, *, states: Iterable[str] = (), before_id: int | None = None, limit: int = 20
) -> list[Order]:
    """A shop's orders, the newest first.  Whether the reader is staff is the door's to ask."""
    return _page({"shop_id": shop_id}, states, before_id, limit)


def orders_of_merchants(
    merchant_ids: Sequence[int], *, states: Iterable[str] = (), before_id: int | None = None, limit: int = 20
) -> list[Order]:
    """What some merchants sold, the newest first.  Whether the reader is staff is the door's to ask."""
    return _page({"merchant_id__in": list(merchant_ids)}, states, before_id, limit)


def goods_of(orders: Iterable[Order]) -> dict[int, list[LineView]]:
    """The goods lines of several orders, by order; one statement."""
    found: dict[int, list[LineView]] = {}
    lines = OrderLine.objects.filter(order__in=[order.pk for order in orders], kind="goods").order_by("pk")
    for line in lines:
        found.setdefault(line.order_id, []).append(_line(line))
    return found


def orders_of_payment(payment_id: int) -> list[Order]:
    """The orders that one payment pays."""
    return rows.find(Order, payment_id=payment_id)


def _page(wanted: dict[str, Any], states: Iterable[str], before_id: int | None, limit: int) -> list[Order]:
    if states:
        wanted["state__in"] = list(states)
    if before_id is not None:
        wanted["pk__lt"] = before_id
    found = Order.objects.filter(**wanted).select_related("shop", "payment").order_by("-pk")
    return list(found[: max(1, min(limit, LIMITS["page"]))])


def locked(order_id: int) -> Order:
    """The order's row, locked until the transaction ends: who changes an order's money or state comes here first.

    Refuses: not_found.
    """
    found = rows.first(Order, id=order_id, locked=True)
    if found is None:
        raise Refusal("not_found")
    return found


def orders_with_goods(product_id: int, *, states: Iterable[str]) -> list[int]:
    """Orders in some states with a line of a product, oldest first."""
    found = OrderLine.objects.filter(product_id=product_id, order__state__in=list(states))
    return list(found.order_by("order_id").values_list("order_id", flat=True).distinct())


def orders_on_their_way(of: tuple[str, int]) -> list[int]:
    """Of each buyer the newest order whose money is in escrow, with a merchant, a shop, or goods of a product."""
    where = {
        "accounts.merchant": Q(merchant_id=of[1]), "catalog.shop": Q(shop_id=of[1]),
        "catalog.product": Q(pk__in=OrderLine.objects.filter(product_id=of[1]).values("order_id")),
    }.get(of[0])  # fmt: skip
    if where is None:
        return []
    found = Order.objects.filter(where, state__in=IN_ESCROW).order_by("buyer_id", "-pk").distinct("buyer_id")
    return list(found.values_list("pk", flat=True))


def has_paid_order(buyer_id: int, merchant_id: int) -> bool:
    """Whether a buyer has paid a merchant for something that is not settled yet."""
    return Order.objects.filter(buyer_id=buyer_id, merchant_id=merchant_id, state__in=IN_ESCROW).exists()


def lines_of(order_id: int) -> list[OrderLine]:
    """The lines of an order, the oldest first."""
    return rows.find(OrderLine, order_id=order_id)


def refundable(lines: Sequence[OrderLine]) -> list[Refundable]:
    return [Refundable(line.pk, line.kind, line.amount_minor, line.refunded_minor) for line in lines]


def split_of(line: OrderLine) -> Split:
    """The split that was frozen when the order was placed."""
    return Split(line.merchant_minor, line.creator_minor, line.service_minor, line.trade_minor)


def refund_for(which: int | str, *, person_id: int) -> RefundView:
    """A refund to somebody who may see its order.  Refuses: not_found."""
    found = Refund.objects.filter(**{"public_id" if isinstance(which, str) else "pk": which}).first()
    if found is None:
        raise Refusal("not_found")
    role_in(found.order, person_id)
    return next(view for view in refunds_of(found.order_id) if view.refund_id == found.pk)


def refunds_of(order_id: int) -> list[RefundView]:
    """An order's refunds, the oldest first."""
    found = rows.find(Refund, order_id=order_id)
    given = rows.find(RefundLine, refund_id=[row.pk for row in found]) if found else []
    rows.fill(given, "line")
    lines: dict[int, list[RefundLine]] = {}
    for line in given:
        lines.setdefault(line.refund_id, []).append(line)
    return [_refund(row, lines.get(row.pk, [])) for row in found]


def _refund(row: Refund, lines: list[RefundLine]) -> RefundView:
    shipping = sum(line.amount_minor for line in lines if line.line.kind == "shipping")
    return RefundView(
        refund_id=row.pk, public_id=row.public_id, kind=row.kind, state=row.state, currency=row.currency,
        amount_minor=row.amount_minor, goods_minor=sum(line.amount_minor for line in lines) - shipping,
        shipping_minor=shipping, merchant_minor=sum(line.merchant_minor for line in lines),
        creator_minor=sum(line.creator_minor for line in lines),
        platform_minor=sum(line.service_minor + line.trade_minor for line in lines),
        is_from_escrow=row.is_from_escrow, reason=row.reason, asked_at=row.asked_at, completed_at=row.completed_at,
        lines=tuple((line.line_id, line.amount_minor) for line in lines),
    )  # fmt: skip


def settlement_of(order_id: int) -> SettlementView:
    """Who gets what of an order, and what is left of it after refunds.  Refuses: not_found."""
    order = _order(order_id)
    released = left = Split(0, 0, 0, 0)
    for line in lines_of(order.pk):
        released, left = released + split_of(line), left + split_of(line)
    for given in RefundLine.objects.filter(refund__order=order).select_related("refund"):
        back = Split(given.merchant_minor, given.creator_minor, given.service_minor, given.trade_minor)
        left = left - back
        if given.refund.is_from_escrow:
            released = released - back
    return SettlementView(order.currency, order.state == "settled", released, left)


def _order(which: int | str) -> Order:
    order = rows.first(Order, public_id=which) if isinstance(which, str) else rows.first(Order, id=which)
    if order is None:
        raise Refusal("not_found")
    for name in ("shop", "payment"):
        rows.fill([order], name)
    return order


def _line(line: OrderLine) -> LineView:
    return LineView(
        line_id=line.pk, public_id=line.public_id, kind=line.kind, sku_id=line.sku_id, product_id=line.product_id,
        title=line.title, option_text=line.option_text, quantity=line.quantity,
        shipped_quantity=line.shipped_quantity, unit_price_minor=line.unit_price_minor,
        amount_minor=line.amount_minor, tax_minor=line.tax_minor, refunded_minor=line.refunded_minor,
        creator_id=line.creator_id, attribution_id=line.attribution_id, plan_version_id=line.plan_version_id,
        rate_bp=line.rate_bp, split=split_of(line),
    )  # fmt: skip
