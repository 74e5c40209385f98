"""After an order is paid: numbers are exchanged masked, goods found forbidden keep their money in escrow."""

from datetime import timedelta

import pytest
from tests.trade import bazaar

from meadow.governance import services as governance
from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.models import AuditEntry
from meadow.messaging import queries, services
from meadow.messaging.models import PhoneShare
from meadow.messaging.services import Message
from meadow.trade import services as trade
from meadow.trade.models import Freeze

pytestmark = pytest.mark.django_db


def _events() -> None:
    outbox.drain_all()


def test_g12_4_both_sides_of_a_paid_order_exchange_numbers_through_a_masked_field() -> None:
    bowl, bo = bazaar.goods(bazaar.shop()), bazaar.person()
    keeper, eve, otto = bowl.shop.keeper.person_id or 0, bazaar.person("Eve"), bazaar.operator().person_id or 0
    unpaid = bazaar.place(bowl, buyer=bo).orders[0]
    with pytest.raises(Refusal, match="order_unpaid"):
        services.share_phone(order_id=unpaid.public_id, person_id=bo, phone="13800138000")
    order = bazaar.paid(bowl, buyer=bo)
    for stranger in (eve, otto):
        with pytest.raises(Refusal, match="not_found"):
            services.share_phone(order_id=order.public_id, person_id=stranger, phone="13800138000")
        with pytest.raises(Refusal, match="not_found"):
            queries.phones_of(order.public_id, person_id=stranger)
    with pytest.raises(Refusal, match="malformed"):
        services.share_phone(order_id=order.public_id, person_id=bo, phone="call me")
    services.share_phone(order_id=order.public_id, person_id=bo, phone="138 0013 8000")
    services.share_phone(order_id=order.public_id, person_id=keeper, phone="+44 20 7946 0958")
    buyers = queries.phones_of(order.public_id, person_id=bo)
    assert (buyers.side, buyers.mine, buyers.theirs_masked) == ("buyer", "13800138000", "+44******0958")
    sellers = queries.phones_of(order.public_id, person_id=keeper)
    assert (sellers.side, sellers.theirs_masked) == ("merchant", "138****8000")
    assert services.reveal_phone(order_id=order.public_id, person_id=keeper) == "13800138000"
    assert AuditEntry.objects.filter(verb="reveal_phone", person_id=keeper).count() == 1
    assert "13800138000" not in str(list(AuditEntry.objects.values_list("before", "after")))
    services.share_phone(order_id=order.public_id, person_id=bo, phone="")  # taken back
    with pytest.raises(Refusal, match="not_found"):
        services.reveal_phone(order_id=order.public_id, person_id=keeper)
    sweeps.advance(clock.now() + timedelta(days=61))
    assert not PhoneShare.objects.exclude(phone="").exists()


def test_g12_4_a_number_for_a_paid_delivery_is_no_offence_and_leading_outside_still_is() -> None:
    bowl, bo = bazaar.goods(bazaar.shop()), bazaar.person()
    keeper = bowl.shop.keeper.person_id or 0
    line = services.write_to_merchant(merchant_id=bowl.shop.merchant_id, person_id=bo, text="Where is it?")

    def say(text: str) -> bool:
        return services.answer(thread_id=line.thread.public_id, person_id=keeper, text=text).leads_outside

    assert say("The driver is at 13800138000")
    bazaar.paid(bowl, buyer=bo)
    assert not say("The driver is at 13800138000")
    assert say("加微信 meadow_fan88 转账便宜 20")


