"""How we end a provider's hold two days before it would end by itself (settled question 9)."""

from datetime import datetime

from meadow.kernel import clock, db
from meadow.kernel.events import HoldReleased
from meadow.kernel.money import Money
from meadow.kernel.outbox import emit
from meadow.payments import rules
from meadow.payments.adapters import enabled
from meadow.payments.adapters.protocol import Adapter, Operation, ProviderDown
from meadow.payments.models import Leg, Payment
from meadow.payments.services.calling import call
from meadow.payments.services.operations import charge_of


def work_holds(limit: int, until: datetime) -> int:
    """Ends the holds that are due; returns how many payments were looked at."""
    for done in range(limit):
        claimed = _claim(until)
        if claimed is None:
            return done
        payment, due = claimed
        at_provider = enabled().get(payment.provider)
        if at_provider is not None:
            with clock.at(due):
                _release(payment, at_provider)
    return limit


def _claim(until: datetime) -> tuple[Payment, datetime] | None:
    """A payment whose hold is due; should the provider not answer, it is due again."""
    with db.atomic():
        rows = Payment.objects.filter(hold_due_at__lte=until).order_by("hold_due_at", "pk")
        payment = rows.select_for_update(skip_locked=True, no_key=True).first()
        if payment is None or payment.hold_due_at is None:
            return None
        due = payment.hold_due_at
        payment.hold_due_at = due + rules.RELEASE_AGAIN
        payment.save(update_fields=["hold_due_at"])
    return payment, due


def _release(payment: Payment, at_provider: Adapter) -> None:
    """Lets go of what no settled order has passed on yet, and tells the orders' owner."""
    charge = charge_of(payment)
    passed_on = set(Leg.objects.filter(payment=payment).exclude(direction="return").values_list("of", flat=True))
    open_parts = [part for part in charge.parts if part.of not in passed_on]
    if not charge.parts and not passed_on:
        asked = [Operation("split", f"{payment.public_id}-free", charge.amount, charge=charge)]
    else:
        asked = [
            Operation(
                "split", f"{part.our_ref}-free", Money(part.amount.minor, payment.currency), charge=charge, of=part.of
            )
            for part in open_parts
        ]
    if not all(_let_go(at_provider, operation) for operation in asked):
        return
    with db.atomic():
        row = Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
        row.hold_due_at = None
        row.released_at = clock.now() if asked else None
        row.save(update_fields=["hold_due_at", "released_at"])
        if asked:
            emit(HoldReleased(payment.pk))


def _let_go(at_provider: Adapter, operation: Operation) -> bool:
    try:
        return call(at_provider, lambda: at_provider.release(operation)).state != "failed"
    except ProviderDown:
        return False
