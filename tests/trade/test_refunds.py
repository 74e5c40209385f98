"""Does every refund give back exactly what it should, from escrow, from the parties, or from the advance?"""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.trade import bazaar
from tests.trade.bazaar import DAY, MINUTE, T0, actor, at

from meadow.affiliate import queries as affiliate
from meadow.catalog.models import Sku
from meadow.kernel import clock, outbox
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import queries as ledger
from meadow.ledger.queries import step
from meadow.payments import services as payments
from meadow.payments.models import ProviderRefund
from meadow.trade import queries, services
from meadow.trade.models import Order, Refund
from meadow.trade.rules import ParcelIn

pytestmark = pytest.mark.django_db

ZERO = {"escrow": 0, "merchant": 0, "creator": 0, "platform": 0}


@pytest.fixture(autouse=True)
def _at_t0() -> Any:
    with at(T0):
        yield


def bought(price: int = 10_000, quantity: int = 1, rate_bp: int = 2000, shipping: int = 1000) -> Order:
    """A paid order that a creator led to."""
    shop = bazaar.shop(rate_bp=rate_bp, shipping=shipping)
    bowl, mei = bazaar.goods(shop, price), bazaar.creator()
    bazaar.click(mei, bowl, carrier="phone")
    return bazaar.paid((bowl, quantity), buyer=bazaar.person(), carrier="phone")


def creator_of(order: Order) -> int:
    creator_id = bazaar.goods_line(order).creator_id
    assert creator_id
    return creator_id


def view(refund: Refund) -> tuple[int, int, int]:
    seen = next(v for v in queries.refunds_of(refund.order_id) if v.refund_id == refund.pk)
    return seen.merchant_minor, seen.creator_minor, seen.platform_minor


def test_c3_1_vectors_v1_v4_v5_v6_are_exact() -> None:
    order = bazaar.settled(bought())
    assert bazaar.has(order) == ZERO | {"merchant": 8500, "creator": 1800, "platform": 700}
    assert view(bazaar.refund(order, 4000)) == (3000, 720, 280)
    assert bazaar.has(order) == ZERO | {"merchant": 5500, "creator": 1080, "platform": 420}
    assert view(bazaar.refund(order, 6000, 1000)) == (5500, 1080, 420)
    assert bazaar.has(order) == ZERO
    assert ledger.balance("psp:sandbox", "CNY") == 0
    assert queries.settlement_of(order.pk).left.total == 0
    assert bazaar.again(order).state == "settled"


@pytest.mark.parametrize(("price", "creator", "platform", "reason"), [(7, 1, 0, ""), (3, 0, 0, "below_minimum")])
def test_c3_1_vectors_v2_and_v3_are_exact(price: int, creator: int, platform: int, reason: str) -> None:
    order = bazaar.settled(bought(price, rate_bp=1500, shipping=0))
    assert bazaar.has(order) == ZERO | {"merchant": price - creator, "creator": creator, "platform": platform}
    commission = affiliate.commission_of_line(bazaar.goods_line(order).pk)
    assert commission is not None
    assert (commission.void_reason, commission.state) == (reason, "void" if reason else "final")


def test_c3_2_three_refunds_sum_back() -> None:
    order = bazaar.settled(bought())
    for minor in (3333, 3333, 3334):
        assert min(view(bazaar.refund(order, minor))) >= 0
    assert bazaar.has(order) == ZERO | {"merchant": 1000}


@pytest.mark.parametrize("moments", ["before", "after", "mixed"])
def test_refund_and_release_in_any_order_end_alike(moments: str) -> None:
    order = bought()
    if moments in ("before", "mixed"):
        bazaar.refund(order, 3333)
    if moments == "before":
        bazaar.refund(order, 1000)
    order = bazaar.settled(order)
    if moments == "after":
        bazaar.refund(order, 3333)
    if moments in ("after", "mixed"):
        bazaar.refund(order, 1000)
    line = bazaar.goods_line(order)
    from meadow.trade.queries.orders import split_of

    left = split_of(line) - step(split_of(line), 0, 4333)
    assert bazaar.has(order) == {
        "escrow": 0, "merchant": left.merchant + 1000, "creator": left.creator, "platform": left.platform,
    }  # fmt: skip


