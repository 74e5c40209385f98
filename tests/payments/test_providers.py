"""D2: how a provider is left behind, alone or lost, without a merchant's settings changing and without a double charge."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.payments.conftest import cny
from tests.payments.test_wechatpay import WechatSimulator, joined, paid_order, settled, sound, wechat
from tests.trade import bazaar

from meadow.kernel import clock, outbox
from meadow.kernel.audit import SYSTEM
from meadow.kernel.errors import Refusal
from meadow.ledger import queries as ledger
from meadow.payments import queries, services
from meadow.payments.models import ProviderRefund
from meadow.payments.rules import CONTRACT, breaker
from meadow.trade import queries as trade_reads
from meadow.trade import services as trade
from meadow.trade.models import Order, Refund

__all__ = ["wechat"]
pytestmark = pytest.mark.django_db
A, B = "sandbox", "sandbox2"


@pytest.fixture(autouse=True)
def _two(request: pytest.FixtureRequest, settings: Any) -> None:
    if "wechat" not in request.fixturenames:
        settings.MEADOW = replace(settings.MEADOW, providers=f"{A},{B}")


def contract(state: str, provider: str = A, **more: Any) -> None:
    services.set_contract(
        provider=provider, currency="CNY", state=state, by=bazaar.operator(), is_stepped_up=True, **more
    )


def pay_at(provider: str, payment_id: int, behaviour: str = "succeed") -> None:
    """The buyer's act, and what the provider says at once through the door."""
    for sent in services.sandbox_pay(payment_id=payment_id, behaviour=behaviour).notices:
        trade.record_payment(services.verify(provider=provider, headers=sent.headers, body=sent.body))
    outbox.drain_all()


def test_d2_1_new_merchants_are_offered_the_others_only_and_existing_ones_go_on() -> None:
    old = bazaar.shop("Ada")
    contract("no_new_merchants")
    new = bazaar.shop("Eve")
    assert queries.offered(currency="CNY", merchant_ids=[old.merchant_id]) == [A, B]
    assert queries.offered(currency="CNY", merchant_ids=[new.merchant_id]) == [B]
    assert queries.offered(currency="CNY", merchant_ids=[old.merchant_id, new.merchant_id]) == [B]
    assert bazaar.paid(bazaar.goods(old)).state == "paid"
    with pytest.raises(Refusal, match="provider_closed"):
        bazaar.place(bazaar.goods(new), provider=A)
    placed = bazaar.place(bazaar.goods(new), provider=B)
    pay_at(B, placed.payments[0].pk)
    assert bazaar.again(placed.orders[0]).state == "paid"
    contract("active")
    assert queries.offered(currency="CNY", merchant_ids=[new.merchant_id]) == [A, B]


def test_d2_2_a_hundred_orders_in_flight_all_end_and_earlier_payments_are_refunded() -> None:
    cup = bazaar.goods(bazaar.shop("Ada"), left=200)
    earlier = bazaar.paid(cup)
    flying = [bazaar.place(cup, provider=A).orders[0] for _ in range(100)]
    assert bazaar.stock(cup) == (199, 100)
    contract("no_new_payments")
    assert queries.offered(currency="CNY") == [B]
    for number, order in enumerate(flying):
        if number % 2:
            pay_at(A, order.payment_id, ("succeed", "timeout", "notify_twice")[number % 3])
    bazaar.run_until(clock.now() + timedelta(hours=3))
    ends = [bazaar.again(order).state for order in flying]
    assert (ends.count("paid"), ends.count("closed")) == (50, 50)
    assert bazaar.stock(cup) == (149, 0)
    with pytest.raises(Refusal, match="provider_closed"):
        bazaar.place(cup, provider=A)
    assert bazaar.refund(earlier, 4_000).state == "completed"
    assert bazaar.refund(bazaar.again(flying[1]), 10_000, 1_000).state == "completed"
    contract("terminated", may_refund=False)
    waits = bazaar.refund(bazaar.again(flying[3]), 1_000)
    assert waits.state == "sent"
    contract("terminated", may_refund=True)
    bazaar.run_until(clock.now() + timedelta(hours=1))
    assert Refund.objects.get(pk=waits.pk).state == "completed"


def test_d2_3_the_other_is_offered_within_a_minute_of_machine_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lost_at = clock.machine_now()
    services.sandbox_outage(provider=A, is_down=True)
    seconds = 0
    while A in queries.offered(currency="CNY"):
        now = lost_at + timedelta(seconds=seconds)
        monkeypatch.setattr(clock, "machine_now", lambda now=now: now)
        if services.probe_due():  # what the worker's sweep asks
            services.probe_providers()
        seconds += 1
    assert seconds <= 60
    assert queries.offered(currency="CNY") == [B]
    services.sandbox_outage(provider=A, is_down=False)
    later = lost_at + timedelta(seconds=seconds) + breaker.OPEN_FOR + breaker.PROBE_EVERY
    monkeypatch.setattr(clock, "machine_now", lambda: later)
    services.probe_providers()
    assert queries.offered(currency="CNY") == [A, B]


