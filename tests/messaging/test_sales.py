"""Are buyers, guests and sellers told of orders, claims and payouts, in the site and by mail, with the deadline?"""

from collections.abc import Iterator

import pytest
from django.core import mail
from tests.trade import aftersale, bazaar
from tests.trade.bazaar import DAY, T0, at

from meadow.kernel import outbox
from meadow.messaging.models import Message
from meadow.messaging.rules.sales import CLAIMS
from meadow.trade.rules.claims import CLAIM

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_t0() -> Iterator[None]:
    with at(T0):
        yield


def told(person_id: int) -> list[str]:
    outbox.drain_all()
    return list(Message.objects.filter(person_id=person_id).order_by("pk").values_list("title_en", flat=True))


def test_both_sides_are_told_of_an_order_and_a_claim_with_its_deadline() -> None:
    order = bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person())
    buyer, seller = order.buyer_id, bazaar.accounts_owner(order)
    assert told(buyer) == ["Your order is paid"]
    assert told(seller) == ["You have sold something"]
    made = aftersale.claim(bazaar.shipped(order), "return_refund")
    assert told(buyer)[1:] == ["Your order is on its way", "Your claim is with the shop"]
    assert told(seller)[1:] == ["A buyer opened a claim"]
    note = Message.objects.filter(person_id=seller).latest("pk")
    assert "2026-03-03 20:00" in note.text_en  # two days later, as the seller's clock shows it
    assert f"/claims/{made.public_id}" in note.text_zh
    aftersale.agree(made)
    aftersale.send_back(made)
    aftersale.accept(made)
    assert told(buyer)[3:5] == ["Send the goods back", "Your claim is granted"]
    assert told(seller)[2:] == ["Goods are coming back", "A claim was paid"]
    bazaar.run_until(T0 + DAY)
    assert "Your refund is done" in told(buyer)
    assert len([one for one in mail.outbox if "A buyer opened a claim" in one.subject]) == 1
    outbox.drain_all()
    assert len(told(buyer)) == len(set(told(buyer)))


def test_a_guest_is_told_by_mail_with_the_key_to_the_order() -> None:
    placed = bazaar.place(bazaar.goods(bazaar.shop()))
    bazaar.pay(placed.payments[0].pk)
    bazaar.run_until(T0 + DAY)
    (sent,) = [one for one in mail.outbox if one.to == ["guest@example.com"]]
    assert sent.subject == "订单已支付"  # the language of the installation
    assert "/o/" in sent.body
    assert "/o/ord_" not in sent.body


def test_lateness_reminder_extension_and_cancellation_are_told() -> None:
    from meadow.trade import services

    order = bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person())
    keeper = aftersale.keeper(order)
    bazaar.run_until(T0 + 2 * DAY)
    assert "Your order is late" in told(order.buyer_id)
    assert "An order is late" in told(keeper.person_id or 0)
    with at(T0 + 2 * DAY):
        order = bazaar.shipped(order)
        services.extend_receipt(order_id=order.pk, days=3, by=keeper)
        services.remind_buyer(order_id=order.pk, by=keeper)
    assert told(order.buyer_id)[-2:] == ["You have more time to confirm", "Have you received your order?"]
    other = bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person())
    services.cancel_order(order_id=other.pk, by=aftersale.keeper(other))
    assert "An order was cancelled" in told(other.buyer_id)


def test_every_state_of_a_claim_is_told_to_somebody() -> None:
    assert {state for _, state in CLAIMS} == set(CLAIM.states)
