"""Can a merchant or creator take out what is theirs, once, and never what they owe?  C3.4."""

from datetime import timedelta

import pytest
from tests.ledger.test_post import at_once
from tests.payments.conftest import cny, give, withdraw

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.ledger import queries as ledger
from meadow.ledger.services import Transfer, collect_party, credit_party, post
from meadow.payments import queries, services, tasks
from meadow.payments.rules import LATE_BY

pytestmark = pytest.mark.django_db
MEI = ("creator", 7)


def available() -> int:
    return ledger.available("creator:7:available", "CNY")


def events() -> list[str]:
    found = db.rows("SELECT kind FROM kernel_outboxevent WHERE kind LIKE 'Payout%%' ORDER BY id")
    return [row["kind"] for row in found]


def owe(minor: int) -> None:
    """A refund takes more than there is free."""
    collect_party(
        key=f"claw:{minor}", party=MEI, target="refund:rfd_1", amount=cny(minor), cause=("trade.refund", 1),
        kind="refund",
    )  # fmt: skip


def test_paid_at_once() -> None:
    give(MEI, 1_800)
    payout = withdraw("w1", 1_800)
    assert payout.state == "paid"
    assert available() == 0
    assert ledger.balance("psp:sandbox", "CNY") == 0
    assert ledger.balance(f"payout:{payout.public_id}", "CNY") == 0
    assert events() == ["PayoutPaid"]
    assert queries.payouts_of(MEI) == [payout]
    assert queries.payout(payout.public_id) == payout
    assert db.call("SELECT verb FROM kernel_auditentry WHERE subject_kind = 'payments.payout'") == "withdraw"


def test_the_same_key_pays_once() -> None:
    give(MEI, 100)
    first = withdraw("w1", 60)
    assert withdraw("w1", 60).pk == first.pk
    assert available() == 40
    with pytest.raises(Refusal, match="key_reused"), db.atomic():
        withdraw("w1", 40)


def test_no_more_than_is_free() -> None:
    give(MEI, 100)
    post(key="paid", cause=("trade.order", 1), kind="paid", transfers=[Transfer("psp:sandbox", "escrow:o", cny(50))])
    credit_party(
        key="held", party=MEI, source="escrow:o", amount=cny(50), cause=("trade.order", 1), kind="settled",
        hold_until=clock.now() + timedelta(days=15),
    )  # fmt: skip
    with pytest.raises(Refusal, match="insufficient_funds") as refused, db.atomic():
        withdraw("w1", 101)
    assert refused.value.params["available_minor"] == 100
    assert queries.payouts_of(MEI) == []
    assert withdraw("w1", 100).state == "paid"  # the refused key is free again
    with pytest.raises(Refusal, match="insufficient_funds"), db.atomic():
        withdraw("w2", 1)
    with pytest.raises(Refusal, match="insufficient_funds"), db.atomic():
        withdraw("w3", 1, ("merchant", 99))


def test_refused_in_words() -> None:
    for minor, party in ((0, MEI), (-5, MEI), (10**14, MEI), (5, ("buyer", 1))):
        with pytest.raises(Refusal, match="malformed"):
            withdraw("w", minor, party)


def test_a_failed_payout_comes_back_once() -> None:
    give(MEI, 100)
    services.sandbox_script(subject="payout", target="creator:7", behaviour="fail")
    payout = withdraw("w1", 100)
    assert payout.state == "failed"
    assert available() == 100
    assert withdraw("w1", 100).state == "failed"
    assert available() == 100
    assert events() == ["PayoutFailed"]
    assert withdraw("w2", 100).state == "paid"


def test_a_payout_on_its_way_is_nobodys_until_it_ends() -> None:
    give(MEI, 100)
    services.sandbox_script(subject="payout", target="creator:7", behaviour="late")
    payout = withdraw("w1", 100)
    assert payout.state == "pending"
    assert (available(), ledger.balance(f"payout:{payout.public_id}", "CNY")) == (0, 100)
    with clock.at(clock.now() + LATE_BY + timedelta(seconds=1)):
        tasks.send_notices(10, clock.now())
    assert queries.payout(payout.public_id).state == "paid"
    assert events() == ["PayoutPaid"]


def test_a_silent_provider_is_asked() -> None:
    give(MEI, 100)
    services.sandbox_script(subject="payout", target="creator:7", behaviour="timeout")
    payout = withdraw("w1", 100)
    assert payout.state == "pending"
    with clock.at(clock.now() + timedelta(minutes=3)):
        assert tasks.ask_payouts(10, clock.now()) == 1
    assert queries.payout(payout.public_id).state == "paid"


def test_c3_4_blocked_while_something_is_owed_and_only_the_surplus_can_go() -> None:
    give(MEI, 100)
    withdraw("w1", 100)
    owe(60)
    with pytest.raises(Refusal, match="receivable_outstanding") as refused, db.atomic():
        withdraw("w2", 1)
    assert refused.value.params == {"owed_minor": 60, "withdrawable_minor": 0}
    give(MEI, 100, "next")
    assert ledger.withdrawable("creator", 7, "CNY") == 40
    with pytest.raises(Refusal, match="insufficient_funds"), db.atomic():
        withdraw("w3", 41)
    assert withdraw("w3", 40).state == "paid"
    assert ledger.balance("creator:7:receivable", "CNY") == 0


def test_settled_6_money_that_came_free_pays_the_receivable_before_a_payout() -> None:
    """A hold that ended without the sweep: free money beside a receivable."""
    give(MEI, 100)
    withdraw("w1", 100)
    post(key="paid", cause=("trade.order", 1), kind="paid", transfers=[Transfer("psp:sandbox", "escrow:o", cny(80))])
    credit_party(
        key="held", party=MEI, source="escrow:o", amount=cny(80), cause=("trade.order", 1), kind="settled",
        hold_until=clock.now() + timedelta(days=15),
    )  # fmt: skip
    owe(50)
    db.execute("UPDATE ledger_hold SET state = 'released', closed_at = until")
    db.execute("UPDATE ledger_account SET held_minor = 0 WHERE held_minor > 0")
    assert ledger.withdrawable("creator", 7, "CNY") == 30
    with pytest.raises(Refusal, match="receivable_outstanding"), db.atomic():
        withdraw("w2", 31)
    assert withdraw("w2", 30).state == "paid"
    assert ledger.balance("creator:7:receivable", "CNY") == 0
    assert ledger.balance("platform:advance", "CNY") == 0


@pytest.mark.django_db(transaction=True)
def test_two_at_once_for_the_whole_balance_one_succeeds() -> None:
    give(MEI, 100)
    answers = at_once(lambda: withdraw("a", 100).state, lambda: withdraw("b", 100).state)
    assert sorted(map(str, answers)) == ["insufficient_funds", "paid"]
    assert available() == 0


@pytest.mark.django_db(transaction=True)
def test_one_request_twice_at_once_pays_once() -> None:
    give(MEI, 100)
    first, second = at_once(lambda: withdraw("a", 60).pk, lambda: withdraw("a", 60).pk)
    assert first == second
    assert available() == 40
