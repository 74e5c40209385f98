"""What happens when the world changes while a shopper is on the page: suspensions, withdrawals, prices, stock."""

from typing import Any

import pytest
from tests.stories.house import CONTACT, House, done

pytestmark = pytest.mark.django_db


def test_c4_4_token_of_a_suspended_creator_earns_nothing_and_still_sells(db: Any) -> None:
    house = House.build()
    shirt = house.product()
    token = house.token(shirt)
    fields = house.landing(token)
    house.suspend("creator", house.creator)
    landing = done(house.anyone.get(f"landings/{token['code']}"))
    assert landing["problem"] == "sharer_suspended"
    assert house.mei.post("tokens", {"product": shirt["id"]}).code == "creator_suspended"
    # Who had the page open may buy; nobody earns on it.
    placed = done(house.place(house.buy(fields)))
    done(house.pay(placed["payments"][0]["id"]))
    order = placed["orders"][0]
    line = house.order(order)["lines"][0]["id"]
    trail = done(house.otto.get(f"order-lines/{line}/attribution"))
    assert (trail["creator"], trail["rate_bp"]) == (None, 0)
    assert trail["clicks"][0]["creator_name"] == "Mei"
    house.ship(order)
    house.days(11)
    assert house.money(order)["ledger"]["creator_minor"] == 0
    house.assert_sound()


def test_c1_3_suspended_creator_loses_to_the_previous_valid_click(db: Any) -> None:
    house = House.build()
    shirt = house.product()
    noa = house.person("Noa")
    other = done(noa.post("creators", {"name": "Noa"}))["id"]
    done(house.otto.post(f"creators/{other}/approve"))
    first = done(noa.post("tokens", {"product": shirt["id"]}))
    bo = house.person("Bo")
    for code in (first["code"], house.token(shirt)["code"]):
        view = done(bo.get(f"landings/{code}"))["view"]
        assert done(bo.post("clicks", {"view": view}))["click"]
        house.days(1)
    house.suspend("creator", house.creator)
    placed = done(house.place(house.checkout(shirt, by=bo), by=bo))
    line = house.order(placed["orders"][0])["lines"][0]["id"]
    trail = done(house.otto.get(f"order-lines/{line}/attribution"))
    assert (trail["creator_name"], len(trail["clicks"])) == ("Noa", 2)
    house.assert_sound()


def test_restored_creator_is_as_before(db: Any) -> None:
    house = House.build()
    house.suspend("creator", house.creator)
    made = done(house.otto.get(f"decisions/creator/{house.creator}"))[0]
    done(house.otto.post(f"decisions/{made['id']}/reverse", {"reason": "it was somebody else"}))
    house.settle_events()
    assert done(house.mei.get("me"))["creator"]["state"] == "active"
    assert house.otto.post(f"decisions/{made['id']}/reverse", {"reason": "again"}).status == 409
    house.assert_sound()


@pytest.mark.parametrize("how", ["withdrawn", "suspended", "shop closed"])
def test_a6_5_product_gone_while_the_buyer_is_on_the_page(db: Any, how: str) -> None:
    house = House.build()
    shirt = house.product()
    checkout = house.buy(house.landing(house.token(shirt)))
    if how == "withdrawn":
        done(house.ada.post(f"products/{shirt['id']}/withdraw"))
    elif how == "suspended":
        house.suspend("product", shirt["id"])
    else:
        done(house.ada.post(f"shops/{house.shop}/close"))
    refused = house.place(checkout)
    assert (refused.status, refused.code) == (409, "not_on_sale")
    assert "Linen shirt" in refused.json["detail"]
    assert done(house.ada.get(f"shops/{house.shop}/orders"))["items"] == []
    house.assert_sound()


def test_price_that_changed_must_be_seen_before_it_is_paid(db: Any) -> None:
    house = House.build()
    shirt = house.product()
    checkout = house.checkout(shirt)
    done(house.ada.put(f"skus/{shirt['skus'][0]['id']}/price", {"price_minor": 12_000}))
    refused = house.place(checkout)
    assert (refused.status, refused.code) == (409, "price_changed")
    assert refused.json["params"]["lines"][0]["new_minor"] == 12_000
    shown = done(house.anyone.post(f"checkouts/{checkout}/show-again"))
    assert shown["total_minor"] == {"CNY": 13_000}
    assert done(house.place(checkout))["payments"][0]["amount_minor"] == 13_000
    house.assert_sound()


