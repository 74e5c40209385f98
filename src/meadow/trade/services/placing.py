"""How a checkout becomes orders: look, decide, write, all in one transaction and once per checkout.

Everything that may refuse looks first.  The stock comes last, because its rows are the ones that others wait for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from meadow.accounts import services as accounts
from meadow.affiliate import services as affiliate
from meadow.affiliate.services import Attributed, AttributionLine
from meadow.catalog import services as catalog_verbs
from meadow.governance import queries as governance
from meadow.kernel import clock, db, rows
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import OrderPlaced
from meadow.kernel.money import Money
from meadow.kernel.outbox import emit
from meadow.ledger.queries import shipping_split, split
from meadow.payments import services as payments
from meadow.payments.services import PartIn, Payment
from meadow.trade import queries, rules
from meadow.trade.models import CartLine, Checkout, Order, OrderLine
from meadow.trade.queries import Quote, QuoteLine, QuotePart
from meadow.trade.queries.checkouts import totals_of
from meadow.trade.services.buyer_limits import require_within_limits
from meadow.trade.services.checkouts import refusal_of, unpayable
from meadow.trade.services.moving import check_carried, part_name

TRIES = 3
# The order's own timer gives the stock back; the reservation's end only guards against orders that got lost.
RESERVATION_GRACE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Placed:
    """What came of a checkout.  refused are the parts that could not be sold; they are not charged."""

    orders: tuple[Order, ...]
    payments: tuple[Payment, ...]
    refused: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Buying:
    """Who buys, and where it goes."""

    buyer_id: int
    contact: dict[str, str]
    address: dict[str, str]


def place_orders(
    *,
    checkout_id: int,
    address: Mapping[str, Any],
    contact: Mapping[str, Any] | None = None,
    provider: str = "sandbox",
    price_versions: Mapping[int, int] | None = None,
    total_minor: Mapping[str, int] | None = None,
    buyer_id: int | None = None,
    locale: str = "zh-hans",
) -> Placed:
    """One order per shop and one payment per currency; the same answer however often a checkout is sent.

    price_versions (SKU id to version) say which prices the buyer has seen, by default those the checkout was opened
    with.  total_minor (per currency) only confirms a shipping price that changed meanwhile: what is charged is always
    counted here.  Where several shops sell and one lacks stock, the others' orders are placed.  buyer_id None makes a
    guest, who must give an e-mail or a phone.  No provider means the first that is offered.

    Refuses: not_found, address_refused, price_changed, total_changed, not_on_sale, out_of_stock, gift_alone, merchant_not_live,
    order_above_level, provider_unknown, provider_closed, provider_cannot_carry, feature_suspended.
    """
    where = rules.check_address(address)
    for attempt in range(TRIES):
        try:
            with atomic():
                return _place(
                    checkout_id, where, contact or {}, provider, price_versions, total_minor, buyer_id, locale
                )
        except _Raced as raced:
            # Another buyer was faster: look again, and place what the other shops still have.
            if attempt == TRIES - 1:
                raise raced.refusal from None
    raise AssertionError("unreachable")


class _Raced(Exception):
    """A signal within this file: another buyer took the last one between the look and the reservation."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def _place(
    checkout_id: int,
    address: dict[str, str],
    contact: Mapping[str, Any],
    provider: str,
    price_versions: Mapping[int, int] | None,
    total_minor: Mapping[str, int] | None,
    buyer_id: int | None,
    locale: str,
) -> Placed:
    # The lock makes a second submit wait here and then find the checkout placed.
    checkout = rows.first(Checkout, id=checkout_id, locked=True)
    if checkout is None or checkout.buyer_id not in (None, buyer_id):
        raise Refusal("not_found")
    if checkout.state == "placed":
        return placed(checkout)
    governance.require_feature("ordering")
    reach = rules.check_contact(contact, is_needed=buyer_id is None)
    quote = queries.quote(checkout, address)
    queries.require_delivered(quote, address)
    parts, refused = _payable(*_sellable(quote))
    wanted = {line.sku.sku_id: line for part in parts for line in part.lines}
    require_within_limits(
        buyer_id, {n: line.quantity for n, line in wanted.items()}, {n: line.sku for n, line in wanted.items()}
    )
    _check_prices(quote, price_versions, total_minor)
    provider = provider or queries.best_way(queries.ways_to_pay(replace(quote, parts=tuple(parts))))
    buyer = buyer_id if buyer_id is not None else accounts.make_guest(locale=locale).pk
    started = _start_payments(checkout, parts, provider)
    orders, lines = _write(checkout, parts, started, Buying(buyer, reach, address))
    check_carried(orders, lines, provider)
    # A guest's checkout stays nobody's: who holds its signed id may ask for its outcome again.
    db.move(checkout, rules.CHECKOUT, "place", placed_at=clock.now(), refused=refused, buyer_id=buyer_id)
    if checkout.is_from_cart:
        _empty_cart(buyer, checkout.carrier, lines)
    emit(*(OrderPlaced(order.pk, order.buyer_id, order.shop_id, order.merchant_id) for order in orders))
    _reserve(orders, lines)
    return Placed(tuple(orders), tuple(started.values()), tuple(refused))


