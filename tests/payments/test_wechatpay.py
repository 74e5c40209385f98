"""Does WeChat Pay carry orders from payment to split, return and refund, whatever the wire does?  Against its simulator."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.trade import bazaar

from meadow.kernel import clock, db, outbox
from meadow.kernel.audit import SYSTEM
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import queries as ledger
from meadow.ledger.services import Transfer, post
from meadow.payments import queries, services, tasks
from meadow.payments.adapters import adapter, enabled
from meadow.payments.adapters.protocol import Operation, Part, ProviderDown
from meadow.payments.simulators.wechat import MCHID, WechatNotice, WechatSimulator
from meadow.payments.simulators.wire import Fault
from meadow.trade import services as trade
from meadow.trade.models import Order, Refund

FAULTS: tuple[Fault, ...] = ("error", "lost", "done_lost", "slow", "busy", "garbage", "unsigned")


@pytest.fixture
def wechat(settings: Any) -> Iterator[WechatSimulator]:
    simulator = WechatSimulator()
    settings.MEADOW = replace(
        settings.MEADOW, providers="wechatpay,sandbox", wechatpay=simulator.account(mch_name="Meadow Ltd")
    )
    yield simulator
    simulator.close()


def deliver(notice: WechatNotice) -> None:
    """What the notice door does."""
    taken = services.verify(provider="wechatpay", headers=notice.headers, body=notice.body)
    if taken.payment_id is not None and taken.subject == "payment":
        trade.record_payment(taken)
    outbox.drain_all()


def joined(shop: bazaar.Shop, number: str) -> bazaar.Shop:
    services.open_provider_account(
        party=("merchant", shop.merchant_id), provider="wechatpay", account=number, by=SYSTEM, is_stepped_up=True
    )
    return shop


def two_orders() -> list[Order]:
    """Two shops' goods through Mei in one checkout, to be paid as one combined order."""
    first, second = joined(bazaar.shop("Ada"), "1600000001"), joined(bazaar.shop("Eve"), "1600000002")
    placed = bazaar.place(bazaar.goods(first), bazaar.goods(second), buyer=bazaar.person(), provider="wechatpay")
    return placed.orders


def paid_order(wechat: WechatSimulator, *, creator_account: str = "") -> Order:
    """An order of one shop that came through Mei, paid by WeChat Pay."""
    shop, mei, bo = joined(bazaar.shop("Ada", rate_bp=1000), "1600000001"), bazaar.creator(), bazaar.person()
    if creator_account:
        services.open_provider_account(
            party=("creator", mei.pk), provider="wechatpay", account=creator_account, kind="person", by=SYSTEM,
            is_stepped_up=True,
        )  # fmt: skip
    goods = bazaar.goods(shop)
    bazaar.click(mei, goods, person_id=bo)
    (order,) = bazaar.place(goods, buyer=bo, provider="wechatpay").orders
    payment = services.hand_over(payment_id=order.payment_id)
    assert payment.pay_url.startswith("weixin://")
    deliver(*wechat.pay(payment.public_id))
    assert bazaar.again(order).state == "paid"
    return bazaar.again(order)


def settled(order: Order) -> Order:
    order = bazaar.confirmed(bazaar.shipped(order))
    assert order.release_due_at is not None
    bazaar.run_until(order.release_due_at + timedelta(minutes=5))
    return bazaar.again(order)


def earn(order: Order, creator_id: int, minor: int) -> None:
    """Gives a creator something out of an order's escrow, as its settlement would."""
    post(
        key="earn", cause=("trade.order", order.pk), kind="credit",
        transfers=[Transfer("psp:wechatpay", f"creator:{creator_id}:available", Money(minor, "CNY"))],
    )  # fmt: skip


def legs(order: Order) -> dict[tuple[str, str], str]:
    return {(leg.direction, leg.party_kind): leg.state for leg in queries.legs_of(order.payment_id)}


def sound() -> None:
    outbox.drain_all()
    assert bazaar.violations() == {}


