"""What trade does when a payment is noticed, a refund ends at the provider, or a guest becomes somebody."""

from meadow.governance.queries import forbids_goods
from meadow.kernel.events import (
    ChargebackWon,
    CommissionReinstated,
    CommissionReleased,
    CommissionVoided,
    DecisionMade,
    DecisionReversed,
    GuestClaimed,
    HoldReleased,
    ParcelsEntered,
    PaymentChargedBack,
    PaymentNoticed,
    ProviderRefunded,
)
from meadow.kernel.outbox import handles
from meadow.payments import queries as payments
from meadow.trade import services


@handles(DecisionMade)
def hold_for_goods(events: list[DecisionMade]) -> None:
    """Goods found to be forbidden are not paid out; a licence that ends forbids nothing that was sold before."""
    for event in events:
        if event.subject_kind == "catalog.product" and event.action == "suspend" and forbids_goods(event.rule_id):
            services.freeze_for_goods(product_id=event.subject_id, decision_id=event.decision_id)


@handles(DecisionReversed)
def free_goods(events: list[DecisionReversed]) -> None:
    for event in events:
        if event.subject_kind == "catalog.product":
            services.unfreeze_goods(decision_id=event.decision_id)


@handles(PaymentNoticed)
def record_payments(events: list[PaymentNoticed]) -> None:
    services.record_payments([payments.notice_by_id(event.notice_id) for event in events])


@handles(ProviderRefunded)
def complete_refunds(events: list[ProviderRefunded]) -> None:
    answers = [(event.cause_id, event.provider_refund_id) for event in events if event.cause_kind == "trade.refund"]
    services.complete_refunds(answers=answers)


@handles(HoldReleased)
def hold_with_merchants(events: list[HoldReleased]) -> None:
    for event in events:
        services.hold_with_merchants(payment_id=event.payment_id)


@handles(PaymentChargedBack)
def charge_back(events: list[PaymentChargedBack]) -> None:
    for event in events:
        services.charge_back(chargeback_id=event.chargeback_id)


@handles(ChargebackWon)
def win_chargebacks(events: list[ChargebackWon]) -> None:
    for event in events:
        services.win_chargeback(chargeback_id=event.chargeback_id)


@handles(ParcelsEntered)
def doubt_tracking(events: list[ParcelsEntered]) -> None:
    for order_id in sorted({event.order_id for event in events}):
        services.doubt_tracking(order_id=order_id)


@handles(GuestClaimed)
def claim_orders(events: list[GuestClaimed]) -> None:
    for event in events:
        services.claim_orders(guest_id=event.guest_id, person_id=event.person_id)


@handles(CommissionVoided)
def void_commissions(events: list[CommissionVoided]) -> None:
    for event in events:
        services.void_commission(line_id=event.line_id, decision_id=event.decision_id)


@handles(CommissionReinstated)
def reinstate_commissions(events: list[CommissionReinstated]) -> None:
    for event in events:
        services.reinstate_commission(line_id=event.line_id, decision_id=event.decision_id)


@handles(CommissionReleased)
def free_commissions(events: list[CommissionReleased]) -> None:
    for event in events:
        services.free_commission(order_id=event.order_id, creator_id=event.creator_id)
