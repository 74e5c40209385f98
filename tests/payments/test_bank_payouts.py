"""D6: can money leave to the bank only in the right name, after a rest, with two people, once, and does the file agree?"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.ledger.test_post import at_once
from tests.payments.conftest import cny, give
from tests.trade import bazaar

from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.errors import Refusal
from meadow.ledger import queries as ledger
from meadow.ledger.services import collect_party
from meadow.payments import queries, services, tasks
from meadow.payments.services import Payout

pytestmark = pytest.mark.django_db
HOURS_72 = timedelta(hours=72)


@pytest.fixture
def mei() -> tuple[str, int]:
    """A creator with 1000.00, a verified name and a bank account in it."""
    party = ("creator", bazaar.creator().pk)
    services.note_verified_name(party=party, name="王小明", source="test")
    set_account(party)
    give(party, 100_000)
    return party


def set_account(party: tuple[str, int], holder: str = "王小明", number: str = "6222020012345678") -> None:
    services.set_bank_account(
        party=party, holder=holder, bank="Bank of Meadows", number=number, by=Actor("person", bazaar.person()),
        is_stepped_up=True,
    )  # fmt: skip


def ask(party: tuple[str, int], minor: int, key: str = "w", *, is_stepped_up: bool = True) -> Payout:
    by = Actor("person", bazaar.person())
    return services.withdraw(
        key=key, party=party, amount=cny(minor), by=by, provider="bank", is_stepped_up=is_stepped_up
    )


def available(party: tuple[str, int]) -> int:
    return ledger.available(f"{party[0]}:{party[1]}:available", "CNY")


def result_of(payouts: list[Payout], said: str = "paid") -> bytes:
    lines = [
        f"{one.public_id},{one.amount_minor // 100}.{one.amount_minor % 100:02},CNY,{said},B{one.pk},x"
        for one in payouts
    ]
    return "\r\n".join(["payout,amount,currency,result,bank_ref,reason", *lines]).encode()


def test_d6_1_more_than_available_is_refused(mei: tuple[str, int]) -> None:
    with pytest.raises(Refusal, match="insufficient_funds"):
        ask(mei, 100_001)
    with pytest.raises(Refusal, match="step_up_required"):
        ask(mei, 100, is_stepped_up=False)
    assert available(mei) == 100_000


@pytest.mark.django_db(transaction=True)
def test_d6_1_two_at_once_for_the_whole_balance_one_succeeds(mei: tuple[str, int]) -> None:
    answers = at_once(lambda: ask(mei, 100_000, "a").state, lambda: ask(mei, 100_000, "b").state)
    assert sorted(map(str, answers)) == ["insufficient_funds", "requested"]
    assert available(mei) == 0


def test_d6_2_what_the_bank_returns_comes_back_once(mei: tuple[str, int]) -> None:
    payout = ask(mei, 60_000)
    batch = services.export_batch(currency="CNY", by=SYSTEM, is_stepped_up=True)
    answer = result_of([payout], "failed")
    for expected in ((0, 1, 0), (0, 0, 1)):
        done = services.import_results(public_id=batch.public_id, data=answer, by=SYSTEM, is_stepped_up=True)
        assert (done.paid, done.failed, done.repeated) == expected
    assert (queries.payout(payout.public_id).state, available(mei)) == ("failed", 100_000)
    with pytest.raises(Refusal, match="result_file_refused"):
        services.import_results(public_id=batch.public_id, data=result_of([payout]), by=SYSTEM, is_stepped_up=True)


def test_d6_3_only_accounts_in_the_verified_name_are_paid(mei: tuple[str, int]) -> None:
    with pytest.raises(Refusal, match="holder_name_differs"):
        set_account(mei, holder="李雷")
    set_account(mei, holder=" 王 小明 ", number="6222020099999999")  # spaces make no other name
    services.note_verified_name(party=mei, name="李雷", source="test")  # whose identity it is was corrected since
    with pytest.raises(Refusal, match="holder_name_differs"):
        ask(mei, 100)
    other = ("creator", bazaar.creator("Lin").pk)
    with pytest.raises(Refusal, match="identity_unverified"):
        set_account(other)
    with pytest.raises(Refusal, match="bank_details_missing"):
        ask(other, 100)
    for bad in ("12", "6222 0200 <b>", "=1+1"):
        with pytest.raises(Refusal, match="bank_details_refused"):
            set_account(mei, "李雷", bad)


def test_d6_4_after_a_change_of_bank_details_payouts_rest_for_72_hours(mei: tuple[str, int]) -> None:
    assert ask(mei, 100, "first").state == "requested"  # the first account needs no rest: nobody was paid before
    set_account(mei, number="6222020099999999")
    payout = ask(mei, 1_000, "second")
    assert payout.state == "held"
    until = clock.now() + HOURS_72
    with clock.at(until - timedelta(minutes=1)):
        tasks.free_payouts(10, clock.now())
    assert queries.payout(payout.public_id).state == "held"
    with clock.at(until + timedelta(minutes=1)):
        tasks.free_payouts(10, clock.now())
    assert queries.payout(payout.public_id).state == "requested"
    set_account(mei, number="6222020099999999")  # the same again is no change
    assert queries.bank_account_of(mei).tail == "9999"  # type: ignore[union-attr]


def test_d6_5_what_is_owed_is_paid_first(mei: tuple[str, int]) -> None:
    ask(mei, 100_000)
    collect_party(
        key="claw", party=mei, target="refund:rfd_1", amount=cny(3_000), cause=("trade.refund", 1), kind="refund"
    )
    with pytest.raises(Refusal, match="receivable_outstanding"):
        ask(mei, 1, "again")
    give(mei, 5_000, "next")
    with pytest.raises(Refusal, match="insufficient_funds|receivable_outstanding"):
        ask(mei, 2_001, "more")
    assert ask(mei, 2_000, "surplus").amount_minor == 2_000


def test_d6_6_the_report_agrees_with_the_banks_file(mei: tuple[str, int], settings: Any) -> None:
    settings.MEADOW = replace(settings.MEADOW, payout_approval_minor=50_000)
    small, large = ask(mei, 12_345, "small"), ask(mei, 60_000, "large")
    assert (small.state, large.state) == ("requested", "approving")
    otto, olga = bazaar.operator("Otto"), bazaar.operator("Olga")

    def approve(by: Actor) -> None:
        services.approve_payout(public_id=large.public_id, by=by, is_stepped_up=True)

    approve(otto)
    with pytest.raises(Refusal, match="second_person_needed"):
        approve(otto)
    asker = Actor("person", queries.payout(large.public_id).requested_by_id)
    with pytest.raises(Refusal, match="second_person_needed"):
        approve(asker)
    approve(olga)
    batch = services.export_batch(currency="CNY", by=otto, is_stepped_up=True)
    text = services.batch_file(public_id=batch.public_id, by=otto, is_stepped_up=True).decode("utf-8-sig")
    assert [line.split(",")[4] for line in text.splitlines()[1:]] == ["123.45", "600.00"]
    assert "\t6222020012345678" in text  # whole in a spreadsheet
    with pytest.raises(Refusal, match="nothing_to_export"):
        services.export_batch(currency="CNY", by=otto, is_stepped_up=True)
    half = result_of([small]), result_of([large], "failed")
    services.import_results(public_id=batch.public_id, data=half[0], by=otto, is_stepped_up=True)
    assert not services.batch_report(public_id=batch.public_id).is_reconciled
    services.import_results(public_id=batch.public_id, data=half[1], by=otto, is_stepped_up=True)
    report = services.batch_report(public_id=batch.public_id)
    assert report.is_reconciled
    assert (report.paid_minor, report.failed_minor, report.open_minor) == (12_345, 60_000, 0)
    assert (batch.count, batch.total_minor) == (2, 72_345)
    assert ledger.balance("psp:bank", "CNY") == 12_345
    assert available(mei) == 87_655


@pytest.mark.parametrize("data", [b"", b"\xff", b"payout\n", b"payout,amount,currency,result\nx,1.00,CNY,paid"])
def test_d6_6_a_file_that_is_not_the_banks_changes_nothing(mei: tuple[str, int], data: bytes) -> None:
    payout = ask(mei, 5_000)
    batch = services.export_batch(currency="CNY", by=SYSTEM, is_stepped_up=True)
    with pytest.raises(Refusal, match="result_file_refused"):
        services.import_results(public_id=batch.public_id, data=data, by=SYSTEM, is_stepped_up=True)
    twice = result_of([payout]) + b"\r\n" + result_of([payout]).splitlines()[1]
    with pytest.raises(Refusal, match="result_file_refused"):
        services.import_results(public_id=batch.public_id, data=twice, by=SYSTEM, is_stepped_up=True)
    assert queries.payout(payout.public_id).state == "requested" or queries.payout(payout.public_id).state == "pending"


def test_a_payout_that_is_called_off_comes_back(mei: tuple[str, int]) -> None:
    payout = ask(mei, 5_000)
    services.refuse_payout(public_id=payout.public_id, reason="Asked by phone.", by=SYSTEM, is_stepped_up=True)
    assert (queries.payout(payout.public_id).state, available(mei)) == ("failed", 100_000)
    with pytest.raises(Refusal, match="stale_state"):
        services.refuse_payout(public_id=payout.public_id, reason="Again.", by=SYSTEM, is_stepped_up=True)


def test_bank_details_are_sealed_in_the_database(mei: tuple[str, int]) -> None:
    account = queries.bank_account_of(mei)
    assert account is not None
    assert b"6222020012345678" not in bytes(account.number_sealed)
    assert "王小明".encode() not in bytes(account.holder_sealed)
