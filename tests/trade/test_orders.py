"""Does an order go from checkout to release as it should, and is what may not be refused?"""

from datetime import timedelta
from typing import Any

import pytest
from tests.trade import bazaar
from tests.trade.bazaar import DAY, SECOND, T0, actor, at

from meadow.kernel import outbox
from meadow.kernel.errors import Refusal
from meadow.trade import queries, services
from meadow.trade.models import Order, Parcel
from meadow.trade.rules import ParcelIn

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_t0() -> Any:
    with at(T0):
        yield


def code_of(call: Any) -> str:
    with pytest.raises(Refusal) as refused:
        call()
    return refused.value.code


def test_d3_1_happy_path_pays_merchant_creator_and_platform_by_v1() -> None:
    shop = bazaar.shop()
    bowl, mei, bo = bazaar.goods(shop), bazaar.creator(), bazaar.person()
    bazaar.click(mei, bowl, carrier="phone")
    order = bazaar.paid(bowl, buyer=bo, carrier="phone")
    nothing = {"merchant": 0, "creator": 0, "platform": 0}
    assert bazaar.has(order) == {"escrow": 11000} | nothing
    with at(T0 + DAY):
        order = bazaar.shipped(order)
        assert bazaar.has(order) == {"escrow": 11000} | nothing
    with at(T0 + 3 * DAY):
        order = bazaar.confirmed(order)
    assert order.release_due_at == T0 + 4 * DAY
    bazaar.run_until(T0 + 4 * DAY - SECOND)
    assert bazaar.has(order) == {"escrow": 11000} | nothing
    bazaar.run_until(T0 + 4 * DAY)
    assert bazaar.has(order) == {"escrow": 0, "merchant": 8500, "creator": 1800, "platform": 700}
    order = bazaar.again(order)
    assert (order.state, order.settled_at) == ("settled", T0 + 4 * DAY)
    view = queries.settlement_of(order.pk)
    assert (view.merchant_minor, view.creator_minor, view.platform_minor) == (8500, 1800, 700)
    assert (view.released.service, view.released.trade) == (200, 500)


def test_commission_is_withdrawable_only_after_the_after_sale_window() -> None:
    from meadow.ledger import queries as ledger

    shop = bazaar.shop()
    bowl, mei = bazaar.goods(shop), bazaar.creator()
    bazaar.click(mei, bowl, carrier="phone")
    order = bazaar.settled(bazaar.paid(bowl, buyer=bazaar.person(), carrier="phone"))
    assert order.after_sale_until == T0 + 15 * DAY
    assert ledger.withdrawable("creator", mei.pk, "CNY") == 0
    assert ledger.withdrawable("merchant", shop.merchant_id, "CNY") == 8500
    bazaar.run_until(T0 + 15 * DAY)
    assert ledger.withdrawable("creator", mei.pk, "CNY") == 1800


@pytest.mark.parametrize(("kind", "days"), [("express", 10), ("pickup", 2), ("virtual", 2), ("post", 30)])
def test_d3_2_system_confirms_when_the_kinds_timer_ends(kind: str, days: int) -> None:
    order = bazaar.shipped(bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person()), kind)
    bazaar.run_until(T0 + days * DAY - SECOND)
    assert bazaar.again(order).state == "shipped"
    bazaar.run_until(T0 + days * DAY)
    order = bazaar.again(order)
    assert (order.state, order.confirmed_by, order.confirmed_at) == ("confirmed", "system", T0 + days * DAY)


def test_d3_6_after_three_days_outage_each_due_order_is_done_once_at_its_due_time() -> None:
    bowl, bo = bazaar.goods(bazaar.shop()), bazaar.person()
    orders = []
    for hours in (0, 5, 30):
        with at(T0 + timedelta(hours=hours)):
            orders.append(bazaar.shipped(bazaar.paid(bowl, buyer=bo)))
    bazaar.run_until(T0 + 13 * DAY)
    for order, hours in zip(orders, (0, 5, 30), strict=True):
        due = T0 + 10 * DAY + timedelta(hours=hours)
        order = bazaar.again(order)
        assert (order.confirmed_at, order.settled_at) == (due, due + DAY)
    assert bazaar.run_until(T0 + 13 * DAY) == 0


