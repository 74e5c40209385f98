"""What we do about a provider that was not told yet, or said nothing: tell it, ask it, less and less often.

Each row is claimed in a transaction of its own, which also sets when it is next looked at; the provider is asked
outside of any; what it answers is recorded in another transaction, if nothing else has happened meanwhile.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.db.models import Model, QuerySet

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.payments import rules
from meadow.payments.adapters import enabled
from meadow.payments.adapters.protocol import ProviderDown
from meadow.payments.models import Leg, Payment, Payout, ProviderRefund
from meadow.payments.services import contracts, legs, paying, payouts, refunds
from meadow.payments.services.calling import call
from meadow.payments.services.ends import end_payout, end_refund
from meadow.payments.services.notices import tell
from meadow.payments.services.operations import charge_of, payout_operation, refund_operation

log = logging.getLogger("meadow.payments")

M = TypeVar("M", bound=Model)


def query_payment(*, payment_id: int) -> Payment:
    """Asks the provider how a payment stands; news are announced as PaymentNoticed.  Outside of any transaction.

    A provider that does not answer changes nothing.  Refuses: not_found.
    """
    payment = Payment.objects.filter(pk=payment_id).first()
    if payment is None:
        raise Refusal("not_found")
    if payment.state not in ("succeeded", "closed"):
        try:
            ask_payment(payment)
        except ProviderDown as down:
            log.warning("payment %s could not be asked about: %s", payment.public_id, down)
        payment.refresh_from_db()
    return payment


def ask_payment(payment: Payment) -> None:
    """Hands a payment over, asks about it, or tells that it was given up.  Raises ProviderDown."""
    at_provider = enabled().get(payment.provider)
    if at_provider is None:
        return
    if payment.state == rules.PAYMENT.start:
        if not contracts.may(payment.provider, payment.currency, "pay"):
            return
        paying.submit(payment)
        if not at_provider.is_local:
            return
    charge = charge_of(payment)
    if payment.state == "closed":
        answer = call(at_provider, lambda: at_provider.close(charge))
    elif contracts.may(payment.provider, payment.currency, "query"):
        answer = call(at_provider, lambda: at_provider.query(charge))
    else:
        return
    with db.atomic():
        row = Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
        if row.state == "succeeded" or row.state != payment.state:
            return
        if answer.state == "succeeded" or (answer.state == "failed" and row.state == "pending"):
            tell(row, answer.state, answer.ref, answer.parts)
            row.ask_at = None
        elif row.state == "closed" and answer.state in ("closed", "failed", "unknown"):
            row.ask_at = None
        row.save(update_fields=["ask_at"])


def ask_refund(refund: ProviderRefund) -> None:
    """Asks for a refund, or about one that was asked for.  Raises ProviderDown."""
    at_provider = enabled().get(refund.payment.provider)
    if at_provider is None or not contracts.may(refund.payment.provider, refund.payment.currency, "refund"):
        return
    if refund.state == rules.PROVIDER_REFUND.start:
        refunds.submit(refund)
        return
    operation = refund_operation(refund)
    answer = call(at_provider, lambda: at_provider.query(operation))
    if answer.state == "unknown":  # it never arrived there
        answer = call(at_provider, lambda: at_provider.refund(operation))
    if answer.state in ("succeeded", "failed"):
        end_refund(refund.pk, answer.state)


def ask_payout(payout: Payout) -> None:
    """Sends a payout, or asks about one that was sent.  Raises ProviderDown."""
    at_provider = enabled().get(payout.provider)
    if at_provider is None:
        return
    if payout.state == rules.PAYOUT.start:
        payouts.submit(payout)
        return
    operation = payout_operation(payout)
    answer = call(at_provider, lambda: at_provider.query(operation))
    if answer.state == "unknown":
        answer = call(at_provider, lambda: at_provider.pay_out(operation))
    if answer.state in ("succeeded", "failed"):
        end_payout(payout.pk, answer.state, why=answer.why)


def work_payments(limit: int, until: datetime) -> int:
    """Works off payments that are due; returns how many."""
    return _work(Payment.objects.all(), ask_payment, limit, until)


def work_refunds(limit: int, until: datetime) -> int:
    """Works off refunds that are due; returns how many."""
    return _work(ProviderRefund.objects.select_related("payment"), ask_refund, limit, until)


def work_payouts(limit: int, until: datetime) -> int:
    """Works off payouts that are due; returns how many."""
    return _work(Payout.objects.all(), ask_payout, limit, until)


def work_legs(limit: int, until: datetime) -> int:
    """Works off legs that are due; returns how many."""
    return _work(Leg.objects.select_related("payment", "original"), legs.move_leg, limit, until)


def _work(rows: "QuerySet[M]", act: Callable[[M], None], limit: int, until: datetime) -> int:
    for done in range(limit):
        claimed = _claim(rows, until)
        if claimed is None:
            return done
        row, due = claimed
        with clock.at(due):
            try:
                act(row)
            except ProviderDown as down:
                log.warning("%s %s waits: %s", type(row).__name__, row, down)
            except Exception:  # the job runner is the one place that catches all; the row is due again later
                log.exception("%s %s could not be worked off", type(row).__name__, row)
    return limit


def _claim(rows: "QuerySet[M]", until: datetime) -> tuple[M, datetime] | None:
    """A due row and its due time, with the next look set, so that no other worker and no crash takes it twice at once."""
    with db.atomic():
        due_rows = rows.filter(ask_at__lte=until).order_by("ask_at", "pk")
        row = due_rows.select_for_update(skip_locked=True, no_key=True, of=("self",)).first()
        if row is None:
            return None
        due: datetime = row.ask_at  # type: ignore[attr-defined]
        with clock.at(due):
            since: datetime = row.due_at if isinstance(row, Leg) else row.created_at  # type: ignore[attr-defined]
            row.ask_at = _again(since)  # type: ignore[attr-defined]
            row.save(update_fields=["ask_at"])
    return row, due


def _again(since: datetime) -> datetime | None:
    """Twice as long as it has waited already, up to a week; then only a notice, or the operator, can end it."""
    waited = clock.now() - since
    if waited > rules.ASK_UNTIL:
        return None
    return clock.now() + max(rules.ASK_AFTER, waited)
