"""How money goes back to a buyer through the provider it came from: asked for here, ended by the provider."""

from datetime import timedelta

from django.db.models import F

from meadow.kernel import clock, db, rows
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger.services import Transfer, post
from meadow.payments import rules
from meadow.payments.adapters import adapter
from meadow.payments.adapters.protocol import Answer, Operation, ProviderDown
from meadow.payments.models import Payment, PaymentPart, ProviderRefund
from meadow.payments.services.calling import call
from meadow.payments.services.contracts import may
from meadow.payments.services.ends import end_locked_refund
from meadow.payments.services.legs import returns_under_way
from meadow.payments.services.operations import TEXT, bare_charge, refund_operation

STRAY = "payments.payment"  # the cause of a refund that no order asked for
STRAY_AGAIN, STRAY_AGAIN_MOST = timedelta(minutes=10), timedelta(days=1)


def request_refund(*, key: str, payment_id: int, amount: Money, cause: tuple[str, int], of: str = "") -> ProviderRefund:
    """Asks the provider to send a part of a payment back; ends later with ProviderRefunded, posted or failed.

    of names the part of the payment, where it has several.  What parties have to give back at the provider first is
    waited for.  All refunds of a payment together never exceed it, however many ask at once.
    Refuses: not_found, key_reused, stale_state, currency_mismatch, refund_exceeds_payment, malformed.
    """
    if amount.minor <= 0:
        raise Refusal("malformed", field="amount", why="more than nothing")
    with db.joined():
        # The payment's lock makes a repeat of the same key wait here and then find the first.
        payment = rows.first(Payment, id=payment_id, locked=True)
        if payment is None:
            raise Refusal("not_found")
        known = rows.first(ProviderRefund, key=key)
        if known is not None:
            same = (known.payment_id, known.amount_minor, known.cause_kind, known.cause_id)
            if same != (payment_id, amount.minor, *cause):
                raise Refusal("key_reused", key=key)
            return known
        _check(payment, amount)
        now = clock.now()
        refund = ProviderRefund(
            key=key, payment=payment, of=of, amount_minor=amount.minor, cause_kind=cause[0], cause_id=cause[1],
            created_at=now, ask_at=now,
        )  # fmt: skip
        _write(refund)
        payment.refunded_minor += amount.minor
        if adapter(payment.provider).is_local:
            _submit_here(refund)
    return refund


def _write(refund: ProviderRefund) -> None:
    """Stores a refund, and that so much of its payment is promised back; one statement."""
    refund.pk = db.call(
        "WITH promised AS (UPDATE payments_payment SET refunded_minor = refunded_minor + %s WHERE id = %s)"
        ' INSERT INTO payments_providerrefund (public_id, key, payment_id, "of", amount_minor, state, cause_kind,'
        " cause_id, created_at, ask_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        [
            refund.amount_minor, refund.payment_id, refund.public_id, refund.key, refund.payment_id, refund.of,
            refund.amount_minor, refund.state, refund.cause_kind, refund.cause_id, refund.created_at, refund.ask_at,
        ],
    )  # fmt: skip
    refund._state.adding = False


def refund_stray(payment: Payment) -> list[ProviderRefund]:
    """Sends a whole payment back that came although its purchase was paid another way, or is over; once.

    The payment's owner has decided so, and has locked its row.
    """
    if ProviderRefund.objects.filter(cause_kind=STRAY, cause_id=payment.pk).exists():
        return []
    parts = list(PaymentPart.objects.filter(payment=payment).order_by("pk").values_list("of", "amount_minor"))
    post(
        key=f"stray:{payment.public_id}", cause=(STRAY, payment.pk), kind="stray",
        transfers=[Transfer(f"psp:{payment.provider}", _stray_account(payment), _whole(payment))],
    )  # fmt: skip
    return [
        request_refund(
            key=f"stray:{payment.public_id}:{of}:1", payment_id=payment.pk, amount=Money(minor, payment.currency),
            cause=(STRAY, payment.pk), of=of,
        )
        for of, minor in parts or [("", payment.amount_minor)]
    ]  # fmt: skip