def test_timer_starts_with_the_last_parcel() -> None:
    order = bazaar.paid((bazaar.goods(bazaar.shop()), 3), buyer=bazaar.person())
    keeper, line = actor(bazaar.accounts_owner(order)), bazaar.goods_line(order)
    with at(T0 + DAY):
        part = ParcelIn("express", "SF", "1", ((line.pk, 2),))
        order = services.ship_order(order_id=order.pk, parcels=[part], by=keeper)
    assert (order.state, order.auto_confirm_due_at) == ("part_shipped", None)
    assert code_of(lambda: services.confirm_receipt(order_id=order.pk, by=actor(order.buyer_id))) == "stale_state"
    with at(T0 + 5 * DAY):
        order = services.ship_order(order_id=order.pk, parcels=[ParcelIn("express", "SF", "2")], by=keeper)
    assert (order.state, order.auto_confirm_due_at) == ("shipped", T0 + 15 * DAY)
    assert [parcel.contents for parcel in Parcel.objects.order_by("pk")] == [[[line.pk, 2]], [[line.pk, 1]]]


def test_no_more_than_fifteen_parcels() -> None:
    order = bazaar.paid((bazaar.goods(bazaar.shop(), left=30), 20), buyer=bazaar.person())
    keeper, line = actor(bazaar.accounts_owner(order)), bazaar.goods_line(order)
    one = ParcelIn("express", "SF", "1", ((line.pk, 1),))
    services.ship_order(order_id=order.pk, parcels=[one] * 15, by=keeper)
    assert code_of(lambda: services.ship_order(order_id=order.pk, parcels=[one], by=keeper)) == "too_many_parcels"
    assert code_of(lambda: services.ship_order(order_id=order.pk, parcels=[], by=keeper)) == "malformed"


@pytest.fixture
def people() -> dict[str, Any]:
    shop = bazaar.shop()
    return {
        "goods": bazaar.goods(shop), "bo": bazaar.person(), "keeper": shop.keeper,
        "other": bazaar.shop("Abe").keeper, "otto": bazaar.operator(),
    }  # fmt: skip


def order_in(state: str, people: dict[str, Any]) -> Order:
    if state in ("placed", "closed"):
        order = bazaar.place(people["goods"], buyer=people["bo"]).orders[0]
        return order if state == "placed" else services.cancel_order(order_id=order.pk, by=actor(people["bo"]))
    order = bazaar.paid((people["goods"], 2), buyer=people["bo"])
    if state == "part_shipped":
        part = ParcelIn("express", "SF", "1", ((bazaar.goods_line(order).pk, 1),))
        return services.ship_order(order_id=order.pk, parcels=[part], by=people["keeper"])
    if state in ("shipped", "confirmed", "settled"):
        order = bazaar.shipped(order)
    if state in ("confirmed", "settled"):
        order = bazaar.confirmed(order)
    if state == "settled":
        bazaar.run_until(T0 + DAY)
    return bazaar.again(order)


ALLOWED = {
    "placed": {"cancel", "expire", "pay"},
    "paid": {"cancel", "ship", "refund"},
    "part_shipped": {"ship", "refund"},
    "shipped": {"confirm", "refund"},
    "confirmed": {"settle", "refund"},
    "settled": {"refund"},
    "closed": set(),
}


@pytest.mark.parametrize("state", ALLOWED)
@pytest.mark.parametrize("verb", ["cancel", "ship", "confirm", "settle", "refund"])
def test_d3_4_verbs_act_only_in_their_states_and_refusals_move_no_money(
    state: str, verb: str, people: dict[str, Any]
) -> None:
    order = order_in(state, people)
    before = bazaar.has(order)
    calls = {
        "cancel": lambda: services.cancel_order(order_id=order.pk, by=actor(people["bo"])),
        "ship": lambda: services.ship_order(
            order_id=order.pk, parcels=[ParcelIn("express", "SF", "9")], by=people["keeper"]
        ),
        "confirm": lambda: services.confirm_receipt(order_id=order.pk, by=actor(people["bo"])),
        "settle": lambda: services.settle_order(order_id=order.pk),
        "refund": lambda: bazaar.refund(order, 100),
    }
    with at(T0 + 2 * DAY):
        if verb in ALLOWED[state]:
            calls[verb]()
        else:
            assert code_of(calls[verb]) == "stale_state"
            assert bazaar.again(order).state == state
            assert bazaar.has(order) == before


