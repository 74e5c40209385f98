"""Do cart and checkout sell what was shown, at the price that was confirmed, and exactly once?"""

from datetime import timedelta
from typing import Any

import pytest
from tests.trade import bazaar
from tests.trade.bazaar import ADDRESS, DAY, MINUTE, T0, Goods, at

from meadow.affiliate import queries as affiliate
from meadow.catalog import queries as catalog
from meadow.catalog import services as shelves
from meadow.kernel import outbox
from meadow.kernel.audit import SYSTEM
from meadow.kernel.errors import Refusal
from meadow.kernel.events import GuestClaimed
from meadow.ledger import queries as ledger
from meadow.payments.models import Payment
from meadow.trade import queries, services
from meadow.trade.models import Cart, CartLine, Checkout, Order
from meadow.trade.services import LineIn

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_t0() -> Any:
    with at(T0):
        yield


@pytest.fixture
def bowl() -> Goods:
    return bazaar.goods(bazaar.shop())


def refusal_of(call: Any) -> Refusal:
    with pytest.raises(Refusal) as refused:
        call()
    return refused.value


def change_price(of: Goods, minor: int) -> None:
    shelves.change_price(sku_id=of.sku_id, price_minor=minor, by=of.shop.keeper)


def test_a5_1_last_click_decides_and_the_trail_shows_both(bowl: Goods) -> None:
    mei, lin, bo = bazaar.creator(), bazaar.creator("Lin"), bazaar.person()
    with at(T0 - 2 * DAY):
        through_mei = bazaar.click(mei, bowl, person_id=bo)
        services.add_to_cart(sku_id=bowl.sku_id, person_id=bo, click=through_mei)
    with at(T0 - DAY):
        bazaar.click(lin, bowl, person_id=bo)
    opened = services.open_cart_checkout(person_id=bo)
    order = bazaar.place_checkout(opened.pk, buyer=bo).orders[0]
    line = bazaar.goods_line(order)
    assert line.creator_id == lin.pk
    trail = affiliate.trail(line.pk)
    assert [(step.creator_name, step.verdict) for step in trail.steps] == [("Lin", "won"), ("Mei", "older")]
    assert "15" in trail.en
    assert "15" in trail.zh


def test_click_on_a_cart_line_counts_for_a_buyer_with_no_other_trace(bowl: Goods) -> None:
    mei = bazaar.creator()
    services.add_to_cart(sku_id=bowl.sku_id, carrier="phone", click=bazaar.click(mei, bowl))
    opened = services.open_cart_checkout(carrier="phone")
    order = bazaar.place_checkout(opened.pk).orders[0]
    assert bazaar.goods_line(order).creator_id == mei.pk
    assert affiliate.trail(bazaar.goods_line(order).pk).steps[0].carried_by == "cart"


def test_a5_2_changed_price_needs_its_version_confirmed(bowl: Goods) -> None:
    bo = bazaar.person()
    services.add_to_cart(sku_id=bowl.sku_id, person_id=bo)
    checkout_id = services.open_cart_checkout(person_id=bo).pk
    change_price(bowl, 12_000)
    quote = queries.quote(queries.checkout(checkout_id, person_id=bo))
    assert (quote.is_changed, quote.total_minor) == (True, {"CNY": 13_000})
    stale = refusal_of(lambda: bazaar.place_checkout(checkout_id, buyer=bo))
    assert (stale.code, stale.status) == ("price_changed", 409)
    (change,) = stale.params["lines"]
    assert (change["old_minor"], change["new_minor"]) == (10_000, 12_000)
    for seen in ({}, {bowl.sku_id: change["price_version"] - 1}, {bowl.sku_id: change["price_version"] + 1}):
        assert refusal_of(lambda seen=seen: bazaar.place_checkout(checkout_id, buyer=bo, price_versions=seen))
    confirmed = bazaar.place_checkout(checkout_id, buyer=bo, price_versions=quote.price_versions)
    assert (confirmed.orders[0].total_minor, confirmed.payments[0].amount_minor) == (13_000, 13_000)


