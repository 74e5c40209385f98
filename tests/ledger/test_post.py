"""Does a posting move all or nothing, once per key, never below a floor, and stay as it was written?"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection
from tests.ledger.conftest import cny, move

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import queries, services
from meadow.ledger.services import NewPosting, Transfer, post, post_batch

pytestmark = pytest.mark.django_db
ORDER = ("trade.order", 1)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def pay(order: str, minor: int) -> int:
    return post(
        key=f"paid:{order}", cause=ORDER, kind="paid", transfers=[move("psp:sandbox", f"escrow:{order}", minor)]
    )


def at_once(*works: Callable[[], object]) -> list[object]:
    """Runs the works in threads with connections of their own, started together; answers or refusals, in order."""
    gate, faults = threading.Barrier(len(works)), list[Exception]()
    answers: list[object] = [None] * len(works)

    def run(n: int) -> None:
        try:
            gate.wait(10)
            answers[n] = works[n]()
        except Refusal as refusal:
            answers[n] = refusal.code
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    if faults:
        raise faults[0]
    return answers


def test_d3_1_paid_and_settled_by_v1() -> None:
    pay("ord_1", 11_000)
    assert queries.balance("escrow:ord_1", "CNY") == 11_000
    assert queries.balance("psp:sandbox", "CNY") == -11_000
    assert queries.available("creator:7:available", "CNY") == 0
    post(
        key="settle:ord_1",
        cause=ORDER,
        kind="settled",
        transfers=[
            move("escrow:ord_1", "merchant:1:available", 8_500),
            Transfer("escrow:ord_1", "creator:7:available", cny(1_800), hold_until=clock.now() + timedelta(hours=1)),
            move("escrow:ord_1", "platform:service_fee", 200),
            move("escrow:ord_1", "platform:trade_fee", 500),
        ],
        note={"lines": [{"line": 1, "plan_version": 4}]},
    )
    names = [
        "escrow:ord_1",
        "merchant:1:available",
        "creator:7:available",
        "platform:service_fee",
        "platform:trade_fee",
    ]
    assert list(queries.balances(names, "CNY").values()) == [0, 8_500, 1_800, 200, 500]
    assert queries.withdrawable("creator", 7, "CNY") == 0
    assert queries.withdrawable("merchant", 1, "CNY") == 8_500


def test_d5_5_each_entry_names_its_cause() -> None:
    with clock.at(NOON):
        post(
            key="k", cause=("trade.order", "ord_9"), kind="paid", note={"line": 3, "plan_version": 2},
            transfers=[move("psp:sandbox", "escrow:ord_9", 5)],
        )  # fmt: skip
    (entry,) = queries.entries_of(("trade.order", "ord_9"))
    assert (entry.kind, entry.at, entry.amount_minor) == ("paid", NOON, 5)
    assert entry.note == {"line": 3, "plan_version": 2}
    assert (entry.source, entry.target) == ("psp:sandbox", "escrow:ord_9")


def test_a_repeat_is_the_same_posting_and_other_inputs_are_refused() -> None:
    first = pay("ord_1", 100)
    with clock.at(clock.now() + timedelta(hours=1)):  # a retry may come later
        assert pay("ord_1", 100) == first
    assert queries.balance("escrow:ord_1", "CNY") == 100
    assert queries.posting_of("paid:ord_1") == first
    for changed in (
        lambda: pay("ord_1", 101),
        lambda: post(key="paid:ord_1", cause=("trade.order", 2), kind="paid", transfers=[]),
    ):
        with pytest.raises(Refusal, match="posting_mismatch"), db.atomic():
            changed()


def test_no_party_account_falls_below_zero() -> None:
    pay("ord_1", 100)
    with pytest.raises(Refusal, match="insufficient_funds") as refused, db.atomic():
        post(
            key="x", cause=ORDER, kind="settled",
            transfers=[move("escrow:ord_1", "merchant:1:available", 60), move("escrow:ord_1", "creator:1:available", 41)],
        )  # fmt: skip
    assert refused.value.params == {"account": "escrow:ord_1", "available_minor": 100}
    assert queries.balance("merchant:1:available", "CNY") == 0
    assert queries.posting_of("x") is None


def test_a_posting_in_two_currencies_keeps_them_apart() -> None:
    post(
        key="x", cause=ORDER, kind="paid",
        transfers=[move("psp:sandbox", "escrow:o", 5), Transfer("psp:sandbox", "escrow:o", Money(7, "EUR"))],
    )  # fmt: skip
    assert (queries.balance("escrow:o", "CNY"), queries.balance("escrow:o", "EUR")) == (5, 7)
    with pytest.raises(Refusal, match="insufficient_funds"), db.atomic():
        post(key="y", cause=ORDER, kind="x", transfers=[move("escrow:o", "platform:trade_fee", 6)])


@pytest.mark.parametrize(
    "name",
    ["", "escrow:", "escrow:a b", "creator:x:available", "creator:0:available", "platform:other", "cash", "psp:A",
     "merchant:1:available ", "escrow:" + "x" * 65],
)  # fmt: skip
def test_an_unknown_account_name_is_refused(name: str) -> None:
    with pytest.raises(Refusal, match="account_unknown"), db.atomic():
        post(key="x", cause=ORDER, kind="paid", transfers=[move("psp:sandbox", name, 5)])


def test_transfers_that_make_no_sense_are_refused_and_zero_is_left_out() -> None:
    for bad in (move("psp:a", "escrow:o", -1), move("escrow:o", "escrow:o", 1), move("psp:a", "escrow:o", 10**16)):
        with pytest.raises(Refusal, match="malformed"):
            post(key="x", cause=ORDER, kind="paid", transfers=[bad])
    with pytest.raises(Refusal, match="malformed"):
        post(key="x", cause=ORDER, kind="paid", transfers=[Transfer("psp:a", "escrow:o", cny(1), hold_until=NOON)])
    post(key="x", cause=ORDER, kind="paid", transfers=[move("psp:a", "escrow:o", 0)])
    assert queries.entries_of(ORDER) == []


def test_a_batch_posts_what_is_new_and_answers_in_order() -> None:
    first = pay("ord_2", 10)

    def wanted(n: int) -> NewPosting:
        return NewPosting(f"paid:ord_{n}", ORDER, "paid", [move("psp:sandbox", f"escrow:ord_{n}", n * 5)])

    ids = post_batch([wanted(n) for n in (3, 2, 1)])
    assert ids[1] == first
    assert len(set(ids)) == 3
    assert post_batch([wanted(n) for n in (1, 2, 3)]) == ids[::-1]
    assert [queries.balance(f"escrow:ord_{n}", "CNY") for n in (1, 2, 3)] == [5, 10, 15]
    assert post_batch([]) == []


def test_a_batch_is_all_or_none() -> None:
    pay("ord_1", 10)
    with pytest.raises(Refusal, match="insufficient_funds"), db.atomic():
        post_batch([
            NewPosting("a", ORDER, "x", [move("escrow:ord_1", "merchant:1:available", 10)]),
            NewPosting("b", ORDER, "x", [move("escrow:ord_1", "merchant:1:available", 1)]),
        ])  # fmt: skip
    assert queries.balance("merchant:1:available", "CNY") == 0
    with pytest.raises(Refusal, match="malformed"):
        post_batch([NewPosting("a", ORDER, "x", []), NewPosting("a", ORDER, "x", [])])


def test_d5_2_a_correction_is_a_reversing_posting_with_a_link() -> None:
    pay("ord_1", 100)
    until = clock.now() + timedelta(days=1)
    wrong = post(
        key="settle_1", cause=ORDER, kind="settled",
        transfers=[Transfer("escrow:ord_1", "creator:7:available", cny(100), until)],
    )  # fmt: skip
    back = services.reverse_posting(key="mend_1", posting_id=wrong, note={"why": "wrong creator"})
    assert services.reverse_posting(key="mend_1", posting_id=wrong, note={"why": "wrong creator"}) == back
    assert queries.balance("escrow:ord_1", "CNY") == 100
    assert queries.party_balances("creator", 7)[0].held_minor == 0
    assert [e.reverses for e in queries.entries_of(ORDER)] == [None, None, wrong]
    with pytest.raises(Refusal, match="already_reversed"), db.atomic():
        services.reverse_posting(key="mend_2", posting_id=wrong)
    with pytest.raises(Refusal, match="not_found"), db.atomic():
        services.reverse_posting(key="mend_3", posting_id=10**9)


def test_a_correction_of_spent_money_is_refused() -> None:
    pay("ord_1", 100)
    settled = post(key="s", cause=ORDER, kind="settled", transfers=[move("escrow:ord_1", "creator:7:available", 100)])
    post(key="p", cause=ORDER, kind="payout", transfers=[move("creator:7:available", "payout:pyo_1", 60)])
    with pytest.raises(Refusal, match="insufficient_funds"), db.atomic():
        services.reverse_posting(key="mend", posting_id=settled)


def test_d5_3_d5_4_a_statement_replays_the_balance() -> None:
    for n in range(7):
        post(key=f"in{n}", cause=ORDER, kind="credit", transfers=[move("psp:sandbox", "merchant:3:available", 10 + n)])
    post(key="out", cause=ORDER, kind="payout", transfers=[move("merchant:3:available", "payout:p", 41)])
    lines = queries.statement("merchant:3:available", "CNY")
    assert [line.balance_minor for line in lines] == [10, 21, 33, 46, 60, 75, 91, 50]
    assert lines[-1].amount_minor == -41
    assert lines[-1].counterparty == "payout:p"
    assert lines[-1].balance_minor == queries.balance("merchant:3:available", "CNY")
    page = queries.statement("merchant:3:available", "CNY", after_id=lines[4].transfer_id, limit=2)
    assert page == lines[5:7]
    assert queries.statement("merchant:4:available", "CNY") == []


@pytest.mark.django_db(transaction=True)
def test_system_accounts_are_summed_and_the_snapshot_changes_nothing() -> None:
    for n in range(5):
        pay(f"ord_{n}", 10)
    services.take_snapshot()
    pay("ord_5", 7)
    assert queries.balance("psp:sandbox", "CNY") == -57
    assert services.take_snapshot() > 0  # the mark of the first call is reached
    assert db.one("SELECT balance_minor FROM ledger_snapshot") == {"balance_minor": -50}
    assert queries.balance("psp:sandbox", "CNY") == -57
    services.take_snapshot()
    assert db.one("SELECT balance_minor FROM ledger_snapshot") == {"balance_minor": -57}
    assert db.one("SELECT balance_minor FROM ledger_account WHERE name = 'psp:sandbox'") == {"balance_minor": None}


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_waits_for_a_posting_that_commits_late() -> None:
    """Ids are drawn before commit: a mark above an open transaction's ids must not count as complete."""
    pay("ord_0", 1)
    drawn, go_on = threading.Event(), threading.Event()

    def slow() -> int:
        with db.atomic():
            posting = pay("ord_slow", 100)
            drawn.set()
            assert go_on.wait(20)
            return posting

    def snapshots() -> int:
        assert drawn.wait(20)
        pay("ord_1", 10)
        marks = [services.take_snapshot() for _ in range(3)]
        go_on.set()
        return marks[-1]

    _, mark = at_once(slow, snapshots)
    assert mark == 0
    assert queries.balance("psp:sandbox", "CNY") == -111
    services.take_snapshot()
    assert services.take_snapshot() > 0
    assert queries.balance("psp:sandbox", "CNY") == -111


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_one_key_post_once() -> None:
    first, second = at_once(lambda: pay("ord_1", 5), lambda: pay("ord_1", 5))
    assert first == second is not None
    assert queries.balance("escrow:ord_1", "CNY") == 5


