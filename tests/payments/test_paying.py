"""Does a payment happen once, however often, late or out of order the provider says so?"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.ledger.test_post import at_once
from tests.payments.conftest import carry_out, cny, deliver, paid, start

from meadow.kernel import clock, db, sweeps
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.payments import queries, services, tasks
from meadow.payments.rules import BEHAVIOURS, LATE_BY, PAYMENT
from meadow.payments.services import sandbox_pay

pytestmark = pytest.mark.django_db


def announced() -> int:
    """How many PaymentNoticed wait for the orders' owner."""
    return int(db.call("SELECT count(*) FROM kernel_outboxevent WHERE kind = 'PaymentNoticed'"))


def waiting_notices() -> list[int]:
    """Sends what the sandbox sends later, and returns the notices that came of it."""
    before = {notice.pk for notice in queries.Notice.objects.all()}
    tasks.send_notices(100, clock.now())
    return sorted(set(queries.Notice.objects.values_list("pk", flat=True)) - before)


def test_the_same_key_is_the_same_payment() -> None:
    payment = start()
    assert (payment.state, payment.amount_minor, payment.provider) == ("pending", 11_000, "sandbox")
    assert start().pk == payment.pk
    with pytest.raises(Refusal, match="key_reused"), db.atomic():
        start(minor=1)
    for bad in (0, -1, 10**14):
        with pytest.raises(Refusal, match="malformed"):
            start(minor=bad)
    assert queries.payments_of(("trade.checkout_payment", 1)) == [payment]
    assert queries.payment(payment.public_id) == payment


def test_success_is_paid_once() -> None:
    payment = start()
    (sent,) = sandbox_pay(payment_id=payment.pk, behaviour="succeed").notices
    assert queries.payment_by_id(payment.pk).state == "pending"  # only a notice changes our side
    notice = deliver(sent)
    assert announced() == 1
    first, second = carry_out(notice), carry_out(notice)
    assert (first.outcome, second.outcome) == ("paid", "unchanged")
    found = queries.payment_by_id(payment.pk)
    assert (found.state, found.paid_at is not None, found.ask_at) == ("succeeded", True, None)
    with pytest.raises(Refusal, match="stale_state"):
        sandbox_pay(payment_id=payment.pk, behaviour="succeed")


def test_failure_and_a_second_try() -> None:
    payment = start()
    (sent,) = sandbox_pay(payment_id=payment.pk, behaviour="fail").notices
    assert carry_out(deliver(sent)).outcome == "failed"
    (sent,) = sandbox_pay(payment_id=payment.pk, behaviour="succeed").notices
    assert carry_out(deliver(sent)).outcome == "paid"


def test_d2_5_notified_twice_is_one_payment() -> None:
    payment = start()
    (sent,) = sandbox_pay(payment_id=payment.pk, behaviour="notify_twice").notices
    assert carry_out(deliver(sent)).outcome == "paid"
    (again,) = waiting_notices()
    assert services.accept_notice(notice_id=again).outcome == "unchanged"


def test_d2_5_out_of_order_stays_paid() -> None:
    payment = start()
    (sent,) = sandbox_pay(payment_id=payment.pk, behaviour="out_of_order").notices
    assert carry_out(deliver(sent)).outcome == "paid"
    older = waiting_notices()
    assert [services.accept_notice(notice_id=pk).outcome for pk in older] == ["unchanged", "unchanged"]
    assert queries.payment_by_id(payment.pk).state == "succeeded"


def test_d2_5_failure_told_before_success() -> None:
    payment = start()
    (sent,) = sandbox_pay(payment_id=payment.pk, behaviour="out_of_order").notices
    older = waiting_notices()
    assert [services.accept_notice(notice_id=pk).outcome for pk in older] == ["failed", "unchanged"]
    assert carry_out(deliver(sent)).outcome == "paid"


def test_d2_5_notice_before_the_create_call_returned() -> None:
    payment = start()
    queries.Payment.objects.filter(pk=payment.pk).update(state="created", provider_ref=None)
    (sent,) = sandbox_pay(payment_id=payment.pk, behaviour="succeed").notices
    assert carry_out(deliver(sent)).outcome == "paid"


def test_a_late_notice_comes_at_its_time() -> None:
    payment = start()
    assert sandbox_pay(payment_id=payment.pk, behaviour="late").notices == ()
    assert services.query_payment(payment_id=payment.pk).state == "pending"
    assert announced() == 0
    assert waiting_notices() == []
    with clock.at(clock.now() + LATE_BY + timedelta(seconds=1)):
        (late,) = waiting_notices()
    assert services.accept_notice(notice_id=late).outcome == "paid"


def test_settled_14_late_money_on_a_closed_payment_is_paid_and_can_go_back() -> None:
    payment = start()
    sandbox_pay(payment_id=payment.pk, behaviour="late")
    # The provider may yet be paid, so it does not close; the orders' owner gives up all the same.
    assert services.close_payment(payment_id=payment.pk).state == "pending"
    queries.Payment.objects.filter(pk=payment.pk).update(state="closed", ask_at=None)
    with clock.at(clock.now() + LATE_BY + timedelta(seconds=1)):
        (late,) = waiting_notices()
        assert services.accept_notice(notice_id=late).outcome == "paid"
        refund = services.request_refund(
            key="late", payment_id=payment.pk, amount=cny(11_000), cause=("trade.refund", 1)
        )
    assert refund.state == "posted"