def placed(checkout: Checkout) -> Placed:
    """What came of a checkout that was placed before."""
    orders = queries.orders_of_checkout(checkout.pk)
    by_id = {order.payment_id: order.payment for order in orders}
    return Placed(tuple(orders), tuple(by_id.values()), tuple(checkout.refused))


def _sellable(quote: Quote) -> tuple[list[QuotePart], list[dict[str, Any]]]:
    """The parts whose stock suffices, and why the others do not; a single part, or none left, is refused."""
    short = [part for part in quote.parts if part.problem is not None]
    for part in quote.parts:
        if part.problem is not None and (part.problem.problem != "out_of_stock" or len(short) == len(quote.parts)):
            raise refusal_of(part.problem)
        if part.total_minor == 0:
            raise Refusal("gift_alone")
    return [part for part in quote.parts if part.problem is None], [_refused(part) for part in short]


def _payable(parts: list[QuotePart], refused: list[dict[str, Any]]) -> tuple[list[QuotePart], list[dict[str, Any]]]:
    """Leaves out the shops whose merchants cannot be paid, or not so much; none left is refused as the first of them."""
    out = unpayable(parts)
    if len(out) == len(parts):
        raise next(iter(out.values()))
    told = [
        {"shop": part.shop.public_id, "code": no.code, "params": no.params}
        for part in parts
        if (no := out.get(part.shop.shop_id))
    ]
    return [part for part in parts if part.shop.shop_id not in out], refused + told


def _refused(part: QuotePart) -> dict[str, Any]:
    line = part.problem
    assert line is not None
    return {
        "shop": part.shop.public_id,
        "code": line.problem,
        "params": {"sku": line.sku.sku_public_id, "title": line.sku.title, "left": line.sku.left},
    }


def _check_prices(
    quote: Quote, price_versions: Mapping[int, int] | None, total_minor: Mapping[str, int] | None
) -> None:
    """Refuses: price_changed with old and new price of each line, total_changed when shipping costs more than shown."""
    changed = [line for line in quote.lines if line.sku.price_version != _seen(line, price_versions)]
    if changed:
        raise Refusal("price_changed", lines=[_change(line) for line in changed])
    if any(part.shipping_minor > part.shown_shipping_minor for part in quote.parts):
        for currency, minor in quote.total_minor.items():
            if (total_minor or {}).get(currency) != minor:
                raise Refusal("total_changed", currency=currency, total_minor=minor)


def _seen(line: QuoteLine, price_versions: Mapping[int, int] | None) -> int | None:
    if price_versions is None:
        return line.shown_price_version
    return price_versions.get(line.sku.sku_id)


def _change(line: QuoteLine) -> dict[str, Any]:
    return {
        "sku": line.sku.sku_public_id, "title": line.sku.title, "currency": line.sku.currency,
        "old_minor": line.shown_price_minor, "new_minor": line.sku.price_minor,
        "price_version": line.sku.price_version,
    }  # fmt: skip


def _start_payments(checkout: Checkout, parts: Sequence[QuotePart], provider: str) -> dict[str, Payment]:
    return {
        currency: payments.start_payment(
            key=f"checkout:{checkout.public_id}:{currency}",
            cause=("trade.checkout", checkout.pk),
            amount=Money(minor, currency),
            provider=provider,
            parts=[
                PartIn(part_name(part.shop.shop_id), part.shop.merchant_id, part.total_minor)
                for part in parts
                if part.currency == currency
            ],
        )
        for currency, minor in totals_of(parts).items()
    }


def _write(
    checkout: Checkout, parts: Sequence[QuotePart], started: Mapping[str, Payment], buying: Buying
) -> tuple[list[Order], list[OrderLine]]:
    """Orders, decisions and lines, each set in one statement; ids are drawn first."""
    now = clock.now()
    shipped = [part for part in parts if part.shipping_minor]
    order_ids, line_ids = _draw_ids(len(parts), sum(len(part.lines) for part in parts) + len(shipped))
    orders = [
        _order(order_id, checkout, part, started[part.currency], buying, now)
        for order_id, part in zip(order_ids, parts, strict=True)
    ]
    wanted = [(order, line) for order, part in zip(orders, parts, strict=True) for line in part.lines]
    decided = _attribute(line_ids[: len(wanted)], wanted, checkout, buying, now)
    lines = [_goods_line(*pair, decision) for pair, decision in zip(wanted, decided, strict=True)]
    rows.add(*orders)
    freight = zip(line_ids[len(wanted) :], (order for order in orders if order.shipping_minor), strict=True)
    rows.add(*lines, *[_shipping_line(line_id, order) for line_id, order in freight])
    return orders, lines


