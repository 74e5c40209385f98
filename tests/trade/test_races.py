"""Is everything that moves money or stock safe against itself and against the timers, on committed transactions?"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from tests.trade import bazaar
from tests.trade.bazaar import DAY, MINUTE, T0, actor, at, at_once

from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.audit import SYSTEM
from meadow.kernel.money import Money
from meadow.ledger import queries as ledger
from meadow.payments import services as payments
from meadow.payments.models import Payment, ProviderRefund
from meadow.trade import services, tasks
from meadow.trade.models import Cart, CartLine, Order, Refund
from meadow.trade.rules import ParcelIn

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _at_t0() -> Iterator[None]:
    with at(T0):
        yield


def bought(buyer: int | None = None) -> Order:
    shop = bazaar.shop()
    bowl, mei = bazaar.goods(shop), bazaar.creator()
    bazaar.click(mei, bowl, carrier="phone")
    return bazaar.paid(bowl, buyer=buyer or bazaar.person(), carrier="phone")


def test_a6_3_double_submit_of_one_checkout_gives_one_order_and_one_payment() -> None:
    bowl = bazaar.goods(bazaar.shop())
    checkout_id = bazaar.checkout(bowl)
    placed = at_once([lambda: bazaar.place_checkout(checkout_id)] * 6)
    assert len({tuple(order.pk for order in each.orders) for each in placed}) == 1
    assert (Order.objects.count(), Payment.objects.count()) == (1, 1)
    assert bazaar.stock(bowl) == (10, 1)


def test_last_item_sold_twice_at_once_is_sold_once() -> None:
    bowl = bazaar.goods(bazaar.shop(), left=1)
    checkouts = [bazaar.checkout(bowl) for _ in range(6)]
    answers = at_once([lambda one=one: bazaar.place_checkout(one) for one in checkouts])
    assert sorted(answer for answer in answers if isinstance(answer, str)) == ["out_of_stock"] * 5
    assert Order.objects.count() == 1
    assert bazaar.stock(bowl) == (1, 1)


def test_a10_3_thirty_buyers_on_stock_five_give_five_paid_orders() -> None:
    bowl = bazaar.goods(bazaar.shop(), left=5)
    checkouts = [bazaar.checkout(bowl) for _ in range(30)]
    for start in range(0, 30, 10):
        answers = at_once([lambda one=one: bazaar.place_checkout(one) for one in checkouts[start : start + 10]])
        for answer in answers:
            if not isinstance(answer, str):
                bazaar.pay(answer.payments[0].pk)
    assert Order.objects.filter(state="paid").count() == 5
    assert Order.objects.count() == 5
    assert bazaar.stock(bowl) == (0, 0)


def test_a5_4_race_for_one_shops_last_item_still_sells_the_other_shops_part() -> None:
    scarce, plenty = bazaar.goods(bazaar.shop("A"), left=1), bazaar.goods(bazaar.shop("B"))
    checkouts = [bazaar.checkout(scarce, plenty) for _ in range(4)]
    placed = at_once([lambda one=one: bazaar.place_checkout(one) for one in checkouts])
    assert sorted(len(each.orders) for each in placed) == [1, 1, 1, 2]
    assert sorted(each.payments[0].amount_minor for each in placed) == [11_000] * 3 + [22_000]
    assert (bazaar.stock(scarce), bazaar.stock(plenty)) == ((1, 1), (10, 4))


def test_crossing_carts_do_not_lock_each_other() -> None:
    first, second = bazaar.goods(bazaar.shop("A"), left=50), bazaar.goods(bazaar.shop("B"), left=50)
    pairs = [(first, second), (second, first)] * 4
    checkouts = [bazaar.checkout(*pair) for pair in pairs]
    placed = at_once([lambda one=one: bazaar.place_checkout(one) for one in checkouts])
    assert [len(each.orders) for each in placed] == [2] * 8
    notices = [notice for each in placed for notice in sent(each.payments[0].pk)]
    at_once([lambda one=one: services.record_payment(one) for one in notices])
    assert Order.objects.filter(state="paid").count() == 16
    assert (bazaar.stock(first), bazaar.stock(second)) == ((42, 0), (42, 0))


def sent(payment_id: int) -> list[Any]:
    told = payments.sandbox_pay(payment_id=payment_id).notices
    return [payments.verify(provider="sandbox", headers=each.headers, body=each.body) for each in told]


def test_payment_notice_carried_out_twice_at_once_pays_once() -> None:
    placed = bazaar.place(bazaar.goods(bazaar.shop()))
    (notice,) = sent(placed.payments[0].pk)
    at_once([lambda: services.record_payment(notice)] * 3 + [outbox.drain_all] * 2)
    order = bazaar.again(placed.orders[0])
    assert (order.state, bazaar.has(order)["escrow"]) == ("paid", 11_000)
    assert ledger.balance("psp:sandbox", "CNY") == -11_000


def test_payment_racing_the_unpaid_timer_pays_or_is_refunded() -> None:
    for _ in range(4):
        bowl = bazaar.goods(bazaar.shop())
        placed = bazaar.place(bowl)
        order = placed.orders[0]
        (notice,) = sent(placed.payments[0].pk)
        at_once(
            [
                lambda notice=notice: services.record_payment(notice),
                lambda: tasks.close_unpaid(10, T0 + 30 * MINUTE),
            ]
        )
        outbox.drain_all()
        order = bazaar.again(order)
        assert order.state in ("paid", "closed")
        assert bazaar.has(order)["escrow"] == (11_000 if order.state == "paid" else 0)
        assert bazaar.stock(bowl) == ((9, 0) if order.state == "paid" else (10, 0))
        assert Refund.objects.filter(order=order, kind="late").count() == (order.state == "closed")


def test_two_orders_of_one_payment_expiring_at_once_close_it() -> None:
    placed = bazaar.place(bazaar.goods(bazaar.shop("A")), bazaar.goods(bazaar.shop("B")))
    at_once([lambda: tasks.close_unpaid(1, T0 + 30 * MINUTE)] * 2)
    tasks.close_unpaid(10, T0 + 30 * MINUTE)
    assert {bazaar.again(order).state for order in placed.orders} == {"closed"}
    placed.payments[0].refresh_from_db()
    assert placed.payments[0].state == "closed"


def test_c3_5_two_refunds_at_once_never_give_back_more_than_was_paid() -> None:
    for release in (False, True):
        order = bought()
        if release:
            order = bazaar.settled(order)
        line = bazaar.goods_line(order)
        calls = [
            partial(services.refund_order, key=f"{order.pk}-{n}", order_id=order.pk, goods=[(line.pk, 4000)], by=SYSTEM)
            for n in range(4)
        ]
        answers = at_once(calls)
        assert [answer for answer in answers if isinstance(answer, str)] == ["refund_too_large"] * 2
        outbox.drain_all()
        assert bazaar.again(order).refunded_minor == 8000
        assert bazaar.goods_line(order).refunded_minor == 8000


def test_same_refund_sent_twice_at_once_is_one() -> None:
    order = bought()
    line = bazaar.goods_line(order)
    made = at_once(
        [lambda: services.refund_order(key="k", order_id=order.pk, goods=[(line.pk, 4000)], by=SYSTEM).pk] * 5
    )
    assert len(set(made)) == 1
    assert ProviderRefund.objects.count() == 1


def test_refund_racing_release_gives_the_same_end_either_way() -> None:
    for _ in range(3):
        order = bazaar.confirmed(bazaar.shipped(bought()))
        line = bazaar.goods_line(order)
        with at(T0 + DAY):
            at_once(
                [
                    partial(services.refund_order, key="k", order_id=order.pk, goods=[(line.pk, 4000)], by=SYSTEM),
                    partial(sweeps.run_due, T0 + DAY),
                ]
            )
        bazaar.run_until(T0 + DAY)
        outbox.drain_all()
        has = bazaar.has(order)
        assert (has["escrow"], has["merchant"], has["creator"]) == (0, 5500, 1080)


def test_whole_refund_racing_release_closes_or_draws_on_the_parties() -> None:
    order = bazaar.confirmed(bazaar.shipped(bought()))
    line = bazaar.goods_line(order)
    with at(T0 + DAY):
        at_once(
            [
                lambda: services.refund_order(
                    key="k", order_id=order.pk, goods=[(line.pk, 10_000)], shipping_minor=1000, by=SYSTEM
                ),
                lambda: tasks.settle(10, T0 + DAY),
            ]
        )
    outbox.drain_all()
    has = bazaar.has(order)
    assert (has["escrow"], has["merchant"], has["creator"]) == (0, 0, 0)
    assert bazaar.again(order).state in ("closed", "settled")


def test_refund_racing_a_withdrawal_leaves_nobody_below_zero() -> None:
    order = bazaar.settled(bought())
    keeper = actor(bazaar.accounts_owner(order))
    line = bazaar.goods_line(order)
    party = ("merchant", order.merchant_id)
    at_once(
        [
            lambda: payments.withdraw(key="w", party=party, amount=Money(8500, "CNY"), by=keeper),
            lambda: services.refund_order(key="k", order_id=order.pk, goods=[(line.pk, 4000)], by=SYSTEM),
        ]
    )
    outbox.drain_all()
    owed = ledger.balance(f"merchant:{order.merchant_id}:receivable", "CNY")
    left = ledger.balance(f"merchant:{order.merchant_id}:available", "CNY")
    assert (left, owed) in ((5500, 0), (0, -3000))


@pytest.mark.parametrize("verb", ["confirm", "settle", "ship", "cancel"])
def test_d3_4_verb_sent_twice_at_once_acts_once(verb: str) -> None:
    order = bought()
    buyer, keeper = actor(order.buyer_id), actor(bazaar.accounts_owner(order))
    if verb in ("confirm", "settle"):
        order = bazaar.shipped(order)
    if verb == "settle":
        order = bazaar.confirmed(order)
    calls = {
        "ship": lambda: (
            services.ship_order(order_id=order.pk, parcels=[ParcelIn("express", "SF", "1")], by=keeper).state
        ),
        "confirm": lambda: services.confirm_receipt(order_id=order.pk, by=buyer).state,
        "settle": lambda: services.settle_order(order_id=order.pk).state,
        "cancel": lambda: services.cancel_order(order_id=order.pk, by=buyer).state,
    }
    with at(T0 + DAY):
        answers = at_once([calls[verb]] * 4)
    assert sorted(answers) == sorted(
        ["stale_state"] * 3
        + [{"ship": "shipped", "confirm": "confirmed", "settle": "settled", "cancel": "closed"}[verb]]
    )
    outbox.drain_all()


def test_d4_7_ship_and_cancel_at_the_same_instant_exactly_one_wins() -> None:
    for _ in range(3):
        order = bought()
        parcel, keeper = [ParcelIn("express", "SF", "1")], actor(bazaar.accounts_owner(order))
        answers = at_once(
            [
                partial(services.ship_order, order_id=order.pk, parcels=parcel, by=keeper),
                partial(services.cancel_order, order_id=order.pk, by=actor(order.buyer_id)),
            ]
        )
        outbox.drain_all()
        assert [answer for answer in answers if isinstance(answer, str)] == ["stale_state"]
        assert bazaar.again(order).state in ("shipped", "closed")


def test_d3_6_two_workers_after_an_outage_settle_each_order_once() -> None:
    bowl, bo = bazaar.goods(bazaar.shop(), left=50), bazaar.person()
    orders = [bazaar.shipped(bazaar.paid(bowl, buyer=bo)) for _ in range(8)]
    until = T0 + 14 * DAY
    at_once([lambda: tasks.auto_confirm(100, until)] * 3)
    at_once([lambda: tasks.settle(100, until)] * 3)
    at_once([outbox.drain_all] * 2)
    for order in orders:
        order = bazaar.again(order)
        assert (order.state, order.confirmed_at, order.settled_at) == ("settled", T0 + 10 * DAY, T0 + 11 * DAY)
        assert bazaar.has(order)["escrow"] == 0
    assert ledger.balance(f"merchant:{orders[0].merchant_id}:available", "CNY") == 8 * (10_000 - 500 + 1000)


def test_d3_8_escrow_adds_up_at_every_instant_of_many_orders() -> None:
    bowl, bo = bazaar.goods(bazaar.shop(), left=50), bazaar.person()
    orders = [bazaar.paid(bowl, buyer=bo) for _ in range(6)]
    assert bazaar.violations() == {}
    for step, order in enumerate(orders):
        if step == 1:
            bazaar.refund(order, 3000)
        elif step == 2:
            services.cancel_order(order_id=order.pk, by=actor(bo))
        elif step > 2:
            order = bazaar.shipped(order)
            if step > 3:
                bazaar.refund(bazaar.confirmed(order), 100 * step)
        assert bazaar.violations() == {}
    bazaar.run_until(T0 + DAY)
    assert bazaar.violations() == {}
    assert sum(bazaar.has(order)["escrow"] for order in orders) == 11_000 + 8_000 + 11_000


def test_cart_filled_twice_at_once_loses_nothing() -> None:
    bowl, bo = bazaar.goods(bazaar.shop()), bazaar.person()
    at_once([lambda: services.add_to_cart(sku_id=bowl.sku_id, person_id=bo).pk] * 5)
    assert Cart.objects.count() == 1
    assert CartLine.objects.get().quantity == 5


def test_browsers_cart_joined_twice_at_once_joins_once() -> None:
    bowl, bo = bazaar.goods(bazaar.shop()), bazaar.person()
    services.add_to_cart(sku_id=bowl.sku_id, quantity=2, carrier="phone")
    assert sorted(at_once([lambda: services.merge_cart(carrier="phone", person_id=bo)] * 3)) == [0, 0, 1]
    assert CartLine.objects.get().quantity == 2
    assert clock.now() == T0
