"""What a merchant has to do and where the money is; a month of a party's money as a file; what a refund was about."""

import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from meadow.kernel import clock, db
from meadow.kernel.money import decimal_text
from meadow.ledger import queries as ledger
from meadow.ledger.queries import MonthLine

PIECE = 500
COLUMNS = ("time", "account", "entry", "cause", "order", "amount", "balance", "currency")
SOON = timedelta(days=2)
SELLERS_TURN = ("asked", "returned", "replacing")  # the claims that wait for the merchant


@dataclass(frozen=True, slots=True)
class ToDos:
    """What waits for a merchant.

    late: orders paid for more than two days ago and not sent; claims_soon: claims whose time ends within two days.
    """

    to_ship: int
    late: int
    claims: int
    claims_soon: int
    refunds_waiting: int


@dataclass(frozen=True, slots=True)
class EscrowView:
    """A merchant's money in one currency that is not in the balance yet, by where it waits.

    to_ship, on_the_way, received: in escrow, by what must happen next.  held: it left escrow because the provider
    would not hold it any longer, and is under the same claims.
    """

    currency: str
    to_ship_minor: int
    on_the_way_minor: int
    received_minor: int
    held_minor: int
    released_minor: int  # what ever left escrow for the merchant

    @property
    def in_escrow_minor(self) -> int:
        return self.to_ship_minor + self.on_the_way_minor + self.received_minor


@dataclass(frozen=True, slots=True)
class RefundFace:
    """What a refund was about, for who earned on its order."""

    refund: str
    order: str
    kind: str
    reason: str


def todos_of_merchant(merchant_id: int) -> ToDos:
    """One statement."""
    now = clock.now()
    row = db.one(
        "SELECT (SELECT count(*) FROM trade_order WHERE merchant_id = %(m)s AND state IN ('paid', 'part_shipped')) "
        "AS to_ship, (SELECT count(*) FROM trade_order WHERE merchant_id = %(m)s AND state IN ('paid', 'part_shipped') "
        "AND paid_at < %(late)s) AS late, (SELECT count(*) FROM trade_claim WHERE merchant_id = %(m)s AND state = ANY(%(turn)s)) AS claims, "
        "(SELECT count(*) FROM trade_claim WHERE merchant_id = %(m)s AND state = ANY(%(turn)s) AND due_at < %(soon)s) "
        "AS claims_soon, (SELECT count(*) FROM trade_refund r JOIN trade_order o ON o.id = r.order_id "
        "WHERE o.merchant_id = %(m)s AND r.state = 'pending') AS refunds_waiting",
        {"m": merchant_id, "late": now - SOON, "soon": now + SOON, "turn": list(SELLERS_TURN)},
    )
    assert row is not None
    return ToDos(**row)


def escrow_of_merchant(merchant_id: int) -> list[EscrowView]:
    """A merchant's money in escrow and beyond, per currency."""
    waiting = db.rows(
        "SELECT currency, coalesce(sum(minor) FILTER (WHERE state IN ('paid', 'part_shipped')), 0)::bigint AS to_ship, "
        "coalesce(sum(minor) FILTER (WHERE state = 'shipped'), 0)::bigint AS on_the_way, "
        "coalesce(sum(minor) FILTER (WHERE state = 'confirmed'), 0)::bigint AS received FROM ("
        "SELECT currency, state, total_minor - refunded_minor AS minor FROM trade_order WHERE merchant_id = %s "
        "AND state IN ('paid', 'part_shipped', 'shipped', 'confirmed') AND held_at IS NULL) o GROUP BY currency",
        [merchant_id],
    )
    by_currency = {row["currency"]: row for row in waiting}
    held = {c: minor for (_, c), minor in ledger.nonzero_balances(f"merchant:{merchant_id}:held").items()}
    released = ledger.came_from_orders("merchant", merchant_id)
    nothing = {"to_ship": 0, "on_the_way": 0, "received": 0}
    views = []
    for currency in sorted(by_currency.keys() | held.keys() | released.keys()):
        row = by_currency.get(currency, nothing)
        views.append(
            EscrowView(
                currency=currency, to_ship_minor=row["to_ship"], on_the_way_minor=row["on_the_way"],
                received_minor=row["received"], held_minor=held.get(currency, 0),
                released_minor=released.get(currency, 0),
            )
        )  # fmt: skip
    return views


def month_csv(kind: str, party_id: int, month: date) -> Iterator[bytes]:
    """Every entry of a party's month as a CSV file, with the order that caused it; it adds up to the statement."""
    yield ("\ufeff" + _csv_line(COLUMNS)).encode()
    lines = ledger.lines_of_month(kind, party_id, month)
    while piece := list(islice(lines, PIECE)):
        orders = _order_names({int(line.cause_id) for line in piece if line.cause_kind == "trade.order"})
        yield "".join(_csv_line(_row(line, orders)) for line in piece).encode()


def refund_faces(public_ids: Collection[str]) -> dict[str, RefundFace]:
    """What refunds were about, by their public ids; one statement."""
    found = db.rows(
        "SELECT r.public_id AS refund, o.public_id AS order, r.kind, r.reason FROM trade_refund r "
        "JOIN trade_order o ON o.id = r.order_id WHERE r.public_id = ANY(%s::text[])",
        [list(public_ids)],
    )
    return {row["refund"]: RefundFace(**row) for row in found}


def line_faces(line_ids: Collection[int]) -> dict[int, tuple[str, str, str]]:
    """Of order lines: their public id, their order's, and what was bought; one statement."""
    found = db.rows(
        "SELECT l.id, l.public_id AS line, o.public_id AS order, l.title FROM trade_orderline l "
        "JOIN trade_order o ON o.id = l.order_id WHERE l.id = ANY(%s::bigint[])",
        [list(line_ids)],
    )
    return {row["id"]: (row["line"], row["order"], row["title"]) for row in found}


def _order_names(ids: Collection[int]) -> dict[int, str]:
    found = db.rows("SELECT id, public_id FROM trade_order WHERE id = ANY(%s::bigint[])", [list(ids)])
    return {row["id"]: row["public_id"] for row in found}


def _row(line: MonthLine, orders: dict[int, str]) -> tuple[str, ...]:
    order = orders.get(int(line.cause_id), "") if line.cause_kind == "trade.order" else ""
    cause = order or f"{line.cause_kind} {line.cause_id}"
    return (
        line.at.isoformat(timespec="seconds"), line.account, line.kind, cause, order,
        decimal_text(line.amount_minor, line.currency), decimal_text(line.balance_minor, line.currency), line.currency,
    )  # fmt: skip


def _csv_line(cells: tuple[str, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
