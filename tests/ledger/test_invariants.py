"""Does each invariant notice the one thing that it is there for?  A check that cannot fail guards nothing."""

from datetime import timedelta

import pytest
from django.db import transaction
from tests.ledger.conftest import cny, move

from meadow.kernel import clock, db
from meadow.ledger import queries, services
from meadow.ledger.services import Transfer, post

pytestmark = pytest.mark.django_db
ORDER = ("trade.order", 1)
TRANSFER = (
    "INSERT INTO ledger_transfer (posting_id, source_id, target_id, currency, amount_minor)"
    " SELECT p.id, s.id, g.id, %s, %s FROM ledger_posting p, ledger_account s, ledger_account g"
    " WHERE p.key = 'settled' AND s.name = %s AND g.name = %s"
)


def trade() -> None:
    """A little of everything: paid, settled, held, refunded after a payout, corrected, a system account summed."""
    post(key="paid", cause=ORDER, kind="paid", transfers=[move("psp:sandbox", "escrow:o", 300)])
    settled = [
        move("escrow:o", "creator:7:available", 100),
        Transfer("escrow:o", "creator:8:available", cny(50), clock.now()),
        move("escrow:o", "platform:trade_fee", 20),
    ]
    post(key="settled", cause=ORDER, kind="settled", transfers=settled)
    wrong = post(key="wrong", cause=ORDER, kind="settled", transfers=[move("escrow:o", "creator:9:available", 30)])
    services.reverse_posting(key="mended", posting_id=wrong)
    post(key="out", cause=ORDER, kind="payout", transfers=[move("creator:7:available", "psp:sandbox", 100)])
    services.collect_party(
        key="claw", party=("creator", 7), target="refund:r", amount=cny(40), cause=("trade.refund", 1), kind="refund"
    )
    with clock.at(clock.now() + timedelta(days=40)):
        month = queries.next_to_close()
        assert month is not None
        services.close_month(month=month)
    db.execute(
        "INSERT INTO ledger_snapshot SELECT id, ledger_balance(name, currency) FROM ledger_account"
        " WHERE name = 'platform:trade_fee'"
    )
    db.execute(
        "INSERT INTO ledger_watermark (id, upto_id, next_id, fence) SELECT 1, max(id), max(id), 0 FROM ledger_transfer"
    )


def violated() -> set[str]:
    return {name.removeprefix("ledger_") for name, n in queries.run_invariants().items() if n}


@pytest.mark.parametrize(
    ("sql", "values", "names"),
    [
        ("UPDATE ledger_account SET balance_minor = balance_minor + 1 WHERE name = 'escrow:o'", [], {"balances_equal_transfers"}),
        ("UPDATE ledger_account SET held_minor = 49 WHERE name = 'creator:8:available'", [], {"held_equals_open_holds"}),
        ("UPDATE ledger_hold SET remaining_minor = 1", [], {"held_equals_open_holds"}),
        ("UPDATE ledger_account SET floor_minor = 1, held_minor = 50 WHERE name = 'creator:8:available'", [], {"no_account_below_floor"}),
        ("UPDATE ledger_snapshot SET balance_minor = 21", [], {"snapshots_equal_transfers"}),
        (TRANSFER, ["CNY", 131, "escrow:o", "creator:8:available"], {"balances_equal_transfers", "escrow_not_negative", "no_account_below_floor", "statements_recompute"}),
        (TRANSFER, ["EUR", 1, "escrow:o", "psp:sandbox"], {"balances_equal_transfers", "transfers_keep_currency"}),
        (TRANSFER, ["CNY", 1, "platform:claims", "psp:sandbox"], {"receivables_equal_claims"}),
        (TRANSFER, ["CNY", 1, "psp:sandbox", "platform:advance"], {"balances_equal_transfers", "receivables_equal_advance"}),
        (TRANSFER, ["CNY", 21, "platform:trade_fee", "psp:sandbox"], {"cash_covers_obligations"}),
        ("UPDATE ledger_transfer SET amount_minor = 29 WHERE posting_id = (SELECT id FROM ledger_posting WHERE key = 'mended')", [], {"balances_equal_transfers", "corrections_mirror", "statements_recompute"}),
        ("UPDATE ledger_statement SET in_minor = in_minor + 1, closing_minor = closing_minor + 1 WHERE entries = 1", [], {"statements_recompute"}),
        ("UPDATE ledger_account SET currency = 'EUR' WHERE name = 'escrow:o'", [], {"transfers_balance", "transfers_keep_currency", "cash_covers_obligations"}),
    ],
)  # fmt: skip
def test_each_invariant_notices_its_breach(sql: str, values: list[object], names: set[str]) -> None:
    trade()
    assert violated() == set()
    # What no code can do is done here with the guards off, and taken back at the end.
    start = transaction.savepoint()
    db.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table, kind in (("ledger_account", "floor"), ("ledger_account", "ceiling")):
        db.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_{kind}")
    db.execute("SET LOCAL session_replication_role = replica")
    db.execute(sql, values)
    assert violated() == names
    transaction.savepoint_rollback(start)


def test_every_invariant_was_broken_above() -> None:
    marks = test_each_invariant_notices_its_breach.pytestmark
    broken = set().union(*[names for mark in marks if mark.name == "parametrize" for _, _, names in mark.args[1]])
    assert {f"ledger_{name}" for name in broken} == set(queries.INVARIANTS)
