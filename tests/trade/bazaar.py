"""A bazaar for tests of trade: Ada and others keep shops, Mei and Lin recommend, Bo buys; every step in one call."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Barrier
from typing import Any

from django.db import connection

from meadow.accounts import services as accounts
from meadow.accounts.queries import Creator
from meadow.affiliate import queries as affiliate
from meadow.catalog import queries as catalog
from meadow.catalog import services as shelves
from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.errors import Refusal
from meadow.ledger import queries as ledger
from meadow.payments import services as payments
from meadow.plans import services as plans
from meadow.sharing import services as sharing
from meadow.sharing.services import Origin
from meadow.trade import queries, services
from meadow.trade.models import Order, OrderLine, Refund
from meadow.trade.services import LineIn, ParcelIn, Placed

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY, MINUTE, SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)
ADDRESS = {"name": "Bo", "phone": "+86 138 0000 0000", "line1": "West Lake Road 1", "city": "Hangzhou", "country": "CN"}
CONTACT = {"email": "guest@example.com"}
BROWSER = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) MicroMessenger/8.0",
    "Host": "testserver",
}

_numbers = count(1)


@dataclass(frozen=True)
class Shop:
    id: int
    merchant_id: int
    keeper: Actor


@dataclass(frozen=True)
class Goods:
    shop: Shop
    product_id: int
    sku_id: int


def person(name: str = "Bo") -> int:
    return accounts.add_person(email=f"{name.lower()}{next(_numbers)}@example.com", name=name, locale="en").pk


def actor(person_id: int) -> Actor:
    return Actor("person", person_id)


def operator(name: str = "Otto") -> Actor:
    from meadow.accounts.models import Person

    person_id = person(name)
    Person.objects.filter(pk=person_id).update(is_operator=True)
    return actor(person_id)


def creator(name: str = "Mei") -> Creator:
    applied = accounts.apply_as_creator(person_id=person(name), name=name)
    return accounts.approve_creator(creator_id=applied.pk, by=SYSTEM)


def shop(keeper: str = "Ada", *, shipping: int = 1000, currency: str = "CNY", rate_bp: int | None = 2000) -> Shop:
    keeper_id = person(keeper)
    merchant = accounts.open_merchant(person_id=keeper_id, name=f"{keeper} Ltd")
    payments.admit_merchant(merchant_id=merchant.pk, reason="known to the operator", by=SYSTEM)
    opened = shelves.open_shop(
        merchant_id=merchant.pk, name=f"{keeper}'s shop", currency=currency, flat_shipping_minor=shipping
    )
    if rate_bp is not None:
        plans.set_general_plan(shop_id=opened.pk, rate_bp=rate_bp, by=actor(keeper_id))
    return Shop(opened.pk, merchant.pk, actor(keeper_id))


def goods(of: Shop, price: int = 10_000, left: int | None = 10, **more: Any) -> Goods:
    new = shelves.NewSku(price_minor=price, left=left, **more)
    made = shelves.add_product(shop_id=of.id, title=f"Tea bowl {next(_numbers)}", skus=[new])
    return Goods(of, made.pk, catalog.product_page(made.pk, keeper=True).skus[0].sku_id)


def click(by: Creator, on: Goods | Shop, *, carrier: str = "", person_id: int | None = None) -> str:
    """A click of this moment through a creator on a product or on the shop; answers its signed id."""
    shop_id, product_id = (on.shop.id, on.product_id) if isinstance(on, Goods) else (on.id, None)
    seen = sharing.open_view(
        origin=Origin(by.pk, shop_id, product_id, "feed"), method="GET", headers=BROWSER, carrier=carrier
    )
    followed = sharing.click_from_view(
        view=seen.text, method="POST", headers=BROWSER, carrier=carrier, person_id=person_id
    )
    assert followed
    return followed


def place(
    *wanted: Goods | tuple[Goods, int] | LineIn, buyer: int | None = None, carrier: str = "", **more: Any
) -> Placed:
    """Checkout and orders at once."""
    return place_checkout(checkout(*wanted, buyer=buyer, carrier=carrier), buyer=buyer, **more)


def checkout(*wanted: Goods | tuple[Goods, int] | LineIn, buyer: int | None = None, carrier: str = "") -> int:
    opened = services.open_checkout(lines=[_line(each) for each in wanted], buyer_id=buyer, carrier=carrier)
    return opened.pk


def place_checkout(checkout_id: int, *, buyer: int | None = None, **more: Any) -> Placed:
    wanted = {"address": ADDRESS, "contact": CONTACT} | more
    return services.place_orders(checkout_id=checkout_id, buyer_id=buyer, **wanted)


def _line(wanted: Goods | tuple[Goods, int] | LineIn) -> LineIn:
    if isinstance(wanted, LineIn):
        return wanted
    one, quantity = wanted if isinstance(wanted, tuple) else (wanted, 1)
    return LineIn(one.sku_id, quantity)


def pay(payment_id: int, behaviour: str = "succeed") -> None:
    """The buyer pays at the sandbox, which tells us at once whatever it tells at once."""
    for sent in payments.sandbox_pay(payment_id=payment_id, behaviour=behaviour).notices:
        try:
            notice = payments.verify(provider="sandbox", headers=sent.headers, body=sent.body)
        except Refusal as refusal:
            assert refusal.code == "notice_refused"  # noqa: PT017 - some behaviours are meant to be refused
        else:
            services.record_payment(notice)
    outbox.drain_all()


def paid(*wanted: Goods | tuple[Goods, int] | LineIn, buyer: int | None = None, carrier: str = "") -> Order:
    """A paid order of one shop."""
    placed = place(*wanted, buyer=buyer, carrier=carrier)
    pay(placed.payments[0].pk)
    return again(placed.orders[0])


def shipped(order: Order, kind: str = "express") -> Order:
    keeper = actor(accounts_owner(order))
    parcel = ParcelIn(kind, "SF", f"SF{next(_numbers)}")
    services.ship_order(order_id=order.pk, parcels=[parcel], by=keeper)
    return again(order)


def accounts_owner(order: Order) -> int:
    from meadow.accounts import queries as people

    return people.merchant(order.merchant_id).owner_id


def confirmed(order: Order) -> Order:
    services.confirm_receipt(order_id=order.pk, by=actor(order.buyer_id))
    outbox.drain_all()
    return again(order)


def settled(order: Order) -> Order:
    """Through shipping and receipt to release, one day later."""
    order = confirmed(shipped(order))
    assert order.release_due_at is not None
    run_until(order.release_due_at)
    return again(order)


def run_until(moment: datetime) -> int:
    """Everything that falls due until a moment happens, each at its time."""
    return sweeps.run_due(moment)


def again(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def lines(order: Order) -> list[OrderLine]:
    return list(OrderLine.objects.filter(order=order).order_by("pk"))


def goods_line(order: Order) -> OrderLine:
    return next(line for line in lines(order) if line.kind == "goods")


def refund(order: Order, minor: int = 0, shipping: int = 0, *, key: str | None = None, by: Actor = SYSTEM) -> Refund:
    """A refund of the order's first goods line, carried to its end."""
    asked = [(goods_line(order).pk, minor)] if minor else []
    made = services.refund_order(
        key=key or f"key-{next(_numbers)}", order_id=order.pk, goods=asked, shipping_minor=shipping, by=by
    )
    outbox.drain_all()
    return Refund.objects.get(pk=made.pk)


