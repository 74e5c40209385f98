"""How a payment begins, how it is handed to its provider, how it is tried anew by another, and how it is given up."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from meadow.kernel import clock, db, rows, statements
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.payments import rules
from meadow.payments.adapters import adapter
from meadow.payments.adapters.protocol import Adapter, Answer, Operation, ProviderDown
from meadow.payments.models import Payment, PaymentPart, ProviderAccount, new_payment_id
from meadow.payments.services.calling import call
from meadow.payments.services.notices import tell
from meadow.payments.services.operations import TEXT, bare_charge, charge_of

Cause = tuple[str, int]


@dataclass(frozen=True, slots=True)
class PartIn:
    """One merchant's order within a payment; of is the caller's own name for it, such as "shop:12"."""

    of: str
    merchant_id: int
    amount_minor: int


def start_payment(
    *, key: str, cause: Cause, amount: Money, provider: str = "sandbox", parts: Sequence[PartIn] = ()
) -> Payment:
    """Asks a provider for a payment, which may pay several orders (parts); the same key gives the same payment.

    Refuses: key_reused, provider_unknown, provider_closed, malformed.
    """
    at_provider = adapter(provider)
    if not 0 < amount.minor <= rules.LARGEST_MINOR:
        raise Refusal("malformed", field="amount", why="more than nothing")
    if len(parts) > rules.MOST_PARTS or (parts and sum(part.amount_minor for part in parts) != amount.minor):
        raise Refusal("malformed", field="parts", why=f"at most {rules.MOST_PARTS}, which add up to the amount")
    with db.joined():
        return _start(at_provider, key, cause, amount, parts, None)


def start_again(*, key: str, payment_id: int, provider: str, parts: Sequence[PartIn] = ()) -> Payment:
    """The same purchase through another provider; what was tried before is given up.

    Callers that lock orders lock them before.  If money still comes by the first way, whoever is paid first wins and
    the other sends it back.  Refuses: not_found, already_paid, provider_unknown, provider_closed, key_reused.
    """
    at_provider = adapter(provider)
    with db.atomic():
        before = Payment.objects.select_for_update(no_key=True).filter(pk=payment_id).first()
        if before is None:
            raise Refusal("not_found")
        if Payment.objects.filter(in_one_purchase(before), state="succeeded").exists():
            raise Refusal("already_paid")
        amount = Money(sum(part.amount_minor for part in parts) or before.amount_minor, before.currency)
        cause = (before.cause_kind, before.cause_id)
        payment = _start(at_provider, key, cause, amount, parts, before.first_id or before.pk)
        if payment.pk != before.pk and before.replaced_at is None:
            _leave(before)
    return payment


def win_back(*, payment_id: int) -> bool:
    """A way to pay that was left is the one that was paid; the other is given up.  False if the other was paid too.

    The caller has locked the orders and this payment.
    """
    with db.atomic():
        payment = Payment.objects.select_for_update(no_key=True).get(pk=payment_id)
        others = Payment.objects.select_for_update(no_key=True).filter(in_one_purchase(payment)).exclude(pk=payment_id)
        tries = list(others.order_by("pk"))
        if any(other.state == "succeeded" for other in tries):
            return False
        for other in tries:
            if other.replaced_at is None:
                _leave(other)
        Payment.objects.filter(pk=payment_id).update(replaced_at=None)
    return True


def _leave(payment: Payment) -> None:
    """Gives a way to pay up for another.  Its provider is told by the sweep: it may be the one that does not answer."""
    payment.replaced_at = payment.ask_at = clock.now()
    if payment.state in rules.PAYMENT.sources("close"):
        payment.state = "closed"
    payment.save(update_fields=["replaced_at", "state", "ask_at"])


def in_one_purchase(payment: Payment) -> Q:
    """All tries to pay for what this payment pays for."""
    first = payment.first_id or payment.pk
    return Q(pk=first) | Q(first_id=first)


def hand_over(*, payment_id: int) -> Payment:
    """Makes a payment known to its provider now, so that the buyer can go there; outside of any transaction.

    Refuses: not_found, provider_unknown, provider_down.
    """
    payment = Payment.objects.filter(pk=payment_id).first()
    if payment is None:
        raise Refusal("not_found")
    if payment.state == rules.PAYMENT.start:
        try:
            submit(payment)
        except ProviderDown as down:
            raise Refusal("provider_down", provider=payment.provider) from down
    return payment


def submit(payment: Payment) -> None:
    """Makes the charge known to its provider.  Raises ProviderDown."""
    at_provider = adapter(payment.provider)
    if at_provider.is_local:
        answer = at_provider.create(bare_charge(payment))
        db.move(payment, rules.PAYMENT, "submit", provider_ref=answer.ref)
        return
    charge = charge_of(payment)
    _record(payment, call(at_provider, lambda: at_provider.create(charge)))


def close_payment(*, payment_id: int) -> Payment:
    """Gives an unpaid payment up.

    A provider in our own database is asked first: the payment comes back as "closed", or in another state if it was
    paid there, or may yet be.  A provider over the network is told by the sweep, after the caller's transaction.
    Either way money that still comes is accepted, and its owner sends it back.  Callers that lock orders lock them
    before.  Refuses: not_found.
    """
    with db.atomic():
        payment = rows.first(Payment, id=payment_id, locked=True)
        if payment is None:
            raise Refusal("not_found")
        if payment.state in ("succeeded", "closed"):
            return payment
        at_provider = adapter(payment.provider)
        if not at_provider.is_local:
            db.move(payment, rules.PAYMENT, "close", ask_at=clock.now())
            return payment
        try:
            answer = call(at_provider, lambda: at_provider.close(bare_charge(payment)))
        except ProviderDown:
            db.move(payment, rules.PAYMENT, "close", ask_at=clock.now() + rules.ASK_AFTER)
            return payment
        if answer.state == "succeeded":
            tell(payment, "succeeded", answer.ref)
        elif answer.state != "pending":
            db.move(payment, rules.PAYMENT, "close", ask_at=None)
    return payment


def _start(
    at_provider: Adapter, key: str, cause: Cause, amount: Money, parts: Sequence[PartIn], first: int | None
) -> Payment:
    """The payment of a key, new or known, and made known to a provider in our own database."""
    now = clock.now()
    # A provider over the network is asked by the door or the sweep, after this transaction: it may be slow.
    ask_at = now + rules.ASK_AFTER if at_provider.is_local else now
    public_id, state, ref = new_payment_id(), rules.PAYMENT.start, None
    if at_provider.is_local and at_provider.limits.lands_with != "merchant":
        # Nothing has to be known of the payment before it is known there, so both are one statement.
        ref = at_provider.create(Operation("payment", public_id, amount, text=TEXT)).ref
        state = rules.PAYMENT.next(state, "submit")
    payment = rows.read(
        Payment,
        f"SELECT {statements.columns(Payment)} FROM payments_start(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::bigint[],"
        " %s::bigint, %s, %s)",
        [
            key, public_id, at_provider.name, amount.currency, amount.minor, cause[0], cause[1], now, ask_at,
            [part.merchant_id for part in parts], first, state, ref,
        ],
    )[0]  # fmt: skip
    if payment.state == rules.PAYMENT.start:
        if at_provider.limits.lands_with == "merchant":
            _write_parts(payment, parts)
        if at_provider.is_local:
            submit(payment)
    return payment


def _write_parts(payment: Payment, parts: Sequence[PartIn]) -> None:
    """Whose money comes to whom, where it comes to the merchants themselves.  Refuses: provider_closed."""
    found = ProviderAccount.objects.filter(
        provider=payment.provider, party_kind="merchant", closed_at=None,
        party_id__in=[part.merchant_id for part in parts],
    )  # fmt: skip
    accounts = dict(found.values_list("party_id", "account"))
    if not parts or any(part.merchant_id not in accounts for part in parts):
        raise Refusal("provider_closed", provider=payment.provider)
    PaymentPart.objects.bulk_create(
        [
            PaymentPart(
                payment=payment, of=part.of, merchant_id=part.merchant_id, account=accounts[part.merchant_id],
                amount_minor=part.amount_minor,
            )
            for part in parts
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def _record(payment: Payment, answer: Answer) -> None:
    """What came of asking for the charge, if nothing else became of the payment meanwhile."""
    with db.atomic():
        for our_ref, ref in answer.parts:
            PaymentPart.objects.filter(public_id=our_ref).update(provider_ref=ref)
        asked = Payment.objects.filter(pk=payment.pk, state=rules.PAYMENT.start)
        if answer.state == "failed":
            asked.update(state="failed")
        else:
            asked.update(state="pending", provider_ref=answer.ref, pay_url=answer.pay_url)
    payment.refresh_from_db()
