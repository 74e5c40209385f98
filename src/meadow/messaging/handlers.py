"""Whom messaging tells when something happens, and which windows a payment opens."""

from meadow.accounts import queries as accounts
from meadow.governance import queries as governance
from meadow.governance.services import contact as contacts
from meadow.governance.services import party_of, register_faces, register_owner, register_private
from meadow.kernel.errors import Refusal
from meadow.kernel.events import DecisionMade, OrderPaid, OrderShipped, RefundCompleted
from meadow.kernel.outbox import handles
from meadow.messaging import queries, services
from meadow.trade import queries as trade

LINE = "messaging.chatline"
# What changes something for those concerned; the rest is inside work.
TOLD = ("suspend", "stop_new", "restore", "warn", "hold", "block", "violation", "limit")

register_owner(LINE, queries.author_of)
register_faces(LINE, queries.line_faces, queries.line_id_of)
register_private(LINE, queries.around)


@handles(OrderPaid)
def tell_paid(events: list[OrderPaid]) -> None:
    for event in events:
        contacts.open_window(person_id=event.buyer_id, party=("accounts.merchant", event.merchant_id), opening="paid")
        _tell_of_order("order_paid", event.order_id)


@handles(OrderShipped)
def tell_shipped(events: list[OrderShipped]) -> None:
    for event in events:
        _tell_of_order("order_shipped", event.order_id)


@handles(RefundCompleted)
def tell_refunded(events: list[RefundCompleted]) -> None:
    for event in events:
        _tell_of_order("refund_completed", event.order_id, ("trade.refund", event.refund_id))


@handles(DecisionMade)
def tell_decision(events: list[DecisionMade]) -> None:
    for event in events:
        if event.action not in TOLD:
            continue
        person_id = _person_of(party_of((event.subject_kind, event.subject_id)))
        decision_id = _public_id(event.decision_id)
        if person_id is not None and decision_id is not None:
            services.notify(
                person_id=person_id, topic="decision_made", cause=("governance.decision", event.decision_id),
                decision=decision_id, action=event.action,
                rule=f"{event.rule_id} v{event.rule_version}",
            )  # fmt: skip


def _public_id(decision_id: int) -> str | None:
    """What the notice links to.  A notice that finds nothing to tell must never hold up what was decided."""
    try:
        return governance.decision(decision_id).public_id
    except Refusal:
        return None


def _tell_of_order(topic: str, order_id: int, cause: tuple[str, int] | None = None) -> None:
    order = trade.locked(order_id)
    services.notify(
        person_id=order.buyer_id, topic=topic, cause=cause or ("trade.order", order_id), order=order.public_id
    )


def _person_of(party: tuple[str, int] | None) -> int | None:
    """The person who reads for a party; None if it is gone."""
    if party is None:
        return None
    kind, party_id = party
    try:
        if kind == "accounts.creator":
            return accounts.creator(party_id).person_id
        return accounts.merchant(party_id).owner_id if kind == "accounts.merchant" else party_id
    except Refusal:
        return None
