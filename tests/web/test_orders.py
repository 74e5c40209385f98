"""The order's page: who sees it, what it says at each step, what its buyer can do; and how a guest keeps it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from tests.web.test_buying import checkout_of, place
from tests.web.world import World, browser, settle_down

from meadow.accounts.models import Person
from meadow.ledger import queries as ledger
from meadow.trade import queries
from meadow.trade import services as trade
from meadow.trade.models import Order
from meadow.web.shop import orders as order_pages

pytestmark = pytest.mark.django_db


def bought(client: Client, world: World, **more: str) -> tuple[str, Order]:
    answer = place(client, checkout_of(client, world), **more)
    assert answer.status_code == 302, answer.content
    return str(answer["Location"]), Order.objects.latest("pk")


def test_each_step_is_said_with_its_dates(world: World, client: Client) -> None:
    address, order = bought(client, world)
    page = client.get(address).content.decode()
    assert "the shop is packing" in page
    assert "CN¥98.00 is held for you" in page
    world.ship(order.pk)
    settle_down()
    page = client.get(address).content.decode()
    assert "On its way to you" in page
    assert "SF SF123456789" in page
    assert "without your word it is paid on" in page
    assert client.post(f"{address}/confirm").status_code == 302
    page = client.get(address).content.decode()
    assert "You have received it" in page
    settle_down(timedelta(days=1, minutes=1))
    page = client.get(address).content.decode()
    assert "Completed" in page
    assert "The shop has been paid" in page
    assert ledger.balance(f"escrow:{order.public_id}", "CNY") == 0


def test_d3_2_without_a_word_it_is_confirmed_by_the_clock(world: World, client: Client) -> None:
    address, order = bought(client, world)
    world.ship(order.pk)
    settle_down(timedelta(days=10, minutes=1))
    assert "You have received it" in client.get(address).content.decode()


def test_a_paid_order_is_cancelled_before_it_ships_and_the_money_goes_back(world: World, client: Client) -> None:
    address, order = bought(client, world)
    assert "goes back whole" in client.get(address).content.decode()
    client.post(f"{address}/cancel")
    settle_down(timedelta(minutes=5))
    page = client.get(address).content.decode()
    assert "You cancelled it." in page
    assert "CN¥98.00" in page
    assert ledger.balance("psp:sandbox", "CNY") == 0
    order.refresh_from_db()
    assert order.state == "closed"


def test_d3_4_what_is_not_possible_any_more_is_refused(world: World, client: Client) -> None:
    address, order = bought(client, world)
    assert client.post(f"{address}/confirm").status_code == 409
    world.ship(order.pk)
    answer = client.post(f"{address}/cancel")
    assert answer.status_code == 409
    assert "Cancel the order" not in client.get(address).content.decode()
    client.post(f"{address}/confirm")
    assert client.post(f"{address}/confirm").status_code == 409


def test_an_unpaid_order_can_be_paid_from_its_page_until_it_closes(world: World, client: Client) -> None:
    answer = place(client, checkout_of(client, world), way="fail")
    text = client.get(answer["Location"]).content.decode()
    link = re.search(r'href="(/o/[^"]+)"', text)
    assert link
    page = client.get(link[1]).content.decode()
    assert "Waiting for your payment" in page
    assert re.search(r'href="/pay/[^"]+"', page)
    settle_down(timedelta(minutes=31))
    assert "not paid in time" in client.get(link[1]).content.decode()


def test_a_refund_is_shown_with_what_is_left_held(world: World, client: Client) -> None:
    address, order = bought(client, world)
    line = queries.order_for(order.pk, person_id=order.buyer_id).lines[0]
    trade.refund_order(
        key="k1", order_id=order.pk, goods=[(line.line_id, 4000)], shipping_minor=0, reason="A scratch", by=world.by_ada
    )
    settle_down(timedelta(minutes=5))
    page = client.get(address).content.decode()
    assert "A scratch" in page
    assert "CN¥40.00 refunded" in page
    assert "CN¥58.00 is held" in page


def test_the_buyer_is_not_told_who_earns(world: World, client: Client) -> None:
    client.get(f"/S/{world.code}")
    address, order = bought(client, world, email="x@example.org")
    page = client.get(address).content.decode()
    assert "Mei" not in page
    assert "commission" not in page.lower()


def test_only_the_buyer_sees_an_order(world: World, client: Client) -> None:
    client.force_login(world.bo)
    address, order = bought(client, world)
    assert address == f"/o/{order.public_id}"
    assert client.get(address).status_code == 200
    for stranger in (world.mei, world.ada):
        other = browser()
        other.force_login(stranger)
        assert other.get(address).status_code == 404
        assert other.post(f"{address}/cancel").status_code == 404
    anonymous = browser().get(address)
    assert anonymous.status_code == 302
    assert anonymous["Location"].startswith("/accounts/login/?next=")
    assert browser().get("/o/forged").status_code == 404
    assert browser().get("/o/ord_00000000000000000000").status_code == 302


def test_the_link_of_a_guest_does_not_leave_with_a_referrer_or_a_cache(world: World, client: Client) -> None:
    address, _ = bought(client, world)
    answer = client.get(address)
    assert answer["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]
    assert "noindex" in answer.content.decode()


def test_a_guest_takes_the_order_into_a_new_account_by_a_mailed_code(world: World, client: Client) -> None:
    address, order = bought(client, world, email="new@example.com")
    page = client.post(f"{address}/claim", {"email": "new@example.com"}).content.decode()
    assert "new@example.com" in page
    code = re.search(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", mail.outbox[0].body)
    assert code
    wrong = client.post(f"{address}/claim", {"email": "new@example.com", "code": "AAAA-AAAA"})
    assert wrong.status_code == 403
    answer = client.post(f"{address}/claim", {"email": "new@example.com", "code": code[0]})
    assert answer["Location"] == f"/o/{order.public_id}"
    assert "signed in" in client.get(answer["Location"]).content.decode()
    assert Person.objects.get(email="new@example.com").pk == order.buyer_id


def test_a_code_alone_does_not_open_an_account_that_exists(world: World, client: Client) -> None:
    address, order = bought(client, world, email="mei@example.com")
    client.post(f"{address}/claim", {"email": "mei@example.com"})
    code = re.search(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", mail.outbox[0].body)
    assert code
    answer = client.post(f"{address}/claim", {"email": "mei@example.com", "code": code[0]})
    order.refresh_from_db()
    assert order.buyer_id == world.mei.pk
    assert "_auth_user_id" not in client.session
    assert client.get(answer["Location"])["Location"].startswith("/accounts/login/")


def test_the_list_has_tabs_and_goes_on(world: World, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.force_login(world.bo)
    assert "No orders here" in client.get("/me/orders").content.decode()
    monkeypatch.setattr(order_pages, "PAGE", 2)
    made = [bought(client, world)[1] for _ in range(3)]
    world.ship(made[0].pk)
    text = client.get("/me/orders").content.decode()
    assert made[2].public_id in text
    assert made[0].public_id not in text
    more = re.search(r'rel="next" href="([^"]+)"', text)
    assert more
    assert made[0].public_id in client.get("/me/orders" + more[1].replace("&amp;", "&")).content.decode()
    shipped = client.get("/me/orders?state=shipped").content.decode()
    assert made[0].public_id in shipped
    assert made[1].public_id not in shipped
    assert client.get("/me/orders?state=nonsense").status_code == 200


def test_the_list_takes_the_same_statements_however_long(
    world: World, client: Client, django_assert_max_num_queries: Any
) -> None:
    client.force_login(world.bo)
    for _ in range(4):
        bought(client, world)
    with django_assert_max_num_queries(7):
        client.get("/me/orders")


def test_times_are_the_persons_own(world: World, client: Client) -> None:
    client.force_login(world.bo)
    address, order = bought(client, world)
    Order.objects.filter(pk=order.pk).update(placed_at="2026-03-01T20:30:00Z")
    assert "Mar 2, 2026, 4:30" in client.get(address).content.decode().replace("\u202f", " ")
    Person.objects.filter(pk=world.bo.pk).update(time_zone="America/New_York")
    assert "Mar 1, 2026, 3:30" in client.get(address).content.decode().replace("\u202f", " ")


def test_a_browser_without_an_account_finds_its_orders_again(world: World, client: Client) -> None:
    _, first = bought(client, world)
    _, second = bought(client, world)
    text = client.get("/me/orders").content.decode()
    assert "placed in this browser" in text
    for order in (first, second):
        assert client.get(f"/o/{queries.order_link(order)}").status_code == 200
        assert f"/o/{queries.order_link(order)}" in text
    assert "No orders here" in browser().get("/me/orders").content.decode()
    client.cookies["orders"] = "forged.x"
    assert "No orders here" in client.get("/me/orders").content.decode()