def test_c3_3_refund_before_release_means_commission_is_never_payable() -> None:
    order = bought()
    line = bazaar.goods_line(order)
    estimate = affiliate.commission_of_line(line.pk)
    assert estimate is not None
    assert (estimate.state, estimate.creator_minor) == ("estimated_at_payment", 1800)
    bazaar.refund(order, 10_000, 1000)
    void = affiliate.commission_of_line(line.pk)
    assert void is not None
    assert (void.state, void.creator_minor, void.void_reason) == ("void", 0, "refund_before_receipt")
    bazaar.run_until(T0 + 40 * DAY)
    assert bazaar.has(order) == ZERO
    order = bazaar.again(order)
    assert (order.state, order.close_reason) == ("closed", "refunded")


def test_commission_follows_the_order_through_its_states() -> None:
    order = bazaar.shipped(bought())
    line_id = bazaar.goods_line(order).pk

    def now() -> tuple[str, int]:
        found = affiliate.commission_of_line(line_id)
        assert found is not None
        return found.state, found.creator_minor

    assert now() == ("estimated_at_payment", 1800)
    bazaar.refund(order, 4000)
    assert now() == ("estimated_at_payment", 1080)
    bazaar.confirmed(order)
    assert now() == ("estimated_at_receipt", 1080)
    bazaar.run_until(T0 + DAY)
    assert now() == ("final", 1080)
    bazaar.refund(order, 6000)
    assert now() == ("void", 0)
    found = affiliate.commission_of_line(line_id)
    assert found is not None
    assert (found.at_payment_minor, found.at_receipt_minor, found.void_reason) == (1800, 1080, "refund_after_release")


def test_c3_4_refund_after_withdrawal_opens_a_receivable_that_the_next_sale_pays() -> None:
    shop = bazaar.shop()
    bowl, mei, bo = bazaar.goods(shop), bazaar.creator(), bazaar.person()
    bazaar.click(mei, bowl, person_id=bo)
    order = bazaar.settled(bazaar.paid(bowl, buyer=bo))
    bazaar.run_until(T0 + 16 * DAY)
    with at(T0 + 16 * DAY):
        payments.withdraw(key="m1", party=("merchant", shop.merchant_id), amount=Money(8500, "CNY"), by=shop.keeper)
        payments.withdraw(key="c1", party=("creator", mei.pk), amount=Money(1800, "CNY"), by=actor(mei.person_id))
        bazaar.run_until(T0 + 16 * DAY + MINUTE)
        assert bazaar.refund(order, 4000).state == "completed"
        assert ledger.balance(f"creator:{mei.pk}:receivable", "CNY") == -720
        assert ledger.balance(f"merchant:{shop.merchant_id}:receivable", "CNY") == -3000
        assert ledger.balance("platform:advance", "CNY") == -3720
        assert bazaar.has(order)["creator"] == 0
        bazaar.click(mei, bowl, person_id=bo)
        second = bazaar.paid(bowl, buyer=bo)
        second = bazaar.shipped(second)
        bazaar.confirmed(second)
    bazaar.run_until(T0 + 17 * DAY)
    assert bazaar.again(second).state == "settled"
    assert bazaar.has(second) == {"escrow": 0, "merchant": 5500, "creator": 1080, "platform": 1120}
    assert ledger.balance(f"creator:{mei.pk}:receivable", "CNY") == 0
    assert ledger.balance("platform:advance", "CNY") == 0


