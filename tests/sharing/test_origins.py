"""Sales by the channel that brought the buyer add up to all sales, and a lost channel stops no order."""

from datetime import timedelta

import pytest
from tests.web.world import ADDRESS, World, browser, make_world, settle_down

from meadow.kernel import clock
from meadow.kernel.audit import Actor
from meadow.payments import services as payments
from meadow.sharing import queries, rules
from meadow.sharing import services as sharing
from meadow.trade import queries as trade_queries
from meadow.trade import services as trade
from meadow.trade.models import Order

pytestmark = pytest.mark.django_db
LATER = timedelta(days=12)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def click_by(world: World, outlet: str, form: str) -> str:
    """The click of somebody who came by an outlet's form; no outlet: nobody knows how."""
    tag = rules.tag_of(queries.outlet(outlet).tag, form) if outlet else 0
    found = queries.landing(world.code + rules.tag_letters(tag))
    assert found is not None
    tap = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "none"}
    return str(sharing.open_view(origin=found.origin(), method="GET", headers=tap).click_id)


def place(world: World, click: str = "") -> int:
    line = trade.LineIn(world.sku(world.flask).sku_id, 1, click)
    checkout = trade.open_checkout(lines=[line])
    placed = trade.place_orders(checkout_id=checkout.pk, address=ADDRESS, contact={"email": "bo@example.com"})
    pay = payments.sandbox_pay(payment_id=placed.payments[0].pk, behaviour="succeed")
    for sent in pay.notices:
        trade.record_payment(payments.verify(provider="sandbox", headers=sent.headers, body=sent.body))
    return int(placed.orders[0].pk)


def test_c6_3_sales_by_channel_add_up_to_all_sales_with_organic_and_unknown(world: World) -> None:
    place(world, click_by(world, "weibo", "link"))
    place(world, click_by(world, "qq", "text"))
    place(world, click_by(world, "", ""))
    place(world)
    settle_down()
    names = queries.channel_names()
    now = clock.now()
    sales = trade_queries.sales_by_origin(now - timedelta(days=1), now + timedelta(days=1))
    by_channel = {queries.channel_of(row.tag, names): row.goods_minor for row in sales}
    assert by_channel == {
        ("weibo", "link"): 12900, ("qq", "text"): 12900, ("unknown", ""): 12900, ("organic", ""): 12900
    }  # fmt: skip
    total = sum(Order.objects.filter(paid_at__isnull=False).values_list("goods_minor", flat=True))
    assert sum(by_channel.values()) == total == 4 * 12900


def test_c6_4_losing_a_channel_leaves_every_order_in_flight_completable(world: World) -> None:
    otto = Actor("person", world.otto.pk)
    clicks = [click_by(world, "qq", "link") for _ in range(3)]
    orders = [place(world, clicks[0])]
    world.ship(orders[0])
    for capability in ("clickable_link", "text_token", "picture"):
        sharing.change_outlet(code="qq", changes={capability: False}, by=otto)
    sharing.change_outlet(code="qq", changes={"is_retired": True}, by=otto)
    # Whoever had clicked buys, whoever had bought gets it, and the creator earns on all of it.
    orders += [place(world, click) for click in clicks[1:]]
    for order in orders[1:]:
        world.ship(order)
    settle_down(LATER)
    settle_down(LATER)
    found = Order.objects.filter(pk__in=orders)
    assert {order.state for order in found} <= {"settled", "closed"}
    now = clock.now()
    (row,) = trade_queries.sales_by_origin(now - timedelta(days=60), now)
    assert queries.channel_of(row.tag, queries.channel_names()) == ("qq", "link")
    assert row.orders == 3
    assert browser().get(f"/S/{world.code}").status_code == 200
