"""How the catalog carries out what governance decided."""

from datetime import datetime

from meadow.catalog import services
from meadow.kernel.events import DecisionMade, DecisionReversed
from meadow.kernel.outbox import handles

_KINDS = {"catalog.shop": "shop", "catalog.product": "product"}


@handles(DecisionMade)
def on_decision_made(events: list[DecisionMade]) -> None:
    for event in events:
        until = datetime.fromisoformat(event.until) if event.until else None
        kind = _KINDS.get(event.subject_kind)
        if event.subject_kind == "accounts.merchant" and event.action == "suspend":
            services.suspend_shops_of(merchant_id=event.subject_id, decision_id=event.decision_id, until=until)
        elif event.subject_kind == "accounts.merchant" and event.action == "restore":
            services.restore_shops_of(merchant_id=event.subject_id, decision_id=event.decision_id)
        elif kind and event.action == "suspend":
            services.suspend(kind=kind, subject_id=event.subject_id, decision_id=event.decision_id, until=until)
        elif kind and event.action == "restore":
            services.restore(kind=kind, subject_id=event.subject_id, decision_id=event.decision_id)


@handles(DecisionReversed)
def on_decision_reversed(events: list[DecisionReversed]) -> None:
    for event in events:
        if event.subject_kind in _KINDS or event.subject_kind == "accounts.merchant":
            services.undo(decision_id=event.decision_id)