@pytest.mark.django_db(transaction=True)
def test_a_combined_order_is_paid_once_split_and_released(wechat: WechatSimulator) -> None:
    orders = two_orders()
    assert len({order.payment_id for order in orders}) == 1
    payment = services.hand_over(payment_id=orders[0].payment_id)
    assert {charge.combine_no for charge in wechat.books.charges.values()} == {payment.public_id}
    (notice,) = wechat.pay(payment.public_id)
    deliver(notice)
    with pytest.raises(Refusal, match="notice_refused"):
        deliver(notice)  # the same bytes again are a replay
    deliver(wechat.paid_notice(payment.public_id))  # said again and signed anew: nothing more happens
    assert {bazaar.again(order).state for order in orders} == {"paid"}
    for order in orders:
        order = settled(bazaar.again(order))
        assert order.state == "settled"
    charges = wechat.books.charges.values()
    assert [charge.is_frozen for charge in charges] == [False, False]
    assert sum(charge.split_minor for charge in charges) == 1_000  # the trade fees; nobody recommended these
    assert ledger.balance("psp:wechatpay", "CNY") == -1_000  # what is left there is the platform's
    sound()


@pytest.mark.django_db(transaction=True)
def test_a_refund_after_settlement_fetches_the_split_back_first(wechat: WechatSimulator) -> None:
    order = settled(paid_order(wechat))
    assert legs(order) == {("split", "platform"): "posted", ("release", "merchant"): "posted"}
    made = bazaar.refund(order, 10_000, 1_000)
    assert made.state == "sent"
    bazaar.run_until(clock.now() + timedelta(hours=1))
    assert Refund.objects.get(pk=made.pk).state == "completed"
    assert legs(order)["return", "platform"] == "posted"
    asked = wechat.wire.asked
    refunded = asked.index("POST /v3/refund/domestic/refunds")
    assert asked.index("POST /v3/profitsharing/return-orders") < refunded
    (charge,) = wechat.books.charges.values()
    assert (charge.split_minor, charge.refunded_minor) == (0, 11_000)
    sound()


@pytest.mark.django_db(transaction=True)
def test_a_personal_receiver_cannot_give_back_so_it_stays_its_debt(wechat: WechatSimulator) -> None:
    order = paid_order(wechat, creator_account="openid-mei")
    (payment,) = [queries.payment_by_id(order.payment_id)]
    creator_id = bazaar.goods_line(order).creator_id
    assert creator_id is not None
    cause, shares = (
        ("test.order", 1),
        [services.Share("creator", creator_id, 900), services.Share("merchant", 1, 10_100)],
    )
    name = {"payment_id": payment.pk, "of": f"shop:{order.shop_id}"}
    earn(order, creator_id, 900)
    services.share_out(cause=cause, shares=shares, **name)
    tasks.move_legs(10, clock.now())
    assert legs(order)["split", "creator"] == "posted"
    with db.atomic():
        back = services.take_back(key="back", order=cause, cause=("test.refund", 1), shares=shares[:1], **name)
    assert [(leg.state, leg.reason) for leg in back] == [("failed", "receiver_cannot_return")]
    assert not any("return-orders" in line for line in wechat.wire.asked)


@pytest.mark.django_db(transaction=True)
def test_d2_5_whatever_the_wire_does_a_payment_is_made_once(wechat: WechatSimulator) -> None:
    shop = joined(bazaar.shop("Ada"), "1600000001")
    goods, bo = bazaar.goods(shop, left=20), bazaar.person()
    for number, fault in enumerate(FAULTS, 1):
        (order,) = bazaar.place(goods, buyer=bo, provider="wechatpay").orders
        wechat.wire.fault("transactions/native", fault)
        with pytest.raises(Refusal, match="provider_down"):
            services.hand_over(payment_id=order.payment_id)
        payment = services.hand_over(payment_id=order.payment_id)  # success after the time-out: asked again, one order
        wechat.pay(payment.public_id)  # and its notice is lost
        wechat.wire.fault("out-trade-no", fault)
        services.query_payment(payment_id=payment.pk)
        assert queries.payment_by_id(payment.pk).state == "pending", fault
        services.query_payment(payment_id=payment.pk)
        outbox.drain_all()
        assert bazaar.again(order).state == "paid", fault
        assert len(wechat.books.charges) == number
    wechat.wire.fault("transactions/native", "lost", "lost")
    for _ in range(2):
        with pytest.raises(Refusal, match="provider_down"):
            services.hand_over(payment_id=bazaar.place(goods, buyer=bo, provider="wechatpay").orders[0].payment_id)
    asked = len(wechat.wire.asked)
    left = bazaar.place(goods, buyer=bo, provider="wechatpay").orders[0]
    with pytest.raises(Refusal, match="provider_down"):  # the breaker is open: nobody waits for it again
        services.hand_over(payment_id=left.payment_id)
    assert len(wechat.wire.asked) == asked


