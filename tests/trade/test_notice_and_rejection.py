"""Does a cut of a commission reach no order before its notice is over, and does a rejected claim move nothing?"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.trade import aftersale, bazaar
from tests.trade.bazaar import DAY, T0, at

from meadow.accounts import queries as accounts
from meadow.ledger import queries as ledger
from meadow.plans import services as plans
from meadow.trade.models import Order
from meadow.trade.services import LineIn

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def test_c2_2_a_cut_reaches_orders_from_its_24th_hour_on_a_raise_at_once_and_none_that_exists() -> None:
    with at(T0):
        shop, mei, bo = bazaar.shop(rate_bp=2000), bazaar.creator(), bazaar.person()
        bowl = bazaar.goods(shop)
        plan = plans.set_general_plan(shop_id=shop.id, rate_bp=500, by=shop.keeper)

    def order_at(after: timedelta) -> Order:
        with at(T0 + after):
            return bazaar.place(LineIn(bowl.sku_id, 1, bazaar.click(mei, bowl)), buyer=bo).orders[0]

    before, last, first = order_at(SECOND), order_at(DAY - SECOND), order_at(DAY)
    assert [bazaar.goods_line(each).rate_bp for each in (before, last, first)] == [2000, 2000, 500]
    with at(T0 + DAY + SECOND):
        plans.change_rate(plan_id=plan.pk, rate_bp=3000, by=shop.keeper)
    assert bazaar.goods_line(order_at(DAY + SECOND)).rate_bp == 3000
    # What was placed keeps its rate through payment, receipt and release.
    with at(T0 + DAY + 2 * SECOND):
        bazaar.pay(first.payment_id)
        done = bazaar.settled(bazaar.again(first))
    line = bazaar.goods_line(done)
    assert (line.rate_bp, line.creator_minor + line.service_minor) == (500, 500)


@pytest.mark.parametrize("end", [aftersale.rule("reject"), aftersale.silence, aftersale.withdraw])
def test_c3_6_a_claim_that_is_rejected_lapses_or_is_withdrawn_moves_nothing(end: Callable[..., object]) -> None:
    with at(T0):
        claim = aftersale.claim_in("refused")
        if end is not aftersale.silence:
            aftersale.dispute(claim)
        order = bazaar.again(claim.order)
        merchant = accounts.require_merchant(order.merchant_id)
        before = aftersale.ledger_of(claim), bazaar.goods_line(order).refunded_minor
        end(claim)
        ended = aftersale.anew(claim)
        assert ended.state in ("rejected", "expired", "withdrawn")
        assert (aftersale.ledger_of(claim), bazaar.goods_line(bazaar.again(order)).refunded_minor) == before
        assert not any(part.receivable_minor for part in ledger.party_balances("merchant", merchant.pk))
        done = bazaar.confirmed(bazaar.again(order))
        assert done.release_due_at
        bazaar.run_until(done.release_due_at)
        paid = bazaar.again(done)
    assert (paid.state, bazaar.goods_line(paid).refunded_minor) == ("settled", 0)
