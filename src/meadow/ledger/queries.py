"""What can be read of the money: balances, statements, entries by cause, invariants; and the pure split and reversal.

Raw SQL only, so that the pure functions can be had from here without Django's tables being loaded.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from meadow.kernel import db
from meadow.kernel.errors import Refusal
from meadow.ledger.invariants import INVARIANTS
from meadow.ledger.months import MonthLine, MonthView, lines_of_month, months_of, next_close_due, next_to_close
from meadow.ledger.rules import (
    LARGEST_MINOR,
    MOST_STATEMENT_LINES,
    NOTHING,
    PARTIES,
    Split,
    reversal,
    shipping_split,
    split,
    step,
    total_of,
)

__all__ = [
    "INVARIANTS",
    "LARGEST_MINOR",
    "NEXT_HOLD_DUE",
    "NOTHING",
    "Debt",
    "Entry",
    "HoldView",
    "MonthLine",
    "MonthView",
    "PartyBalance",
    "Split",
    "StatementLine",
    "TakenBack",
    "available",
    "balance",
    "balances",
    "came_from_orders",
    "debts",
    "entries_of",
    "holds_of",
    "lines_of_month",
    "months_of",
    "next_close_due",
    "next_to_close",
    "nonzero_balances",
    "party_balances",
    "party_credits",
    "posting_of",
    "reversal",
    "run_invariants",
    "shipping_split",
    "split",
    "statement",
    "step",
    "taken_back",
    "total_of",
    "withdrawable",
]

#: The statement that tells when the earliest open hold ends.
NEXT_HOLD_DUE = "SELECT min(until) FROM ledger_hold WHERE state = 'open'"


@dataclass(frozen=True, slots=True)
class Debt:
    """What a merchant or creator owes in one currency."""

    kind: str
    party_id: int
    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class PartyBalance:
    """What a party has in one currency: available in all, how much of it is held, what it owes, what it may take."""

    currency: str
    available_minor: int
    held_minor: int
    receivable_minor: int  # zero or below
    withdrawable_minor: int


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement of an account, with the balance after it and its cause."""

    transfer_id: int
    posting_id: int
    at: datetime
    kind: str
    cause_kind: str
    cause_id: str
    counterparty: str
    amount_minor: int  # negative when it left
    balance_minor: int
    note: dict[str, Any] | None

    @property
    def rule(self) -> str | None:
        """The rule that a posting rests on, where it names one."""
        return (self.note or {}).get("rule")


@dataclass(frozen=True, slots=True)
class Entry:
    """One transfer of a cause, as it stands in the ledger."""

    transfer_id: int
    posting_id: int
    key: str
    kind: str
    at: datetime
    source: str
    target: str
    currency: str
    amount_minor: int
    note: dict[str, Any] | None
    reverses: int | None


@dataclass(frozen=True, slots=True)
class HoldView:
    """Money set apart, for whom and until when."""

    hold_id: int
    account: str
    currency: str
    amount_minor: int
    remaining_minor: int
    state: str
    until: datetime
    closed_at: datetime | None


def balance(name: str, currency: str) -> int:
    """The balance of an account in minor units; 0 for one that was never used."""
    return int(db.call("SELECT ledger_balance(%s, %s)", [name, currency]))


def balances(names: Iterable[str], currency: str) -> dict[str, int]:
    """The balances of several accounts in one statement."""
    found = db.rows(
        "SELECT n.name, ledger_balance(n.name, %s) AS minor FROM unnest(%s::text[]) AS n(name)",
        [currency, list(names)],
    )
    return {row["name"]: int(row["minor"]) for row in found}


def nonzero_balances(prefix: str) -> dict[tuple[str, str], int]:
    """Every account whose name begins so and whose stored balance is not zero: (name, currency) to minor units."""
    found = db.rows(
        "SELECT name, currency, balance_minor FROM ledger_account WHERE starts_with(name, %s) AND balance_minor <> 0",
        [prefix],
    )
    return {(row["name"], row["currency"]): row["balance_minor"] for row in found}


def available(name: str, currency: str) -> int:
    """What can leave an account now: its balance without what is held."""
    found = db.call(
        "SELECT balance_minor - held_minor FROM ledger_account WHERE name = %s AND currency = %s", [name, currency]
    )
    return int(found or 0)


def withdrawable(kind: str, party_id: int, currency: str) -> int:
    """What a party may take out: what is free, after what it owes is paid."""
    for part in party_balances(kind, party_id):
        if part.currency == currency:
            return part.withdrawable_minor
    return 0


