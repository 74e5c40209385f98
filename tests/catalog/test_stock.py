"""Whether stock is promised, taken and given back exactly once, also when everybody wants the last one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from tests.catalog.conftest import only_sku

from meadow.catalog import queries, services, tasks
from meadow.catalog.models import Product, Reservation, Shop, Sku
from meadow.catalog.services import NewSku
from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal

SOON = timedelta(minutes=30)


def reserve(sku: Sku, quantity: int, order: int) -> None:
    services.reserve(lines=[(sku.pk, quantity)], cause=("order", order), expires_at=clock.now() + SOON)


def stock(sku: Sku) -> tuple[int, int]:
    sku.refresh_from_db()
    return sku.stock, sku.reserved


@pytest.mark.django_db
def test_a6_4_reserved_then_taken(teapot: Product) -> None:
    sku = only_sku(teapot)
    reserve(sku, 3, 1)
    assert stock(sku) == (10, 3)
    assert queries.skus_for_sale([sku.pk])[sku.pk].left == 7
    assert services.take(cause=("order", 1)) == 1
    assert stock(sku) == (7, 0)
    assert services.take(cause=("order", 1)) == 0, "a second take changes nothing"
    assert services.release(cause=("order", 1)) == 0, "what was taken stays taken"
    assert stock(sku) == (7, 0)


@pytest.mark.django_db
def test_a6_4_released_once(teapot: Product) -> None:
    sku = only_sku(teapot)
    reserve(sku, 4, 1)
    assert services.release(cause=("order", 1)) == 1
    assert services.release(cause=("order", 1)) == 0
    assert stock(sku) == (10, 0)
    with pytest.raises(Refusal) as gone:
        services.take(cause=("order", 1))
    assert gone.value.code == "reservation_gone"


@pytest.mark.django_db
def test_restocked_after_cancelling(teapot: Product) -> None:
    sku = only_sku(teapot)
    reserve(sku, 4, 1)
    services.take(cause=("order", 1))
    services.restock(lines=[(sku.pk, 4)])
    assert stock(sku) == (10, 0)


@pytest.mark.django_db
def test_a3_2_short_stock_names_the_sku_and_writes_nothing(shop: Shop, teapot: Product) -> None:
    cup = services.add_product(shop_id=shop.pk, title="Cup", skus=[NewSku(price_minor=500, left=1)])
    pot, cup_sku = only_sku(teapot), only_sku(cup)
    due = clock.now() + SOON
    with CaptureQueriesContext(connection) as statements, pytest.raises(Refusal) as short:
        services.reserve(lines=[(pot.pk, 2), (cup_sku.pk, 2)], cause=("order", 1), expires_at=due)
    assert len(statements) == 1
    assert short.value.code == "out_of_stock"
    assert short.value.status == 409
    assert short.value.params == {"sku": cup_sku.public_id, "title": "Cup", "left": 1}
    assert "1 left" in short.value.text("en")
    assert "1 件" in short.value.text("zh")
    assert stock(pot) == (10, 0), "all or none"
    assert not Reservation.objects.exists()


@pytest.mark.django_db
def test_reserves_for_several_orders_in_one_statement(shop: Shop, teapot: Product) -> None:
    cup = services.add_product(shop_id=shop.pk, title="Cup", skus=[NewSku(price_minor=500, left=5)])
    pot, cup_sku = only_sku(teapot), only_sku(cup)
    lines = [(1, pot.pk, 2), (2, pot.pk, 3), (2, cup_sku.pk, 5)]
    services.reserve_for_causes(kind="order", lines=lines, expires_at=clock.now() + SOON)
    assert stock(pot) == (10, 5)
    services.take(cause=("order", 2))
    assert (stock(pot), stock(cup_sku)) == ((7, 2), (0, 0))


@pytest.mark.django_db
def test_taking_for_several_orders_takes_all_or_none(teapot: Product) -> None:
    sku = only_sku(teapot)
    for order in (1, 2, 3):
        reserve(sku, 2, order)
    services.release(cause=("order", 3))
    with pytest.raises(Refusal) as refused:
        services.take_for_causes(kind="order", cause_ids=[1, 2, 3])
    assert refused.value.code == "reservation_gone"
    assert stock(sku) == (10, 4)
    assert queries.held_quantities("order") == {(1, sku.pk): 2, (2, sku.pk): 2}
    assert services.take_for_causes(kind="order", cause_ids=[1, 2]) == 2
    assert services.take_for_causes(kind="order", cause_ids=[1, 2]) == 0
    assert stock(sku) == (6, 0)
    with pytest.raises(Refusal):
        services.take(cause=("order", 99))


@pytest.mark.django_db
def test_two_lines_of_one_sku_count_together(teapot: Product) -> None:
    sku = only_sku(teapot)
    with pytest.raises(Refusal):
        services.reserve(lines=[(sku.pk, 6), (sku.pk, 6)], cause=("order", 1), expires_at=clock.now() + SOON)
    services.reserve(lines=[(sku.pk, 4), (sku.pk, 6)], cause=("order", 1), expires_at=clock.now() + SOON)
    assert stock(sku) == (10, 10)


@pytest.mark.django_db
@pytest.mark.parametrize("quantity", [0, -1])
def test_a5_3_quantities_are_above_zero(teapot: Product, quantity: int) -> None:
    with pytest.raises(Refusal) as refused:
        reserve(only_sku(teapot), quantity, 1)
    assert refused.value.code == "quantity_invalid"


@pytest.mark.django_db
def test_a6_5_what_is_off_sale_cannot_be_reserved(shop: Shop, teapot: Product) -> None:
    sku = only_sku(teapot)
    services.withdraw_product(product_id=teapot.pk)
    with pytest.raises(Refusal) as refused:
        reserve(sku, 1, 1)
    assert (refused.value.code, refused.value.status) == ("not_on_sale", 409)
    services.offer_product(product_id=teapot.pk)
    services.close_shop(shop_id=shop.pk)
    with pytest.raises(Refusal) as closed:
        reserve(sku, 1, 1)
    assert closed.value.code == "not_on_sale"
    with pytest.raises(Refusal) as unknown:
        services.reserve(lines=[(sku.pk + 999, 1)], cause=("order", 1), expires_at=clock.now())
    assert unknown.value.code == "not_found"


@pytest.mark.django_db
def test_uncounted_stock_never_ends(shop: Shop) -> None:
    poster = services.add_product(shop_id=shop.pk, title="Poster", skus=[NewSku(price_minor=500, left=None)])
    sku = only_sku(poster)
    reserve(sku, 5_000, 1)
    assert services.take(cause=("order", 1)) == 1
    assert stock(sku) == (0, 0)
    assert queries.skus_for_sale([sku.pk])[sku.pk].left > 1_000


@pytest.mark.django_db
def test_expired_promises_are_given_back_at_their_due_time(teapot: Product) -> None:
    sku = only_sku(teapot)
    start = clock.now()
    reserve(sku, 2, 1)
    reserve(sku, 3, 2)
    services.take(cause=("order", 2))
    due = Reservation.objects.get(cause_id=1).expires_at
    assert db.call(queries.NEXT_RESERVATION_DUE) == due
    assert tasks.expire_reservations(100, start) == 0, "not yet"
    late = due + timedelta(days=3)
    with clock.at(late):
        assert tasks.expire_reservations(100, late) == 1
        assert tasks.expire_reservations(100, late) == 0, "each exactly once"
    assert Reservation.objects.get(cause_id=1).ended_at == due
    assert stock(sku) == (7, 0)
    assert db.call(queries.NEXT_RESERVATION_DUE) is None


@pytest.mark.django_db
def test_the_table_itself_refuses_overselling(teapot: Product) -> None:
    sku = only_sku(teapot)
    with pytest.raises(IntegrityError), transaction.atomic():
        Sku.objects.filter(pk=sku.pk).update(reserved=11)
    with pytest.raises(IntegrityError), transaction.atomic():
        Sku.objects.filter(pk=sku.pk).update(stock=-1)


@pytest.mark.django_db(transaction=True)
def test_a10_3_hundred_buyers_on_stock_ten(teapot: Product, at_once: Callable[..., list[Any]]) -> None:
    sku = only_sku(teapot)
    outcomes: list[Any] = []
    for wave in range(5):  # twenty at a time, so that the database's connections suffice
        orders = range(wave * 20, wave * 20 + 20)
        outcomes += at_once(*((lambda order=order: reserve(sku, 1, order)) for order in orders))
    assert outcomes.count(None) == 10
    assert outcomes.count("out_of_stock") == 90
    assert stock(sku) == (10, 10)
    assert Reservation.objects.filter(state="held").count() == 10


@pytest.mark.django_db(transaction=True)
def test_the_race_after_the_look_rolls_back(teapot: Product, at_once: Callable[..., list[Any]]) -> None:
    """Both see five left and want five and four of them: whoever is second is refused, with nothing written."""
    sku = only_sku(teapot)
    services.change_stock(sku_id=sku.pk, left=5)
    for turn in range(20):
        outcomes = at_once(lambda turn=turn: reserve(sku, 5, 2 * turn), lambda turn=turn: reserve(sku, 4, 2 * turn + 1))
        assert sorted(map(str, outcomes)) == ["None", "out_of_stock"]
        assert Reservation.objects.filter(state="held").count() == 1
        services.release(cause=("order", 2 * turn))
        services.release(cause=("order", 2 * turn + 1))
        assert stock(sku) == (5, 0)


@pytest.mark.django_db(transaction=True)
def test_crossed_baskets_do_not_deadlock(shop: Shop, teapot: Product, at_once: Callable[..., list[Any]]) -> None:
    cup = services.add_product(shop_id=shop.pk, title="Cup", skus=[NewSku(price_minor=500, left=1000)])
    services.change_stock(sku_id=only_sku(teapot).pk, left=1000)
    a, b = only_sku(teapot).pk, only_sku(cup).pk
    due = clock.now() + SOON

    def buy(order: int, first: int, second: int) -> int:
        services.reserve(lines=[(first, 1), (second, 1)], cause=("order", order), expires_at=due)
        return services.take(cause=("order", order))

    calls = [(lambda n=n: buy(n, a, b) if n % 2 else buy(n, b, a)) for n in range(16)]
    assert at_once(*calls) == [2] * 16


@pytest.mark.django_db(transaction=True)
def test_expiry_and_taking_race_for_one_promise(teapot: Product, at_once: Callable[..., list[Any]]) -> None:
    sku = only_sku(teapot)
    until = clock.now() + 2 * SOON
    for turn in range(10):
        before, _ = stock(sku)
        if before == 0:
            break
        reserve(sku, 1, turn)
        taken, given_back, again = at_once(
            lambda turn=turn: services.take(cause=("order", turn)),
            lambda: services.expire_reservations(until=until, limit=10),
            lambda: services.expire_reservations(until=until, limit=10),
        )
        assert (taken == 1) == (given_back + again == 0)
        assert stock(sku) == (before - (taken == 1), 0)
