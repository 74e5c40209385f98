"""Does money go back to the buyer once, never more than was paid, and is each end told?"""

from datetime import timedelta

import pytest
from tests.ledger.test_post import at_once
from tests.payments.conftest import cny, paid, start

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.payments import queries, services, tasks
from meadow.payments.rules import LATE_BY
from meadow.payments.services import ProviderRefund

pytestmark = pytest.mark.django_db


def ask_back(payment_id: int, minor: int, key: str = "r1") -> ProviderRefund:
    return services.request_refund(key=key, payment_id=payment_id, amount=cny(minor), cause=("trade.refund", 5))


def told() -> list[str]:
    """The states in which refunds were said to have ended."""
    found = db.rows(
        "SELECT body ->> 'state' AS state FROM kernel_outboxevent WHERE kind = 'ProviderRefunded' ORDER BY id"
    )
    return [row["state"] for row in found]


def script(payment_public_id: str, behaviour: str) -> None:
    services.sandbox_script(subject="refund", target=payment_public_id, behaviour=behaviour)


def test_posted_and_told_once() -> None:
    payment = paid()
    refund = ask_back(payment.pk, 4_000)
    assert (refund.state, refund.ended_at is not None) == ("posted", True)
    assert ask_back(payment.pk, 4_000).pk == refund.pk
    assert told() == ["posted"]
    assert queries.payment_by_id(payment.pk).refunded_minor == 4_000
    assert queries.provider_refunds_of(("trade.refund", 5)) == [refund]
    with pytest.raises(Refusal, match="key_reused"):
        ask_back(payment.pk, 4_001)


def test_never_more_than_was_paid() -> None:
    payment = paid()
    ask_back(payment.pk, 4_000)
    with pytest.raises(Refusal, match="refund_exceeds_payment") as refused:
        ask_back(payment.pk, 7_001, "r2")
    assert refused.value.params == {"left_minor": 7_000}
    ask_back(payment.pk, 7_000, "r2")
    with pytest.raises(Refusal, match="refund_exceeds_payment"):
        ask_back(payment.pk, 1, "r3")


def test_refused_in_words() -> None:
    with pytest.raises(Refusal, match="stale_state"):
        ask_back(start().pk, 1)
    with pytest.raises(Refusal, match="not_found"):
        ask_back(10**9, 1)
    with pytest.raises(Refusal, match="malformed"):
        ask_back(1, 0)
    with pytest.raises(Refusal, match="currency_mismatch"):
        services.request_refund(key="x", payment_id=paid("co_2").pk, amount=Money(1, "EUR"), cause=("trade.refund", 1))


def test_a_failed_refund_can_be_asked_for_again() -> None:
    payment = paid()
    script(payment.public_id, "fail")
    assert ask_back(payment.pk, 11_000).state == "failed"
    assert queries.payment_by_id(payment.pk).refunded_minor == 0
    assert ask_back(payment.pk, 11_000, "r2").state == "posted"
    assert told() == ["failed", "posted"]


def test_a_late_refund_ends_at_its_time() -> None:
    payment = paid()
    script(payment.public_id, "late")
    refund = ask_back(payment.pk, 100)
    assert refund.state == "pending"
    with clock.at(clock.now() + LATE_BY + timedelta(seconds=1)):
        assert tasks.send_notices(10, clock.now()) == 1
    assert queries.provider_refund_by_id(refund.pk).state == "posted"
    assert told() == ["posted"]


def test_a_silent_provider_is_asked() -> None:
    payment = paid()
    script(payment.public_id, "timeout")
    refund = ask_back(payment.pk, 100)
    assert refund.state == "pending"
    with clock.at(clock.now() + timedelta(minutes=3)):
        assert tasks.ask_refunds(10, clock.now()) == 1
    assert told() == ["posted"]


def test_notified_twice_ends_once() -> None:
    payment = paid()
    script(payment.public_id, "notify_twice")
    ask_back(payment.pk, 100)
    assert tasks.send_notices(10, clock.now()) == 2
    assert told() == ["posted"]


def test_a_refund_that_was_never_submitted_is_submitted_by_the_sweep() -> None:
    payment = paid()
    refund = ProviderRefund.objects.create(
        key="r9", payment=payment, amount_minor=5, cause_kind="trade.refund", cause_id=1, ask_at=clock.now()
    )
    queries.Payment.objects.filter(pk=payment.pk).update(refunded_minor=5)
    assert tasks.ask_refunds(10, clock.now()) == 1
    assert queries.provider_refund_by_id(refund.pk).state == "posted"


@pytest.mark.django_db(transaction=True)
def test_c3_5_two_refunds_at_once_never_send_back_more_than_was_paid() -> None:
    payment = paid()
    answers = at_once(lambda: ask_back(payment.pk, 6_000, "a").state, lambda: ask_back(payment.pk, 6_000, "b").state)
    assert sorted(map(str, answers)) == ["posted", "refund_exceeds_payment"]


@pytest.mark.django_db(transaction=True)
def test_one_refund_twice_at_once_is_sent_once() -> None:
    payment = paid()
    first, second = at_once(lambda: ask_back(payment.pk, 6_000).pk, lambda: ask_back(payment.pk, 6_000).pk)
    assert first == second
    assert told() == ["posted"]