def finish_stray(refund: ProviderRefund) -> None:
    """The provider's answer to such a refund: the money has left, or it is asked for again later."""
    payment = refund.payment
    if refund.state == "posted":
        amount = Money(refund.amount_minor, payment.currency)
        post(
            key=f"stray:{refund.public_id}:end", cause=(STRAY, payment.pk), kind="stray_refunded",
            transfers=[Transfer(_stray_account(payment), f"psp:{payment.provider}", amount)],
        )  # fmt: skip
        return
    with db.atomic():
        Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
        tries = ProviderRefund.objects.filter(cause_kind=STRAY, cause_id=payment.pk, of=refund.of)
        if tries.exclude(state="failed").exists():
            return
        Payment.objects.filter(pk=payment.pk).update(refunded_minor=F("refunded_minor") + refund.amount_minor)
        now, tried = clock.now(), tries.count()
        ProviderRefund.objects.create(
            key=f"stray:{payment.public_id}:{refund.of}:{tried + 1}", payment=payment, of=refund.of,
            amount_minor=refund.amount_minor, cause_kind=STRAY, cause_id=payment.pk, created_at=now,
            ask_at=now + min(STRAY_AGAIN * 2 ** min(tried, 10), STRAY_AGAIN_MOST),
        )  # fmt: skip


def _stray_account(payment: Payment) -> str:
    return f"refund:{payment.public_id}"


def _whole(payment: Payment) -> Money:
    return Money(payment.amount_minor, payment.currency)


def submit(refund: ProviderRefund) -> None:
    """Makes a refund known to its provider, and ends it if that was all.  Raises ProviderDown."""
    if returns_under_way((refund.cause_kind, refund.cause_id)):
        return
    operation = refund_operation(refund)
    at_provider = adapter(refund.payment.provider)
    answer = call(at_provider, lambda: at_provider.refund(operation))
    with db.atomic():
        row = rows.first(ProviderRefund, id=refund.pk, locked=True)
        assert row is not None  # refunds are never deleted
        _note(row, answer)


def _note(refund: ProviderRefund, answer: Answer) -> None:
    """Records what the provider answered to a locked refund."""
    asked = {}
    if refund.state == rules.PROVIDER_REFUND.start:
        asked = {"provider_ref": answer.ref[:128] if answer.ref else None}
    if answer.state in ("succeeded", "failed"):
        end_locked_refund(refund, answer.state, **asked)
    elif asked:
        db.move(refund, rules.PROVIDER_REFUND, "submit", ask_at=clock.now() + rules.ASK_AFTER, **asked)


def _submit_here(refund: ProviderRefund) -> None:
    """The same at once, where the provider is in our own database; if it may not be asked now, the sweep does it.

    Nobody else sees the refund yet: it was written in this transaction.
    """
    payment = refund.payment
    if returns_under_way((refund.cause_kind, refund.cause_id)) or not may(payment.provider, payment.currency, "refund"):
        return
    amount, at_provider = Money(refund.amount_minor, payment.currency), adapter(payment.provider)
    operation = Operation("refund", refund.public_id, amount, charge=bare_charge(payment), of=refund.of, text=TEXT)
    try:
        _note(refund, call(at_provider, lambda: at_provider.refund(operation)))
    except ProviderDown:
        rows.change(refund, ask_at=clock.now() + rules.ASK_AFTER)


def _check(payment: Payment, amount: Money) -> None:
    """Refuses: stale_state, currency_mismatch, refund_exceeds_payment."""
    if payment.state != "succeeded":
        raise Refusal("stale_state", state=payment.state, event="refund")
    if payment.currency != amount.currency:
        raise Refusal("currency_mismatch", currency=payment.currency, other=amount.currency)
    left = payment.amount_minor - payment.refunded_minor
    if amount.minor > left:
        raise Refusal("refund_exceeds_payment", left_minor=left)