def test_beyond_the_advance_a_refund_waits_and_is_tried_again(settings: Any) -> None:
    from dataclasses import replace

    order = bazaar.settled(bought())
    merchant = order.merchant_id
    keeper = actor(bazaar.accounts_owner(order))
    payments.withdraw(key="m1", party=("merchant", merchant), amount=Money(8500, "CNY"), by=keeper)
    settings.MEADOW = replace(settings.MEADOW, advance_limit_minor=100)
    refund = bazaar.refund(order, 4000, key="one")
    assert (refund.state, refund.retry_due_at) == ("pending", clock.now() + 10 * MINUTE)
    assert bazaar.has(order)["creator"] == 1800
    bazaar.run_until(T0 + DAY + 10 * MINUTE)
    refund.refresh_from_db()
    assert refund.state == "pending"
    settings.MEADOW = replace(settings.MEADOW, advance_limit_minor=100_000)
    services.retry_refund(refund_id=refund.pk, by=bazaar.operator())
    bazaar.run_until(T0 + DAY + 40 * MINUTE)
    refund.refresh_from_db()
    assert refund.state == "completed"
    assert bazaar.has(order) == ZERO | {"creator": 1080, "platform": 420}
    assert ledger.balance(f"merchant:{merchant}:receivable", "CNY") == -3000


def test_refund_that_the_provider_refused_is_sent_again() -> None:
    order = bought()
    payments.sandbox_script(subject="refund", target=order.payment.public_id, behaviour="fail")
    refund = bazaar.refund(order, 4000)
    assert refund.state == "failed"
    assert ledger.balance(f"refund:{refund.public_id}", "CNY") == 4000
    bazaar.run_until(T0 + 10 * MINUTE)
    refund.refresh_from_db()
    assert (refund.state, refund.tries) == ("completed", 2)
    assert ProviderRefund.objects.filter(cause_id=refund.pk).count() == 2


def test_slow_provider_leaves_the_refund_under_way_until_it_answers() -> None:
    order = bought()
    payments.sandbox_script(subject="refund", target=order.payment.public_id, behaviour="late")
    refund = bazaar.refund(order, 4000)
    assert refund.state == "sent"
    bazaar.run_until(T0 + 2 * 60 * MINUTE)
    refund.refresh_from_db()
    assert refund.state == "completed"


def test_same_key_gives_the_same_refund_and_another_body_is_refused() -> None:
    order = bought()
    first = bazaar.refund(order, 4000, key="once")
    assert bazaar.refund(order, 4000, key="once") == first
    for minor, shipping in ((4001, 0), (4000, 1), (0, 4000)):
        with pytest.raises(Refusal) as refused:
            bazaar.refund(order, minor, shipping, key="once")
        assert refused.value.code in ("idempotency_mismatch", "refund_too_large")
    assert bazaar.again(order).refunded_minor == 4000


def test_no_callers_key_stands_in_the_way_of_a_cancellation() -> None:
    order = bought()
    bazaar.refund(order, 4000, key="cancel")
    services.cancel_order(order_id=order.pk, by=actor(order.buyer_id))
    outbox.drain_all()
    assert bazaar.again(order).refunded_minor == 11_000
    assert bazaar.has(order) == ZERO


def test_d4_3_more_than_is_left_is_refused() -> None:
    order = bought()
    bazaar.refund(order, 4000)
    for minor, shipping in ((6001, 0), (0, 1001)):
        with pytest.raises(Refusal) as refused:
            bazaar.refund(order, minor, shipping)
        assert (refused.value.code, refused.value.status) == ("refund_too_large", 409)


def test_line_refunded_before_shipment_returns_to_stock_and_is_not_shipped() -> None:
    shop = bazaar.shop()
    bowl, cup = bazaar.goods(shop), bazaar.goods(shop, 500)
    order = bazaar.paid((bowl, 2), (cup, 3), buyer=bazaar.person())
    first, second = (line for line in bazaar.lines(order) if line.kind == "goods")
    part = ParcelIn("express", "SF", "1", ((first.pk, 2),))
    order = services.ship_order(order_id=order.pk, parcels=[part], by=shop.keeper)
    assert order.state == "part_shipped"
    services.refund_order(key="k", order_id=order.pk, goods=[(second.pk, 1500)], by=shop.keeper)
    order = bazaar.again(order)
    assert (order.state, order.auto_confirm_due_at) == ("shipped", T0 + 10 * DAY)
    assert bazaar.stock(cup) == (10, 0)
    assert Sku.objects.get(pk=bowl.sku_id).stock == 8


