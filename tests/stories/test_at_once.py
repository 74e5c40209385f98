"""What happens when two people, or one person twice, do the same thing at the same moment."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from tests.stories.house import House, done

from meadow.config.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Runs acts in threads that start together; their answers in order."""
    barrier, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def run(n: int, act: Callable[[], Any]) -> None:
        try:
            barrier.wait(30)
            answers[n] = act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def test_a6_3_double_submit_makes_one_order_and_one_charge() -> None:
    house = House.build()
    shirt = house.product()
    checkout = house.checkout(shirt)
    replies = at_once(*(lambda: house.place(checkout, key="one") for _ in range(4)))
    placed = [reply for reply in replies if reply.status == 201]
    assert placed
    assert {reply.code for reply in replies if reply.status != 201} <= {"in_flight"}
    again = house.place(checkout, key="one")
    assert again.headers["idempotent-replayed"] == "true"
    assert {reply.body for reply in placed} == {again.body}
    other_tab = done(house.place(checkout, key="two"))
    assert other_tab["orders"][0]["id"] == again.json["orders"][0]["id"]
    assert len(done(house.ada.get(f"shops/{house.shop}/orders"))["items"]) == 1
    changed = house.anyone.post(f"checkouts/{checkout}/place", {"address": {}}, key="one")
    assert changed.code in {"idempotency_mismatch", "malformed"}
    house.assert_sound()


def test_last_item_is_sold_once() -> None:
    house = House.build()
    shirt = house.product(left=1)
    checkouts = [house.checkout(shirt) for _ in range(6)]
    replies = at_once(*(lambda checkout=checkout: house.place(checkout) for checkout in checkouts))
    assert sorted(reply.status for reply in replies) == [201, 409, 409, 409, 409, 409]
    assert {reply.code for reply in replies if reply.status == 409} == {"out_of_stock"}
    winner = next(reply for reply in replies if reply.status == 201)
    done(house.pay(winner.json["payments"][0]["id"]))
    assert house.order(winner.json["orders"][0])["state"] == "paid"
    assert done(house.anyone.get(f"products/{shirt['id']}"))["skus"][0]["left"] == 0
    house.assert_sound()


def test_c3_5_two_refunds_at_once_never_give_back_more_than_was_paid() -> None:
    house = House.build()
    order = house.sold(house.product())
    house.ship(order)
    house.days(11)
    replies = at_once(*(lambda: house.refund(order, 6000) for _ in range(3)))
    assert sorted(reply.status for reply in replies) == [201, 409, 409]
    house.settle_events()
    assert house.order(order)["refunded_minor"] == 6000
    house.assert_sound()


def test_refund_races_the_timer() -> None:
    house = House.build()
    shirt = house.product(left=20)
    for refunded in (10_000, 3_333):
        order = house.sold(shirt)
        house.ship(order)
        house.days(10)
        assert house.order(order)["state"] == "confirmed"
        replies = at_once(lambda: house.days(1.5), lambda n=refunded, o=order: house.refund(o, n))
        assert replies[1].status == 201
        house.settle_events()
        seen = house.money(order)
        assert seen["ledger"]["escrow_minor"] == 0
        assert seen["ledger"]["refund_minor"] == 0
        done(house.refund(order, 10_000 - refunded, 1000))
        house.settle_events()
        assert set(house.money(order)["ledger"].values()) == {0}
    house.assert_sound()


def test_payment_and_its_closing_timer_race() -> None:
    house = House.build()
    shirt = house.product(left=20)
    for _ in range(2):
        placed = done(house.place(house.checkout(shirt)))
        order, payment = placed["orders"][0], placed["payments"][0]["id"]
        at_once(lambda: house.days(0.03), lambda p=payment: house.pay(p))
        house.days(1)
        seen, money = house.order(order), house.money(order)["ledger"]
        if seen["state"] == "paid":
            assert money["escrow_minor"] == 11_000
        else:
            assert (seen["state"], set(money.values())) == ("closed", {0})
    house.assert_sound()


def test_payments_noticed_together_lock_all_their_orders_before_any_stock() -> None:
    """Else a notice that is carried out alone and a worker's batch could wait for each other's rows."""
    from django.db import transaction

    from meadow.kernel import db, outbox
    from meadow.payments.queries import payment as payment_of
    from meadow.payments.services import sandbox_pay, verify

    house = House.build()
    shirt = house.product()
    placed = [done(house.place(house.checkout(shirt))) for _ in range(2)]
    for one in placed:
        paid = sandbox_pay(payment_id=payment_of(one["payments"][0]["id"]).pk)
        verify(provider="sandbox", headers=paid.notices[0].headers, body=paid.notices[0].body)
    with transaction.atomic():
        db.execute("SELECT FROM trade_order WHERE public_id = %s FOR UPDATE", [placed[1]["orders"][0]["id"]])
        worker = threading.Thread(target=lambda: (outbox.drain_all(), connection.close()))
        worker.start()
        assert until(lambda: db.call("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0, 30)
        # The batch waits for the second order and must not hold the shelf meanwhile.
        db.execute("SELECT FROM catalog_sku WHERE public_id = %s FOR UPDATE NOWAIT", [shirt["skus"][0]["id"]])
    worker.join(30)
    assert {house.order(one["orders"][0])["state"] for one in placed} == {"paid"}
    house.assert_sound()