@pytest.mark.django_db(transaction=True)
def test_two_at_once_for_the_whole_balance_one_succeeds() -> None:
    pay("ord_1", 5)

    def take(name: str) -> int:
        return post(key=name, cause=ORDER, kind="x", transfers=[move("escrow:ord_1", f"refund:{name}", 5)])

    answers = at_once(lambda: take("a"), lambda: take("b"))
    assert sorted(type(answer).__name__ for answer in answers) == ["int", "str"]
    assert "insufficient_funds" in answers


@pytest.mark.django_db(transaction=True)
def test_d5_7_killed_in_the_middle_leaves_nothing() -> None:
    """The server process is ended after the posting and before the commit, as kill -9 of the worker would."""
    pay("ord_1", 100)

    def dying() -> str:
        try:
            with db.atomic():
                post(key="s", cause=ORDER, kind="x", transfers=[move("escrow:ord_1", "merchant:1:available", 100)])
                db.call("SELECT pg_terminate_backend(pg_backend_pid())")
        except Exception as error:
            return type(error).__name__
        return "survived"

    assert at_once(dying) == ["OperationalError"]
    assert queries.posting_of("s") is None
    assert queries.balance("escrow:ord_1", "CNY") == 100
    post(key="s", cause=ORDER, kind="x", transfers=[move("escrow:ord_1", "merchant:1:available", 100)])


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger_transfer SET amount_minor = 1",
        "DELETE FROM ledger_transfer",
        "TRUNCATE ledger_transfer CASCADE",
        "UPDATE ledger_posting SET note = '{}'",
        "DELETE FROM ledger_posting",
        "TRUNCATE ledger_posting CASCADE",
        "DELETE FROM ledger_account",
        "UPDATE ledger_account SET currency = 'EUR'",
        "UPDATE ledger_account SET name = name || 'x'",
        "TRUNCATE ledger_account CASCADE",
    ],
)
def test_d5_2_the_database_refuses_to_change_what_was_posted(sql: str) -> None:
    pay("ord_1", 5)
    db.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError, match="append-only"), db.atomic():
        db.execute(sql)


