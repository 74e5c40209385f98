"""What every test of trade ends with: all invariants hold."""

from collections.abc import Iterator

import pytest
from tests.trade import bazaar

from meadow.kernel import outbox


@pytest.fixture(autouse=True)
def _invariants(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test with a database did, every invariant holds after it and no event died."""
    yield
    if "db" in request.fixturenames or "transactional_db" in request.fixturenames:
        outbox.drain_all()
        assert bazaar.violations() == {}
        assert [letter.error for letter in outbox.dead_letters()] == []
