"""Does every state of payments, payouts and merchants' applications answer every event as its table says, in every cell?

The rows are real and the events are the verbs that cause them; what one state's row does is undone before the next.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from tests.payments import test_applications as applying
from tests.payments.conftest import carry_out, cny, deliver, give, paid, start
from tests.trade import bazaar

from meadow.kernel import clock, db
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.errors import Refusal
from meadow.payments import queries, rules, services
from meadow.payments.models import MerchantApplication, Payment, Payout
from meadow.payments.rules.applications import APPLICATION
from meadow.payments.services import ends, notices, paying, sandbox_pay
from meadow.payments.services.applications import check_application
from meadow.payments.services.payouts import free_payout

pytestmark = pytest.mark.django_db
NO = "stale_state"


def outcome(act: Callable[[], Any], row: Any) -> str:
    """The state that an act leads to, or the code of its refusal; then all is undone."""
    with transaction.atomic():
        try:
            with transaction.atomic():
                act()
        except Refusal as refusal:
            answer = refusal.code
        else:
            answer = type(row).objects.get(pk=row.pk).state
        transaction.set_rollback(True)
    return answer


# Payments.  Told a second time, or too late, a payment stays what it is; only handing it over again is refused.

PAYMENT = {
    "created": {"submit": "pending", "succeed": "succeeded", "fail": "failed", "close": "closed"},
    "pending": {"submit": NO, "succeed": "succeeded", "fail": "failed", "close": "closed"},
    "failed": {"submit": "pending", "succeed": "succeeded", "fail": "failed", "close": "closed"},
    "closed": {"submit": NO, "succeed": "succeeded", "fail": "closed", "close": "closed"},
    "succeeded": {"submit": NO, "succeed": "succeeded", "fail": "succeeded", "close": "succeeded"},
}


def payment_in(state: str) -> Payment:
    if state == "succeeded":
        return paid()
    payment = start()
    if state == "failed":
        (sent,) = sandbox_pay(payment_id=payment.pk, behaviour="fail").notices
        carry_out(deliver(sent))
    if state == "closed":
        services.close_payment(payment_id=payment.pk)
    if state == "created":  # as a crash before the provider was asked leaves it
        Payment.objects.filter(pk=payment.pk).update(state=state, provider_ref=None)
    return Payment.objects.get(pk=payment.pk)


@pytest.mark.parametrize("state", rules.PAYMENT.states)
def test_d2_every_cell_of_the_payment_matrix_by_its_verbs(state: str) -> None:
    payment = payment_in(state)
    verbs: dict[str, Callable[[], Any]] = {
        "submit": lambda: paying.submit(Payment.objects.get(pk=payment.pk)),
        "succeed": lambda: carry_out(notices.tell(payment, "succeeded", payment.provider_ref or "ref")),
        "fail": lambda: carry_out(notices.tell(payment, "failed", payment.provider_ref or "ref")),
        "close": lambda: services.close_payment(payment_id=payment.pk),
    }
    assert set(verbs) == set(rules.PAYMENT.events)
    assert payment.state == state
    for event, act in verbs.items():
        found = outcome(act, payment)
        assert found == PAYMENT[state][event], (state, event)
        assert found in (rules.PAYMENT.table[state].get(event), state, NO)


# Payouts, to a bank.  Their ends are told by files, whose second telling changes nothing.

PAYOUT = {
    "requested": {
        "hold": "held", "ask": "approving", "submit": "pending", "pay": "paid", "fail": "failed", "free": NO,
        "approve": NO,
    },
    "held": {
        "hold": NO, "ask": "approving", "submit": "nothing_to_export", "pay": "held", "fail": "failed",
        "free": "requested", "approve": NO,
    },
    "approving": {
        "hold": NO, "ask": NO, "submit": "nothing_to_export", "pay": "approving", "fail": "failed", "free": NO,
        "approve": "requested",
    },
    "pending": {
        "hold": NO, "ask": NO, "submit": "nothing_to_export", "pay": "paid", "fail": "failed", "free": NO, "approve": NO,
    },
    "paid": {
        "hold": NO, "ask": NO, "submit": "nothing_to_export", "pay": "paid", "fail": "paid", "free": NO, "approve": NO,
    },
    "failed": {
        "hold": NO, "ask": NO, "submit": "nothing_to_export", "pay": "failed", "fail": "failed", "free": NO,
        "approve": NO,
    },
}  # fmt: skip


def payout_in(state: str, settings: Any) -> Payout:
    """Each state by the way that leads there."""
    party = ("creator", bazaar.creator().pk)
    by = Actor("person", bazaar.person())
    services.note_verified_name(party=party, name="王小明", source="test")

    def account(number: str) -> None:
        services.set_bank_account(party=party, holder="王小明", bank="Bank", number=number, by=by, is_stepped_up=True)

    account("6222020012345678")
    give(party, 100_000)
    if state == "held":
        account("6222020099999999")
    if state == "approving":
        settings.MEADOW = replace(settings.MEADOW, payout_approval_minor=1)
    payout = services.withdraw(key="w", party=party, amount=cny(1_000), by=by, provider="bank", is_stepped_up=True)
    settings.MEADOW = replace(settings.MEADOW, payout_approval_minor=50_000)
    if state in ("pending", "paid", "failed"):
        services.export_batch(currency="CNY", by=SYSTEM, is_stepped_up=True)
    if state in ("paid", "failed"):
        ends.end_payout(payout.pk, "succeeded" if state == "paid" else "failed")
    return Payout.objects.get(pk=payout.pk)


@pytest.mark.parametrize("state", rules.PAYOUT.states)
def test_d6_every_cell_of_the_payout_matrix_by_its_verbs(state: str, settings: Any) -> None:
    payout = payout_in(state, settings)
    otto, olga = bazaar.operator("Otto"), bazaar.operator("Olga")

    def again() -> Payout:
        return Payout.objects.get(pk=payout.pk)

    def approve() -> None:
        for by in (otto, olga):
            services.approve_payout(public_id=payout.public_id, by=by, is_stepped_up=True)

    verbs: dict[str, Callable[[], Any]] = {
        # These two are steps of asking for a payout, which begins with "requested"; here they are taken later.
        "hold": lambda: db.move(again(), rules.PAYOUT, "hold", held_until=clock.now() + timedelta(days=3), ask_at=None),
        "ask": lambda: db.move(again(), rules.PAYOUT, "ask", needs_approval=True, ask_at=None),
        "submit": lambda: services.export_batch(currency="CNY", by=SYSTEM, is_stepped_up=True),
        "pay": lambda: ends.end_payout(payout.pk, "succeeded"),
        "fail": lambda: ends.end_payout(payout.pk, "failed"),
        "free": lambda: free_payout(again()),
        "approve": approve,
    }
    assert set(verbs) == set(rules.PAYOUT.events)
    assert payout.state == state
    for event, act in verbs.items():
        found = outcome(act, payout)
        assert found == PAYOUT[state][event], (state, event)
        assert found in (rules.PAYOUT.table[state].get(event), state, NO, "nothing_to_export")


# Merchants' applications.  Handing in is checked at once, so it leads on to the proofs; being let in by hand ends what
# is on its way.

APPLICATIONS: dict[str, dict[str, str]] = {
    "draft": {"submit": "account_need_verify", "cancel": "canceled", "admit": "canceled", "check": "draft"},
    "checking": {"check": "account_need_verify"},
    "account_need_verify": {"prove": "need_sign", "cancel": "canceled", "admit": "canceled"},
    "auditing": {"approve": "need_sign", "turn_down": "rejected", "cancel": "canceled", "admit": "canceled"},
    "need_sign": {"sign": "finish", "cancel": "canceled", "admit": "canceled"},
    "rejected": {"submit": "account_need_verify", "cancel": "canceled", "admit": "canceled"},
    "finish": {"admit": "replaced"},
    "canceled": {"admit": "canceled"},
    "replaced": {"admit": "replaced"},
}


def application_in(state: str, ada: Actor, otto: Actor) -> MerchantApplication:
    shop = applying.merchant(ada)
    if state == "draft":
        return services.start_application(merchant_id=shop, level=0, by=ada)
    if state == "auditing":
        return applying.prove(applying.apply(ada, shop, applying.qualified(), level=2), ada)
    if state == "rejected":
        return applying.apply(ada, shop, applying.PERSON | {"id_number": "110101199003070021"})
    row = applying.apply(ada, shop)
    if state == "checking":  # as a crash in the middle of the check leaves it
        MerchantApplication.objects.filter(pk=row.pk).update(state=state, check_due_at=clock.now())
    if state in ("need_sign", "finish", "replaced"):
        row = applying.prove(row, ada)
    if state in ("finish", "replaced"):
        row = applying.sign(row, ada)
    if state == "canceled":
        services.cancel_application(application_id=row.pk, by=ada)
    if state == "replaced":
        services.admit_merchant(merchant_id=shop, reason="a licence was shown", level=1, by=otto)
    return MerchantApplication.objects.get(pk=row.pk)


@pytest.mark.parametrize("state", APPLICATION.states)
def test_d1_every_cell_of_the_application_matrix_by_its_verbs(state: str) -> None:
    ada, otto = applying.person("Ada"), applying.operator()
    row = application_in(state, ada, otto)
    sent = {each.kind: each.content for each in reversed(queries.sent_by_twin(row))}

    def prove() -> None:
        for kind in ("phone", "bank"):
            services.answer_challenge(application_id=row.pk, kind=kind, answer=sent.get(kind, "1"), by=ada)

    verbs: dict[str, Callable[[], Any]] = {
        "submit": lambda: services.submit_application(application_id=row.pk, values=applying.PERSON, by=ada),
        "check": lambda: check_application(MerchantApplication.objects.get(pk=row.pk)),
        "prove": prove,
        "approve": lambda: services.approve_application(application_id=row.pk, by=otto),
        "turn_down": lambda: services.turn_down_application(
            application_id=row.pk, faults={"legal_name": "It is another one."}, by=otto
        ),
        "sign": lambda: applying.sign(row, ada),
        "cancel": lambda: services.cancel_application(application_id=row.pk, by=ada),
        "admit": lambda: services.admit_merchant(merchant_id=row.merchant_id, reason="known here", level=2, by=otto),
    }
    assert row.state == state
    for verb, act in verbs.items():
        wanted = APPLICATIONS[state].get(verb, state if verb == "check" else NO)
        assert outcome(act, row) == wanted, (state, verb)


def test_the_tables_above_are_the_machines() -> None:
    """Every way of a machine is among the cells, and no cell leads where the machine does not."""
    for cells, machine in ((PAYMENT, rules.PAYMENT), (PAYOUT, rules.PAYOUT)):
        for state, row in machine.table.items():
            assert {event: cells[state][event] for event in row} == row
    for state, row in APPLICATION.table.items():
        assert set(APPLICATIONS[state].values()) - {state} <= {*row.values(), "account_need_verify"}
