"""Payments, notices, refunds, legs and payouts, by id and by cause."""

from collections.abc import Collection

from meadow.kernel import rows
from meadow.kernel.errors import Refusal
from meadow.payments import rules
from meadow.payments.models import (
    BankAccount,
    Chargeback,
    Leg,
    Notice,
    Payment,
    Payout,
    PayoutApproval,
    PayoutBatch,
    ProviderAccount,
    ProviderRefund,
)


def payment(public_id: str) -> Payment:
    """A payment by its public id.  Refuses: not_found."""
    found = rows.first(Payment, public_id=public_id)
    if found is None:
        raise Refusal("not_found")
    return found


def payment_by_id(payment_id: int) -> Payment:
    """Refuses: not_found."""
    found = rows.first(Payment, id=payment_id)
    if found is None:
        raise Refusal("not_found")
    return found


def payments_of(cause: tuple[str, int]) -> list[Payment]:
    """The payments of a cause, oldest first."""
    return list(Payment.objects.filter(cause_kind=cause[0], cause_id=cause[1]).order_by("id"))


def tries_of(payment: Payment) -> list[Payment]:
    """All tries to pay for one purchase, the first first."""
    first = payment.first_id or payment.pk
    return rows.find(Payment, id=first) + rows.find(Payment, first_id=first)


def notice_by_id(notice_id: int) -> Notice:
    """A verified notice.  Refuses: not_found."""
    found = Notice.objects.filter(pk=notice_id, verified=True).first()
    if found is None:
        raise Refusal("not_found")
    return found


def provider_refund_by_id(refund_id: int) -> ProviderRefund:
    """Refuses: not_found."""
    found = rows.first(ProviderRefund, id=refund_id)
    if found is None:
        raise Refusal("not_found")
    return found


def provider_refunds_by_id(refund_ids: Collection[int]) -> dict[int, ProviderRefund]:
    """Refunds at the provider by their ids, those that are there."""
    return {refund.pk: refund for refund in rows.find(ProviderRefund, id=refund_ids)}


def providers_of(payment_ids: Collection[int]) -> dict[int, str]:
    """Through whom payments were made, by their ids."""
    return {payment.pk: payment.provider for payment in rows.find(Payment, id=payment_ids)}


def provider_refunds_of(cause: tuple[str, int]) -> list[ProviderRefund]:
    """The refunds at the provider of a cause, oldest first."""
    return list(ProviderRefund.objects.filter(cause_kind=cause[0], cause_id=cause[1]).order_by("id"))


def legs_of(payment_id: int) -> list[Leg]:
    """How the parts of a payment went out and came back, oldest first."""
    return list(Leg.objects.filter(payment_id=payment_id).order_by("pk"))


def chargeback_by_id(chargeback_id: int) -> Chargeback:
    """Refuses: not_found."""
    found = Chargeback.objects.filter(pk=chargeback_id).select_related("payment").first()
    if found is None:
        raise Refusal("not_found")
    return found


def chargebacks(limit: int = 100) -> list[Chargeback]:
    """The newest first, for the operator."""
    return list(Chargeback.objects.select_related("payment").order_by("-pk")[:limit])


def payout(public_id: str) -> Payout:
    """Refuses: not_found."""
    found = Payout.objects.filter(public_id=public_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def payouts_of(party: tuple[str, int], limit: int = 50) -> list[Payout]:
    """What a party took out, newest first."""
    found = Payout.objects.filter(party_kind=party[0], party_id=party[1])
    return list(found.order_by("-id")[: min(limit, rules.MOST_PAYOUTS)])


def open_payouts(limit: int = rules.MOST_PAYOUTS) -> list[Payout]:
    """Payouts that have not ended, the oldest first, for the operator."""
    return list(Payout.objects.filter(state__in=rules.PAYOUT_OPEN).order_by("pk")[:limit])


def approvals_of(payout_id: int) -> int:
    """How many people have agreed to a payout."""
    return PayoutApproval.objects.filter(payout_id=payout_id).count()


def batches(limit: int = 50) -> list[PayoutBatch]:
    """Bank files, the newest first."""
    return list(PayoutBatch.objects.order_by("-pk")[:limit])


def bank_account_of(party: tuple[str, int]) -> BankAccount | None:
    """Where a party is paid now; number and holder stay sealed."""
    return BankAccount.objects.filter(party_kind=party[0], party_id=party[1], replaced_at=None).first()


def provider_accounts_of(party: tuple[str, int]) -> list[ProviderAccount]:
    """A party's own accounts at providers that are open."""
    found = ProviderAccount.objects.filter(party_kind=party[0], party_id=party[1], closed_at=None)
    return list(found.order_by("provider"))


def refused_notices(limit: int = 100) -> list[Notice]:
    """Notices that were not believed, the newest first."""
    return list(Notice.objects.filter(verified=False).order_by("-pk")[:limit])
