"""Whom to believe when somebody says that money moved: verification, storing, and carrying out exactly once."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.db import IntegrityError

from meadow.kernel import clock, db, limits
from meadow.kernel.errors import Refusal
from meadow.kernel.events import PaymentNoticed
from meadow.kernel.outbox import emit
from meadow.payments import rules
from meadow.payments.adapters import enabled
from meadow.payments.adapters.protocol import NoticeFaulty, Told
from meadow.payments.models import Notice, Payment, Payout, ProviderRefund
from meadow.payments.rules import Outcome
from meadow.payments.services.ends import end_payout, end_refund

log = logging.getLogger("meadow.payments")

_EVENT_OF = {"succeeded": "succeed", "failed": "fail"}


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a notice changed: "paid" and "failed" are said once per change, "unchanged" for every repeat."""

    payment: Payment
    outcome: Literal["paid", "failed", "unchanged"]


def verify(*, provider: str, headers: Mapping[str, str], body: bytes) -> Notice:
    """Stores a notice and returns it if it is genuine, fresh, new and about an operation of ours, in its amount.

    A notice about a payment is also announced as PaymentNoticed, so that it is carried out even if the caller dies;
    one about a refund or a payout is carried out here.  Call it outside of a transaction: what was refused stays
    stored only if nothing rolls it back.  Refuses: notice_refused (stored and logged, nothing else changed).
    """
    try:
        at_provider = enabled().get(provider)
        if at_provider is None:
            raise NoticeFaulty("provider")
        if len(body) > rules.MOST_NOTICE_BYTES:
            raise NoticeFaulty("shape")
        told = at_provider.verify(headers=headers, body=body, at=clock.machine_now())
        with db.atomic():
            return _take(provider, told, headers, body)
    except NoticeFaulty as fault:
        _keep_refused(provider, headers, body, fault.why)
        raise Refusal("notice_refused", why=fault.why) from None


def accept_notice(*, notice_id: int) -> Accepted:
    """Moves the payment of a verified notice; of all its notices exactly one answers "paid".

    Call it in the transaction that posts the money.  Locks the payment, so callers that lock orders lock them before.
    A late success on a closed payment is "paid" too: its owner sends the money back.  Refuses: not_found.
    """
    with db.atomic():
        notice = Notice.objects.filter(pk=notice_id, verified=True, subject="payment").first()
        if notice is None or notice.payment_id is None:
            raise Refusal("not_found")
        payment = Payment.objects.select_for_update(no_key=True).get(pk=notice.payment_id)
        Notice.objects.filter(pk=notice_id, carried_out_at=None).update(carried_out_at=clock.now())
        event = _EVENT_OF.get(notice.outcome)
        if event is None or payment.state not in rules.PAYMENT.sources(event):
            return Accepted(payment, "unchanged")
        extra: dict[str, Any] = {"provider_ref": notice.provider_ref}
        if event == "succeed":
            # After a failure we go on asking: the buyer may try again at the provider.
            extra |= {"paid_at": clock.now(), "ask_at": None}
        db.move(payment, rules.PAYMENT, event, **extra)
        return Accepted(payment, "paid" if event == "succeed" else "failed")


def tell(payment: Payment, outcome: Outcome, provider_ref: str | None) -> Notice:
    """Makes a notice of what a provider answered when we asked, and announces it like one that came by itself."""
    notice = Notice.objects.create(
        provider=payment.provider, subject="payment", payment=payment, outcome=outcome,
        provider_ref=provider_ref or "", seal=f"asked:{payment.public_id}:{outcome}:{clock.machine_now().timestamp()}",
        verified=True, headers={}, body=b"",
    )  # fmt: skip
    emit(PaymentNoticed(payment.pk, notice.pk))
    return notice


def _take(provider: str, told: Told, headers: Mapping[str, str], body: bytes) -> Notice:
    """Stores a genuine notice of a known operation.  Raises NoticeFaulty."""
    subject = _subject_of(provider, told)
    try:
        with db.atomic():
            notice = Notice.objects.create(
                provider=provider, subject=told.subject, outcome=told.outcome, provider_ref=told.provider_ref,
                seal=told.seal, verified=True, headers=_kept(headers), body=body,
                **{"provider_refund" if told.subject == "refund" else told.subject: subject},
            )  # fmt: skip
    except IntegrityError:
        raise NoticeFaulty("replay") from None
    if isinstance(subject, Payment):
        emit(PaymentNoticed(subject.pk, notice.pk))
    elif told.outcome != "pending":
        if isinstance(subject, ProviderRefund):
            end_refund(subject.pk, told.outcome)
        else:
            end_payout(subject.pk, told.outcome)
        Notice.objects.filter(pk=notice.pk).update(carried_out_at=clock.now())
    return notice


def _subject_of(provider: str, told: Told) -> Payment | ProviderRefund | Payout:
    """The operation that a notice is about, if it fits.  Raises NoticeFaulty."""
    subject: Payment | ProviderRefund | Payout | None
    of: Payment | Payout | None
    if told.subject == "refund":
        subject = ProviderRefund.objects.select_related("payment").filter(public_id=told.our_ref).first()
        of = subject.payment if subject else None
    elif told.subject == "payment":
        subject = of = Payment.objects.filter(public_id=told.our_ref).first()
    else:
        subject = of = Payout.objects.filter(public_id=told.our_ref).first()
    if subject is None or of is None or of.provider != provider:
        raise NoticeFaulty("unknown")
    if of.currency != told.amount.currency:
        raise NoticeFaulty("currency")
    if subject.amount_minor != told.amount.minor:
        raise NoticeFaulty("amount")
    return subject


def _keep_refused(provider: str, headers: Mapping[str, str], body: bytes, why: str) -> None:
    """Stores a refused notice for the operator; a flood of them is only logged."""
    log.warning("a notice of %s was refused: %s", provider[:32], why, extra={"why": why})
    try:
        limits.hit("payments.refused_notice", provider[:32], per=timedelta(minutes=1), burst=60)
    except Refusal:
        return
    Notice.objects.create(
        provider=provider[:32], verified=False, refused=why, headers=_kept(headers),
        body=body[: rules.MOST_NOTICE_BYTES],
    )  # fmt: skip


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers worth keeping: not the credentials that a browser or proxy adds."""
    return {
        name.lower()[:64]: value[: rules.MOST_HEADER_CHARS].replace("\x00", "")
        for name, value in list(headers.items())[: rules.MOST_HEADERS]
        if name.lower() not in ("cookie", "authorization")
    }
