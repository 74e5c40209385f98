"""Does a cart remember who brought what, keep a buyer to the limit, and let nobody else in; do favourites follow?"""

from datetime import timedelta
from typing import Any

import pytest
from tests.trade import bazaar
from tests.trade.bazaar import Goods, at_once

from meadow.catalog import services as shelves
from meadow.kernel import clock
from meadow.kernel.errors import Refusal
from meadow.sharing import services as sharing
from meadow.trade import queries, services
from meadow.trade.models import Favourite

pytestmark = pytest.mark.django_db


@pytest.fixture
def bowl() -> Goods:
    return bazaar.goods(bazaar.shop())


def refused(verb: Any, **given: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        verb(**given)
    return caught.value


def test_a5_1_a_later_click_through_another_creator_takes_the_line_and_its_audit_says_so(bowl: Goods) -> None:
    mei, lin, bo = bazaar.creator("Mei"), bazaar.creator("Lin"), bazaar.person()
    early = clock.now() - timedelta(hours=2)
    with clock.at(early):
        services.add_to_cart(sku_id=bowl.sku_id, person_id=bo, click=bazaar.click(mei, bowl, person_id=bo))
    assert [(c.creator_id, c.by, c.counts) for c in queries.line_clicks(bowl.sku_id, person_id=bo)] == [
        (mei.pk, "line", True)
    ]
    with clock.at(early + timedelta(hours=1)):
        bazaar.click(lin, bowl, person_id=bo)
    sharing.flush_clicks()
    assert [(c.creator_id, c.by, c.counts) for c in queries.line_clicks(bowl.sku_id, person_id=bo)] == [
        (lin.pk, "person", True), (mei.pk, "line", False),
    ]  # fmt: skip
    opened = services.open_cart_checkout(person_id=bo)
    line = bazaar.goods_line(bazaar.place_checkout(opened.pk, buyer=bo).orders[0])
    assert line.creator_id == lin.pk
    from meadow.affiliate import queries as affiliate

    assert [step.creator_id for step in affiliate.trail(line.pk).steps] == [lin.pk, mei.pk]


def test_a5_1_a_click_beyond_the_window_is_no_part_of_the_audit(bowl: Goods) -> None:
    mei, bo = bazaar.creator("Mei"), bazaar.person()
    with clock.at(clock.now() - timedelta(days=15, seconds=1)):
        services.add_to_cart(sku_id=bowl.sku_id, person_id=bo, click=bazaar.click(mei, bowl, person_id=bo))
    assert queries.line_clicks(bowl.sku_id, person_id=bo) == []


def test_a5_3_the_limit_per_buyer_counts_earlier_orders_but_not_closed_ones(bowl: Goods) -> None:
    bo = bazaar.person()
    shelves.limit_per_buyer(sku_id=bowl.sku_id, most=3, by=bowl.shop.keeper)
    over = refused(services.add_to_cart, sku_id=bowl.sku_id, quantity=4, person_id=bo)
    assert (over.code, over.status, over.params["most"], over.params["had"]) == ("over_buyer_limit", 409, 3, 0)
    services.add_to_cart(sku_id=bowl.sku_id, quantity=2, person_id=bo)
    assert refused(services.set_quantity, sku_id=bowl.sku_id, quantity=4, person_id=bo).code == "over_buyer_limit"
    first = bazaar.place((bowl, 2), buyer=bo).orders[0]
    assert refused(services.add_to_cart, sku_id=bowl.sku_id, person_id=bo).params["had"] == 2
    stale = services.open_checkout(lines=[services.LineIn(bowl.sku_id, 2)], buyer_id=bo)
    assert refused(bazaar.place_checkout, checkout_id=stale.pk, buyer=bo).code == "over_buyer_limit"
    services.cancel_order(order_id=first.pk, by=bazaar.actor(bo))
    assert bazaar.place((bowl, 3), buyer=bo).orders[0].goods_minor == 30_000
    # Another buyer has a limit of their own; a guest's single order is held to it too.
    assert bazaar.place((bowl, 3), buyer=bazaar.person("Lu")).orders
    assert refused(services.open_checkout, lines=[services.LineIn(bowl.sku_id, 4)]).code == "over_buyer_limit"


@pytest.mark.django_db(transaction=True)
def test_a5_3_two_orders_of_one_buyer_at_once_do_not_both_fit_a_limit_for_one(bowl: Goods) -> None:
    bo = bazaar.person()
    shelves.limit_per_buyer(sku_id=bowl.sku_id, most=3, by=bowl.shop.keeper)
    checkouts = [bazaar.checkout((bowl, 2), buyer=bo) for _ in range(2)]
    answers = at_once([lambda each=each: bazaar.place_checkout(each, buyer=bo) for each in checkouts])  # type: ignore[misc]
    assert [answer for answer in answers if isinstance(answer, str)] == ["over_buyer_limit"]
    assert bazaar.violations() == {}


def test_a5_6_nobody_reads_or_edits_anothers_cart_line_or_favourite(bowl: Goods) -> None:
    bo, lu = bazaar.person(), bazaar.person("Lu")
    services.add_to_cart(sku_id=bowl.sku_id, person_id=bo)
    services.keep_favourite(product_id=bowl.product_id, person_id=bo)
    for verb, given in (
        (services.set_quantity, {"sku_id": bowl.sku_id, "quantity": 2}),
        (services.remove_from_cart, {"sku_id": bowl.sku_id}),
        (services.drop_favourite, {"product_id": bowl.product_id}),
    ):
        for owner in ({"person_id": lu}, {"carrier": "phone"}):
            missing = refused(verb, **given, **owner)
            assert (missing.code, missing.status) == ("not_found", 404)
    public_id = queries.cart_of(person_id=bo).public_id
    assert public_id is not None
    assert refused(queries.cart_by_id, public_id=public_id, person_id=lu).code == "not_found"
    assert refused(queries.line_clicks, sku_id=bowl.sku_id, person_id=lu).code == "not_found"


def test_a_favourite_is_kept_once_with_its_price_and_is_the_wish_to_hear_of_a_lower_one(bowl: Goods) -> None:
    bo = bazaar.person()
    for _ in range(2):
        services.keep_favourite(product_id=bowl.product_id, person_id=bo)
    shelves.change_price(sku_id=bowl.sku_id, price_minor=8_000)
    (item,), more = queries.favourites_of(person_id=bo)
    assert (item.price_when_kept_minor, item.drop_minor, item.tell_price_drop, more) == (10_000, 2_000, True, None)
    assert queries.price_drop_listeners(bowl.product_id, 8_000) == [bo]
    assert queries.price_drop_listeners(bowl.product_id, 10_000) == []
    services.keep_favourite(product_id=bowl.product_id, person_id=bo, tell_price_drop=False)
    assert queries.price_drop_listeners(bowl.product_id, 8_000) == []
    shelves.withdraw_product(product_id=bowl.product_id, by=bowl.shop.keeper)
    assert refused(services.keep_favourite, product_id=bowl.product_id, person_id=bazaar.person()).code == "not_found"
    services.keep_favourite(product_id=bowl.product_id, person_id=bo)  # what one has can still be changed
    services.drop_favourite(product_id=bowl.product_id, person_id=bo)
    assert queries.favourites_among([bowl.product_id], person_id=bo) == set()


def test_a_browsers_favourites_join_at_sign_in_without_doubling_or_asking_for_notices(
    bowl: Goods, monkeypatch: pytest.MonkeyPatch
) -> None:
    bo, cup = bazaar.person(), bazaar.goods(bowl.shop)
    services.keep_favourite(product_id=bowl.product_id, person_id=bo)
    for each in (bowl, cup):
        services.keep_favourite(product_id=each.product_id, carrier="phone", tell_price_drop=True)
    assert services.merge_favourites(carrier="phone", person_id=bo) == 1
    assert services.merge_favourites(carrier="phone", person_id=bo) == 0
    told = dict(Favourite.objects.filter(person_id=bo).values_list("product_id", "tell_price_drop"))
    assert told == {bowl.product_id: True, cup.product_id: False}
    assert queries.favourites_of(carrier="phone") == ([], None)
    monkeypatch.setattr(services.favourites, "LIMITS", {"favourites": 2})
    assert refused(services.keep_favourite, product_id=bazaar.goods(bowl.shop).product_id, person_id=bo).code == (
        "favourites_full"
    )


def test_favourites_go_on_page_by_page(bowl: Goods) -> None:
    made = [bazaar.goods(bowl.shop).product_id for _ in range(5)]
    for each in made:
        services.keep_favourite(product_id=each, carrier="phone")
    first, more = queries.favourites_of(carrier="phone", limit=3)
    rest, end = queries.favourites_of(carrier="phone", cursor=more, limit=3)
    assert [item.card.product_id for item in first + rest] == made[::-1]
    assert end is None
