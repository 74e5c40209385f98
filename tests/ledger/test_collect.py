"""Who pays when money has to come back: own hold, then what is free, then the platform's advance and a receivable."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from tests.ledger.conftest import cny, move
from tests.ledger.test_post import at_once

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import queries, rules, services
from meadow.ledger.services import Leg, NewPosting, Transfer, collect, collect_party, credit_party, post, post_batch

pytestmark = pytest.mark.django_db
BO = ("creator", 7)
ORDER = ("trade.order", 1)


def earn(order: int, minor: int, *, held: bool = False) -> None:
    """An order of which the whole goes to the creator."""
    cause = ("trade.order", order)
    post(key=f"paid:{order}", cause=cause, kind="paid", transfers=[move("psp:sandbox", f"escrow:{order}", minor)])
    credit_party(
        key=f"settled:{order}", party=BO, source=f"escrow:{order}", amount=cny(minor), cause=cause, kind="settled",
        hold_until=clock.now() + timedelta(days=15) if held else None,
    )  # fmt: skip


def take_back(refund: int, minor: int, order: int = 1) -> int:
    return collect_party(
        key=f"refund:{refund}", party=BO, target=f"refund:{refund}", amount=cny(minor), kind="refund",
        cause=("trade.refund", refund), hold_cause=("trade.order", order),
    )  # fmt: skip


def pay_out(minor: int) -> None:
    post(key=f"payout:{minor}", cause=ORDER, kind="payout", transfers=[move("creator:7:available", "payout:p", minor)])
    post(key=f"paid_out:{minor}", cause=ORDER, kind="payout", transfers=[move("payout:p", "psp:sandbox", minor)])


def state() -> tuple[int, int, int, int]:
    """(available, held, receivable, withdrawable) of Bo."""
    (part,) = queries.party_balances(*BO)
    return part.available_minor, part.held_minor, part.receivable_minor, part.withdrawable_minor


def advance() -> int:
    return queries.balance("platform:advance", "CNY")


def test_own_hold_first_then_free() -> None:
    earn(1, 100, held=True)
    earn(2, 50)
    assert state() == (150, 100, 0, 50)
    take_back(1, 120)
    assert state() == (30, 0, 0, 30)
    (hold,) = queries.holds_of(ORDER)
    assert (hold.state, hold.remaining_minor) == ("consumed", 0)
    assert queries.balance("refund:1", "CNY") == 120


def test_a_part_of_the_hold_stays() -> None:
    earn(1, 100, held=True)
    take_back(1, 30)
    assert state() == (70, 70, 0, 0)
    (hold,) = queries.holds_of(ORDER)
    assert (hold.state, hold.remaining_minor, hold.amount_minor) == ("open", 70, 100)


def test_settled_6_never_another_orders_hold() -> None:
    earn(1, 100)
    earn(2, 500, held=True)
    take_back(1, 140)
    assert state() == (500, 500, -40, 0)
    assert advance() == -40
    assert queries.holds_of(("trade.order", 2))[0].remaining_minor == 500


def test_c3_4_refund_after_payout_opens_a_receivable_that_the_next_credit_pays() -> None:
    earn(1, 100)
    pay_out(100)
    take_back(1, 60)
    assert state() == (0, 0, -60, 0)
    assert (advance(), queries.balance("platform:claims", "CNY")) == (-60, 60)
    earn(2, 45)
    assert state() == (0, 0, -15, 0)
    earn(3, 40, held=True)
    assert state() == (25, 25, 0, 0)  # only what is left of the credit is held
    assert (advance(), queries.balance("platform:claims", "CNY")) == (0, 0)


def test_one_batch_with_several_credits_nets_once() -> None:
    earn(1, 100)
    pay_out(100)
    take_back(1, 60)
    post(key="paid", cause=ORDER, kind="paid", transfers=[move("psp:sandbox", "escrow:x", 120)])
    until = clock.now() + timedelta(days=1)
    post_batch([
        NewPosting(f"s{n}", ORDER, "settled", [Transfer("escrow:x", "creator:7:available", cny(40), until)])
        for n in range(3)
    ])  # fmt: skip
    assert state() == (60, 60, 0, 0)
    assert [hold.amount_minor for hold in queries.holds_of(ORDER)] == [20, 40]


def test_the_end_of_a_hold_pays_the_receivable() -> None:
    earn(1, 100)
    earn(2, 30, held=True)
    pay_out(100)
    take_back(1, 50)
    assert state() == (30, 30, -50, 0)
    assert services.end_due_holds(limit=10, until=clock.now() + timedelta(days=20)) == 1
    assert state() == (0, 0, -20, 0)
    assert advance() == -20


def test_settled_7_beyond_the_advance_nothing_moves_and_the_transaction_goes_on(settings: Any) -> None:
    earn(1, 100)
    pay_out(100)
    settings.MEADOW = type("Limits", (), {"advance_limit_minor": 50, "test_clock": False})()
    with db.atomic():
        with pytest.raises(Refusal, match="advance_exhausted") as refused:
            take_back(1, 51)
        assert refused.value.params == {"left_minor": 50}
        assert queries.posting_of("refund:1") is None
        take_back(1, 50)
    assert state() == (0, 0, -50, 0)
    settings.MEADOW.advance_limit_minor = 20  # lowered below what is lent: no more is lent
    with pytest.raises(Refusal, match="advance_exhausted"):
        take_back(2, 1)
    settings.MEADOW.advance_limit_minor = 70
    take_back(2, 20)
    assert advance() == -70


def test_a_compound_refund_by_v4() -> None:
    post(key="paid", cause=ORDER, kind="paid", transfers=[move("psp:sandbox", "escrow:o", 11_000)])
    post(
        key="settled", cause=ORDER, kind="settled",
        transfers=[
            move("escrow:o", "merchant:1:available", 8_500),
            Transfer("escrow:o", "creator:7:available", cny(1_800), clock.now() + timedelta(days=15)),
            move("escrow:o", "platform:service_fee", 200),
            move("escrow:o", "platform:trade_fee", 500),
        ],
    )  # fmt: skip

    def refund(n: int, before: int, after: int, shipping: int) -> int:
        back = rules.step(rules.split(10_000, 2_000), before, after) + rules.shipping_split(shipping)
        return collect(
            key=f"refund:{n}", cause=("trade.refund", n), kind="refund", target=f"refund:{n}", currency="CNY",
            hold_cause=ORDER, legs=[Leg("merchant", 1, back.merchant), Leg("creator", 7, back.creator)],
            transfers=[
                move("platform:service_fee", f"refund:{n}", back.service),
                move("platform:trade_fee", f"refund:{n}", back.trade),
            ],
        )  # fmt: skip

    first = refund(1, 0, 4_000, 0)
    assert refund(1, 0, 4_000, 0) == first
    refund(2, 4_000, 10_000, 1_000)
    names = ["escrow:o", "merchant:1:available", "creator:7:available", "platform:service_fee", "platform:trade_fee"]
    assert set(queries.balances(names, "CNY").values()) == {0}
    for n, minor in ((1, 4_000), (2, 7_000)):
        post(
            key=f"done:{n}", cause=("trade.refund", n), kind="refunded",
            transfers=[move(f"refund:{n}", "psp:sandbox", minor)],
        )  # fmt: skip
    assert queries.balance("psp:sandbox", "CNY") == 0
    assert [e.target for e in queries.entries_of(("trade.refund", 2))] == ["refund:2"] * 4 + ["psp:sandbox"]


def test_collect_refuses_what_makes_no_sense() -> None:
    earn(1, 100)
    same = {"key": "k", "cause": ORDER, "kind": "refund", "target": "refund:1", "currency": "CNY"}
    for legs, transfers, code in (
        ([Leg("creator", 7, -1)], [], "malformed"),
        ([Leg("creator", 7, 1), Leg("creator", 7, 2)], [], "malformed"),
        ([Leg("buyer", 7, 1)], [], "malformed"),
        ([], [move("platform:trade_fee", "refund:2", 1)], "malformed"),
        ([], [Transfer("platform:trade_fee", "refund:1", Money(1, "EUR"))], "currency_mismatch"),
    ):
        with pytest.raises(Refusal, match=code), db.atomic():
            collect(legs=legs, transfers=transfers, **same)  # type: ignore[arg-type]
    take_back(1, 10)
    with pytest.raises(Refusal, match="posting_mismatch"), db.atomic():
        take_back(1, 11)


@pytest.mark.django_db(transaction=True)
def test_c3_5_two_refunds_at_once_take_the_free_money_once() -> None:
    earn(1, 100)
    at_once(lambda: take_back(1, 80), lambda: take_back(2, 80))
    assert state() == (0, 0, -60, 0)
    assert advance() == -60


@pytest.mark.django_db(transaction=True)
def test_one_refund_twice_at_once_takes_once() -> None:
    earn(1, 100, held=True)
    first, second = at_once(lambda: take_back(1, 80), lambda: take_back(1, 80))
    assert first == second
    assert state() == (20, 20, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_the_advance_has_its_floor_under_two_at_once(settings: Any) -> None:
    settings.MEADOW = type("Limits", (), {"advance_limit_minor": 100, "test_clock": False})()
    answers = at_once(lambda: take_back(1, 80), lambda: take_back(2, 80))
    assert sorted(type(answer).__name__ for answer in answers) == ["int", "str"]
    assert "advance_exhausted" in answers
    assert advance() == -80


class Asked(threading.Thread):
    """A verb in a thread with a connection of its own; keeps the answer, a refusal's code, or the database's error."""

    def __init__(self, verb: Callable[[], object]) -> None:
        super().__init__()
        self.verb = verb
        self.answer: object = None

    def run(self) -> None:
        try:
            self.answer = self.verb()
        except Refusal as refusal:
            self.answer = refusal.code
        except OperationalError as error:
            self.answer = error
        finally:
            connection.close()


def until_waited_for() -> None:
    """Until somebody waits for a lock of this connection; fails when nobody ever does."""
    ends = time.monotonic() + 10
    look = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    while not db.call(look):
        assert time.monotonic() < ends


@pytest.mark.django_db(transaction=True)
def test_a_batch_and_a_collection_by_one_key_do_not_wait_for_each_other() -> None:
    earn(1, 100)
    post(key="paid:z", cause=ORDER, kind="paid", transfers=[move("psp:sandbox", "escrow:z", 5)])
    # Needs the account that is locked here first, then Bo's.
    transfers = [move("escrow:z", "platform:trade_fee", 1), move("creator:7:available", "payout:p", 1)]
    batch = Asked(lambda: post(key="refund:1", cause=ORDER, kind="both", transfers=transfers))
    taking = Asked(lambda: take_back(1, 10))
    with db.atomic():
        db.execute("SELECT FROM ledger_account WHERE name = 'escrow:z' FOR UPDATE")
        batch.start()
        until_waited_for()
        taking.start()
        taking.join(2)
    batch.join(10)
    taking.join(10)
    # Whoever came first has the key; the other is told so, and nobody was shot.
    assert isinstance(taking.answer, int)
    assert batch.answer == "posting_mismatch"
