"""Is money that was set apart untouchable until it is released, used or due, and each of that once?"""

from datetime import datetime, timedelta

import pytest
from tests.ledger.conftest import cny, move
from tests.ledger.test_post import at_once

from meadow.kernel import clock, db, sweeps
from meadow.kernel.errors import Refusal
from meadow.ledger import queries, services, tasks
from meadow.ledger.services import consume_hold, place_hold, post, release_hold, release_holds_of

pytestmark = pytest.mark.django_db
CAUSE = ("risk.case", 1)
ACCOUNT = "merchant:1:available"


def give(minor: int) -> None:
    post(key=f"give:{minor}", cause=CAUSE, kind="credit", transfers=[move("psp:sandbox", ACCOUNT, minor)])


def hold(key: str, minor: int, days: int = 1, start: datetime | None = None) -> int:
    until = (start or clock.now()) + timedelta(days=days)
    return place_hold(key=key, account=ACCOUNT, amount=cny(minor), cause=CAUSE, until=until)


def test_held_money_cannot_leave() -> None:
    give(100)
    first = hold("h", 70)
    assert hold("h", 70) == first
    assert queries.available(ACCOUNT, "CNY") == 30
    with pytest.raises(Refusal, match="insufficient_funds"), db.atomic():
        post(key="x", cause=CAUSE, kind="payout", transfers=[move(ACCOUNT, "payout:p", 31)])
    with pytest.raises(Refusal, match="insufficient_funds") as refused, db.atomic():
        hold("h2", 31)
    assert refused.value.params["available_minor"] == 30
    with pytest.raises(Refusal, match="posting_mismatch"), db.atomic():
        hold("h", 71)
    with pytest.raises(Refusal, match="malformed"):
        hold("h3", 0)
    with pytest.raises(Refusal, match="account_unknown"), db.atomic():
        place_hold(key="s", account="psp:sandbox", amount=cny(1), cause=CAUSE, until=clock.now())


def test_released_once() -> None:
    give(100)
    first = hold("h", 70)
    release_hold(hold_id=first)
    assert queries.available(ACCOUNT, "CNY") == 100
    with pytest.raises(Refusal, match="stale_state"):
        release_hold(hold_id=first)
    hold("a", 10)
    hold("b", 20)
    assert release_holds_of(cause=CAUSE) == 2
    assert release_holds_of(cause=CAUSE) == 0
    assert [h.state for h in queries.holds_of(CAUSE)] == ["released"] * 3


def test_used_in_parts_up_to_what_is_left() -> None:
    give(100)
    first = hold("h", 70)
    use = {"hold_id": first, "target": "payout:p", "kind": "payout"}
    posting = consume_hold(key="u1", amount=cny(30), **use)  # type: ignore[arg-type]
    assert consume_hold(key="u1", amount=cny(30), **use) == posting  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="insufficient_funds"), db.atomic():
        consume_hold(key="u2", amount=cny(41), **use)  # type: ignore[arg-type]
    consume_hold(key="u3", amount=cny(40), **use)  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="stale_state"), db.atomic():
        consume_hold(key="u4", amount=cny(1), **use)  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="not_found"), db.atomic():
        consume_hold(key="u5", hold_id=10**9, target="payout:p", amount=cny(1), kind="payout")
    assert queries.balance("payout:p", "CNY") == 70
    assert queries.available(ACCOUNT, "CNY") == 30


def test_ends_when_due_and_says_so() -> None:
    give(100)
    start = clock.now()
    hold("late", 10, days=3, start=start)
    hold("soon", 20, days=1, start=start)
    assert db.call(queries.NEXT_HOLD_DUE) == start + timedelta(days=1)
    assert services.end_due_holds(limit=10, until=start + timedelta(days=1, seconds=-1)) == 0
    assert tasks.end_holds(10, start + timedelta(days=2)) == 1
    soon, late = sorted(queries.holds_of(CAUSE), key=lambda h: h.until)
    assert (soon.state, soon.closed_at, late.state) == ("expired", start + timedelta(days=1), "open")
    assert queries.available(ACCOUNT, "CNY") == 90
    assert tasks.end_holds(10, start + timedelta(days=30)) == 1
    assert db.call(queries.NEXT_HOLD_DUE) is None


@pytest.mark.django_db(transaction=True)
def test_d3_6_two_sweeps_at_once_end_each_hold_once() -> None:
    give(100)
    start = clock.now()
    for n in range(20):
        hold(f"h{n}", 5, start=start)
    due = start + timedelta(days=2)
    ended = at_once(*[lambda: services.end_due_holds(limit=100, until=due) for _ in range(3)])
    assert sum(n for n in ended if isinstance(n, int)) == 20
    assert queries.available(ACCOUNT, "CNY") == 100


@pytest.mark.django_db(transaction=True)
def test_the_advanced_clock_ends_holds() -> None:
    give(100)
    hold("h", 100, days=2)
    sweeps.advance(clock.now() + timedelta(days=1))
    assert queries.available(ACCOUNT, "CNY") == 0
    sweeps.advance(clock.now() + timedelta(days=1, seconds=1))
    assert queries.available(ACCOUNT, "CNY") == 100
