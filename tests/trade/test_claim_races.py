"""Is a claim safe against two hands and a timer at once, on committed transactions?"""

from collections.abc import Iterator

import pytest
from tests.trade import aftersale, bazaar
from tests.trade.bazaar import DAY, T0, at, at_once

from meadow.kernel import outbox
from meadow.ledger import queries as ledger
from meadow.trade import services, tasks  # noqa: F401 - registers the sweeps
from meadow.trade.models import Claim, Refund

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _at_t0() -> Iterator[None]:
    with at(T0):
        yield


def test_d4_7_sending_and_agreeing_at_the_same_instant_exactly_one_wins() -> None:
    outcomes = set()
    for turn in range(6):
        order = bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person())
        made = aftersale.claim(order)
        calls = [lambda m=made: aftersale.ship(m), lambda m=made: aftersale.agree(m)]
        answers = at_once(calls if turn % 2 else calls[::-1])
        order, made = bazaar.again(order), aftersale.anew(made)
        outcomes.add((order.state, made.state))
        assert (order.state, made.state) in {("shipped", "overtaken"), ("closed", "refunded")}
        assert sum(isinstance(answer, str) for answer in answers) == 1
        assert bazaar.has(order)["escrow"] == (11_000 if order.state == "shipped" else 0)
    assert outcomes


def test_a_claim_agreed_to_refused_and_withdrawn_at_once_does_one_of_them() -> None:
    for _ in range(4):
        order = bazaar.shipped(bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person()))
        made = aftersale.claim(order, minor=4_000)
        at_once(
            [
                lambda m=made: aftersale.agree(m),
                lambda m=made: aftersale.agree(m),
                lambda m=made: aftersale.withdraw(m),
                lambda o=order: bazaar.refund(o, 8_000, key="beside"),
            ]
        )
        outbox.drain_all()
        refunds = list(Refund.objects.filter(order=order).values_list("kind", "amount_minor"))
        assert len([kind for kind, _ in refunds if kind == "claim"]) == (aftersale.anew(made).state == "refunded")
        assert bazaar.has(order)["escrow"] == 11_000 - sum(minor for _, minor in refunds)


def test_d3_6_two_schedulers_and_a_seller_at_once_end_a_claim_once() -> None:
    order = bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person())
    made = aftersale.claim(order)
    with at(T0 + 2 * DAY):
        at_once([lambda: bazaar.run_until(T0 + 2 * DAY)] * 3 + [lambda: aftersale.agree(made)])
    outbox.drain_all()
    assert aftersale.anew(made).state == "refunded"
    entries = [entry for entry in ledger.entries_of(("trade.order", order.pk)) if entry.kind == "refund"]
    assert len({entry.posting_id for entry in entries}) == 1


def test_a_claim_opened_five_times_at_once_is_one() -> None:
    order = bazaar.shipped(bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person()))
    answers = at_once([lambda: aftersale.claim(order)] * 5)
    assert sorted(answer for answer in answers if isinstance(answer, str)) == ["claim_open"] * 4
    assert Claim.objects.count() == 1


def test_d3_5_the_buyers_own_extension_twice_at_once_counts_once() -> None:
    order = bazaar.shipped(bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person()))
    by = aftersale.buyer(order)
    at_once([lambda: services.extend_receipt(order_id=order.pk, days=3, by=by)] * 3)
    assert bazaar.again(order).auto_confirm_due_at == T0 + 13 * DAY