@pytest.mark.parametrize(
    ("source", "target", "currency", "amount"),
    [
        ("escrow:o", "escrow:eur", "CNY", 5),  # the target is in another currency
        ("escrow:eur", "escrow:o", "CNY", 5),
        ("escrow:o", "psp:a", "EUR", 5),  # the transfer is
        ("escrow:o", "psp:a", "CNY", 0),
        ("escrow:o", "psp:a", "CNY", -5),
        ("escrow:o", "escrow:o", "CNY", 5),
    ],
)
def test_d5_1_the_database_refuses_a_transfer_that_does_not_balance(
    source: str, target: str, currency: str, amount: int
) -> None:
    posting = post(
        key="x", cause=ORDER, kind="paid",
        transfers=[move("psp:a", "escrow:o", 5), Transfer("psp:a", "escrow:eur", Money(5, "EUR"))],
    )  # fmt: skip
    ids = {row["name"]: row["id"] for row in db.rows("SELECT name, id FROM ledger_account ORDER BY currency DESC")}
    with pytest.raises(IntegrityError), db.atomic():
        db.execute(
            "INSERT INTO ledger_transfer (posting_id, source_id, target_id, currency, amount_minor)"
            " VALUES (%s, %s, %s, %s, %s)",
            [posting, ids[source], ids[target], currency, amount],
        )


def test_the_database_refuses_a_balance_below_the_floor() -> None:
    pay("ord_1", 5)
    for sql in (
        "UPDATE ledger_account SET balance_minor = -1 WHERE balance_minor = 5",
        "UPDATE ledger_account SET held_minor = 6 WHERE balance_minor = 5",
        "UPDATE ledger_account SET held_minor = -1 WHERE balance_minor = 5",
        "UPDATE ledger_account SET balance_minor = 1 WHERE name = 'psp:sandbox'",
    ):
        with pytest.raises(IntegrityError), db.atomic():
            db.execute(sql)