@pytest.mark.django_db(transaction=True)
def test_an_order_that_was_given_up_is_closed_there_and_cannot_be_paid(wechat: WechatSimulator) -> None:
    shop = joined(bazaar.shop("Ada"), "1600000001")
    goods = bazaar.goods(shop)
    (order,) = bazaar.place(goods, buyer=bazaar.person(), provider="wechatpay").orders
    services.hand_over(payment_id=order.payment_id)
    bazaar.run_until(clock.now() + timedelta(hours=2))
    assert bazaar.again(order).state == "closed"
    assert {charge.state for charge in wechat.books.charges.values()} == {"CLOSED"}
    assert bazaar.stock(goods) == (10, 0)


def charge(wechat: WechatSimulator) -> Operation:
    part = Part("ppt_0001", "shop:1", "1600000001", Money(10_000, "CNY"))
    made = Operation("payment", "pay_00000001", Money(10_000, "CNY"), parts=(part,), text="Order")
    adapter("wechatpay").create(made)
    wechat.pay(made.our_ref)
    ref = adapter("wechatpay").query(made).ref
    return replace(made, ref=ref or "")


def leg(of: Operation, our_ref: str = "leg_0001", minor: int = 2_000, **more: Any) -> Operation:
    subject: Any = "return" if "original" in more else "split"
    return Operation(subject, our_ref, Money(minor, "CNY"), charge=of, of="shop:1", text="Order", **more)


def test_what_the_adapter_says_of_splits_returns_and_refunds(wechat: WechatSimulator) -> None:
    at, of = adapter("wechatpay"), charge(wechat)
    wechat.split_as[:] = ["PENDING", "CLOSED"]
    ours = leg(of)
    assert at.query(ours).state == "unknown"
    assert at.split(ours).state == "pending"
    assert at.split(ours).state == "pending"  # asked twice, split once
    wechat.end_split("leg_0001")
    assert at.query(ours).state == "succeeded"
    abnormal = at.split(leg(of, "leg_0002", 500))
    assert (abnormal.state, abnormal.why) == ("failed", "ACCOUNT_ABNORMAL")
    assert at.split(leg(of, "leg_0003", 1_500)).why == "RULE_LIMIT"  # more than 30 % of the order
    mei = leg(of, "leg_0004", 500, receiver="person", account="openid-mei")
    assert at.split(mei).state == "succeeded"
    back = leg(of, "leg_0005", 500, receiver="person", account="openid-mei", original=mei)
    assert at.give_back(back).state == "failed"
    wechat.return_as[:] = ["PROCESSING", "FAILED"]
    assert at.query(leg(of, "leg_0006", 800, original=ours)).state == "unknown"
    assert at.give_back(leg(of, "leg_0006", 800, original=ours)).state == "pending"
    assert at.give_back(leg(of, "leg_0007", 800, original=ours)).state == "failed"
    assert at.give_back(leg(of, "leg_0008", 2_000, original=ours)).state == "succeeded"
    refund = Operation("refund", "prf_0001", Money(9_600, "CNY"), charge=of, of="shop:1", text="Order")
    assert (at.refund(refund).state, at.refund(refund).why) == ("failed", "NOT_ENOUGH")
    wechat.refund_as[:] = ["PROCESSING", "ABNORMAL", "CLOSED"]
    for number, state in enumerate(("pending", "pending", "failed", "succeeded")):
        one = replace(refund, our_ref=f"prf_100{number}", amount=Money(100, "CNY"))
        assert at.query(one).state == "unknown"
        assert at.refund(one).state == state
        assert at.query(one).state == state
    assert at.release(leg(of, "leg_0009")).state == "succeeded"
    assert at.split(leg(of, "leg_0010", 1)).why == "INVALID_REQUEST"  # let go of already
    assert at.pay_out(Operation("payout", "out_1", Money(1, "CNY"))).state == "failed"
    at.ping()
    wechat.wire.is_down = True
    with pytest.raises(ProviderDown):
        at.ping()