def test_d2_3_a_late_success_after_paying_by_the_other_is_refunded_by_itself() -> None:
    cup = bazaar.goods(bazaar.shop("Ada"))
    (order,) = bazaar.place(cup, provider=A).orders
    first = order.payment_id
    services.sandbox_pay(payment_id=first, behaviour="timeout")  # the money is taken, and nobody says so
    assert trade_reads.other_ways(first) == [B]
    second = trade.pay_otherwise(payment_id=first, provider=B)
    assert trade.pay_otherwise(payment_id=first, provider=B).pk == second.pk
    pay_at(B, second.pk)
    assert bazaar.again(order).state == "paid"
    bazaar.run_until(clock.now() + timedelta(hours=1))  # the first provider is told to close it, and says it was paid
    tries = queries.tries_of(queries.payment_by_id(first))
    assert [(one.provider, one.state, one.amount_minor - one.refunded_minor) for one in tries] == [
        (A, "succeeded", 0), (B, "succeeded", 11_000),
    ]  # fmt: skip
    assert [one.state for one in ProviderRefund.objects.filter(payment_id=first)] == ["posted"]
    with pytest.raises(Refusal, match="stale_state|already_paid"):
        trade.pay_otherwise(payment_id=second.pk, provider=A)
    assert settled(bazaar.again(order)).state == "settled"


def test_d2_3_if_the_first_way_pays_after_all_it_wins_and_the_other_is_closed() -> None:
    (order,) = bazaar.place(bazaar.goods(bazaar.shop("Ada")), provider=A).orders
    first = order.payment_id
    second = trade.pay_otherwise(payment_id=first, provider=B)
    pay_at(A, first)
    assert (bazaar.again(order).state, bazaar.again(order).payment_id) == ("paid", first)
    bazaar.run_until(clock.now() + timedelta(hours=1))
    assert queries.payment_by_id(second.pk).state == "closed"
    pay_at(B, second.pk)  # should the buyer still pay there, it comes back
    stray = queries.payment_by_id(second.pk)
    assert (stray.state, stray.refunded_minor) == ("succeeded", stray.amount_minor)


def test_d2_3_a_refund_of_a_stray_that_fails_is_tried_again() -> None:
    (order,) = bazaar.place(bazaar.goods(bazaar.shop("Ada")), provider=A).orders
    first = queries.payment_by_id(order.payment_id)
    services.sandbox_script(subject="refund", target=first.public_id, behaviour="fail")
    services.sandbox_pay(payment_id=first.pk, behaviour="timeout")
    pay_at(B, trade.pay_otherwise(payment_id=first.pk, provider=B).pk)
    bazaar.run_until(clock.now() + timedelta(days=1))
    states = list(ProviderRefund.objects.filter(payment=first).order_by("pk").values_list("state", flat=True))
    assert states == ["failed", "posted"]


@pytest.mark.django_db(transaction=True)
def test_d2_5_a_notice_before_the_create_call_returns_twice_and_out_of_order(wechat: WechatSimulator) -> None:
    shop = joined(bazaar.shop("Ada"), "1600000001")
    (order,) = bazaar.place(bazaar.goods(shop), buyer=bazaar.person(), provider="wechatpay").orders
    payment = queries.payment_by_id(order.payment_id)
    wechat.wire.fault("transactions/native", "done_lost")
    with pytest.raises(Refusal, match="provider_down"):
        services.hand_over(payment_id=payment.pk)
    assert queries.payment_by_id(payment.pk).state == "created"
    notices = [*wechat.pay(payment.public_id), wechat.paid_notice(payment.public_id)]
    for notice in notices:
        trade.record_payment(services.verify(provider="wechatpay", headers=notice.headers, body=notice.body))
    outbox.drain_all()
    assert bazaar.again(order).state == "paid"
    assert services.hand_over(payment_id=payment.pk).state == "succeeded"
    services.query_payment(payment_id=payment.pk)
    assert len(ledger.entries_of(("trade.order", order.pk))) == 1
    sound()


