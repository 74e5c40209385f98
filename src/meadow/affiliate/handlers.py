"""What affiliate does when an order is paid, received, settled, refunded or closed."""

from meadow.affiliate import queries, services
from meadow.governance.queries import answer_of
from meadow.governance.services import register_answers, register_owner
from meadow.kernel.events import (
    DecisionMade,
    DecisionReversed,
    LineRefunded,
    OrderClosed,
    OrderPaid,
    OrderSettled,
    ReceiptConfirmed,
)
from meadow.kernel.outbox import handles

REVIEW = "affiliate.review"
register_owner(REVIEW, queries.creator_of_review)
register_answers(REVIEW, queries.VOIDED_FOR)


@handles(DecisionMade)
def void_reviews(events: list[DecisionMade]) -> None:
    """A person acted against a commission that was held."""
    for event in events:
        if event.subject_kind == REVIEW and event.action == "suspend":
            services.void_review(
                review_id=event.subject_id, decision_id=event.decision_id, reason=answer_of(event.decision_id)
            )


@handles(DecisionReversed)
def end_reviews(events: list[DecisionReversed]) -> None:
    """A person let it pass, or took back that it was voided."""
    for event in events:
        if event.subject_kind == REVIEW and event.action == "hold":
            services.release_review(review_id=event.subject_id)
        elif event.subject_kind == REVIEW and event.action == "suspend":
            services.restore_review(review_id=event.subject_id, decision_id=event.decision_id)


@handles(OrderPaid)
def open_commissions(events: list[OrderPaid]) -> None:
    orders = {event.order_id for event in events}
    services.open_commissions(order_ids=orders)
    services.open_reviews(order_ids=orders)


@handles(ReceiptConfirmed)
def confirm_commissions(events: list[ReceiptConfirmed]) -> None:
    services.confirm_commissions(order_ids={event.order_id for event in events})


@handles(OrderSettled)
def finish_commissions(events: list[OrderSettled]) -> None:
    orders = {event.order_id for event in events}
    services.finish_commissions(order_ids=orders)
    services.start_review_clocks(order_ids=orders)


@handles(LineRefunded)
def reduce_commissions(events: list[LineRefunded]) -> None:
    refunded: dict[int, int] = {}
    for event in events:
        refunded[event.line_id] = max(event.refunded_minor, refunded.get(event.line_id, 0))
    services.reduce_commissions(refunded=refunded)


@handles(OrderClosed)
def void_commissions(events: list[OrderClosed]) -> None:
    """A whole refund has voided them line by line already, with its own reason; this is for what is left."""
    services.void_commissions(order_ids={event.order_id for event in events}, reason="order_cancelled")
