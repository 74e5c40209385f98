"""What happens when a buyer's bank takes a payment back: it is noted once, and the orders' owner refunds by force."""

from meadow.kernel import clock, db
from meadow.kernel.events import ChargebackWon, PaymentChargedBack
from meadow.kernel.money import Money
from meadow.kernel.outbox import emit
from meadow.ledger.services import Transfer, post
from meadow.payments import rules
from meadow.payments.adapters.protocol import Told
from meadow.payments.models import Chargeback, Payment


def note_chargeback(payment: Payment, told: Told) -> Chargeback:
    """Notes that money was taken back ("pending"), or that it came back ("succeeded") or did not ("failed").

    The fee is the platform's own cost, on an account of its own.
    """
    with db.atomic():
        # The payment's lock makes a repeat wait here and then find the first.
        Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
        row = Chargeback.objects.filter(payment=payment, provider_ref=told.provider_ref).first()
        if row is None:
            row = Chargeback.objects.create(
                payment=payment, provider_ref=told.provider_ref, currency=told.amount.currency,
                amount_minor=told.amount.minor, fee_minor=told.fee_minor, reason=told.reason, opened_at=clock.now(),
            )  # fmt: skip
            book_fee(
                key=f"fee:chargeback:{row.public_id}", provider=payment.provider,
                fee=Money(told.fee_minor, told.amount.currency), cause=("payments.chargeback", row.pk),
            )  # fmt: skip
            emit(PaymentChargedBack(row.pk, payment.pk))
        event = {"succeeded": "win", "failed": "lose"}.get(told.outcome)
        if event is not None and row.state in rules.CHARGEBACK.sources(event):
            db.move(row, rules.CHARGEBACK, event, ended_at=clock.now())
            if event == "win":
                emit(ChargebackWon(row.pk, payment.pk))
    return row


def book_fee(*, key: str, provider: str, fee: Money, cause: tuple[str, int]) -> None:
    """What a provider kept for itself: cash that is gone, at the platform's cost; below zero it gave some back."""
    cost, cash = "platform:provider_cost", f"psp:{provider}"
    if fee.minor:
        source, target = (cost, cash) if fee.minor > 0 else (cash, cost)
        transfer = Transfer(source, target, Money(abs(fee.minor), fee.currency))
        post(key=key, cause=cause, kind="provider_fee", transfers=[transfer])