def test_d2_6_every_kind_of_mismatch_is_found_and_nothing_else() -> None:
    cup = bazaar.goods(bazaar.shop("Ada"), left=50)
    orders = [bazaar.paid(cup) for _ in range(12)]
    names = [queries.payment_by_id(order.payment_id).public_id for order in orders]
    bazaar.refund(orders[0], 4_000)
    wrong = {names[1]: "omit", names[2]: "amount", names[3]: "currency", "pay_ghost": "extra"}
    for target, behaviour in wrong.items():
        services.sandbox_script(subject="statement", target=target, behaviour=behaviour)
    day = clock.now().date()
    first = services.reconcile(provider=A, day=day)
    found = {(row.kind, row.our_ref) for row in queries.differences()}
    kinds = {"omit": "missing", "amount": "amount", "currency": "currency", "extra": "extra"}
    assert found == {(kinds[behaviour], target) for target, behaviour in wrong.items()}
    assert first.found == 4
    assert services.reconcile(provider=A, day=day).found == 4  # once each, however often it is looked at
    for row in queries.differences():
        with pytest.raises(Refusal, match="malformed"):
            services.close_difference(public_id=row.public_id, reason=" ", by=SYSTEM)
        services.close_difference(public_id=row.public_id, reason="They sent it again.", by=SYSTEM)
        with pytest.raises(Refusal, match="stale_state"):
            services.close_difference(public_id=row.public_id, reason="Again.", by=SYSTEM)
    assert queries.differences() == []
    assert len(queries.differences(state="closed")) == 4


def test_d2_the_full_matrix_of_a_contract() -> None:
    for state in CONTRACT.states:
        for to in CONTRACT.states:
            contract("active")
            if state != "active":
                contract(state)
            allowed = to == state or any(CONTRACT.table[state].get(e) == to for e in CONTRACT.table[state])
            if allowed:
                contract(to)
            else:
                with pytest.raises(Refusal, match="stale_state"):
                    contract(to)
            contract("active")
    with pytest.raises(Refusal, match="step_up_required"):
        services.set_contract(provider=A, currency="CNY", state="terminated", by=SYSTEM, is_stepped_up=False)


@pytest.mark.django_db(transaction=True)
def test_settled_9_the_hold_ends_two_days_early_and_the_money_waits_with_the_merchant(wechat: WechatSimulator) -> None:
    order = paid_order(wechat)
    kept = Order.objects.filter(pk=order.pk)
    kept.update(state="shipped", shipped_at=clock.now(), auto_confirm_due_at=None)  # a claim keeps its timer still
    bazaar.run_until(clock.now() + timedelta(days=27, hours=23))
    assert bazaar.again(order).held_at is None
    bazaar.run_until(clock.now() + timedelta(days=28, hours=1))
    order = bazaar.again(order)
    assert order.held_at is not None
    (charge,) = wechat.books.charges.values()
    assert not charge.is_frozen
    held = f"merchant:{order.merchant_id}:held"
    assert (ledger.balance(held, "CNY"), ledger.balance(f"escrow:{order.public_id}", "CNY")) == (11_000, 0)
    with pytest.raises(Refusal, match="insufficient_funds|not_found"):
        services.withdraw(key="w", party=("merchant", order.merchant_id), amount=cny(1_000), by=SYSTEM)
    bazaar.refund(order, 4_000)
    bazaar.run_until(clock.now() + timedelta(days=28, hours=2))
    assert ledger.balance(held, "CNY") == 7_000


def test_settled_10_a_chargeback_before_and_after_settlement_and_its_return() -> None:
    cup = bazaar.goods(bazaar.shop("Ada"))
    for order in (bazaar.paid(cup), settled(bazaar.paid(cup))):
        before = bazaar.has(order)
        sent = services.sandbox_charge_back(payment_id=order.payment_id, amount_minor=11_000, fee_minor=1_500)
        services.verify(provider=A, headers=sent.headers, body=sent.body)
        outbox.drain_all()
        assert [one.kind for one in Refund.objects.filter(order=order)] == ["chargeback"]
        assert bazaar.has(order)["escrow"] == 0
        won = services.sandbox_charge_back(payment_id=order.payment_id, amount_minor=11_000, outcome="succeeded")
        services.verify(provider=A, headers=won.headers, body=won.body)
        outbox.drain_all()
        if before["escrow"] == 0:
            assert bazaar.has(order) == before
    assert ledger.balance("platform:provider_cost", "CNY") == -3_000
    assert [one.state for one in queries.chargebacks()] == ["won", "won"]


def test_settled_9_a_cap_is_refused_at_placing_and_not_offered(wechat: WechatSimulator) -> None:
    shop = joined(bazaar.shop("Ada", rate_bp=3_000), "1600000001")
    mei, bo, cup = bazaar.creator(), bazaar.person(), bazaar.goods(shop)
    bazaar.click(mei, cup, person_id=bo)
    opened = bazaar.checkout(cup, buyer=bo)
    quote = trade_reads.quote(trade_reads.checkout(opened, person_id=bo))
    (offers,) = trade_reads.ways_to_pay(quote).values()
    assert {offer.provider: offer.why_not for offer in offers} == {"wechatpay": "share", "sandbox": ""}
    assert trade_reads.best_way(trade_reads.ways_to_pay(quote)) == "sandbox"
    with pytest.raises(Refusal, match="provider_cannot_carry"):
        bazaar.place_checkout(opened, buyer=bo, provider="wechatpay")
