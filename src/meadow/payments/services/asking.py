"""What we do about a provider that said nothing: ask it, less and less often."""

from datetime import datetime, timedelta

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.payments import rules
from meadow.payments.adapters import adapter
from meadow.payments.models import Payment, Payout, ProviderRefund
from meadow.payments.services import paying, payouts, refunds
from meadow.payments.services.ends import end_payout, end_refund
from meadow.payments.services.notices import tell


def query_payment(*, payment_id: int) -> Payment:
    """Asks the provider how a payment stands; news are announced as PaymentNoticed.  Refuses: not_found."""
    with db.atomic():
        payment = Payment.objects.select_for_update(no_key=True).filter(pk=payment_id).first()
        if payment is None:
            raise Refusal("not_found")
        if payment.state not in ("succeeded", "closed"):
            ask_payment(payment)
    return payment


def ask_payment(payment: Payment) -> None:
    """Asks about a locked payment and sets when to ask again."""
    if payment.state == rules.PAYMENT.start:
        paying.submit(payment)
    answer = adapter(payment.provider).query(subject="payment", our_ref=payment.public_id)
    if answer.state == "succeeded" or (answer.state == "failed" and payment.state == "pending"):
        tell(payment, answer.state, answer.ref)
        payment.ask_at = None
    else:
        payment.ask_at = _again(payment.created_at)
    payment.save(update_fields=["ask_at"])


def ask_refund(refund: ProviderRefund) -> None:
    """Asks about a locked refund, or submits it if that has not happened yet."""
    if refund.state == rules.PROVIDER_REFUND.start:
        refunds.submit(refund)
        return
    answer = adapter(refund.payment.provider).query(subject="refund", our_ref=refund.public_id)
    if answer.state in ("succeeded", "failed"):
        end_refund(refund.pk, answer.state)
    else:
        refund.ask_at = _again(refund.created_at)
        refund.save(update_fields=["ask_at"])


def ask_payout(payout: Payout) -> None:
    """Asks about a locked payout, or submits it if that has not happened yet."""
    if payout.state == rules.PAYOUT.start:
        payouts.submit(payout)
        return
    answer = adapter(payout.provider).query(subject="payout", our_ref=payout.public_id)
    if answer.state in ("succeeded", "failed"):
        end_payout(payout.pk, answer.state)
    else:
        payout.ask_at = _again(payout.created_at)
        payout.save(update_fields=["ask_at"])


def _again(since: datetime) -> datetime | None:
    """Twice as long as it has waited already, up to a week; then only a notice, or the operator, can end it."""
    waited = clock.now() - since
    if waited > rules.ASK_UNTIL:
        return None
    return clock.now() + max(rules.ASK_AFTER, waited, timedelta(0))