def test_late_success_on_a_closed_order_is_always_refunded() -> None:
    bowl = bazaar.goods(bazaar.shop())
    placed = bazaar.place(bowl, buyer=bazaar.person())
    bazaar.run_until(T0 + 30 * MINUTE)
    with at(T0 + 31 * MINUTE):
        bazaar.pay(placed.payments[0].pk)
    order = bazaar.again(placed.orders[0])
    assert (order.state, order.paid_at) == ("closed", None)
    (late,) = queries.refunds_of(order.pk)
    assert (late.kind, late.state, late.amount_minor) == ("late", "completed", 11_000)
    assert bazaar.has(order) == ZERO
    assert ledger.balance("psp:sandbox", "CNY") == 0
    assert bazaar.stock(bowl) == (10, 0)


def test_payment_of_three_orders_of_which_one_was_cancelled_pays_two_and_returns_one() -> None:
    kinds = [bazaar.goods(bazaar.shop(name)) for name in "ABC"]
    bo = bazaar.person()
    placed = bazaar.place(*kinds, buyer=bo)
    services.cancel_order(order_id=placed.orders[1].pk, by=actor(bo))
    bazaar.pay(placed.payments[0].pk)
    assert [bazaar.again(order).state for order in placed.orders] == ["paid", "closed", "paid"]
    assert ledger.balance("psp:sandbox", "CNY") == -22_000


@pytest.mark.parametrize("behaviour", ["notify_twice", "out_of_order", "late", "timeout"])
def test_however_the_provider_tells_it_the_order_is_paid_once(behaviour: str) -> None:
    placed = bazaar.place(bazaar.goods(bazaar.shop()), buyer=bazaar.person())
    with at(T0 + MINUTE):
        bazaar.pay(placed.payments[0].pk, behaviour)
    bazaar.run_until(T0 + 29 * MINUTE)
    if behaviour == "late":
        bazaar.run_until(T0 + DAY)
        order = bazaar.again(placed.orders[0])
        assert bazaar.has(order)["escrow"] == (11_000 if order.state == "paid" else 0)
        assert ledger.balance("psp:sandbox", "CNY") == -bazaar.has(order)["escrow"]
        return
    order = bazaar.again(placed.orders[0])
    assert order.state == "paid"
    assert bazaar.has(order)["escrow"] == 11_000
    assert ledger.balance("psp:sandbox", "CNY") == -11_000


@pytest.mark.parametrize("behaviour", ["fail", "bad_signature", "wrong_amount", "wrong_currency", "unknown_order"])
def test_no_order_is_paid_by_a_failure_or_by_a_notice_that_lies(behaviour: str) -> None:
    placed = bazaar.place(bazaar.goods(bazaar.shop()), buyer=bazaar.person())
    bazaar.pay(placed.payments[0].pk, behaviour)
    assert bazaar.again(placed.orders[0]).state == "placed"
    assert ledger.balance("psp:sandbox", "CNY") == 0


