"""What a payment provider, or somebody who says so, can tell us: twice, late, out of order, wrong, forged."""

import json
from typing import Any

import pytest
from tests.stories.house import House, done

pytestmark = pytest.mark.django_db


def _placed(house: House) -> tuple[dict[str, Any], str]:
    placed = done(house.place(house.checkout(house.product())))
    return placed["orders"][0], placed["payments"][0]["id"]


@pytest.mark.parametrize("behaviour", ["notify_twice", "out_of_order"])
def test_notice_that_comes_again_pays_once(db: Any, behaviour: str) -> None:
    house = House.build()
    order, payment = _placed(house)
    done(house.pay(payment, behaviour))
    house.days(1)
    assert house.order(order)["state"] == "paid"
    assert house.money(order)["ledger"]["escrow_minor"] == 11_000
    assert house.pay(payment).code == "stale_state"
    house.assert_sound()


def test_same_bytes_sent_again_are_refused_as_a_replay(db: Any) -> None:
    from meadow.payments.queries import Notice

    house = House.build()
    order, payment = _placed(house)
    done(house.pay(payment))
    taken = Notice.objects.get(verified=True)
    again = house.anyone.send(
        "POST", "payments/notices/sandbox", bytes(taken.body), taken.headers, "application/octet-stream"
    )
    assert (again.status, again.code) == (422, "notice_refused") or again.code == "notice_refused"
    assert house.money(order)["ledger"]["escrow_minor"] == 11_000
    house.assert_sound()


@pytest.mark.parametrize("behaviour", ["bad_signature", "wrong_amount", "wrong_currency", "unknown_order"])
def test_notice_that_is_not_right_changes_nothing_and_is_kept(db: Any, behaviour: str) -> None:
    from meadow.payments.queries import Notice

    house = House.build()
    order, payment = _placed(house)
    refused = house.pay(payment, behaviour)
    assert refused.code == "notice_refused"
    assert house.order(order)["state"] == "placed"
    assert house.money(order)["ledger"]["escrow_minor"] == 0
    assert Notice.objects.filter(verified=False).count() == 1
    done(house.pay(payment))
    assert house.order(order)["state"] == "paid"
    house.assert_sound()


def test_forged_notice_at_the_door_is_refused(db: Any) -> None:
    house = House.build()
    order, payment = _placed(house)
    told = {
        "subject": "payment", "our_ref": payment, "ref": "x", "outcome": "succeeded", "amount_minor": 11_000,
        "currency": "CNY",
    }  # fmt: skip
    for headers in ({}, {"Meadow-Sandbox-Signature": "0" * 64, "Meadow-Sandbox-Timestamp": "1"}):
        reply = house.anyone.send("POST", "payments/notices/sandbox", json.dumps(told).encode(), headers)
        assert reply.code == "notice_refused"
    assert house.anyone.send("POST", "payments/notices/nobody", b"x", {}).code == "notice_refused"
    assert house.anyone.send("POST", "payments/notices/sandbox", b"x" * 70_000, {}).status == 413
    assert house.order(order)["state"] == "placed"
    house.assert_sound()


def test_success_that_comes_after_the_order_closed_goes_back_and_reopens_nothing(db: Any) -> None:
    house = House.build()
    order, payment = _placed(house)
    done(house.pay(payment, "late", delay_seconds=3600))
    house.days(0.03)  # 43 minutes: the order closed, the money is still on its way
    assert house.order(order)["state"] == "closed"
    house.days(1)
    seen = house.order(order)
    assert (seen["state"], [refund["kind"] for refund in seen["refunds"]]) == ("closed", ["late"])
    assert set(house.money(order)["ledger"].values()) == {0}
    assert done(house.anyone.get(f"products/{house.products['Linen shirt']['id']}"))["skus"][0]["left"] == 10
    house.assert_sound()


def test_provider_that_says_nothing_is_asked(db: Any) -> None:
    house = House.build()
    order, payment = _placed(house)
    done(house.pay(payment, "timeout"))
    assert house.order(order)["state"] == "placed"
    house.days(5 / 1440)
    assert house.order(order)["state"] == "paid"
    house.assert_sound()


def test_payment_that_failed_can_be_tried_again(db: Any) -> None:
    house = House.build()
    order, payment = _placed(house)
    done(house.pay(payment, "fail"))
    assert house.order(order)["state"] == "placed"
    done(house.pay(payment))
    assert house.order(order)["state"] == "paid"
    house.assert_sound()


@pytest.mark.parametrize("behaviour", ["fail", "late", "timeout", "notify_twice"])
def test_refund_reaches_the_buyer_however_the_provider_behaves(db: Any, behaviour: str) -> None:
    house = House.build()
    order = house.sold(house.product())
    script = {"subject": "refund", "target": order["payment"], "behaviour": behaviour}
    done(house.otto.post("sandbox/script", script))
    done(house.refund(order, 10_000, 1000))
    house.days(2)
    assert [refund["state"] for refund in house.order(order)["refunds"]] == ["completed"]
    assert set(house.money(order)["ledger"].values()) == {0}
    house.assert_sound()