def test_g6_6_money_of_goods_found_forbidden_stays_in_escrow_and_goes_back_to_the_buyer() -> None:
    shop, bo = bazaar.shop(), bazaar.person()
    bowl, cup = bazaar.goods(shop), bazaar.goods(shop)
    waiting, sent, other = (
        bazaar.paid(bowl, buyer=bo), bazaar.shipped(bazaar.paid(bowl, buyer=bo)), bazaar.paid(cup, buyer=bo),
    )  # fmt: skip
    made = governance.decide(
        subject=("catalog.product", bowl.product_id),
        action="suspend",
        rule="goods.prohibited",
        reason="ivory",
        by=SYSTEM,
    )
    _events()
    assert set(Freeze.objects.values_list("order_id", "state")) == {(waiting.pk, "active"), (sent.pk, "active")}
    told = [queries.said(m, "en").text for m in Message.objects.filter(person_id=bo) if "forbidden" in m.title_en]
    assert len(told) == 2
    assert all("escrow" in text for text in told)
    # No timer pays the shop; what is not forbidden goes its way.
    sweeps.advance(clock.now() + timedelta(days=60))
    _events()
    assert bazaar.again(sent).settled_at is None
    assert bazaar.again(sent).paused_at is not None
    # The way back is open all the while: the buyer cancels what was not sent.
    trade.cancel_order(order_id=waiting.pk, by=Actor("person", bo))
    assert bazaar.again(waiting).refunded_minor == waiting.total_minor
    refunded = bazaar.refund(bazaar.again(sent), minor=1000)
    assert refunded.amount_minor == 1000
    assert not Freeze.objects.filter(order=other).exists()
    # Taken back, it goes on as if nothing had been.
    governance.reverse_decision(decision_id=made.pk, reason="bone, not ivory", by=SYSTEM)
    _events()
    assert set(Freeze.objects.values_list("state", flat=True)) <= {"ended"}


def test_g6_6_a_licence_that_ends_freezes_nothing_that_was_sold_before() -> None:
    bowl, bo = bazaar.goods(bazaar.shop()), bazaar.person()
    bazaar.paid(bowl, buyer=bo)
    governance.decide(
        subject=("catalog.product", bowl.product_id), action="suspend", rule="goods.licensed", reason="ended", by=SYSTEM
    )
    _events()
    assert not Freeze.objects.exists()


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("text_en", "Order {order} is paid. Take the coupon SPRING, 20% off!"), ("text_zh", "订单 {order} 已支付，满100减20"),
        ("text_zh", "订单 {order} 已支付，直降50元"), ("title_en", "Paid - only ¥9.9 now"),
        ("text_en", "Order {order}: see https://example.com/sale"), ("text_en", "Order {order}: see evil.com/sale"),
    ],
)  # fmt: skip
def test_a8_3_a_service_template_that_sells_is_rejected_at_review(field: str, text: str) -> None:
    words = queries.notice_words("order_paid")
    with pytest.raises(Refusal, match="template_refused"):
        services.word_notice(topic="order_paid", words=_with(words, field, text), by=bazaar.operator())
    assert queries.notice_words("order_paid") == words


def test_a8_3_an_operators_words_are_what_people_get_and_only_operators_write_them() -> None:
    by, words = bazaar.operator(), queries.notice_words("order_paid")
    mine = _with(_with(words, "text_en", "We have your money for {order}."), "title_en", "Paid")
    with pytest.raises(Refusal, match="forbidden"):
        services.word_notice(topic="order_paid", words=mine, by=bazaar.actor(bazaar.person()))
    with pytest.raises(Refusal, match="not_found"):
        services.word_notice(topic="no_such", words=mine, by=by)
    for bad in ("", "{buyer} paid", "{order.x}", "{order!r}", "{order", "x" * 2001):
        with pytest.raises(Refusal, match="malformed"):
            services.word_notice(topic="order_paid", words=_with(words, "text_en", bad), by=by)
    services.word_notice(topic="order_paid", words=mine, by=by)
    bo = bazaar.person()
    order = bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bo)
    _events()
    got = [queries.said(m, "en") for m in Message.objects.filter(person_id=bo)]
    assert ("Paid", f"We have your money for {order.public_id}.") in [(one.title, one.text) for one in got]
    services.use_shipped_words(topic="order_paid", by=by)
    assert queries.notices()["order_paid"] == words


def _with(words: queries.Words, field: str, text: str) -> queries.Words:
    from dataclasses import replace

    return replace(words, **{field: text})
