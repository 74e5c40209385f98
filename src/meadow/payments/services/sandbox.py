"""How a person or a test makes the sandbox providers act: pay, take back, be away, and what they do next."""

from dataclasses import dataclass
from datetime import timedelta

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.payments import rules
from meadow.payments.adapters import SANDBOXES, adapter, sandbox
from meadow.payments.adapters.protocol import ProviderDown
from meadow.payments.adapters.sandbox import SignedNotice
from meadow.payments.models import Payment, SandboxNotice, SandboxOutage
from meadow.payments.rules import Outcome
from meadow.payments.services.calling import note_failure
from meadow.payments.services.notices import verify


@dataclass(frozen=True, slots=True)
class SandboxPaid:
    """What the sandbox sends at once; the caller delivers each to the notice door, as the provider would."""

    payment: Payment
    notices: tuple[SignedNotice, ...]


def sandbox_pay(*, payment_id: int, behaviour: str = "succeed", delay: timedelta = rules.LATE_BY) -> SandboxPaid:
    """The buyer's act at the sandbox provider; delay is for "late".

    Our payment does not change here: it changes when a notice is taken in, or when we ask.
    Refuses: not_found, provider_unknown, provider_down, behaviour_unknown, stale_state.
    """
    payment = _payment(payment_id)
    amount = Money(payment.amount_minor, payment.currency)
    try:
        with db.atomic():
            sent = sandbox.pay(
                provider=payment.provider, our_ref=payment.public_id, amount=amount, behaviour=behaviour, delay=delay
            )
    except ProviderDown as down:
        note_failure(payment.provider, str(down))
        raise Refusal("provider_down", provider=payment.provider) from down
    return SandboxPaid(payment, tuple(sent))


def sandbox_charge_back(
    *, payment_id: int, amount_minor: int, fee_minor: int = 0, outcome: Outcome = "pending"
) -> SignedNotice:
    """What a sandbox sends when a buyer's bank takes a payment back ("pending"), or when that is over.

    Refuses: not_found, provider_unknown.
    """
    payment = _payment(payment_id)
    return sandbox.charge_back(
        provider=payment.provider, our_ref=payment.public_id, amount=Money(amount_minor, payment.currency),
        fee_minor=fee_minor, outcome=outcome,
    )  # fmt: skip


def sandbox_script(*, subject: str, target: str, behaviour: str) -> None:
    """Sets how the sandbox treats the next refund of a payment (its public id), payout of a party ("creator:7"), split
    or return of an account; or, as "statement", what its statement says of an id.

    Refuses: provider_unknown, behaviour_unknown.
    """
    adapter("sandbox")
    sandbox.script(subject=subject, target=target, behaviour=behaviour)


def sandbox_outage(*, provider: str, is_down: bool) -> None:
    """Takes a sandbox provider away, or gives it back.  Refuses: provider_unknown."""
    if provider not in SANDBOXES:
        raise Refusal("provider_unknown", provider=provider[:32])
    adapter(provider)
    if is_down:
        SandboxOutage.objects.get_or_create(provider=provider, defaults={"since": clock.now()})
    else:
        SandboxOutage.objects.filter(provider=provider).delete()


def send_sandbox_notice(notice: SandboxNotice) -> None:
    """Sends a waiting notice of a sandbox through the same door as a real one."""
    sent = sandbox.send_due(notice)
    verify(provider=notice.operation.provider, headers=sent.headers, body=sent.body)


def _payment(payment_id: int) -> Payment:
    """Refuses: not_found, provider_unknown."""
    payment = Payment.objects.filter(pk=payment_id, provider__in=SANDBOXES).first()
    if payment is None:
        adapter(SANDBOXES[0])
        raise Refusal("not_found")
    adapter(payment.provider)
    return payment