def test_a6_2_totals_that_a_client_sends_are_not_what_it_pays(db: Any) -> None:
    house = House.build()
    checkout = house.checkout(house.product())
    body = {
        "address": {"name": "Bo", "phone": "+8613800000000", "line1": "1 Lane", "city": "X", "country": "CN"},
        "contact": CONTACT, "total_minor": {"CNY": 1},
    }  # fmt: skip
    placed = done(house.anyone.post(f"checkouts/{checkout}/place", body))
    assert placed["payments"][0]["amount_minor"] == 11_000
    house.assert_sound()


def test_one_payment_pays_two_shops_and_one_currency_each(db: Any) -> None:
    house = House.build()
    shirt = house.product()
    merchant = done(house.ada.post("merchants", {"name": "Tea"}))["id"]
    done(house.otto.post(f"merchants/{merchant}/admit", {"reason": "known to the operator"}))
    other = done(house.ada.post(f"merchants/{merchant}/shops", {"name": "Tea", "currency": "CNY"}))["id"]
    tea = done(house.ada.post(f"shops/{other}/products", {"title": "Tea", "skus": [{"price_minor": 500, "left": 5}]}))
    lines = [{"sku": product["skus"][0]["id"]} for product in (shirt, tea)]
    checkout = done(house.anyone.post("checkouts", {"lines": lines}))["id"]
    placed = done(house.place(checkout))
    assert (len(placed["orders"]), len(placed["payments"])) == (2, 1)
    assert placed["payments"][0]["amount_minor"] == 11_500
    done(house.pay(placed["payments"][0]["id"]))
    assert {house.order(order)["state"] for order in placed["orders"]} == {"paid"}
    house.assert_sound()


def test_c1_4_forged_click_is_organic_and_the_order_goes_on(db: Any) -> None:
    house = House.build()
    shirt = house.product()
    click = done(house.anyone.post("clicks", {"view": house.landing(house.token(shirt))["v"]}))["click"]
    placed = done(house.place(house.checkout(shirt, click=click[:-3] + "abc")))
    line = house.order(placed["orders"][0])["lines"][0]["id"]
    assert done(house.otto.get(f"order-lines/{line}/attribution"))["creator"] is None
    house.assert_sound()


def test_cart_over_the_api_is_kept_by_person_and_by_carrier(db: Any) -> None:
    house = House.build()
    shirt = house.product()
    sku = shirt["skus"][0]["id"]
    bo = house.person("Bo")
    done(bo.post("cart/lines", {"sku": sku, "quantity": 2}))
    assert done(bo.put(f"cart/lines/{sku}", {"quantity": 3}))["goods_minor"] == {"CNY": 30_000}
    assert house.anyone.post("cart/lines", {"sku": sku}).code == "malformed"
    assert done(house.anyone.post("cart/lines", {"sku": sku, "carrier": "tablet"}))["goods_minor"] == {"CNY": 10_000}
    assert done(house.anyone.get("cart?carrier=phone"))["shops"] == []
    checkout = done(bo.post("checkouts", {"from_cart": True}))["id"]
    assert house.anyone.get(f"checkouts/{checkout}").status == 404
    done(house.place(checkout, by=bo))
    assert done(bo.get("cart"))["shops"] == []
    assert done(house.anyone.delete(f"cart/lines/{sku}?carrier=tablet"))["shops"] == []
    house.assert_sound()


def test_orders_and_statements_are_read_page_by_page_to_their_end(db: Any) -> None:
    house = House.build()
    shirt = house.product(left=20)
    sold = [house.sold(shirt)["id"] for _ in range(5)]
    for order in sold:
        house.ship({"id": order})
    house.days(11)
    merchant = next(party for party in done(house.ada.get("balances")) if party["kind"] == "merchant")["id"]
    orders = _all(house, f"shops/{house.shop}/orders?limit=2")
    lines = _all(house, f"statements/merchant/{merchant}?limit=2")
    assert [order["id"] for order in orders] == sold[::-1]
    assert lines[-1]["balance_minor"] == sum(line["amount_minor"] for line in lines) == 5 * 10_500
    house.assert_sound()


def _all(house: House, path: str) -> list[Any]:
    found, cursor = [], ""
    while True:
        page = done(house.ada.get(f"{path}&cursor={cursor}"))
        assert len(page["items"]) <= 2
        found += page["items"]
        if not (cursor := page["next_cursor"] or ""):
            return found