def has(order: Order) -> dict[str, int]:
    """What everybody has in the order's currency: escrow, merchant, creator, platform."""
    creators = {line.creator_id for line in lines(order) if line.creator_id}
    return {
        "escrow": ledger.balance(f"escrow:{order.public_id}", order.currency),
        "merchant": ledger.balance(f"merchant:{order.merchant_id}:available", order.currency),
        "creator": sum(ledger.balance(f"creator:{each}:available", order.currency) for each in creators),
        "platform": sum(ledger.balance(f"platform:{fee}_fee", order.currency) for fee in ("trade", "service")),
    }


def stock(of: Goods) -> tuple[int, int]:
    """(stock, reserved) of the SKU."""
    from meadow.catalog.models import Sku

    sku = Sku.objects.get(pk=of.sku_id)
    return sku.stock, sku.reserved


def violations() -> dict[str, int]:
    """Every invariant that does not hold, in all contexts that trade stands on."""
    from meadow.payments import queries as payment_reads

    named = (
        ledger.INVARIANTS | payment_reads.INVARIANTS | catalog.INVARIANTS | affiliate.INVARIANTS | queries.INVARIANTS
    )
    return {name: found for name, check in named.items() if (found := check())}


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Runs calls in threads that start together, at the domain time of now; answers a result or a refusal's code."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait(30)
            return call()
        except Refusal as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        running = [pool.submit(copy_context().run, run, call) for call in calls]
        return [each.result(60) for each in running]


def at(moment: datetime) -> Any:
    return clock.at(moment)
