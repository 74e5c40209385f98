"""Is a month's statement the sum of its entries to the fen, once and for all, however often it is closed?"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import Error, connection, transaction
from tests.trade import bazaar
from tests.trade.bazaar import at_once

from meadow.kernel import clock, db, sweeps
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import queries, services
from meadow.ledger.rules import month_of, next_month, span_of
from meadow.ledger.services import Transfer

pytestmark = pytest.mark.django_db

FIRST = datetime(2026, 3, 10, tzinfo=UTC)
MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


def move(minor: int, at: datetime, *, out: bool = False, currency: str = "CNY", party: str = "merchant:7") -> None:
    ends = [f"{party}:available", "psp:sandbox"]
    source, target = ends if out else ends[::-1]
    with clock.at(at):
        services.post(
            key=f"{party}{at.isoformat()}{minor}{out}{currency}", cause=("test", 1), kind="settle",
            transfers=[Transfer(source, target, Money(minor, currency))],
        )  # fmt: skip


def close(month: date, at: datetime = FIRST + timedelta(days=400)) -> int:
    with clock.at(at):
        return services.close_month(month=month)


def seen(kind: str = "merchant", party_id: int = 7) -> list[tuple[Any, ...]]:
    with clock.at(FIRST + timedelta(days=60)):
        return [
            (v.month, v.currency, v.opening_minor, v.in_minor, v.out_minor, v.closing_minor, v.entries, v.is_closed)
            for v in queries.months_of(kind, party_id)
            if v.account == "available"
        ]


def test_c3_7_a_statement_is_the_sum_of_its_entries_and_begins_where_the_last_one_ended() -> None:
    move(10_000, FIRST)
    move(3_333, FIRST + timedelta(days=1), out=True)
    move(7, FIRST + timedelta(days=2), currency="JPY")
    move(1, FIRST + timedelta(days=30))
    # 2026-03-31 16:00 UTC is April in Shanghai.
    move(500, datetime(2026, 3, 31, 15, 59, 59, tzinfo=UTC))
    move(600, datetime(2026, 3, 31, 16, 0, 0, tzinfo=UTC))
    running = seen()
    assert close(MARCH) == 2
    assert close(APRIL) == 1
    closed = seen()
    assert closed[:3] == [
        (APRIL, "CNY", 7_167, 601, 0, 7_768, 2, True),
        (MARCH, "CNY", 0, 10_500, 3_333, 7_167, 3, True),
        (MARCH, "JPY", 0, 7, 0, 7, 1, True),
    ]
    # What was counted while the months were open is what they closed with.
    assert sorted(row[:-1] for row in running) == sorted(row[:-1] for row in closed)
    for month, account, currency, closing in ((MARCH, "available", "CNY", 7_167), (APRIL, "available", "CNY", 7_768)):
        lines = [
            line for line in queries.lines_of_month("merchant", 7, month)
            if (line.account, line.currency) == (account, currency)
        ]  # fmt: skip
        assert lines[-1].balance_minor == closing
    assert queries.INVARIANTS["ledger_statements_recompute"]() == 0


def test_c3_7_closing_again_changes_nothing_and_nobody_can_restate() -> None:
    move(10_000, FIRST)
    assert close(MARCH) == 1
    before = seen()
    assert close(MARCH) == 1
    assert seen() == before
    for statement in ("UPDATE ledger_statement SET in_minor = 1", "DELETE FROM ledger_closedmonth"):
        with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_c3_7_a_month_closes_after_its_end_and_in_its_order() -> None:
    move(10_000, FIRST)
    with pytest.raises(Refusal) as early:
        close(MARCH, datetime(2026, 3, 31, 15, 59, tzinfo=UTC))
    assert (early.value.code, early.value.status) == ("month_open", 409)
    with pytest.raises(Refusal):
        close(APRIL)
    assert queries.next_close_due() == datetime(2026, 3, 31, 17, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_c3_7_two_who_close_at_once_make_one_statement() -> None:
    move(10_000, FIRST)
    assert at_once([lambda: close(MARCH)] * 3) == [1, 1, 1]
    assert db.call("SELECT count(*) FROM ledger_statement") == 1


def test_c3_7_the_clock_closes_the_months_and_their_lines_add_up_to_the_ledger() -> None:
    mei, shop = bazaar.creator(), bazaar.shop()
    bowl, bo = bazaar.goods(shop), bazaar.person()
    order = bazaar.paid(bazaar.services.LineIn(bowl.sku_id, 1, bazaar.click(mei, bowl)), buyer=bo)
    bazaar.settled(order)
    bazaar.refund(bazaar.again(order), 3_333)
    sweeps.advance(clock.now() + timedelta(days=70))
    for kind, party_id in (("merchant", shop.merchant_id), ("creator", mei.pk)):
        months = [view for view in queries.months_of(kind, party_id) if view.is_closed]
        assert months
        assert months[0].closing_minor == queries.balance(f"{kind}:{party_id}:{months[0].account}", "CNY")
        for view in months:
            lines = [one for one in queries.lines_of_month(kind, party_id, view.month) if one.account == view.account]
            assert view.in_minor == sum(one.amount_minor for one in lines if one.amount_minor > 0)
            assert view.out_minor == -sum(one.amount_minor for one in lines if one.amount_minor < 0)
            assert view.entries == len(lines)
    assert queries.INVARIANTS["ledger_statements_recompute"]() == 0
    assert bazaar.violations() == {}


def test_months_are_those_of_the_installations_time_zone() -> None:
    assert month_of(datetime(2026, 3, 31, 16, tzinfo=UTC), "Asia/Shanghai") == APRIL
    assert next_month(date(2026, 12, 1)) == date(2027, 1, 1)
    start, end = span_of(date(2026, 10, 1), "Europe/Berlin")  # the clocks go back in it
    assert end - start == timedelta(days=31, hours=1)


def test_c3_7_what_is_booked_late_falls_into_the_open_month_and_restates_nothing() -> None:
    move(10_000, FIRST)
    close(MARCH)
    before = db.rows("SELECT * FROM ledger_statement ORDER BY account_id", [])
    # A worker that was away settles at a due time in the month that others have closed meanwhile.
    move(700, FIRST + timedelta(days=5))
    booked = db.one("SELECT at FROM ledger_posting ORDER BY id DESC LIMIT 1", [])
    assert booked is not None
    assert booked["at"] == span_of(APRIL, "Asia/Shanghai")[0]
    assert db.rows("SELECT * FROM ledger_statement ORDER BY account_id", []) == before
    close(APRIL)
    assert queries.INVARIANTS["ledger_statements_recompute"]() == 0
