"""How a month is closed and what it holds: statements as sums of entries, and the entries themselves, line by line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings

from meadow.kernel import clock, db
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.ledger import rules

PIECE = 500
ACCOUNTS = ("available", "receivable", "held")


@dataclass(frozen=True, slots=True)
class MonthView:
    """What moved on one account of a party in a month; is_closed is False for the month that still runs."""

    month: date
    account: str  # available, receivable or held
    currency: str
    opening_minor: int
    in_minor: int
    out_minor: int
    closing_minor: int
    entries: int
    is_closed: bool


@dataclass(frozen=True, slots=True)
class MonthLine:
    """One entry of a month, with the balance of its account after it."""

    transfer_id: int
    at: datetime
    account: str
    currency: str
    kind: str
    cause_kind: str
    cause_id: str
    counterparty: str
    amount_minor: int  # negative when it left
    balance_minor: int


# Every entry of accounts between two moments, from each side.
_MOVED = (
    "SELECT t.id, t.target_id AS account_id, t.source_id AS other_id, t.amount_minor AS minor, p.at, p.kind, "
    "p.cause_kind, p.cause_id FROM ledger_posting p JOIN ledger_transfer t ON t.posting_id = p.id "
    "WHERE p.at >= %(start)s AND p.at < %(end)s UNION ALL "
    "SELECT t.id, t.source_id, t.target_id, -t.amount_minor, p.at, p.kind, p.cause_kind, p.cause_id "
    "FROM ledger_posting p JOIN ledger_transfer t ON t.posting_id = p.id WHERE p.at >= %(start)s AND p.at < %(end)s"
)
_PARTIES = "a.name ~ '^(merchant|creator):'"
_CLOSE = (
    "INSERT INTO ledger_statement (account_id, month_id, opening_minor, in_minor, out_minor, closing_minor, entries) "
    "SELECT m.account_id, %(month)s, coalesce(b.closing_minor, 0), m.come, m.gone, "
    "coalesce(b.closing_minor, 0) + m.come - m.gone, m.entries FROM (SELECT e.account_id, "
    "coalesce(sum(e.minor) FILTER (WHERE e.minor > 0), 0)::bigint AS come, "
    "coalesce(-sum(e.minor) FILTER (WHERE e.minor < 0), 0)::bigint AS gone, count(*)::integer AS entries "
    f"FROM ({_MOVED}) e JOIN ledger_account a ON a.id = e.account_id WHERE {_PARTIES} GROUP BY e.account_id) m "
    "LEFT JOIN LATERAL (SELECT s.closing_minor FROM ledger_statement s WHERE s.account_id = m.account_id "
    "AND s.month_id < %(month)s ORDER BY s.month_id DESC LIMIT 1) b ON true"
)
_OF_PARTY = "SELECT id, name, currency FROM ledger_account WHERE name = ANY(%(names)s::text[])"


def close_month(*, month: date) -> int:
    """Makes the statements of a month that is over, one per account that moved; twice is once.

    Months close in their order, so each begins where the one before ended.  Returns how many statements it has.
    Refuses: month_open, malformed.
    """
    start, end = rules.span_of(month, settings.MEADOW.time_zone)
    with atomic():
        db.call("SELECT pg_advisory_xact_lock(hashtextextended('ledger:close_month', 0))")
        if db.call("SELECT 1 FROM ledger_closedmonth WHERE month = %s", [month]):
            return int(db.call("SELECT count(*) FROM ledger_statement WHERE month_id = %s", [month]))
        if clock.now() < end:
            raise Refusal("month_open", month=f"{month:%Y-%m}")
        if month != next_to_close():
            raise Refusal("malformed", field="month", why="close the months in their order")
        values = {"month": month, "start": start, "end": end}
        db.execute(
            "INSERT INTO ledger_closedmonth (month, starts_at, ends_at, closed_at) "
            "VALUES (%(month)s, %(start)s, %(end)s, %(now)s)",
            values | {"now": clock.now()},
        )
        return db.execute(_CLOSE, values)


def next_to_close() -> date | None:
    """The month after the last closed one; at first that of the first posting."""
    last: date | None = db.call("SELECT max(month) FROM ledger_closedmonth")
    if last is not None:
        return rules.next_month(last)
    first: datetime | None = db.call("SELECT at FROM ledger_posting ORDER BY id LIMIT 1")
    return rules.month_of(first, settings.MEADOW.time_zone) if first is not None else None


def next_close_due() -> datetime | None:
    """When the next month is closed: an hour after it ended."""
    month = next_to_close()
    return rules.span_of(month, settings.MEADOW.time_zone)[1] + rules.CLOSE_AFTER if month is not None else None


def months_of(kind: str, party_id: int, limit: int = 60) -> list[MonthView]:
    """A party's closed months and the one that runs, the newest first, each account with its sums.

    Refuses: malformed.
    """
    accounts = {row["id"]: row for row in db.rows(_OF_PARTY, {"names": _names(kind, party_id)})}
    found = db.rows(
        "SELECT account_id, month_id AS month, opening_minor, in_minor, out_minor, closing_minor, entries "
        "FROM ledger_statement WHERE account_id = ANY(%s) ORDER BY month_id DESC, account_id LIMIT %s",
        [list(accounts), limit],
    )
    closed = [
        MonthView(
            account=_short(accounts[account_id]["name"]),
            currency=accounts[account_id]["currency"],
            is_closed=True,
            **row,
        )
        for row in found
        for account_id in (row.pop("account_id"),)
    ]
    return [*_running(kind, party_id), *closed]


def lines_of_month(kind: str, party_id: int, month: date) -> Iterator[MonthLine]:
    """Every entry of a party's accounts in a month, in order, read in pieces.  Refuses: malformed."""
    start, end = rules.span_of(month, settings.MEADOW.time_zone)
    accounts = {row["id"]: row for row in db.rows(_OF_PARTY, {"names": _names(kind, party_id)})}
    balance = {account_id: _balance_before(account_id, month, start) for account_id in accounts}
    after = (0, 0)
    while True:
        rows = db.rows(
            "SELECT m.id AS transfer_id, m.account_id, m.at, m.kind, m.cause_kind, m.cause_id, "
            f"o.name AS counterparty, m.minor AS amount_minor FROM ({_OF_ACCOUNTS}) m "
            "JOIN ledger_account o ON o.id = m.other_id WHERE (m.id, m.account_id) > (%(id)s, %(account)s) "
            "ORDER BY m.id, m.account_id LIMIT %(piece)s",
            {
                "start": start, "end": end, "accounts": list(accounts), "id": after[0], "account": after[1],
                "piece": PIECE,
            },
        )  # fmt: skip
        for row in rows:
            account_id = row.pop("account_id")
            after = (row["transfer_id"], account_id)
            balance[account_id] += row["amount_minor"]
            of = accounts[account_id]
            yield MonthLine(
                account=_short(of["name"]), currency=of["currency"], balance_minor=balance[account_id], **row
            )
        if len(rows) < PIECE:
            return