def party_balances(kind: str, party_id: int) -> list[PartyBalance]:
    """What a merchant or creator has, per currency.  Refuses: malformed."""
    if kind not in PARTIES:
        raise Refusal("malformed", field="kind", why="merchant or creator")
    found = db.rows(
        "SELECT a.currency, coalesce(max(balance_minor) FILTER (WHERE name LIKE '%%:available'), 0) AS available,"
        " coalesce(max(held_minor) FILTER (WHERE name LIKE '%%:available'), 0) AS held,"
        " coalesce(max(balance_minor) FILTER (WHERE name LIKE '%%:receivable'), 0) AS receivable"
        " FROM ledger_account a WHERE a.name IN (%s, %s) GROUP BY a.currency ORDER BY a.currency",
        [f"{kind}:{party_id}:available", f"{kind}:{party_id}:receivable"],
    )
    return [
        PartyBalance(
            row["currency"], row["available"], row["held"], row["receivable"],
            max(0, row["available"] - row["held"] + row["receivable"]),
        )
        for row in found
    ]  # fmt: skip


def debts(limit: int = 100) -> list[Debt]:
    """Who owes something, the largest debts of each currency first."""
    owing = db.rows(
        "SELECT name, currency, balance_minor FROM ledger_account WHERE name LIKE '%%:receivable' AND balance_minor < 0 "
        "ORDER BY currency, balance_minor, id LIMIT %s",
        [limit],
    )
    told = []
    for row in owing:
        kind, party_id, _account = row["name"].split(":")
        told.append(Debt(kind, int(party_id), row["currency"], -row["balance_minor"]))
    return told


