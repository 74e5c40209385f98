"""What must always be true of payments: each invariant a named function that counts its violations."""

from collections.abc import Callable

from meadow.kernel import db
from meadow.ledger.queries import nonzero_balances
from meadow.payments.models import Leg, Payout
from meadow.payments.rules import PAYOUT_OPEN


def refunded_matches() -> int:
    """What a payment counts as refunded is the sum of its refunds that did not fail."""
    return _count(
        "SELECT count(*) FROM payments_payment p LEFT JOIN (SELECT payment_id, sum(amount_minor) AS minor"
        " FROM payments_providerrefund WHERE state <> 'failed' GROUP BY payment_id) r ON r.payment_id = p.id"
        " WHERE p.refunded_minor <> coalesce(r.minor, 0)"
    )


def payout_accounts_match() -> int:
    """The account of a payout holds its amount while it is under way, and nothing once it ended."""
    under_way = Payout.objects.filter(state__in=PAYOUT_OPEN)
    expected = {
        (f"payout:{public_id}", currency): minor
        for public_id, currency, minor in under_way.values_list("public_id", "currency", "amount_minor")
    }
    return len(expected.items() ^ nonzero_balances("payout:").items())


def leg_accounts_match() -> int:
    """The account of a party's split or release holds its amount while it is pending, and nothing else does."""
    pending = Leg.objects.filter(state="pending").exclude(direction="return").exclude(party_kind="platform")
    expected = {
        (f"leg:{public_id}", currency): minor
        for public_id, currency, minor in pending.values_list("public_id", "currency", "amount_minor")
    }
    return len(expected.items() ^ nonzero_balances("leg:").items())


def returns_within_what_was_sent() -> int:
    """What is asked back of a leg is the sum of its returns that did not fail."""
    return _count(
        "SELECT count(*) FROM payments_leg o LEFT JOIN (SELECT original_id, sum(amount_minor) AS minor"
        " FROM payments_leg WHERE direction = 'return' AND state <> 'failed' AND reason <> 'not_sent_yet'"
        " GROUP BY original_id) r ON r.original_id = o.id"
        " WHERE o.direction <> 'return' AND o.returned_minor <> coalesce(r.minor, 0)"
    )


def one_purchase_is_paid_once() -> int:
    """Of all tries to pay for one purchase at most one keeps the money; what else came is going back."""
    return _count(
        "SELECT count(*) FROM (SELECT coalesce(first_id, id) AS first FROM payments_payment"
        " WHERE state = 'succeeded' AND refunded_minor < amount_minor"
        " AND NOT EXISTS (SELECT FROM payments_providerrefund r WHERE r.payment_id = payments_payment.id"
        "  AND r.cause_kind = 'payments.payment')"
        " GROUP BY 1 HAVING count(*) > 1) x"
    )


def sandbox_agrees() -> int:
    """A sandbox payment is paid here only if it is paid there, in the same amount."""
    return _count(
        "SELECT count(*) FROM payments_payment p LEFT JOIN payments_sandboxoperation o"
        " ON o.subject = 'payment' AND o.our_ref = p.public_id WHERE p.provider IN ('sandbox', 'sandbox2')"
        " AND p.state = 'succeeded' AND (o.id IS NULL OR o.settles_as <> 'succeeded'"
        " OR o.amount_minor <> p.amount_minor OR o.currency <> p.currency)"
    )


def _count(sql: str) -> int:
    return int(db.call(sql))


INVARIANTS: dict[str, Callable[[], int]] = {
    "payments_leg_accounts_match": leg_accounts_match,
    "payments_one_purchase_is_paid_once": one_purchase_is_paid_once,
    "payments_payout_accounts_match": payout_accounts_match,
    "payments_refunded_matches": refunded_matches,
    "payments_returns_within_what_was_sent": returns_within_what_was_sent,
    "payments_sandbox_agrees": sandbox_agrees,
}