def _draw_ids(orders: int, lines: int) -> tuple[list[int], list[int]]:
    found = db.one(
        "SELECT (SELECT array_agg(nextval(pg_get_serial_sequence('trade_order', 'id'))) FROM generate_series(1, %s))"
        " AS orders, (SELECT array_agg(nextval(pg_get_serial_sequence('trade_orderline', 'id')))"
        " FROM generate_series(1, %s)) AS lines",
        [orders, lines],
    )
    assert found is not None
    return found["orders"], found["lines"]


def _order(
    order_id: int, checkout: Checkout, part: QuotePart, payment: Payment, buying: Buying, now: datetime
) -> Order:
    return Order(
        id=order_id, checkout=checkout, payment=payment, buyer_id=buying.buyer_id, shop_id=part.shop.shop_id,
        merchant_id=part.shop.merchant_id, currency=part.currency, goods_minor=part.goods_minor,
        shipping_minor=part.shipping_minor, total_minor=part.total_minor, contact=buying.contact,
        address=buying.address, placed_at=now, unpaid_due_at=now + rules.UNPAID_TTL,
    )  # fmt: skip


def _attribute(
    line_ids: Sequence[int],
    wanted: Sequence[tuple[Order, QuoteLine]],
    checkout: Checkout,
    buying: Buying,
    now: datetime,
) -> list[Attributed]:
    """The one question to affiliate; its answer is frozen on the lines."""
    claim_ids = {claim for line in checkout.lines for claim in line.get("claims", ())}
    return affiliate.attribute_order(
        buyer_id=buying.buyer_id,
        carrier=checkout.carrier,
        lines=[
            AttributionLine(line_id, order.pk, order.shop_id, line.sku.product_id, line.amount_minor, order.currency)
            for line_id, (order, line) in zip(line_ids, wanted, strict=True)
        ],
        at=now,
        opened_at=checkout.opened_at,
        click_ids=[line.click for _, line in wanted if line.click],
        claims=affiliate.claims_of(claim_ids=claim_ids, person_id=buying.buyer_id) if claim_ids else (),
        contact_email=buying.contact["email"],
        contact_phone=buying.contact["phone"],
    )


def _goods_line(order: Order, line: QuoteLine, decision: Attributed) -> OrderLine:
    parts = split(line.amount_minor, decision.rate_bp)
    return OrderLine(
        id=decision.line_id, order=order, kind="goods", sku_id=line.sku.sku_id, product_id=line.sku.product_id,
        title=line.sku.title, option_text=line.sku.option_text, quantity=line.quantity,
        unit_price_minor=line.sku.price_minor, amount_minor=line.amount_minor, creator_id=decision.creator_id,
        attribution_id=decision.attribution_id, plan_version_id=decision.plan_version_id, rate_bp=decision.rate_bp,
        merchant_minor=parts.merchant, creator_minor=parts.creator, service_minor=parts.service,
        trade_minor=parts.trade,
    )  # fmt: skip


def _shipping_line(line_id: int, order: Order) -> OrderLine:
    parts = shipping_split(order.shipping_minor)
    return OrderLine(
        id=line_id, order=order, kind="shipping", title="", quantity=1, unit_price_minor=order.shipping_minor,
        amount_minor=order.shipping_minor, merchant_minor=parts.merchant, creator_minor=0, service_minor=0,
        trade_minor=0,
    )  # fmt: skip


def _empty_cart(buyer_id: int, carrier: str, lines: Sequence[OrderLine]) -> None:
    """What was bought leaves the cart, of the person or of the browser; what could not be sold stays there."""
    owner = Q(cart__person_id=buyer_id)
    if carrier:
        owner |= Q(cart__carrier=carrier)
    CartLine.objects.filter(owner, sku_id__in=[line.sku_id for line in lines]).delete()


def _reserve(orders: Sequence[Order], lines: Sequence[OrderLine]) -> None:
    try:
        catalog_verbs.reserve_for_causes(
            kind="trade.order",
            lines=[(line.order_id, int(line.sku_id or 0), line.quantity) for line in lines],
            expires_at=orders[0].unpaid_due_at + RESERVATION_GRACE,
        )
    except Refusal as refusal:
        if refusal.code == "out_of_stock" and len(orders) > 1:
            raise _Raced(refusal) from refusal
        raise