def test_d3_4_only_the_right_person_may(people: dict[str, Any]) -> None:
    order = order_in("paid", people)
    parcel = [ParcelIn("express", "SF", "9")]
    bo = actor(people["bo"])
    for by, code in ((bo, "forbidden"), (people["otto"], "forbidden"), (people["other"], "not_found")):
        assert code_of(lambda by=by: services.ship_order(order_id=order.pk, parcels=parcel, by=by)) == code
    assert code_of(lambda: services.cancel_order(order_id=order.pk, by=people["other"])) == "not_found"
    for by, code in ((bo, "forbidden"), (people["other"], "not_found")):
        assert code_of(lambda by=by: bazaar.refund(order, 1, by=by)) == code
    order = bazaar.shipped(order)
    for by, code in ((people["keeper"], "forbidden"), (people["otto"], "forbidden"), (people["other"], "not_found")):
        assert code_of(lambda by=by: services.confirm_receipt(order_id=order.pk, by=by)) == code
    assert bazaar.again(order).state == "shipped"


def test_orders_are_visible_to_buyer_staff_and_operator_and_to_nobody_else(people: dict[str, Any]) -> None:
    order = order_in("paid", people)
    roles = {"bo": "buyer", "keeper": "merchant", "otto": "operator"}
    for who, role in roles.items():
        person_id = people[who] if who == "bo" else people[who].person_id
        assert queries.order_for(order.public_id, person_id=person_id).role == role
    assert code_of(lambda: queries.order_for(order.public_id, person_id=people["other"].person_id)) == "not_found"
    assert code_of(lambda: queries.order_for("ord_0", person_id=people["bo"])) == "not_found"
    assert queries.order_by_link(queries.order_link(order)).order == order
    assert code_of(lambda: queries.order_by_link(queries.order_link(order)[:-2])) == "not_found"


def test_creator_sees_the_trail_of_own_lines_and_no_order() -> None:
    bowl, mei, lin = bazaar.goods(bazaar.shop()), bazaar.creator(), bazaar.creator("Lin")
    bazaar.click(mei, bowl, carrier="phone")
    order = bazaar.paid(bowl, buyer=bazaar.person(), carrier="phone")
    line = bazaar.goods_line(order)
    assert queries.line_trail(line.public_id, person_id=mei.person_id).creator_id == mei.pk
    assert code_of(lambda: queries.line_trail(line.public_id, person_id=lin.person_id)) == "not_found"
    assert code_of(lambda: queries.order_for(order.public_id, person_id=mei.person_id)) == "not_found"


def test_cancel_before_payment_frees_the_stock_and_the_payment(people: dict[str, Any]) -> None:
    placed = bazaar.place((people["goods"], 3), buyer=people["bo"])
    assert bazaar.stock(people["goods"]) == (10, 3)
    order = services.cancel_order(order_id=placed.orders[0].pk, by=actor(people["bo"]))
    assert (order.state, order.close_reason) == ("closed", "cancelled_by_buyer")
    assert bazaar.stock(people["goods"]) == (10, 0)
    placed.payments[0].refresh_from_db()
    assert placed.payments[0].state == "closed"


@pytest.mark.parametrize("who", ["buyer", "merchant"])
def test_d4_2_cancel_before_shipment_gives_everything_back(who: str, people: dict[str, Any]) -> None:
    order = bazaar.paid((people["goods"], 3), buyer=people["bo"])
    assert bazaar.stock(people["goods"]) == (7, 0)
    by = actor(people["bo"]) if who == "buyer" else people["keeper"]
    services.cancel_order(order_id=order.pk, by=by, reason="changed my mind")
    outbox.drain_all()
    order = bazaar.again(order)
    assert (order.state, order.close_reason) == ("closed", f"cancelled_by_{who}")
    (refund,) = queries.refunds_of(order.pk)
    assert (refund.state, refund.amount_minor, refund.shipping_minor) == ("completed", 31000, 1000)
    assert bazaar.has(order) == {"escrow": 0, "merchant": 0, "creator": 0, "platform": 0}
    assert bazaar.stock(people["goods"]) == (10, 0)


def test_unpaid_order_closes_after_thirty_minutes_and_stock_returns(people: dict[str, Any]) -> None:
    placed = bazaar.place((people["goods"], 3), buyer=people["bo"])
    bazaar.run_until(T0 + timedelta(minutes=30) - SECOND)
    assert bazaar.again(placed.orders[0]).state == "placed"
    bazaar.run_until(T0 + timedelta(minutes=30))
    order = bazaar.again(placed.orders[0])
    assert (order.state, order.close_reason, order.closed_at) == ("closed", "unpaid", T0 + timedelta(minutes=30))
    assert bazaar.stock(people["goods"]) == (10, 0)