def test_d2_6_its_daily_bill_is_read(wechat: WechatSimulator) -> None:
    head = "交易时间,公众账号ID,商户号,特约商户号,微信订单号,商户订单号,交易状态,货币种类,微信退款单号,商户退款单号,退款状态,手续费,订单金额,申请退款金额"
    wechat.books.bill = "\r\n".join(
        [
            head,
            "`2026-03-01 12:00:00,`wx,`1,`2,`42001,`pay_1,`SUCCESS,`CNY,`0,`0,`,`0.66,`110.00,`0.00",
            "`2026-03-01 13:00:00,`wx,`1,`2,`42001,`pay_1,`REFUND,`CNY,`50301,`prf_1,`SUCCESS,`-0.24,`0.00,`40.00",
            "`2026-03-01 13:00:00,`wx,`1,`2,`42001,`pay_1,`REFUND,`CNY,`50302,`prf_2,`PROCESSING,`0,`0.00,`1.00",
            "总交易单数,应结订单总金额",
            "`3,`110.00",
        ]
    )
    day = clock.machine_now().date()
    lines = adapter("wechatpay").statement(day)
    assert [(line.subject, line.our_ref, line.provider_ref, line.amount.minor) for line in lines] == [
        ("payment", "pay_1", "42001", 11_000), ("refund", "prf_1", "50301", 4_000),
    ]  # fmt: skip
    wechat.books.bill = ""
    assert adapter("wechatpay").statement(day) == []


def test_settled_9_it_says_what_it_can_carry(wechat: WechatSimulator) -> None:
    limits = queries.limits_of("wechatpay")
    assert (limits.max_split_ratio_bp, limits.max_hold_days, limits.return_window_days) == (3000, 30, 180)
    assert (limits.personal_receiver_returnable, limits.lands_with) == (False, "merchant")
    assert queries.cannot_carry(3001) == ["wechatpay"]
    assert queries.cannot_carry(3000) == []


@pytest.mark.parametrize(
    ("account", "says"),
    [
        ("", "mchid"), ("{", "not JSON"), ("[]", "not a JSON object"), ('{"mchid": 1}', "appid"),
    ],
)  # fmt: skip
def test_a_wrong_account_is_said_without_its_secrets(settings: Any, account: str, says: str) -> None:
    settings.MEADOW = replace(settings.MEADOW, providers="wechatpay", wechatpay=account)
    with pytest.raises(RuntimeError, match=says):
        enabled()


def test_a_wrong_key_is_said_without_it(settings: Any, wechat: WechatSimulator) -> None:
    settings.MEADOW = replace(settings.MEADOW, wechatpay=wechat.account(private_key="secret-secret"))
    with pytest.raises(RuntimeError, match="key that cannot be read") as told:
        enabled()
    assert "secret-secret" not in str(told.value)
    assert MCHID not in str(told.value)


@pytest.mark.django_db(transaction=True)
def test_no_secret_reaches_the_log(wechat: WechatSimulator, caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    caplog.set_level(logging.DEBUG)
    wechat.wire.fault("transactions/native", "error")
    shop = joined(bazaar.shop("Ada"), "1600000001")
    (order,) = bazaar.place(bazaar.goods(shop), buyer=bazaar.person(), provider="wechatpay").orders
    with pytest.raises(Refusal, match="provider_down"):
        services.hand_over(payment_id=order.payment_id)
    payment = services.hand_over(payment_id=order.payment_id)
    deliver(*wechat.pay(payment.public_id))
    account = json.loads(wechat.account())
    kept = [str(view.last_error) for view in queries.provider_views("CNY")]
    for name in ("private_key", "apiv3_key"):
        secret = account[name].splitlines()[len(account[name].splitlines()) // 2]
        assert secret not in caplog.text
        assert not any(secret in text for text in kept)
    assert "signature=" not in caplog.text
    assert account["apiv3_key"] not in repr(settings.MEADOW)
