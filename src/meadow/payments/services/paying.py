"""How a payment begins and how it is given up."""

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.payments import rules
from meadow.payments.adapters import adapter
from meadow.payments.models import Payment, new_payment_id
from meadow.payments.services.notices import tell

Cause = tuple[str, int]


def start_payment(*, key: str, cause: Cause, amount: Money, provider: str = "sandbox") -> Payment:
    """Asks a provider for a payment, which may pay several orders; the same key gives the same payment.

    Refuses: key_reused, provider_unknown, malformed.
    """
    at_provider = adapter(provider)
    if not 0 < amount.minor <= rules.LARGEST_MINOR:
        raise Refusal("malformed", field="amount", why="more than nothing")
    with db.atomic():
        now = clock.now()
        payment_id = db.call(
            "SELECT payments_start(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                key, new_payment_id(), provider, amount.currency, amount.minor, cause[0], cause[1], now,
                now + rules.ASK_AFTER,
            ],
        )  # fmt: skip
        payment = Payment.objects.get(pk=payment_id)
        if payment.state == rules.PAYMENT.start and at_provider.is_local:
            # A provider over the network is asked by the sweep, after this transaction: it may be slow.
            submit(payment)
    return payment


def submit(payment: Payment) -> None:
    """Makes the charge known to its provider."""
    amount = Money(payment.amount_minor, payment.currency)
    answer = adapter(payment.provider).create(our_ref=payment.public_id, amount=amount)
    db.move(payment, rules.PAYMENT, "submit", provider_ref=answer.ref)


def close_payment(*, payment_id: int) -> Payment:
    """Gives an unpaid payment up; the provider is asked first.

    The payment comes back as "closed".  If it comes back in another state it was paid at the provider, or may yet be:
    its notice follows as PaymentNoticed.  Money that comes for a closed one is accepted, and its owner sends it back.
    Callers that lock orders lock them before.  Refuses: not_found.
    """
    with db.atomic():
        payment = Payment.objects.select_for_update(no_key=True).filter(pk=payment_id).first()
        if payment is None:
            raise Refusal("not_found")
        if payment.state in ("succeeded", "closed"):
            return payment
        answer = adapter(payment.provider).close(our_ref=payment.public_id)
        if answer.state == "succeeded":
            tell(payment, "succeeded", answer.ref)
        elif answer.state != "pending":
            db.move(payment, rules.PAYMENT, "close", ask_at=None)
    return payment
