"""How many statements the verbs that move money take, and whether the worker's batches stay flat as they grow."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meadow.affiliate import services as commissions
from meadow.governance.services import publish_rules
from meadow.kernel import clock
from meadow.payments.models import ProviderRefund
from meadow.trade import services

from . import bazaar

pytestmark = pytest.mark.django_db

# What is no work: control of the transaction, and where the test clock stands.
NO_WORK = ("SAVEPOINT", "RELEASE", "SELECT OFFSET_US")


def statements(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as seen:
        act()
    return sum(1 for query in seen.captured_queries if not query["sql"].lstrip().upper().startswith(NO_WORK))


def bought() -> bazaar.Order:
    return bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person())


def test_budget_settling_takes_eight_statements_and_a_refund_twenty() -> None:
    publish_rules()
    order = bazaar.confirmed(bazaar.shipped(bought()))
    line = bazaar.goods_line(order).pk

    def give_back(minor: int) -> None:
        services.refund_order(key=f"some-{minor}", order_id=order.pk, goods=[(line, minor)], by=bazaar.SYSTEM)

    give_back(1)
    assert statements(lambda: give_back(500)) <= 20
    assert order.release_due_at is not None
    with clock.at(order.release_due_at):
        assert statements(lambda: services.settle_order(order_id=order.pk)) <= 8


def test_budget_placing_takes_fourteen_statements() -> None:
    goods, buyer = bazaar.goods(bazaar.shop()), bazaar.person()
    bazaar.place(goods, buyer=buyer)
    opened = bazaar.checkout(goods, buyer=buyer)
    assert statements(lambda: bazaar.place_checkout(opened, buyer=buyer)) <= 14


def test_budget_the_ends_of_many_refunds_take_as_many_statements_as_that_of_a_few() -> None:
    orders = [bought() for _ in range(3)]
    for order in orders:
        for n in range(2):
            goods = [(bazaar.goods_line(order).pk, 100 + n)]
            services.refund_order(key=f"part-{n}", order_id=order.pk, goods=goods, by=bazaar.SYSTEM)
    answers = [(each.cause_id, each.pk) for each in ProviderRefund.objects.order_by("pk")]
    taken = [
        statements(lambda part=part: services.complete_refunds(answers=part))  # type: ignore[misc]
        for part in (answers[:1], answers[1:])
    ]
    assert taken[0] == taken[1] <= 8
    assert {bazaar.again(order).refunded_minor for order in orders} == {201}


def test_budget_commissions_follow_refunds_in_two_statements() -> None:
    shop, creator, lines = bazaar.shop(), bazaar.creator(), []
    for _ in range(2):
        goods = bazaar.goods(shop)
        bazaar.click(creator, goods, carrier="phone")
        lines.append(bazaar.goods_line(bazaar.paid(goods, buyer=bazaar.person(), carrier="phone")).pk)
    assert statements(lambda: commissions.reduce_commissions(refunded=dict.fromkeys(lines, 100))) == 2
