"""How our rows read to a provider: a charge with its parts, and what belongs to one."""

from meadow.kernel.money import Money
from meadow.payments.adapters.protocol import Operation, Part
from meadow.payments.models import Leg, Payment, PaymentPart, Payout, ProviderRefund

TEXT = "Order"


def bare_charge(payment: Payment) -> Operation:
    """A payment without its parts, for providers that ask for none."""
    amount = Money(payment.amount_minor, payment.currency)
    return Operation("payment", payment.public_id, amount, ref=payment.provider_ref or "", text=TEXT)


def charge_of(payment: Payment) -> Operation:
    """A payment as its provider knows it."""
    parts = PaymentPart.objects.filter(payment=payment).order_by("pk")
    return Operation(
        "payment",
        payment.public_id,
        Money(payment.amount_minor, payment.currency),
        ref=payment.provider_ref or "",
        parts=tuple(
            Part(part.public_id, part.of, part.account, Money(part.amount_minor, payment.currency), part.provider_ref)
            for part in parts
        ),
        text=TEXT,
    )


def refund_operation(refund: ProviderRefund) -> Operation:
    """A refund with the charge it is taken from."""
    charge = charge_of(refund.payment)
    amount = Money(refund.amount_minor, refund.payment.currency)
    return Operation(
        "refund", refund.public_id, amount, ref=refund.provider_ref or "", charge=charge, of=refund.of, text=TEXT
    )


def leg_operation(leg: Leg) -> Operation:
    """A split, release or return with its charge; a return also with the split it undoes."""
    return Operation(
        "return" if leg.direction == "return" else "split",
        leg.public_id,
        Money(leg.amount_minor, leg.currency),
        ref=leg.provider_ref,
        charge=charge_of(leg.payment),
        of=leg.of,
        receiver=leg.account_kind,  # type: ignore[arg-type]
        account=leg.account,
        original=leg_operation(leg.original) if leg.original is not None else None,
        text=TEXT,
    )


def payout_operation(payout: Payout) -> Operation:
    """A payout to the party that its account names."""
    amount = Money(payout.amount_minor, payout.currency)
    party = f"{payout.party_kind}:{payout.party_id}"
    return Operation("payout", payout.public_id, amount, ref=payout.provider_ref or "", account=party, text=TEXT)