def statement(name: str, currency: str, *, after_id: int = 0, limit: int = 100) -> list[StatementLine]:
    """The movements of an account in order, from after a transfer on, each with the balance it led to."""
    limit = max(1, min(limit, MOST_STATEMENT_LINES))
    found = db.rows(
        "WITH a AS (SELECT id FROM ledger_account WHERE name = %(name)s AND currency = %(currency)s),"
        " before AS (SELECT"
        "  coalesce((SELECT sum(amount_minor) FROM ledger_transfer, a WHERE target_id = a.id AND ledger_transfer.id"
        "   <= %(after)s), 0)"
        "  - coalesce((SELECT sum(amount_minor) FROM ledger_transfer, a WHERE source_id = a.id AND ledger_transfer.id"
        "   <= %(after)s), 0) AS minor),"
        " moved AS ("
        "  (SELECT t.id, t.posting_id, t.source_id AS other_id, t.amount_minor FROM ledger_transfer t, a"
        "   WHERE t.target_id = a.id AND t.id > %(after)s ORDER BY t.id LIMIT %(limit)s)"
        "  UNION ALL"
        "  (SELECT t.id, t.posting_id, t.target_id, -t.amount_minor FROM ledger_transfer t, a"
        "   WHERE t.source_id = a.id AND t.id > %(after)s ORDER BY t.id LIMIT %(limit)s))"
        " SELECT m.id AS transfer_id, m.posting_id, p.at, p.kind, p.cause_kind, p.cause_id, o.name AS counterparty,"
        " m.amount_minor, (b.minor + sum(m.amount_minor) OVER (ORDER BY m.id))::bigint AS balance_minor,"
        " p.note::text AS note"
        " FROM moved m CROSS JOIN before b JOIN ledger_posting p ON p.id = m.posting_id"
        " JOIN ledger_account o ON o.id = m.other_id ORDER BY m.id LIMIT %(limit)s",
        {"name": name, "currency": currency, "after": after_id, "limit": limit},
    )
    return [StatementLine(**row | {"note": _note(row["note"])}) for row in found]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a refund took back of a party: from what it had, or as a debt that its next income pays."""

    posting_id: int
    at: datetime
    currency: str
    amount_minor: int
    owed_minor: int  # of it, what the party did not have
    note: dict[str, Any] | None


def taken_back(kind: str, party_id: int, *, before_id: int | None = None, limit: int = 50) -> list[TakenBack]:
    """Every clawback of a party, the newest first; the note names the refund.  Refuses: malformed."""
    if kind not in PARTIES:
        raise Refusal("malformed", field="kind", why="merchant or creator")
    found = db.rows(
        "SELECT p.id AS posting_id, p.at, t.currency, sum(t.amount_minor)::bigint AS amount_minor, "
        "coalesce(sum(t.amount_minor) FILTER (WHERE a.name LIKE '%%:receivable'), 0)::bigint AS owed_minor, "
        "p.note::text AS note FROM ledger_account a JOIN ledger_transfer t ON t.source_id = a.id "
        "JOIN ledger_posting p ON p.id = t.posting_id WHERE a.name = ANY(%(names)s::text[]) AND p.kind = 'refund' "
        "AND (%(before)s::bigint IS NULL OR p.id < %(before)s) GROUP BY p.id, t.currency ORDER BY p.id DESC "
        "LIMIT %(limit)s",
        {
            "names": [f"{kind}:{party_id}:{account}" for account in ("available", "receivable", "held")],
            "before": before_id, "limit": max(1, min(limit, MOST_STATEMENT_LINES)),
        },
    )  # fmt: skip
    return [TakenBack(**row | {"note": _note(row["note"])}) for row in found]


def came_from_orders(kind: str, party_id: int) -> dict[str, int]:
    """What orders ever released to a party, per currency."""
    found = db.rows(
        "SELECT t.currency, sum(t.amount_minor)::bigint AS minor FROM ledger_account a JOIN ledger_transfer t "
        "ON t.target_id = a.id JOIN ledger_posting p ON p.id = t.posting_id WHERE a.name = %s AND p.kind = 'settle' "
        "GROUP BY t.currency",
        [f"{kind}:{party_id}:available"],
    )
    return {row["currency"]: row["minor"] for row in found}


def entries_of(cause: tuple[str, int | str]) -> list[Entry]:
    """Every transfer that names a cause, in order."""
    found = db.rows(
        "SELECT t.id AS transfer_id, p.id AS posting_id, p.key, p.kind, p.at, s.name AS source, g.name AS target,"
        " t.currency, t.amount_minor, p.note::text AS note, p.reverses_id AS reverses"
        " FROM ledger_posting p JOIN ledger_transfer t ON t.posting_id = p.id"
        " JOIN ledger_account s ON s.id = t.source_id JOIN ledger_account g ON g.id = t.target_id"
        " WHERE p.cause_kind = %s AND p.cause_id = %s ORDER BY t.id",
        [cause[0], str(cause[1])],
    )
    return [Entry(**row | {"note": _note(row["note"])}) for row in found]


def posting_of(key: str) -> int | None:
    """The posting of an idempotency key, if there is one."""
    found = db.call("SELECT id FROM ledger_posting WHERE key = %s", [key])
    return int(found) if found is not None else None


def holds_of(cause: tuple[str, int | str]) -> list[HoldView]:
    """Everything ever set apart for a cause."""
    found = db.rows(
        "SELECT h.id AS hold_id, a.name AS account, a.currency, h.amount_minor, h.remaining_minor, h.state, h.until,"
        " h.closed_at FROM ledger_hold h JOIN ledger_account a ON a.id = h.account_id"
        " WHERE h.cause_kind = %s AND h.cause_id = %s ORDER BY h.id",
        [cause[0], str(cause[1])],
    )
    return [HoldView(**row) for row in found]


def run_invariants() -> dict[str, int]:
    """Counts the violations of every invariant of the ledger; all zero on a sound one."""
    return {name: check() for name, check in sorted(INVARIANTS.items())}


def _note(text: str | None) -> dict[str, Any] | None:
    return json.loads(text) if text else None


def party_credits(kind: str, *, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """What parties of a kind were given in a period, by party, currency and cause: {party_id, currency, cause_kind,
    cause_id, minor}.  Their own money coming back from a payout is no gift."""
    return db.rows(
        "SELECT split_part(a.name, ':', 2)::bigint AS party_id, t.currency, p.cause_kind, p.cause_id, "
        "sum(t.amount_minor)::bigint AS minor FROM ledger_posting p JOIN ledger_transfer t ON t.posting_id = p.id "
        "JOIN ledger_account a ON a.id = t.target_id JOIN ledger_account s ON s.id = t.source_id "
        "WHERE p.at >= %s AND p.at < %s AND a.name LIKE %s AND p.cause_kind <> 'payments.payout' "
        "AND split_part(s.name, ':', 1) || split_part(s.name, ':', 2) "
        "<> split_part(a.name, ':', 1) || split_part(a.name, ':', 2) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
        [since, until, f"{PARTIES[PARTIES.index(kind)]}:%:available"],
    )
