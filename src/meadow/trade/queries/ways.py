"""By which providers a buyer can pay: for a checkout, and for orders whose payment does not move."""

from collections.abc import Mapping, Sequence

from meadow.kernel.errors import Refusal
from meadow.payments import queries as payments
from meadow.payments.queries import Offer
from meadow.trade.models import Order, OrderLine


def best_way(ways: Mapping[str, Sequence[Offer]]) -> str:
    """The first provider that is offered in every currency of a checkout.  Refuses: provider_closed."""
    common = [
        offer.provider
        for offer in next(iter(ways.values()), [])
        if all(any(one.provider == offer.provider and one.is_offered for one in found) for found in ways.values())
    ]
    if not common:
        raise Refusal("provider_closed", provider=", ".join(payments.providers()) or "-")
    return common[0]


def other_ways(payment_id: int) -> list[str]:
    """The providers by which what is still to be paid can be paid instead, the best first."""
    payment = payments.payment_by_id(payment_id)
    orders = list(Order.objects.filter(payment_id=payment_id, state="placed"))
    if not orders or payment.state == "succeeded":
        return []
    lines = list(OrderLine.objects.filter(order__in=orders))
    others = [
        (sum(line.amount_minor - line.merchant_minor for line in lines if line.order_id == order.pk), order.total_minor)
        for order in orders
    ]
    offered = payments.offered(
        currency=payment.currency, merchant_ids={order.merchant_id for order in orders},
        share_bp=payments.share_bp_of(others),
    )  # fmt: skip
    return [provider for provider in offered if provider != payment.provider]
