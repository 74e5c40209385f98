"""How a person or a test makes the sandbox provider act: pay, and what it does next with refunds and payouts."""

from dataclasses import dataclass
from datetime import timedelta

from meadow.kernel import db
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.payments import rules
from meadow.payments.adapters import adapter, sandbox
from meadow.payments.adapters.sandbox import SignedNotice
from meadow.payments.models import Payment, SandboxNotice
from meadow.payments.rules import Subject
from meadow.payments.services.notices import verify


@dataclass(frozen=True, slots=True)
class SandboxPaid:
    """What the sandbox sends at once; the caller delivers each to the notice door, as the provider would."""

    payment: Payment
    notices: tuple[SignedNotice, ...]


def sandbox_pay(*, payment_id: int, behaviour: str = "succeed", delay: timedelta = rules.LATE_BY) -> SandboxPaid:
    """The buyer's act at the sandbox provider; delay is for "late".

    Our payment does not change here: it changes when a notice is taken in, or when we ask.
    Refuses: not_found, provider_unknown, behaviour_unknown, stale_state.
    """
    adapter("sandbox")
    with db.atomic():
        payment = Payment.objects.filter(pk=payment_id, provider="sandbox").first()
        if payment is None:
            raise Refusal("not_found")
        amount = Money(payment.amount_minor, payment.currency)
        sent = sandbox.pay(our_ref=payment.public_id, amount=amount, behaviour=behaviour, delay=delay)
    return SandboxPaid(payment, tuple(sent))


def sandbox_script(*, subject: Subject, target: str, behaviour: str) -> None:
    """Sets how the sandbox treats the next refund of a payment (its public id) or payout of a party ("creator:7").

    Behaviours: succeed, fail, late, timeout, notify_twice.  Refuses: provider_unknown, behaviour_unknown.
    """
    adapter("sandbox")
    sandbox.script(subject=subject, target=target, behaviour=behaviour)


def send_sandbox_notice(notice: SandboxNotice) -> None:
    """Sends a waiting notice of the sandbox through the same door as a real one."""
    sent = sandbox.send_due(notice)
    verify(provider="sandbox", headers=sent.headers, body=sent.body)