def test_page_shown_again_counts_as_seen(bowl: Goods) -> None:
    checkout_id = bazaar.checkout(bowl)
    change_price(bowl, 9_000)
    services.show_again(checkout_id=checkout_id)
    assert bazaar.place_checkout(checkout_id).orders[0].goods_minor == 9_000


@pytest.mark.parametrize("quantity", [0, -1, 100, 2.0, "2", True])
def test_a5_3_wrong_quantity_is_refused_everywhere(bowl: Goods, quantity: Any) -> None:
    bo = bazaar.person()
    for call in (
        lambda: services.add_to_cart(sku_id=bowl.sku_id, quantity=quantity, person_id=bo),
        lambda: services.open_checkout(lines=[LineIn(bowl.sku_id, quantity)], buyer_id=bo),
    ):
        assert refusal_of(call).code == "quantity_refused"
    services.add_to_cart(sku_id=bowl.sku_id, person_id=bo)
    refused = refusal_of(lambda: services.set_quantity(sku_id=bowl.sku_id, quantity=quantity, person_id=bo))
    assert refused.code == "quantity_refused"


def test_a5_3_more_than_stock_or_than_one_may_buy_is_refused(bowl: Goods) -> None:
    bo = bazaar.person()
    services.add_to_cart(sku_id=bowl.sku_id, quantity=6, person_id=bo)
    short = refusal_of(lambda: services.add_to_cart(sku_id=bowl.sku_id, quantity=5, person_id=bo))
    assert (short.code, short.params["left"]) == ("out_of_stock", 10)
    assert refusal_of(lambda: bazaar.checkout((bowl, 11))).code == "out_of_stock"
    plenty = bazaar.goods(bowl.shop, left=None)
    services.add_to_cart(sku_id=plenty.sku_id, quantity=60, person_id=bo)
    assert refusal_of(lambda: services.add_to_cart(sku_id=plenty.sku_id, quantity=40, person_id=bo)).code == (
        "quantity_refused"
    )


def test_a5_4_cart_of_three_merchants_is_one_payment_three_orders_three_escrows() -> None:
    bo = bazaar.person()
    kinds = [bazaar.goods(bazaar.shop(name, shipping=n * 100), 1000 * n) for n, name in enumerate("ABC", 1)]
    placed = bazaar.place(*kinds, buyer=bo)
    assert [order.total_minor for order in placed.orders] == [1100, 2200, 3300]
    (payment,) = placed.payments
    assert payment.amount_minor == 6600
    bazaar.pay(payment.pk)
    assert [bazaar.has(order)["escrow"] for order in placed.orders] == [1100, 2200, 3300]
    assert {bazaar.again(order).state for order in placed.orders} == {"paid"}


def test_a5_4_one_merchant_without_stock_is_not_charged_for() -> None:
    bo = bazaar.person()
    first, second = bazaar.goods(bazaar.shop("A"), left=1), bazaar.goods(bazaar.shop("B"))
    for each in (first, second):
        services.add_to_cart(sku_id=each.sku_id, person_id=bo)
    checkout_id = services.open_cart_checkout(person_id=bo).pk
    bazaar.place(first)
    placed = bazaar.place_checkout(checkout_id, buyer=bo)
    assert [order.shop_id for order in placed.orders] == [second.shop.id]
    assert placed.payments[0].amount_minor == 11_000
    assert [(part["code"], part["params"]["left"]) for part in placed.refused] == [("out_of_stock", 0)]
    assert [item.sku.sku_id for item in queries.cart_of(person_id=bo).items] == [first.sku_id]
    assert bazaar.place_checkout(checkout_id, buyer=bo).refused == placed.refused


def test_currencies_do_not_mix_but_share_a_checkout() -> None:
    yuan, yen = bazaar.goods(bazaar.shop("A")), bazaar.goods(bazaar.shop("B", currency="JPY"), 500)
    placed = bazaar.place(yuan, yen)
    assert {payment.currency: payment.amount_minor for payment in placed.payments} == {"CNY": 11_000, "JPY": 1_500}
    for payment in placed.payments:
        bazaar.pay(payment.pk)
    assert {bazaar.again(order).state for order in placed.orders} == {"paid"}


