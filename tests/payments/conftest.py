"""What the payment tests share: a payment, ways to deliver notices, and a look at the invariants after every test."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from meadow.kernel.audit import SYSTEM
from meadow.kernel.money import Money
from meadow.ledger import queries as ledger
from meadow.ledger.services import Transfer, post
from meadow.payments import queries, services
from meadow.payments.adapters.sandbox import SignedNotice
from meadow.payments.services import Accepted, Notice, Payment, Payout


def cny(minor: int) -> Money:
    return Money(minor, "CNY")


def start(key: str = "co_1", minor: int = 11_000) -> Payment:
    return services.start_payment(key=key, cause=("trade.checkout_payment", 1), amount=cny(minor))


def deliver(notice: SignedNotice) -> Notice:
    """What the notice door does first."""
    return services.verify(provider="sandbox", headers=notice.headers, body=notice.body)


def carry_out(notice: Notice) -> Accepted:
    """What the owner of the orders does then."""
    return services.accept_notice(notice_id=notice.pk)


def paid(key: str = "co_1", minor: int = 11_000) -> Payment:
    payment = start(key, minor)
    for sent in services.sandbox_pay(payment_id=payment.pk, behaviour="succeed").notices:
        carry_out(deliver(sent))
    return queries.payment_by_id(payment.pk)


def give(party: tuple[str, int], minor: int, key: str = "give") -> None:
    post(
        key=key, cause=("test", 1), kind="credit",
        transfers=[Transfer("psp:sandbox", f"{party[0]}:{party[1]}:available", cny(minor))],
    )  # fmt: skip


def withdraw(key: str, minor: int, party: tuple[str, int] = ("creator", 7)) -> Payout:
    return services.withdraw(key=key, party=party, amount=cny(minor), by=SYSTEM)


@pytest.fixture(autouse=True)
def _small_payouts(settings: Any) -> None:
    """Numbers in these tests are small; the installation's minimum has a test of its own."""
    settings.MEADOW = replace(settings.MEADOW, payout_minimum_minor=1)


@pytest.fixture(autouse=True)
def _sound_at_the_end(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did, every invariant of money holds when it is done."""
    marked: Any = request.node.get_closest_marker("django_db")
    if marked:
        request.getfixturevalue("transactional_db" if marked.kwargs.get("transaction") else "db")
    yield
    if marked:
        found = ledger.run_invariants() | {name: check() for name, check in queries.INVARIANTS.items()}
        assert {name: n for name, n in found.items() if n} == {}
