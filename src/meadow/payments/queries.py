"""What can be read of payments: by id, by cause, what a provider can carry, and the invariants."""

from collections.abc import Callable

from meadow.kernel import db
from meadow.kernel.errors import Refusal
from meadow.ledger.queries import nonzero_balances
from meadow.payments import adapters, rules
from meadow.payments.models import Notice, Payment, Payout, ProviderRefund
from meadow.payments.rules import BEHAVIOURS, ProviderLimits

__all__ = [
    "BEHAVIOURS",
    "INVARIANTS",
    "Notice",
    "Payment",
    "Payout",
    "ProviderLimits",
    "ProviderRefund",
    "limits_of",
    "notice_by_id",
    "payment",
    "payment_by_id",
    "payments_of",
    "payout",
    "payouts_of",
    "provider_refund_by_id",
    "provider_refunds_of",
    "providers",
]


def payment(public_id: str) -> Payment:
    """A payment by its public id.  Refuses: not_found."""
    found = Payment.objects.filter(public_id=public_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def payment_by_id(payment_id: int) -> Payment:
    """Refuses: not_found."""
    found = Payment.objects.filter(pk=payment_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def payments_of(cause: tuple[str, int]) -> list[Payment]:
    """The payments of a cause, oldest first."""
    return list(Payment.objects.filter(cause_kind=cause[0], cause_id=cause[1]).order_by("id"))


def notice_by_id(notice_id: int) -> Notice:
    """A verified notice.  Refuses: not_found."""
    found = Notice.objects.filter(pk=notice_id, verified=True).first()
    if found is None:
        raise Refusal("not_found")
    return found


def provider_refund_by_id(refund_id: int) -> ProviderRefund:
    """Refuses: not_found."""
    found = ProviderRefund.objects.filter(pk=refund_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def provider_refunds_of(cause: tuple[str, int]) -> list[ProviderRefund]:
    """The refunds at the provider of a cause, oldest first."""
    return list(ProviderRefund.objects.filter(cause_kind=cause[0], cause_id=cause[1]).order_by("id"))


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


def providers() -> list[str]:
    """The providers that checkout can offer."""
    return list(adapters.enabled())


def limits_of(provider: str) -> ProviderLimits:
    """What a provider can carry (settled question 9).  Refuses: provider_unknown."""
    return adapters.adapter(provider).limits


def refunded_matches() -> int:
    """What a payment counts as refunded is the sum of its refunds that did not fail."""
    return _count(
        "SELECT count(*) FROM payments_payment p LEFT JOIN (SELECT payment_id, sum(amount_minor) AS minor"
        " FROM payments_providerrefund WHERE state <> 'failed' GROUP BY payment_id) r ON r.payment_id = p.id"
        " WHERE p.refunded_minor <> coalesce(r.minor, 0)"
    )


def payout_accounts_match() -> int:
    """The account of a payout holds its amount while it is under way, and nothing once it ended."""
    under_way = Payout.objects.filter(state__in=["requested", "pending"])
    expected = {
        (f"payout:{public_id}", currency): minor
        for public_id, currency, minor in under_way.values_list("public_id", "currency", "amount_minor")
    }
    return len(expected.items() ^ nonzero_balances("payout:").items())


def sandbox_agrees() -> int:
    """A sandbox payment is paid here only if it is paid there, in the same amount."""
    return _count(
        "SELECT count(*) FROM payments_payment p LEFT JOIN payments_sandboxoperation o"
        " ON o.subject = 'payment' AND o.our_ref = p.public_id WHERE p.provider = 'sandbox'"
        " AND p.state = 'succeeded' AND (o.id IS NULL OR o.settles_as <> 'succeeded'"
        " OR o.amount_minor <> p.amount_minor OR o.currency <> p.currency)"
    )


def _count(sql: str) -> int:
    return int(db.call(sql))


INVARIANTS: dict[str, Callable[[], int]] = {
    "payments_payout_accounts_match": payout_accounts_match,
    "payments_refunded_matches": refunded_matches,
    "payments_sandbox_agrees": sandbox_agrees,
}
