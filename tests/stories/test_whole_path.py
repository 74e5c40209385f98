"""The main job, told once from a shared link to an empty ledger (V1 to V6 of the golden vectors on the way)."""

from typing import Any

import pytest
from tests.stories.house import House, done

pytestmark = pytest.mark.django_db


def parties(split: dict[str, Any]) -> tuple[int, int, int]:
    return split["merchant_minor"], split["creator_minor"], split["platform_minor"]


def test_shared_link_becomes_a_sale_is_split_and_given_back(db: Any) -> None:
    house = House.build()
    shirt = house.product()
    token = house.token(shirt)
    pasted = "看看这个，真的好穿 " * 20 + token["text"] + " 😀" * 50
    assert done(house.anyone.post("tokens/resolve", {"text": pasted[:500]}))["code"] == token["code"]

    checkout = house.buy(house.landing(token))
    assert done(house.anyone.get(f"checkouts/{checkout}"))["total_minor"] == {"CNY": 11_000}
    placed = done(house.place(checkout))
    order, payment = placed["orders"][0], placed["payments"][0]
    assert (order["state"], payment["amount_minor"]) == ("placed", 11_000)
    assert done(house.pay(payment["id"]))["state"] == "succeeded"
    assert done(house.anyone.get(f"orders/{order['id']}?link={order['link']}"))["state"] == "paid"
    assert house.money(order)["ledger"]["escrow_minor"] == 11_000

    house.ship(order)
    house.days(10)
    assert house.order(order)["state"] == "confirmed"
    assert parties(house.money(order)["ledger"]) == (0, 0, 0)
    house.days(1)
    assert house.order(order)["state"] == "settled"
    assert parties(house.money(order)["ledger"]) == (8500, 1800, 700)  # V1
    held = done(house.mei.get("balances"))[0]["balances"][0]
    assert (held["available_minor"], held["held_minor"], held["withdrawable_minor"]) == (1800, 1800, 0)

    first = done(house.refund(order, 4000))
    assert parties(first) == (3000, 720, 280)  # V4
    second = done(house.refund(order, 6000, 1000))
    assert parties(second) == (5500, 1080, 420)  # V5
    house.settle_events()
    assert {refund["state"] for refund in house.order(order)["refunds"]} == {"completed"}
    assert set(house.money(order)["ledger"].values()) == {0}  # V6

    line = house.order(order)["lines"][0]["id"]
    trail = done(house.mei.get(f"order-lines/{line}/attribution"))
    assert (trail["creator_name"], len(trail["clicks"])) == ("Mei", 1)
    assert trail["clicks"][0]["surface"] == "landing"
    house.assert_sound()


def test_c3_4_refund_after_a_withdrawal_opens_a_receivable(db: Any) -> None:
    house = House.build()
    shirt = house.product(left=20)
    order = _settled(house, shirt)
    house.days(20)
    merchant = next(p for p in done(house.ada.get("balances")) if p["kind"] == "merchant")
    payout = {"kind": "merchant", "id": merchant["id"], "amount_minor": 8500, "currency": "CNY"}
    assert house.ada.post("payouts", payout | {"amount_minor": 8501}).code == "insufficient_funds"
    assert done(house.ada.post("payouts", payout))["state"] in {"paid", "pending", "requested"}
    done(house.refund(order, 10_000, 1000))
    owed = _merchant(house)
    assert (owed["available_minor"], owed["receivable_minor"]) == (0, -8500)
    assert house.ada.post("payouts", payout | {"amount_minor": 1}).code == "receivable_outstanding"
    _settled(house, shirt)
    paid_back = _merchant(house)
    assert (paid_back["available_minor"], paid_back["receivable_minor"]) == (0, 0)
    house.assert_sound()


def _merchant(house: House) -> Any:
    return next(party for party in done(house.ada.get("balances")) if party["kind"] == "merchant")["balances"][0]


def _settled(house: House, shirt: dict[str, Any]) -> dict[str, Any]:
    click = done(house.anyone.post("clicks", {"view": house.landing(house.token(shirt))["v"]}))["click"]
    order = house.sold(shirt, click=click)
    house.ship(order)
    house.days(11)
    assert house.order(order)["state"] == "settled"
    return order


def test_cancelled_before_it_is_shipped_the_money_goes_back_whole(db: Any) -> None:
    house = House.build()
    order = house.sold(house.product())
    cancelled = done(house.anyone.post(f"orders/{order['id']}/cancel?link={order['link']}", {"reason": "twice"}))
    assert (cancelled["state"], cancelled["refunded_minor"]) == ("closed", 11_000)
    house.settle_events()
    assert set(house.money(order)["ledger"].values()) == {0}
    assert done(house.anyone.get(f"products/{house.products['Linen shirt']['id']}"))["skus"][0]["left"] == 10
    house.assert_sound()


def test_unpaid_order_closes_by_itself_and_gives_its_stock_back(db: Any) -> None:
    house = House.build()
    shirt = house.product(left=1)
    placed = done(house.place(house.checkout(shirt)))
    assert done(house.anyone.get(f"products/{shirt['id']}"))["skus"][0]["left"] == 0
    house.days(1 / 24)
    assert house.order(placed["orders"][0])["state"] == "closed"
    assert done(house.anyone.get(f"products/{shirt['id']}"))["skus"][0]["left"] == 1
    house.assert_sound()


def test_buyer_confirms_and_nobody_else_may(db: Any) -> None:
    house = House.build()
    bo = house.person("Bo")
    shirt = house.product()
    order = done(house.place(house.checkout(shirt, by=bo), by=bo))
    done(house.pay(order["payments"][0]["id"]))
    order = order["orders"][0]
    assert bo.post(f"orders/{order['id']}/confirm").status == 409
    house.ship(order)
    assert house.ada.post(f"orders/{order['id']}/confirm").status == 403
    assert house.mei.post(f"orders/{order['id']}/confirm").status == 404
    assert house.mei.get(f"orders/{order['id']}").status == 404
    assert done(bo.post(f"orders/{order['id']}/confirm"))["state"] == "confirmed"
    assert bo.post(f"orders/{order['id']}/confirm").status == 409
    assert [one["id"] for one in done(bo.get("orders"))["items"]] == [order["id"]]
    assert [one["id"] for one in done(house.ada.get(f"shops/{house.shop}/orders?state=confirmed"))["items"]]
    assert house.mei.get(f"shops/{house.shop}/orders").status == 404
    house.assert_sound()
