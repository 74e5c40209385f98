"""How a refund at a provider, a leg and a payout end: exactly once, with their money and their event."""

from typing import Any

from django.db.models import F

from meadow.kernel import clock, db, rows
from meadow.kernel.events import PayoutFailed, PayoutPaid, ProviderRefunded
from meadow.kernel.money import Money
from meadow.kernel.outbox import emit
from meadow.ledger.services import Transfer, post
from meadow.payments import rules
from meadow.payments.models import Leg, Payment, Payout, ProviderRefund
from meadow.payments.rules import Outcome


def end_refund(refund_id: int, outcome: Outcome) -> None:
    """Ends a refund as posted or failed; a second end changes nothing.  Its owner moves the money on the event."""
    with db.atomic():
        refund = rows.first(ProviderRefund, id=refund_id, locked=True)
        assert refund is not None  # refunds are never deleted
        end_locked_refund(refund, outcome)


def end_locked_refund(refund: ProviderRefund, outcome: Outcome, **extra: Any) -> None:
    """The same for a refund whose row is locked; extra is written with its end."""
    event = "post" if outcome == "succeeded" else "fail"
    if refund.state not in rules.PROVIDER_REFUND.sources(event):
        return
    db.move(refund, rules.PROVIDER_REFUND, event, ended_at=clock.now(), ask_at=None, **extra)
    if event == "fail":
        payment = Payment.objects.select_for_update(no_key=True).get(pk=refund.payment_id)
        payment.refunded_minor -= refund.amount_minor
        payment.save(update_fields=["refunded_minor"])
    else:
        _end_what_it_drew(refund)
    emit(ProviderRefunded(refund.pk, refund.cause_kind, refund.cause_id, refund.state))


def _end_what_it_drew(refund: ProviderRefund) -> None:
    """Where refunds draw on the merchant's own account, the merchant has given its part back with this one."""
    cause: dict[str, Any] = {"cause_kind": refund.cause_kind, "cause_id": refund.cause_id}
    for leg in rows.find(Leg, is_with_refund=True, state=rules.LEG_OPEN, payment_id=refund.payment_id, **cause):
        end_leg(leg.pk, "succeeded")


def end_leg(leg_id: int, outcome: Outcome, *, ref: str | None = "", why: str = "") -> None:
    """Ends a leg as posted or failed, with its money; a second end changes nothing.

    A split or release that failed goes back to its party.  A return that was posted is credited to its party, whose
    receivable it pays first; one that failed leaves that receivable as it is.
    """
    with db.atomic():
        leg = Leg.objects.select_for_update(no_key=True, of=("self",)).select_related("payment").get(pk=leg_id)
        event = "post" if outcome == "succeeded" else "fail"
        if leg.state not in rules.LEG.sources(event):
            return
        was_sent = leg.state == "pending"
        extra = {"provider_ref": ref[:128]} if ref else {}
        db.move(leg, rules.LEG, event, ended_at=clock.now(), ask_at=None, reason=why[:64], **extra)
        if leg.direction == "return":
            assert leg.original_id is not None  # a database constraint of returns
            if event == "fail":
                Leg.objects.filter(pk=leg.original_id or 0).update(
                    returned_minor=F("returned_minor") - leg.amount_minor
                )
            _move(leg, f"psp:{leg.payment.provider}", _available(leg), when=event == "post")
        else:
            target = f"psp:{leg.payment.provider}" if event == "post" else _available(leg)
            _move(leg, f"leg:{leg.public_id}", target, when=was_sent)


def _move(leg: Leg, source: str, target: str, *, when: bool) -> None:
    """Moves a party's leg on the ledger; the platform's own part only changes its place at the provider."""
    if when and leg.party_kind != "platform":
        post(
            key=f"leg:{leg.public_id}:end", cause=("payments.leg", leg.pk), kind=f"{leg.direction}_{leg.state}",
            transfers=[Transfer(source, target, Money(leg.amount_minor, leg.currency))],
            note={"cause": [leg.cause_kind, leg.cause_id]},
        )  # fmt: skip


def _available(leg: Leg) -> str:
    return f"{leg.party_kind}:{leg.party_id}:available"


def end_payout(payout_id: int, outcome: Outcome, *, why: str = "") -> None:
    """Ends a payout: the money leaves through the provider, or goes back to its party; once."""
    with db.atomic():
        payout = Payout.objects.select_for_update(no_key=True).get(pk=payout_id)
        event = "pay" if outcome == "succeeded" else "fail"
        if payout.state not in rules.PAYOUT.sources(event):
            return
        db.move(payout, rules.PAYOUT, event, ended_at=clock.now(), ask_at=None, reason=why[:200])
        paid = event == "pay"
        target = f"psp:{payout.provider}" if paid else f"{payout.party_kind}:{payout.party_id}:available"
        post(
            key=f"payout:{payout.public_id}:end",
            cause=("payments.payout", payout.pk),
            kind="payout_paid" if paid else "payout_failed",
            transfers=[Transfer(f"payout:{payout.public_id}", target, Money(payout.amount_minor, payout.currency))],
        )
        emit(PayoutPaid(payout.pk) if paid else PayoutFailed(payout.pk))