def test_a5_5_browsers_cart_joins_at_sign_in_without_doubling_or_older_clicks(bowl: Goods) -> None:
    bo, mei, lin = bazaar.person(), bazaar.creator(), bazaar.creator("Lin")
    other = bazaar.goods(bowl.shop)
    with at(T0 - 2 * DAY):
        older = bazaar.click(mei, bowl)
        services.add_to_cart(sku_id=bowl.sku_id, quantity=2, carrier="phone", click=older)
        services.add_to_cart(sku_id=other.sku_id, carrier="phone", click=older)
    newer = bazaar.click(lin, bowl)
    services.add_to_cart(sku_id=bowl.sku_id, quantity=1, person_id=bo, click=newer)
    assert services.merge_cart(carrier="phone", person_id=bo) == 2
    items = {item.sku.sku_id: item.quantity for item in queries.cart_of(person_id=bo).items}
    assert items == {bowl.sku_id: 2, other.sku_id: 1}
    assert CartLine.objects.get(sku_id=bowl.sku_id).click == newer
    assert not Cart.objects.filter(carrier="phone").exists()
    assert services.merge_cart(carrier="phone", person_id=bo) == 0


def test_a5_6_another_persons_cart_and_checkout_are_not_found(bowl: Goods) -> None:
    bo, eve = bazaar.person(), bazaar.person("Eve")
    services.add_to_cart(sku_id=bowl.sku_id, person_id=bo)
    cart = queries.cart_of(person_id=bo)
    assert cart.public_id
    assert queries.cart_by_id(cart.public_id, person_id=bo).items
    services.add_to_cart(sku_id=bowl.sku_id, carrier="eves")
    for other in ({"person_id": eve}, {"carrier": "eves"}, {}):
        assert refusal_of(lambda other=other: queries.cart_by_id(cart.public_id, **other)).code == "not_found"
    assert refusal_of(lambda: services.remove_from_cart(sku_id=bowl.sku_id, person_id=eve)).code == "not_found"
    opened = services.open_cart_checkout(person_id=bo)
    token = queries.checkout_token(opened)
    assert queries.checkout_by_token(token, person_id=bo) == opened
    for other in (eve, None):
        assert refusal_of(lambda other=other: queries.checkout_by_token(token, person_id=other)).code == "not_found"
        assert refusal_of(lambda other=other: bazaar.place_checkout(opened.pk, buyer=other)).code == "not_found"


def test_forged_checkout_id_is_not_found(bowl: Goods) -> None:
    token = queries.checkout_token(Checkout.objects.get(pk=bazaar.checkout(bowl)))
    for wrong in (token[:-1], token + "A", "", "x", queries.order_link(bazaar.place(bowl).orders[0])):
        assert refusal_of(lambda wrong=wrong: queries.checkout_by_token(wrong)).code == "not_found"


def test_cart_is_bounded_and_what_is_bought_leaves_it(bowl: Goods, monkeypatch: pytest.MonkeyPatch) -> None:
    from meadow.trade import rules

    other, bo = bazaar.goods(bowl.shop), bazaar.person()
    monkeypatch.setattr("meadow.trade.services.carts.LIMITS", dict(rules.LIMITS) | {"cart_lines": 1})
    services.add_to_cart(sku_id=bowl.sku_id, person_id=bo)
    assert refusal_of(lambda: services.add_to_cart(sku_id=other.sku_id, person_id=bo)).code == "cart_full"
    services.remove_from_cart(sku_id=bowl.sku_id, person_id=bo)
    services.add_to_cart(sku_id=other.sku_id, person_id=bo)
    eve = bazaar.person("Eve")
    services.add_to_cart(sku_id=other.sku_id, person_id=eve)
    services.add_to_cart(sku_id=other.sku_id, carrier="another phone")
    bazaar.place_checkout(services.open_cart_checkout(person_id=bo).pk, buyer=bo)
    assert queries.cart_of(person_id=bo).items == []
    assert (queries.cart_count(person_id=eve), queries.cart_count(carrier="another phone")) == (1, 1)


