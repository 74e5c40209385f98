"""What the ledger's tests share: short ways to say a transfer, and a look at the invariants after every test."""

from collections.abc import Iterator
from typing import Any

import pytest

from meadow.kernel.money import Money
from meadow.ledger import queries
from meadow.ledger.services import Transfer


def cny(minor: int) -> Money:
    return Money(minor, "CNY")


def move(source: str, target: str, minor: int) -> Transfer:
    return Transfer(source, target, cny(minor))


@pytest.fixture(autouse=True)
def _sound_at_the_end(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did, every invariant holds when it is done."""
    marked: Any = request.node.get_closest_marker("django_db")
    if marked:
        request.getfixturevalue("transactional_db" if marked.kwargs.get("transaction") else "db")
    yield
    if marked:
        assert {name: n for name, n in queries.run_invariants().items() if n} == {}