# The same for a few accounts, by their own indexes.
_OF_ACCOUNTS = (
    "SELECT t.id, t.target_id AS account_id, t.source_id AS other_id, t.amount_minor AS minor, p.at, p.kind, "
    "p.cause_kind, p.cause_id FROM ledger_transfer t JOIN ledger_posting p ON p.id = t.posting_id "
    "WHERE t.target_id = ANY(%(accounts)s) AND p.at >= %(start)s AND p.at < %(end)s UNION ALL "
    "SELECT t.id, t.source_id, t.target_id, -t.amount_minor, p.at, p.kind, p.cause_kind, p.cause_id "
    "FROM ledger_transfer t JOIN ledger_posting p ON p.id = t.posting_id "
    "WHERE t.source_id = ANY(%(accounts)s) AND p.at >= %(start)s AND p.at < %(end)s"
)


def statements_recompute() -> int:
    """The statements of the newest closed months are the sums of their entries, and begin where the last one ended."""
    return int(
        db.call(
            "SELECT count(*) FROM (SELECT month, starts_at, ends_at FROM ledger_closedmonth "
            "ORDER BY month DESC LIMIT 2) c JOIN ledger_statement s ON s.month_id = c.month CROSS JOIN LATERAL ("
            "SELECT coalesce(sum(minor), 0) AS minor, count(*) AS entries FROM ("
            "SELECT t.amount_minor AS minor FROM ledger_transfer t JOIN ledger_posting p ON p.id = t.posting_id "
            "WHERE t.target_id = s.account_id AND p.at >= c.starts_at AND p.at < c.ends_at UNION ALL "
            "SELECT -t.amount_minor FROM ledger_transfer t JOIN ledger_posting p ON p.id = t.posting_id "
            "WHERE t.source_id = s.account_id AND p.at >= c.starts_at AND p.at < c.ends_at) e) m "
            "LEFT JOIN LATERAL (SELECT b.closing_minor FROM ledger_statement b WHERE b.account_id = s.account_id "
            "AND b.month_id < s.month_id ORDER BY b.month_id DESC LIMIT 1) b ON true "
            "WHERE m.minor <> s.in_minor - s.out_minor OR m.entries <> s.entries "
            "OR s.opening_minor <> coalesce(b.closing_minor, 0)"
        )
    )


def _running(kind: str, party_id: int) -> list[MonthView]:
    """The month of now, and a month that has ended but is not closed yet, counted on the spot."""
    month, now_month = next_to_close(), rules.month_of(clock.now(), settings.MEADOW.time_zone)
    found: list[MonthView] = []
    while month is not None and month <= now_month:
        found = [*_counted(kind, party_id, month), *found]
        month = rules.next_month(month)
    return found


def _counted(kind: str, party_id: int, month: date) -> list[MonthView]:
    sums: dict[tuple[str, str], list[int]] = {}
    for line in lines_of_month(kind, party_id, month):
        one = sums.setdefault((line.account, line.currency), [line.balance_minor - line.amount_minor, 0, 0, 0])
        one[1 if line.amount_minor > 0 else 2] += abs(line.amount_minor)
        one[3] += 1
    return [
        MonthView(month, account, currency, opening, come, gone, opening + come - gone, entries, is_closed=False)
        for (account, currency), (opening, come, gone, entries) in sorted(sums.items())
    ]


def _balance_before(account_id: int, month: date, start: datetime) -> int:
    """From the last statement before, and what came since: little, unless months were left open."""
    row = db.one(
        "SELECT s.closing_minor, c.ends_at FROM ledger_statement s JOIN ledger_closedmonth c ON c.month = s.month_id "
        "WHERE s.account_id = %s AND s.month_id < %s ORDER BY s.month_id DESC LIMIT 1",
        [account_id, month],
    )
    since = row["ends_at"] if row else datetime.min.replace(tzinfo=start.tzinfo, year=1970)
    moved = db.call(
        f"SELECT coalesce(sum(m.minor), 0)::bigint FROM ({_OF_ACCOUNTS}) m",
        {"accounts": [account_id], "start": since, "end": start},
    )
    return int(row["closing_minor"] if row else 0) + int(moved)


def _names(kind: str, party_id: int) -> list[str]:
    if kind not in rules.PARTIES:
        raise Refusal("malformed", field="kind", why="merchant or creator")
    return [f"{kind}:{party_id}:{account}" for account in ACCOUNTS]


def _short(name: str) -> str:
    return name.rpartition(":")[2]