@hypothesis_settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_c3_2_any_sequence_of_refunds_around_release_returns_everybody_to_zero(data: st.DataObject) -> None:
    price, rate_bp = data.draw(st.integers(1, 5000)), data.draw(st.integers(0, 8000))
    shipping = data.draw(st.integers(0, 50))
    before = {name: bazaar.ledger.balance(name, "CNY") for name in ("platform:trade_fee", "platform:service_fee")}
    order = bazaar.shipped(bought(price, rate_bp=rate_bp, shipping=shipping))
    release_after = data.draw(st.integers(0, 3))
    goods_left, shipping_left, done = price, shipping, 0
    while goods_left or shipping_left:
        if done == release_after and bazaar.again(order).state == "shipped":
            bazaar.confirmed(order)
            bazaar.run_until(T0 + DAY)
        last = done >= 5
        goods = goods_left if last else data.draw(st.integers(0, goods_left))
        freight = shipping_left if last else data.draw(st.integers(0, shipping_left))
        if goods or freight:
            bazaar.refund(order, goods, freight)
        goods_left, shipping_left, done = goods_left - goods, shipping_left - freight, done + 1
    has = bazaar.has(order)
    assert (has["escrow"], has["merchant"], has["creator"]) == (0, 0, 0)
    assert before == {name: bazaar.ledger.balance(name, "CNY") for name in before}


def test_events_handled_twice_change_nothing() -> None:
    from meadow.affiliate import services as commissions

    order = bazaar.settled(bought())
    bazaar.refund(order, 4000)
    line = bazaar.goods_line(order)
    before = affiliate.commission_of_line(line.pk)
    commissions.open_commissions(order_ids=[order.pk])
    commissions.confirm_commissions(order_ids=[order.pk])
    commissions.finish_commissions(order_ids=[order.pk])
    commissions.reduce_commissions(refunded={line.pk: 4000})
    after = affiliate.commission_of_line(line.pk)
    assert before is not None
    assert after is not None
    assert (before.state, before.creator_minor, before.final_minor) == (
        after.state,
        after.creator_minor,
        after.final_minor,
    )
    for provider_refund in ProviderRefund.objects.all():
        services.complete_refunds(answers=[(provider_refund.cause_id, provider_refund.pk)])
    outbox.drain_all()
    assert bazaar.has(order) == ZERO | {"merchant": 5500, "creator": 1080, "platform": 420}


@pytest.mark.parametrize(
    ("tampering", "caught"),
    [
        ("UPDATE trade_order SET state = 'paid' WHERE state = 'settled'", "trade_escrow_is_what_was_not_released"),
        ("UPDATE trade_order SET state = 'placed' WHERE state = 'settled'", "trade_reserved_for_open_orders"),
        ("UPDATE trade_orderline SET rate_bp = rate_bp + 1 WHERE kind = 'goods'", "trade_line_pays_only_its_creator"),
        (
            "UPDATE trade_orderline SET creator_id = (SELECT max(id) FROM accounts_creator) WHERE kind = 'goods'",
            "trade_settled_once_and_to_its_parties",
        ),
        (
            "UPDATE trade_orderline SET creator_id = (SELECT max(id) FROM accounts_creator) WHERE kind = 'goods'",
            "trade_line_pays_only_its_creator",
        ),
        ("UPDATE trade_orderline SET refunded_minor = refunded_minor + 1", "trade_totals_add_up"),
        ("UPDATE trade_order SET goods_minor = goods_minor - 1, shipping_minor = shipping_minor + 1", "trade_totals_add_up"),
        (
            "UPDATE trade_order SET total_minor = total_minor - 1, goods_minor = goods_minor - 1",
            "trade_payment_is_sum_of_orders",
        ),
        ("UPDATE trade_refund SET state = 'sent'", "trade_refunds_are_where_they_stand"),
        ("UPDATE trade_refund SET amount_minor = amount_minor - 1", "trade_refund_lines_add_up"),
        ("UPDATE affiliate_commissionline SET creator_id = (SELECT max(id) FROM accounts_creator)",
         "affiliate_commission_pays_its_click"),
    ],
)  # fmt: skip
def test_invariants_catch_what_was_tampered_with(tampering: str, caught: str) -> None:
    from django.db import connection, transaction

    order = bazaar.settled(bought())
    bazaar.refund(order, 4000)
    bazaar.creator("Eve")
    assert bazaar.violations() == {}
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(tampering)
        assert bazaar.violations().get(caught, 0) > 0
        transaction.set_rollback(True)
