"""What must always be true of the money: each invariant a named function that counts its violations.

They recompute from the transfers and trust no stored balance.
"""

from collections.abc import Callable

from meadow.kernel import db
from meadow.ledger.months import statements_recompute

# The sum of every account, from transfers alone.
_SUMS = """
    WITH moved AS (
        SELECT id, sum(minor)::bigint AS minor FROM (
            SELECT target_id AS id, sum(amount_minor) AS minor FROM ledger_transfer GROUP BY target_id
            UNION ALL SELECT source_id, -sum(amount_minor) FROM ledger_transfer GROUP BY source_id
        ) m GROUP BY id
    ), sums AS (
        SELECT a.*, coalesce(m.minor, 0) AS minor FROM ledger_account a LEFT JOIN moved m ON m.id = a.id
    )
"""


def transfers_balance() -> int:
    """Per currency everything that left accounts arrived in accounts: the sum over all accounts is zero."""
    return _count(_SUMS + "SELECT count(*) FROM (SELECT 1 FROM sums GROUP BY currency HAVING sum(minor) <> 0) x")


def transfers_keep_currency() -> int:
    """A transfer and both its accounts are in one currency, and it moves more than nothing."""
    return _count(
        "SELECT count(*) FROM ledger_transfer t LEFT JOIN ledger_account s ON s.id = t.source_id"
        " LEFT JOIN ledger_account g ON g.id = t.target_id WHERE s.currency IS DISTINCT FROM t.currency"
        " OR g.currency IS DISTINCT FROM t.currency OR t.amount_minor <= 0 OR t.source_id = t.target_id"
    )


def balances_equal_transfers() -> int:
    """The stored balance of an account is the sum of its transfers."""
    return _count(_SUMS + "SELECT count(*) FROM sums WHERE balance_minor <> minor")


def held_equals_open_holds() -> int:
    """What an account holds is the sum of what is left of its open holds."""
    return _count(
        "SELECT count(*) FROM ledger_account a FULL JOIN (SELECT account_id, sum(remaining_minor) AS minor"
        " FROM ledger_hold WHERE state = 'open' GROUP BY account_id) h ON h.account_id = a.id"
        " WHERE coalesce(a.held_minor, 0) <> coalesce(h.minor, 0)"
    )


def no_account_below_floor() -> int:
    """No account is below its floor, holds counted, or above its ceiling."""
    return _count(_SUMS + "SELECT count(*) FROM sums WHERE minor - held_minor < floor_minor OR minor > ceiling_minor")


def escrow_not_negative() -> int:
    """No order's escrow paid out more than was paid in."""
    return _count(_SUMS + "SELECT count(*) FROM sums WHERE name LIKE 'escrow:%%' AND minor < 0")


def receivables_equal_claims() -> int:
    """Per currency, what parties owe is what the platform claims."""
    return _count(
        _SUMS + "SELECT count(*) FROM (SELECT 1 FROM sums WHERE name LIKE '%%:receivable' OR name = 'platform:claims'"
        " GROUP BY currency HAVING sum(minor) <> 0) x"
    )


def receivables_equal_advance() -> int:
    """Per currency, what parties owe is what the platform advanced for them."""
    return _count(
        _SUMS + "SELECT count(*) FROM (SELECT 1 FROM sums GROUP BY currency"
        " HAVING coalesce(sum(minor) FILTER (WHERE name LIKE '%%:receivable'), 0)"
        " <> coalesce(sum(minor) FILTER (WHERE name = 'platform:advance'), 0)) x"
    )


def cash_covers_obligations() -> int:
    """Per currency, cash at the providers and what the platform lent cover escrow and all that is payable.

    What providers charged the platform, and the debts it gave up, count as lent: that has to be made up from the
    platform's own pocket.
    """
    return _count(
        _SUMS + "SELECT count(*) FROM (SELECT 1 FROM sums GROUP BY currency"
        " HAVING -coalesce(sum(minor) FILTER (WHERE name LIKE 'psp:%%'"
        " OR name IN ('platform:advance', 'platform:provider_cost', 'platform:written_off')), 0)"
        " < coalesce(sum(minor) FILTER (WHERE name LIKE ANY"
        " (ARRAY['escrow:%%', 'refund:%%', 'payout:%%', '%%:available', '%%:held'])), 0)) x"
    )


def snapshots_equal_transfers() -> int:
    """The snapshot of a system account is the sum of its transfers up to the watermark."""
    return _count(
        "WITH w AS (SELECT upto_id FROM ledger_watermark),"
        " moved AS (SELECT id, sum(minor) AS minor FROM ("
        "  SELECT target_id AS id, sum(amount_minor) AS minor FROM ledger_transfer, w WHERE id <= w.upto_id GROUP BY 1"
        "  UNION ALL SELECT source_id, -sum(amount_minor) FROM ledger_transfer, w WHERE id <= w.upto_id GROUP BY 1"
        " ) m GROUP BY id)"
        " SELECT count(*) FROM ledger_snapshot s LEFT JOIN moved ON moved.id = s.account_id"
        " WHERE s.balance_minor <> coalesce(moved.minor, 0)"
    )


def corrections_mirror() -> int:
    """A reversing posting moves back exactly what its original moved."""
    return _count(
        "WITH pair AS (SELECT id AS back, reverses_id AS there FROM ledger_posting WHERE reverses_id IS NOT NULL),"
        " net AS (SELECT p.back, t.source_id AS a, t.target_id AS b, t.amount_minor AS minor FROM pair p"
        "  JOIN ledger_transfer t ON t.posting_id = p.back"
        "  UNION ALL SELECT p.back, t.target_id, t.source_id, -t.amount_minor FROM pair p"
        "  JOIN ledger_transfer t ON t.posting_id = p.there)"
        " SELECT count(DISTINCT back) FROM (SELECT back FROM net GROUP BY back, a, b HAVING sum(minor) <> 0) x"
    )


def _count(sql: str) -> int:
    return int(db.call(sql))


INVARIANTS: dict[str, Callable[[], int]] = {
    "ledger_balances_equal_transfers": balances_equal_transfers,
    "ledger_cash_covers_obligations": cash_covers_obligations,
    "ledger_corrections_mirror": corrections_mirror,
    "ledger_escrow_not_negative": escrow_not_negative,
    "ledger_held_equals_open_holds": held_equals_open_holds,
    "ledger_no_account_below_floor": no_account_below_floor,
    "ledger_receivables_equal_advance": receivables_equal_advance,
    "ledger_receivables_equal_claims": receivables_equal_claims,
    "ledger_snapshots_equal_transfers": snapshots_equal_transfers,
    "ledger_statements_recompute": statements_recompute,
    "ledger_transfers_balance": transfers_balance,
    "ledger_transfers_keep_currency": transfers_keep_currency,
}
