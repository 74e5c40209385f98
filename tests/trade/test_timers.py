"""D3: do the timers of an order run, stand, go on, grow and start anew as they should, each due row once?"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.trade import aftersale, bazaar
from tests.trade.aftersale import buyer, claim, keeper
from tests.trade.bazaar import DAY, SECOND, T0, actor, at

from meadow.accounts.models import Merchant
from meadow.governance.models import Case
from meadow.kernel import outbox
from meadow.kernel.errors import Refusal
from meadow.ledger import queries as ledger
from meadow.trade import queries, services
from meadow.trade.models import Order, Parcel
from meadow.trade.rules import ParcelIn
from meadow.trade.rules.escrow import is_made_up

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_t0() -> Iterator[None]:
    with at(T0):
        yield


def shipped(kind: str = "express", **more: Any) -> Order:
    return bazaar.shipped(bazaar.paid(bazaar.goods(bazaar.shop(**more)), buyer=bazaar.person()), kind)


def refused(code: str, act: Any) -> None:
    with pytest.raises(Refusal) as found:
        act()
    assert found.value.code == code


@pytest.mark.parametrize(("kind", "days"), [("express", 10), ("pickup", 2), ("virtual", 2), ("post", 30)])
def test_d3_2_without_a_word_the_system_confirms_when_the_time_of_the_parcel_is_over(kind: str, days: int) -> None:
    order = shipped(kind)
    bazaar.run_until(T0 + days * DAY - SECOND)
    assert bazaar.again(order).state == "shipped"
    bazaar.run_until(T0 + days * DAY)
    order = bazaar.again(order)
    assert (order.state, order.confirmed_by, order.confirmed_at) == ("confirmed", "system", T0 + days * DAY)


def test_d3_3_a_claim_stops_the_timer_and_its_end_lets_it_go_on_with_what_was_left() -> None:
    order = shipped()
    with at(T0 + 9 * DAY):
        made = claim(order)
    bazaar.run_until(T0 + 11 * DAY - SECOND)
    assert bazaar.again(order).state == "shipped"
    with at(T0 + 9 * DAY + SECOND):
        aftersale.refuse(made)
    with at(T0 + 14 * DAY):
        aftersale.withdraw(aftersale.anew(made))
    assert bazaar.again(order).auto_confirm_due_at == T0 + 15 * DAY
    bazaar.run_until(T0 + 15 * DAY - SECOND)
    assert bazaar.again(order).state == "shipped"
    bazaar.run_until(T0 + 15 * DAY)
    assert bazaar.again(order).state == "confirmed"


def test_d3_3_two_claims_both_hold_the_timer_and_a_claim_holds_the_release_too() -> None:
    shop = bazaar.shop()
    order = bazaar.shipped(bazaar.paid(bazaar.goods(shop), bazaar.goods(shop), buyer=bazaar.person()))
    first, second = (
        services.open_claim(order_id=order.pk, line_id=line.pk, kind="refund_only", reason="damaged", by=buyer(order))
        for line in bazaar.lines(order)
        if line.kind == "goods"
    )
    refused("claim_open", lambda: services.confirm_receipt(order_id=order.pk, by=buyer(order)))
    aftersale.withdraw(first)
    assert bazaar.again(order).auto_confirm_due_at is None
    aftersale.withdraw(second)
    order = bazaar.confirmed(order)
    with at(T0 + timedelta(hours=20)):
        third = claim(order)
    bazaar.run_until(T0 + 30 * timedelta(hours=1))
    assert bazaar.again(order).state == "confirmed"
    with at(T0 + 40 * timedelta(hours=1)):
        aftersale.withdraw(third)
    assert bazaar.again(order).release_due_at == T0 + 44 * timedelta(hours=1)
    bazaar.run_until(T0 + 44 * timedelta(hours=1))
    assert bazaar.again(order).state == "settled"


def test_d3_5_extensions_by_the_seller_and_once_by_the_buyer() -> None:
    order = shipped()

    def longer(days: Any, by: Any) -> Any:
        return services.extend_receipt(order_id=order.pk, days=days, by=by)

    for days in (4, 0, -3, 11, "5", None, True):
        refused("extension_refused", lambda days=days: longer(days, keeper(order)))
    longer(5, keeper(order))
    assert bazaar.again(order).auto_confirm_due_at == T0 + 15 * DAY
    refused("extension_refused", lambda: longer(5, buyer(order)))
    longer(3, buyer(order))
    assert bazaar.again(order).auto_confirm_due_at == T0 + 18 * DAY
    refused("extension_used", lambda: longer(3, buyer(order)))
    refused("forbidden", lambda: longer(3, bazaar.operator()))
    refused("not_found", lambda: longer(3, actor(bazaar.person("Eve"))))
    made = claim(order)
    longer(10, keeper(order))  # while the timer stands, what is left grows
    aftersale.withdraw(made)
    assert bazaar.again(order).auto_confirm_due_at == T0 + 28 * DAY
    bazaar.confirmed(order)
    refused("stale_state", lambda: longer(3, keeper(order)))


def test_d3_6_after_three_days_without_a_scheduler_each_row_is_done_once_at_its_due_time() -> None:
    orders = [shipped("pickup") for _ in range(3)]
    with at(T0 + timedelta(hours=1)):
        waiting = claim(bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person()))
    with at(T0 + 5 * DAY):
        bazaar.run_until(T0 + 5 * DAY)
        assert bazaar.run_until(T0 + 5 * DAY) == 0
    for order in map(bazaar.again, orders):
        assert (order.confirmed_at, order.settled_at) == (T0 + 2 * DAY, T0 + 3 * DAY)
        entries = ledger.entries_of(("trade.order", order.pk))
        assert len({entry.posting_id for entry in entries if entry.kind == "settle"}) == 1
    assert aftersale.anew(waiting).ended_at == T0 + 2 * DAY + timedelta(hours=1)


def test_d3_7_one_number_on_too_many_orders_stops_their_timers_until_an_operator_looked() -> None:
    shop = bazaar.shop()
    orders = [bazaar.paid(bazaar.goods(shop), buyer=bazaar.person()) for _ in range(4)]
    for order in orders:
        services.ship_order(order_id=order.pk, parcels=[ParcelIn("express", "SF", "sf-77 12")], by=shop.keeper)
        outbox.drain_all()
        if order is not orders[3]:
            assert Order.objects.filter(flagged_at__isnull=False).count() == 0
    assert Order.objects.filter(flagged_at__isnull=False, auto_confirm_due_at__isnull=True).count() == 4
    case = Case.objects.get()
    assert (case.kind, case.key) == ("tracking", "SF7712")
    bazaar.run_until(T0 + 40 * DAY)
    assert {bazaar.again(order).state for order in orders} == {"shipped"}
    otto = bazaar.operator()
    refused("forbidden", lambda: services.clear_tracking(order_id=orders[0].pk, reason="Fine", by=shop.keeper))
    with at(T0 + 40 * DAY):
        services.clear_tracking(order_id=orders[0].pk, reason="One van, four neighbours.", by=otto)
        assert bazaar.again(orders[0]).auto_confirm_due_at == T0 + 50 * DAY
        refused("stale_state", lambda: services.clear_tracking(order_id=orders[0].pk, reason="Twice", by=otto))
        # The buyer's own word is better than any number.
        assert bazaar.confirmed(bazaar.again(orders[1])).release_due_at == T0 + 41 * DAY
    assert [order.pk for order in queries.doubted_orders()] == [orders[2].pk, orders[3].pk]


def test_d3_7_a_number_that_no_carrier_prints_is_doubted() -> None:
    assert is_made_up("SF 0000 0000")
    assert is_made_up("111111")
    assert not is_made_up("SF1111112")
    assert not is_made_up("11111")
    order = bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person())
    services.ship_order(order_id=order.pk, parcels=[ParcelIn("express", "SF", "000000000000")], by=keeper(order))
    outbox.drain_all()
    assert queries.escrow_of(bazaar.again(order)) == "paused"


def test_d3_8_the_escrow_invariant_holds_at_every_step_and_would_see_a_fault() -> None:
    order = shipped()
    made = claim(order, minor=3_000)
    assert queries.INVARIANTS["trade_escrow_is_what_was_not_released"]() == 0
    aftersale.agree(made)
    assert queries.INVARIANTS["trade_escrow_is_what_was_not_released"]() == 0
    Order.objects.filter(pk=order.pk).update(refunded_minor=2_999)
    assert queries.INVARIANTS["trade_escrow_is_what_was_not_released"]() == 1
    Order.objects.filter(pk=order.pk).update(refunded_minor=3_000)


def test_d3_9_what_a_suspended_merchant_sold_is_refunded_but_not_released() -> None:
    order, other = bazaar.confirmed(shipped()), bazaar.confirmed(shipped())
    Merchant.objects.filter(pk=order.merchant_id).update(state="suspended")
    with at(T0 + 2 * DAY):
        refused("merchant_suspended", lambda: services.settle_order(order_id=order.pk))
    bazaar.run_until(T0 + 3 * DAY)
    assert (bazaar.again(order).state, bazaar.again(other).state) == ("confirmed", "settled")
    assert bazaar.has(order)["escrow"] == 11_000
    with at(T0 + 3 * DAY):
        made = claim(bazaar.again(order), minor=4_000)
    bazaar.run_until(T0 + 5 * DAY)  # the merchant says nothing
    outbox.drain_all()
    assert (aftersale.anew(made).state, bazaar.has(order)["escrow"]) == ("refunded", 7_000)
    Merchant.objects.filter(pk=order.merchant_id).update(state="active")
    bazaar.run_until(T0 + 8 * DAY)
    assert bazaar.again(order).state == "settled"


def test_tracking_is_corrected_once_and_the_time_starts_anew() -> None:
    order = shipped()
    parcel = Parcel.objects.get(order=order)

    def correct(number: str = "SF9", by: Any = None) -> Any:
        return services.correct_tracking(
            order_id=order.pk, parcel_id=parcel.public_id, carrier="YTO", number=number, by=by or keeper(order)
        )

    with at(T0 + 4 * DAY):
        refused("forbidden", lambda: correct(by=buyer(order)))
        refused("parcel_refused", lambda: correct(number=""))
        correct()
        refused("corrected_already", correct)
    after = Parcel.objects.get(order=order)
    assert (after.carrier, after.number, after.first_number) == ("YTO", "SF9", parcel.number)
    assert bazaar.again(order).auto_confirm_due_at == T0 + 14 * DAY


def test_the_buyer_is_reminded_once_by_the_seller_or_by_the_clock() -> None:
    order = shipped()
    services.remind_buyer(order_id=order.pk, by=keeper(order))
    refused("reminded_already", lambda: services.remind_buyer(order_id=order.pk, by=keeper(order)))
    other = shipped()
    bazaar.run_until(T0 + 9 * DAY - SECOND)
    assert bazaar.again(other).reminded_at is None
    bazaar.run_until(T0 + 12 * DAY)
    assert (bazaar.again(order).reminded_at, bazaar.again(other).reminded_at) == (T0, T0 + 9 * DAY)
    refused("stale_state", lambda: services.remind_buyer(order_id=other.pk, by=keeper(other)))


def test_an_order_that_is_not_sent_in_time_is_late_once_and_both_sides_can_still_cancel() -> None:
    order = bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person())
    sent = shipped()
    bazaar.run_until(T0 + 2 * DAY - SECOND)
    assert bazaar.again(order).late_at is None
    bazaar.run_until(T0 + 3 * DAY)
    assert (bazaar.again(order).late_at, bazaar.again(sent).late_at) == (T0 + 2 * DAY, None)
    services.cancel_order(order_id=order.pk, by=buyer(order))
    assert bazaar.again(order).state == "closed"


def test_a_frozen_order_is_not_released_but_refunded(settings: Any) -> None:
    settings.MEADOW = replace(settings.MEADOW, ruling_approval_minor=11_000)
    order, otto = bazaar.confirmed(shipped()), bazaar.operator()
    freeze = services.freeze_order(order_id=order.pk, reason_code="fraud_suspected", by=otto)
    refused("order_frozen", lambda: services.freeze_order(order_id=order.pk, reason_code="authority", by=otto))
    bazaar.run_until(T0 + 30 * DAY)
    assert bazaar.again(order).state == "confirmed"
    bazaar.refund(order, 1_000)
    with at(T0 + 30 * DAY):
        refused("malformed", lambda: services.end_freeze(freeze_id=freeze.pk, reason="", by=otto))
        services.end_freeze(freeze_id=freeze.pk, reason="It was a mistake.", by=otto)
    bazaar.run_until(T0 + 31 * DAY)
    assert bazaar.again(order).state == "settled"


def test_a_freeze_above_the_threshold_and_its_end_need_two(settings: Any) -> None:
    settings.MEADOW = replace(settings.MEADOW, ruling_approval_minor=10_999)
    order, otto, olga = bazaar.confirmed(shipped()), bazaar.operator(), bazaar.operator("Olga")
    freeze = services.freeze_order(order_id=order.pk, reason_code="authority", by=otto)
    assert bazaar.again(order).paused_at is None
    refused("second_person_needed", lambda: services.approve_freeze(freeze_id=freeze.pk, by=otto))
    services.approve_freeze(freeze_id=freeze.pk, by=olga)
    assert bazaar.again(order).paused_at == T0
    services.end_freeze(freeze_id=freeze.pk, reason="Cleared up.", by=olga)
    refused("second_person_needed", lambda: services.approve_freeze(freeze_id=freeze.pk, by=olga))
    assert bazaar.again(order).paused_at == T0
    services.approve_freeze(freeze_id=freeze.pk, by=otto)
    assert bazaar.again(order).release_due_at == T0 + DAY