def test_browsers_cart_is_emptied_by_a_guests_and_by_a_signed_in_buyers_order(bowl: Goods) -> None:
    for buyer in (None, bazaar.person()):
        services.add_to_cart(sku_id=bowl.sku_id, carrier="phone")
        opened = services.open_cart_checkout(carrier="phone")
        bazaar.place_checkout(opened.pk, buyer=buyer)
        assert queries.cart_count(carrier="phone") == 0


def test_a6_2_total_is_the_servers_and_equals_order_payment_and_escrow(bowl: Goods) -> None:
    checkout_id = bazaar.checkout((bowl, 3))
    placed = bazaar.place_checkout(checkout_id, total_minor={"CNY": 1})
    order, payment = placed.orders[0], placed.payments[0]
    assert (order.goods_minor, order.shipping_minor, order.total_minor) == (30_000, 1000, 31_000)
    assert payment.amount_minor == 31_000
    bazaar.pay(payment.pk)
    assert ledger.balance("psp:sandbox", "CNY") == -31_000
    assert bazaar.has(order)["escrow"] == 31_000


def test_dearer_shipping_needs_the_new_total_confirmed(bowl: Goods) -> None:
    checkout_id = bazaar.checkout(bowl)
    shelves.change_shop(shop_id=bowl.shop.id, flat_shipping_minor=1500, by=bowl.shop.keeper)
    for seen in (None, {"CNY": 11_000}):
        changed = refusal_of(lambda seen=seen: bazaar.place_checkout(checkout_id, total_minor=seen))
        assert (changed.code, changed.params["total_minor"]) == ("total_changed", 11_500)
    assert bazaar.place_checkout(checkout_id, total_minor={"CNY": 11_500}).orders[0].total_minor == 11_500


def test_a6_3_refresh_gives_the_same_orders_and_one_payment(bowl: Goods) -> None:
    checkout_id = bazaar.checkout(bowl)
    first = bazaar.place_checkout(checkout_id)
    again = bazaar.place_checkout(checkout_id, address=ADDRESS | {"name": "Somebody else"})
    assert [order.pk for order in again.orders] == [order.pk for order in first.orders]
    assert [payment.pk for payment in again.payments] == [payment.pk for payment in first.payments]
    assert (Order.objects.count(), Payment.objects.count()) == (1, 1)
    assert bazaar.stock(bowl) == (10, 1)


def test_a6_4_stock_is_reserved_at_submit_and_not_before(bowl: Goods) -> None:
    checkout_id = bazaar.checkout((bowl, 4))
    assert bazaar.stock(bowl) == (10, 0)
    bazaar.place_checkout(checkout_id)
    assert bazaar.stock(bowl) == (10, 4)
    bazaar.run_until(T0 + 30 * MINUTE)
    assert bazaar.stock(bowl) == (10, 0)


@pytest.mark.parametrize("how", ["withdrawn", "shop closed", "suspended"])
def test_a6_5_withdrawn_while_on_the_page_fails_with_a_reason_and_charges_nothing(bowl: Goods, how: str) -> None:
    checkout_id = bazaar.checkout(bowl)
    if how == "withdrawn":
        shelves.withdraw_product(product_id=bowl.product_id, by=bowl.shop.keeper)
    elif how == "shop closed":
        shelves.close_shop(shop_id=bowl.shop.id, by=bowl.shop.keeper)
    else:
        shelves.suspend(kind="product", subject_id=bowl.product_id, decision_id=1)
    gone = refusal_of(lambda: bazaar.place_checkout(checkout_id))
    assert (gone.code, gone.status) == ("not_on_sale", 409)
    assert gone.params["title"] in gone.text("en")
    assert not Order.objects.exists()
    assert not Payment.objects.exists()


def test_a10_5_order_of_a_closed_shop_is_still_shipped_and_refunded(bowl: Goods) -> None:
    order = bazaar.paid(bowl, buyer=bazaar.person())
    shelves.close_shop(shop_id=bowl.shop.id, by=bowl.shop.keeper)
    order = bazaar.settled(order)
    assert bazaar.refund(order, 5000, by=bowl.shop.keeper).state == "completed"


