"""Whom to believe when somebody says that money moved: verification, storing, and carrying out exactly once."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import IntegrityError

from meadow.kernel import clock, db, limits
from meadow.kernel.errors import Refusal
from meadow.kernel.events import PaymentNoticed
from meadow.kernel.outbox import emit
from meadow.payments import rules
from meadow.payments.adapters import enabled
from meadow.payments.adapters.protocol import NoticeFaulty, ProviderDown, Told
from meadow.payments.models import Chargeback, Leg, Notice, Payment, PaymentPart, Payout, ProviderRefund
from meadow.payments.rules import Outcome
from meadow.payments.services.chargebacks import note_chargeback
from meadow.payments.services.ends import end_leg, end_payout, end_refund

log = logging.getLogger("meadow.payments")

Subject = Payment | ProviderRefund | Payout | Leg | Chargeback
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
    stored only if nothing rolls it back.  Refuses: notice_refused (stored and logged, nothing else changed);
    provider_down, where the provider has to be asked what it means and is away: it will say it again.
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
    except ProviderDown as down:
        raise Refusal("provider_down", provider=provider) from down


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
            extra |= {"paid_at": clock.now(), "ask_at": None, "hold_due_at": _hold_due(payment.provider)}
        db.move(payment, rules.PAYMENT, event, **extra)
        return Accepted(payment, "paid" if event == "succeed" else "failed")


def tell(payment: Payment, outcome: Outcome, provider_ref: str | None, parts: Sequence[tuple[str, str]] = ()) -> Notice:
    """Makes a notice of what a provider answered when we asked, and announces it like one that came by itself."""
    notice = Notice.objects.create(
        provider=payment.provider, subject="payment", payment=payment, outcome=outcome,
        provider_ref=provider_ref or "", seal=f"asked:{payment.public_id}:{outcome}:{clock.machine_now().timestamp()}",
        verified=True, headers={}, body=b"",
    )  # fmt: skip
    _name_parts(payment, parts)
    emit(PaymentNoticed(payment.pk, notice.pk))
    return notice


def _name_parts(payment: Payment, parts: Sequence[tuple[str, str]]) -> None:
    """Keeps the provider's own names of a payment's parts."""
    for our_ref, ref in parts:
        PaymentPart.objects.filter(payment=payment, public_id=our_ref).update(provider_ref=ref[:128])


def _take(provider: str, told: Told, headers: Mapping[str, str], body: bytes) -> Notice:
    """Stores a genuine notice of a known operation, and carries it out unless it is about a payment.

    Raises NoticeFaulty.
    """
    subject = _subject_of(provider, told)
    try:
        with db.atomic():
            notice = Notice.objects.create(
                provider=provider, subject=told.subject, outcome=told.outcome, provider_ref=told.provider_ref,
                seal=told.seal, verified=True, headers=_kept(headers), body=body, **{_FIELD[told.subject]: subject},
            )  # fmt: skip
    except IntegrityError:
        raise NoticeFaulty("replay") from None
    if isinstance(subject, Payment) and told.subject == "payment":
        _name_parts(subject, told.parts)
        emit(PaymentNoticed(subject.pk, notice.pk))
    else:
        _carry_out(subject, told)
        Notice.objects.filter(pk=notice.pk).update(carried_out_at=clock.now())
    return notice


_FIELD = {
    "payment": "payment", "refund": "provider_refund", "payout": "payout", "split": "leg", "return": "leg",
    "chargeback": "payment",
}  # fmt: skip


def _carry_out(subject: Subject, told: Told) -> None:
    if isinstance(subject, Payment):
        note_chargeback(subject, told)
    elif told.outcome == "pending":
        return
    elif isinstance(subject, ProviderRefund):
        end_refund(subject.pk, told.outcome)
    elif isinstance(subject, Leg):
        end_leg(subject.pk, told.outcome, ref=told.provider_ref, why=told.reason)
    elif isinstance(subject, Payout):
        end_payout(subject.pk, told.outcome, why=told.reason)


def _subject_of(provider: str, told: Told) -> Subject:
    """The operation that a notice is about, if it fits in every member.  Raises NoticeFaulty."""
    subject: Subject | None
    of: Payment | Payout | None
    if told.subject == "refund":
        subject = ProviderRefund.objects.select_related("payment").filter(public_id=told.our_ref).first()
        of = subject.payment if subject else None
    elif told.subject in ("split", "return"):
        subject = Leg.objects.select_related("payment").filter(public_id=told.our_ref).first()
        of = subject.payment if subject else None
    elif told.subject == "payout":
        subject = of = Payout.objects.filter(public_id=told.our_ref).first()
    else:
        subject = of = Payment.objects.filter(public_id=told.our_ref).first()
    if subject is None or of is None or of.provider != provider:
        raise NoticeFaulty("unknown")
    if isinstance(subject, Leg) and (subject.direction == "return") != (told.subject == "return"):
        raise NoticeFaulty("unknown")
    if of.currency != told.amount.currency:
        raise NoticeFaulty("currency")
    is_part_enough = told.subject == "chargeback"
    if subject.amount_minor != told.amount.minor and not (is_part_enough and 0 < told.amount.minor < of.amount_minor):
        raise NoticeFaulty("amount")
    if isinstance(of, Payment):
        _check_parts(of, told)
    return subject


def _check_parts(payment: Payment, told: Told) -> None:
    """Every merchant and part that a notice names is the one we asked for.  Raises NoticeFaulty."""
    if not (told.accounts or told.amounts or told.parts):
        return
    parts = {part.public_id: part for part in PaymentPart.objects.filter(payment=payment)}
    if len(parts) == 1:
        parts[payment.public_id] = next(iter(parts.values()))
    named = {our_ref for our_ref, _ in (*told.accounts, *told.amounts, *told.parts)}
    if not named <= set(parts):
        raise NoticeFaulty("unknown")
    if any(parts[our_ref].account != account for our_ref, account in told.accounts):
        raise NoticeFaulty("party")
    if any(parts[our_ref].amount_minor != minor for our_ref, minor in told.amounts):
        raise NoticeFaulty("amount")


def _hold_due(provider: str) -> datetime | None:
    """When we end the provider's hold on money that it takes now, two days before it would by itself."""
    at_provider = enabled().get(provider)
    days = at_provider.limits.max_hold_days if at_provider else None
    return clock.now() + timedelta(days=days) - rules.RELEASE_BEFORE if days is not None else None


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
