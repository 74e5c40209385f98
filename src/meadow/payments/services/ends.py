"""How a refund at a provider and a payout end: exactly once, with their money and their event."""

from meadow.kernel import clock, db
from meadow.kernel.events import PayoutFailed, PayoutPaid, ProviderRefunded
from meadow.kernel.money import Money
from meadow.kernel.outbox import emit
from meadow.ledger.services import Transfer, post
from meadow.payments import rules
from meadow.payments.models import Payment, Payout, ProviderRefund
from meadow.payments.rules import Outcome


def end_refund(refund_id: int, outcome: Outcome) -> None:
    """Ends a refund as posted or failed; a second end changes nothing.  Its owner moves the money on the event."""
    with db.atomic():
        refund = ProviderRefund.objects.select_for_update(no_key=True).get(pk=refund_id)
        event = "post" if outcome == "succeeded" else "fail"
        if refund.state not in rules.PROVIDER_REFUND.sources(event):
            return
        db.move(refund, rules.PROVIDER_REFUND, event, ended_at=clock.now(), ask_at=None)
        if event == "fail":
            payment = Payment.objects.select_for_update(no_key=True).get(pk=refund.payment_id)
            payment.refunded_minor -= refund.amount_minor
            payment.save(update_fields=["refunded_minor"])
        emit(ProviderRefunded(refund.pk, refund.cause_kind, refund.cause_id, refund.state))


def end_payout(payout_id: int, outcome: Outcome) -> None:
    """Ends a payout: the money leaves through the provider, or goes back to its party; once."""
    with db.atomic():
        payout = Payout.objects.select_for_update(no_key=True).get(pk=payout_id)
        event = "pay" if outcome == "succeeded" else "fail"
        if payout.state not in rules.PAYOUT.sources(event):
            return
        db.move(payout, rules.PAYOUT, event, ended_at=clock.now(), ask_at=None)
        paid = event == "pay"
        target = f"psp:{payout.provider}" if paid else f"{payout.party_kind}:{payout.party_id}:available"
        post(
            key=f"payout:{payout.public_id}:end",
            cause=("payments.payout", payout.pk),
            kind="payout_paid" if paid else "payout_failed",
            transfers=[Transfer(f"payout:{payout.public_id}", target, Money(payout.amount_minor, payout.currency))],
        )
        emit(PayoutPaid(payout.pk) if paid else PayoutFailed(payout.pk))