def test_guest_buys_without_cookies_and_claims_the_order_later(bowl: Goods) -> None:
    checkout_id = bazaar.checkout(bowl)
    refused = refusal_of(lambda: bazaar.place_checkout(checkout_id, contact={}))
    assert (refused.code, refused.params["field"]) == ("address_refused", "contact.email")
    order = bazaar.place_checkout(checkout_id).orders[0]
    guest = order.buyer_id
    assert queries.order_by_link(queries.order_link(order)).role == "buyer"
    bo = bazaar.person()
    services.add_to_cart(sku_id=bowl.sku_id, person_id=guest)
    for _ in range(2):
        outbox.emit(GuestClaimed(guest, bo))
        outbox.drain_all()
    assert bazaar.again(order).buyer_id == bo
    assert queries.order_for(order.pk, person_id=bo).role == "buyer"
    assert len(queries.cart_of(person_id=bo).items) == 1


def test_gift_goes_only_with_something_paid(bowl: Goods) -> None:
    free_shop = bazaar.shop("Abe", shipping=0)
    gift, paid = bazaar.goods(free_shop, 0, is_gift=True), bazaar.goods(free_shop, 500)
    assert refusal_of(lambda: bazaar.checkout(gift)).code == "gift_alone"
    order = bazaar.settled(bazaar.paid(gift, paid, buyer=bazaar.person()))
    assert (order.total_minor, order.state) == (500, "settled")
    assert bazaar.stock(gift) == (9, 0)
    cancelled = bazaar.paid(gift, paid, buyer=bazaar.person())
    services.cancel_order(order_id=cancelled.pk, by=SYSTEM)
    assert (bazaar.stock(gift), bazaar.stock(paid)) == ((9, 0), (9, 0))


def test_empty_long_and_unknown_checkouts_are_refused(bowl: Goods) -> None:
    assert refusal_of(lambda: services.open_checkout(lines=[])).code == "checkout_empty"
    assert refusal_of(lambda: services.open_cart_checkout(carrier="nobody")).code == "checkout_empty"
    assert refusal_of(lambda: services.open_checkout(lines=[LineIn(10**12)])).code == "not_found"
    many = [LineIn(n) for n in range(1, 52)]
    assert refusal_of(lambda: services.open_checkout(lines=many)).code == "checkout_too_long"
    twice = services.open_checkout(lines=[LineIn(bowl.sku_id, 2), LineIn(bowl.sku_id, 3)])
    assert [line["quantity"] for line in twice.lines] == [5]
    assert refusal_of(lambda: bazaar.place_checkout(10**12)).code == "not_found"


def test_unknown_provider_places_nothing(bowl: Goods) -> None:
    checkout_id = bazaar.checkout(bowl)
    assert refusal_of(lambda: bazaar.place_checkout(checkout_id, provider="nobody")).code == "provider_unknown"
    assert not Order.objects.exists()


def test_cart_shows_what_cannot_be_bought_any_more(bowl: Goods) -> None:
    bo = bazaar.person()
    services.add_to_cart(sku_id=bowl.sku_id, quantity=5, person_id=bo)
    change_price(bowl, 11_000)
    shelves.change_stock(sku_id=bowl.sku_id, left=3, by=SYSTEM)
    (item,) = queries.cart_of(person_id=bo).items
    assert (item.problem, item.is_price_changed, item.price_when_added_minor) == ("out_of_stock", True, 10_000)
    assert queries.cart_of(person_id=bo).goods_minor == {}
    assert queries.cart_count(person_id=bo) == 1
    assert catalog.skus_for_sale([bowl.sku_id])[bowl.sku_id].left == 3


def test_placing_takes_few_statements(bowl: Goods, django_assert_max_num_queries: Any) -> None:
    bo, mei = bazaar.person(), bazaar.creator()
    bazaar.click(mei, bowl, person_id=bo)
    checkout_id = bazaar.checkout(bowl, bazaar.goods(bowl.shop), buyer=bo)
    with django_assert_max_num_queries(34):
        bazaar.place_checkout(checkout_id, buyer=bo)


def test_reservation_outlives_the_orders_own_timer(bowl: Goods) -> None:
    from meadow.catalog.models import Reservation

    order = bazaar.place(bowl).orders[0]
    assert Reservation.objects.get().expires_at > order.unpaid_due_at + timedelta(hours=1)
