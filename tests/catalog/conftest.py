"""What the catalog's tests share: Ada's shop, her products, and a way to do many things at once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from meadow.accounts import services as accounts
from meadow.accounts.models import Merchant, Person
from meadow.catalog import queries, services
from meadow.catalog.models import Product, Shop, Sku
from meadow.catalog.services import NewSku
from meadow.kernel import outbox
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def ada() -> Person:
    return accounts.add_person(email="ada@example.com", name="Ada", locale="en")


@pytest.fixture
def bo() -> Actor:
    """Somebody who keeps no shop."""
    return Actor("person", accounts.add_person(email="bo@example.com", name="Bo", locale="en").pk)


@pytest.fixture
def merchant(ada: Person) -> Merchant:
    return accounts.open_merchant(person_id=ada.pk, name="Ada's Goods")


@pytest.fixture
def shop(merchant: Merchant) -> Shop:
    return services.open_shop(merchant_id=merchant.pk, name="Ada's Goods", flat_shipping_minor=1000)


@pytest.fixture
def second_shop(merchant: Merchant, shop: Shop) -> Shop:
    return services.open_shop(merchant_id=merchant.pk, name="Ada's Other Goods")


@pytest.fixture
def keeper(ada: Person) -> Actor:
    return Actor("person", ada.pk)


@pytest.fixture
def teapot(shop: Shop) -> Product:
    return services.add_product(
        shop_id=shop.pk, title="Clay teapot", skus=[NewSku(price_minor=10_000, left=10, code="POT")]
    )


def only_sku(product: Product) -> Sku:
    return Sku.objects.get(product=product)


@pytest.fixture(autouse=True)
def _invariants(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test with a database did, the catalog is sound after it."""
    yield
    if "db" in request.fixturenames or "transactional_db" in request.fixturenames:
        assert {name: check() for name, check in queries.INVARIANTS.items() if check()} == {}


@pytest.fixture
def drained() -> Callable[[], int]:
    return outbox.drain_all


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Runs calls in threads that start together; each answers its result or the code it was refused with."""

    def run(*calls: Callable[[], Any]) -> list[Any]:
        barrier = Barrier(len(calls))

        def one(call: Callable[[], Any]) -> Any:
            try:
                barrier.wait(30)
                return call()
            except Refusal as refusal:
                return refusal.code
            finally:
                connection.close()

        with ThreadPoolExecutor(len(calls)) as pool:
            return [future.result(60) for future in [pool.submit(one, call) for call in calls]]

    return run