def test_a_timeout_is_found_by_asking() -> None:
    payment = start()
    assert sandbox_pay(payment_id=payment.pk, behaviour="timeout").notices == ()
    assert waiting_notices() == []
    with clock.at(clock.now() + timedelta(minutes=3)):
        assert tasks.ask_payments(10, clock.now()) == 1
        assert announced() == 1
        assert tasks.ask_payments(10, clock.now()) == 0
    notice = queries.Notice.objects.get(payment_id=payment.pk)
    assert services.accept_notice(notice_id=notice.pk).outcome == "paid"


def test_an_unpaid_payment_is_asked_less_and_less_often() -> None:
    start()
    first = clock.now()
    for _ in range(30):
        due = sweeps.due_of("payments.ask_payments")
        if due is None:
            break
        tasks.ask_payments(10, due)
    else:
        pytest.fail("asked for ever")
    assert due is None
    assert clock.now() - first < timedelta(minutes=1)


def test_closing_an_unpaid_payment_makes_it_unpayable() -> None:
    payment = start()
    assert services.close_payment(payment_id=payment.pk).state == "closed"
    assert services.close_payment(payment_id=payment.pk).state == "closed"
    tried = start("co_2")
    sandbox_pay(payment_id=tried.pk, behaviour="fail")
    assert services.close_payment(payment_id=tried.pk).state == "closed"
    with pytest.raises(Refusal, match="stale_state"):
        sandbox_pay(payment_id=tried.pk)
    with pytest.raises(Refusal, match="not_found"):
        services.close_payment(payment_id=10**9)


def test_closing_finds_out_that_it_was_paid() -> None:
    payment = start()
    sandbox_pay(payment_id=payment.pk, behaviour="timeout")
    assert services.close_payment(payment_id=payment.pk).state == "pending"
    assert announced() == 1
    notice = queries.Notice.objects.get(payment_id=payment.pk)
    assert services.accept_notice(notice_id=notice.pk).outcome == "paid"
    assert services.close_payment(payment_id=payment.pk).state == "succeeded"


def test_every_behaviour_is_known_and_others_are_refused() -> None:
    payment = start()
    with pytest.raises(Refusal, match="behaviour_unknown"):
        sandbox_pay(payment_id=payment.pk, behaviour="explode")
    for n, behaviour in enumerate(BEHAVIOURS):
        sandbox_pay(payment_id=start(f"b{n}").pk, behaviour=behaviour)
    with pytest.raises(Refusal, match="not_found"):
        sandbox_pay(payment_id=10**9)


def test_without_the_sandbox_there_is_no_such_provider(settings: Any) -> None:
    settings.MEADOW = replace(settings.MEADOW, sandbox=False, test_clock=False)
    with pytest.raises(Refusal, match="provider_unknown"):
        start()
    with pytest.raises(Refusal, match="provider_unknown"):
        sandbox_pay(payment_id=1)
    assert queries.providers() == []


def test_a_provider_says_what_it_can_carry() -> None:
    assert queries.limits_of("sandbox").max_hold_days is None
    assert queries.providers() == ["sandbox"]


@pytest.mark.parametrize("state", PAYMENT.states)
@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_the_full_matrix_of_states_and_notices(state: str, outcome: str) -> None:
    payment = paid() if state == "succeeded" else start()
    if state != "succeeded":
        sandbox_pay(payment_id=payment.pk, behaviour="timeout")
        queries.Payment.objects.filter(pk=payment.pk).update(state=state)
    notice = services.notices.tell(payment, outcome, payment.provider_ref)  # type: ignore[arg-type,attr-defined]
    allowed = state in PAYMENT.sources("succeed" if outcome == "succeeded" else "fail")
    expected = {"succeeded": "paid", "failed": "failed"}[outcome] if allowed else "unchanged"
    assert carry_out(notice).outcome == expected


@pytest.mark.django_db(transaction=True)
def test_the_same_start_twice_at_once_is_one_payment() -> None:
    first, second = at_once(lambda: start().pk, lambda: start().pk)
    assert first == second
    assert queries.Payment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_notices_carried_out_at_once_pay_once() -> None:
    payment = start()
    (sent,) = sandbox_pay(payment_id=payment.pk, behaviour="notify_twice").notices
    first = deliver(sent)
    (second,) = waiting_notices()
    outcomes = at_once(
        lambda: services.accept_notice(notice_id=first.pk).outcome,
        lambda: services.accept_notice(notice_id=second).outcome,
    )
    assert sorted(outcomes) == ["paid", "unchanged"]  # type: ignore[type-var]


@pytest.mark.django_db(transaction=True)
def test_paying_twice_at_once_charges_once() -> None:
    payment = start()
    answers = at_once(
        lambda: len(sandbox_pay(payment_id=payment.pk).notices), lambda: len(sandbox_pay(payment_id=payment.pk).notices)
    )
    assert sorted(map(str, answers)) == ["1", "stale_state"]


def test_money_in_another_currency_is_another_payment() -> None:
    payment = services.start_payment(key="eur", cause=("trade.checkout_payment", 1), amount=Money(5, "EUR"))
    assert payment.currency == "EUR"
