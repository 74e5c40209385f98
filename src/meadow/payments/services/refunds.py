"""How money goes back to a buyer through the provider it came from: asked for here, ended by the provider."""

from django.db.models import F

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.payments import rules
from meadow.payments.adapters import adapter
from meadow.payments.models import Payment, ProviderRefund
from meadow.payments.services.ends import end_refund


def request_refund(*, key: str, payment_id: int, amount: Money, cause: tuple[str, int]) -> ProviderRefund:
    """Asks the provider to send a part of a payment back; ends later with ProviderRefunded, posted or failed.

    All refunds of a payment together never exceed it, however many ask at once.
    Refuses: not_found, key_reused, stale_state, currency_mismatch, refund_exceeds_payment, malformed.
    """
    if amount.minor <= 0:
        raise Refusal("malformed", field="amount", why="more than nothing")
    with db.atomic():
        # The payment's lock makes a repeat of the same key wait here and then find the first.
        payment = Payment.objects.select_for_update(no_key=True).filter(pk=payment_id).first()
        if payment is None:
            raise Refusal("not_found")
        known = ProviderRefund.objects.filter(key=key).first()
        if known is not None:
            same = (known.payment_id, known.amount_minor, known.cause_kind, known.cause_id)
            if same != (payment_id, amount.minor, *cause):
                raise Refusal("key_reused", key=key)
            return known
        _check(payment, amount)
        Payment.objects.filter(pk=payment_id).update(refunded_minor=F("refunded_minor") + amount.minor)
        now = clock.now()
        refund = ProviderRefund.objects.create(
            key=key, payment=payment, amount_minor=amount.minor, cause_kind=cause[0], cause_id=cause[1],
            created_at=now, ask_at=now,
        )  # fmt: skip
        if adapter(payment.provider).is_local:
            submit(refund)
    return refund


def submit(refund: ProviderRefund) -> None:
    """Makes a refund known to its provider, and ends it if that was all."""
    payment = refund.payment
    answer = adapter(payment.provider).refund(
        our_ref=refund.public_id,
        payment_ref=payment.public_id,
        amount=Money(refund.amount_minor, payment.currency),
    )
    db.move(refund, rules.PROVIDER_REFUND, "submit", provider_ref=answer.ref, ask_at=clock.now() + rules.ASK_AFTER)
    if answer.state in ("succeeded", "failed"):
        end_refund(refund.pk, answer.state)
        refund.refresh_from_db()


def _check(payment: Payment, amount: Money) -> None:
    """Refuses: stale_state, currency_mismatch, refund_exceeds_payment."""
    if payment.state != "succeeded":
        raise Refusal("stale_state", state=payment.state, event="refund")
    if payment.currency != amount.currency:
        raise Refusal("currency_mismatch", currency=payment.currency, other=amount.currency)
    left = payment.amount_minor - payment.refunded_minor
    if amount.minor > left:
        raise Refusal("refund_exceeds_payment", left_minor=left)
