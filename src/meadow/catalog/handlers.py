"""How the catalog carries out what governance decided."""

from datetime import datetime

from meadow.catalog import queries, services
from meadow.governance.services import register_faces, register_owner, register_texts
from meadow.kernel.events import DecisionMade, DecisionReversed, MerchantLeaving
from meadow.kernel.outbox import handles

_KINDS = {"catalog.shop": "shop", "catalog.product": "product"}
# How far each action of a decision goes.
_SCOPES = {"suspend": "all", "stop_new": "new"}
# What waits for a look is not visible until somebody has let it pass.
_HELD = {**_SCOPES, "review": "all", "hold": "all"}

register_owner("catalog.shop", queries.merchant_of_shop)
register_owner("catalog.product", queries.merchant_of_product)
register_faces("catalog.shop", queries.shop_faces, queries.shop_id_of)
register_faces("catalog.product", queries.product_faces, queries.product_id_of)
register_texts("catalog.shop", services.texts_of_shops)
register_texts("catalog.product", services.texts_of_products)


@handles(DecisionMade)
def on_decision_made(events: list[DecisionMade]) -> None:
    for event in events:
        until = datetime.fromisoformat(event.until) if event.until else None
        kind = _KINDS.get(event.subject_kind)
        scope = (_HELD if kind else _SCOPES).get(event.action)
        if event.subject_kind == "accounts.merchant" and scope:
            services.suspend_shops_of(
                merchant_id=event.subject_id, decision_id=event.decision_id, until=until, scope=scope
            )
        elif event.subject_kind == "accounts.merchant" and event.action == "restore":
            services.restore_shops_of(merchant_id=event.subject_id, decision_id=event.decision_id)
        elif kind and scope:
            services.suspend(
                kind=kind, subject_id=event.subject_id, decision_id=event.decision_id, until=until, scope=scope
            )
        elif kind and event.action == "restore":
            services.restore(kind=kind, subject_id=event.subject_id, decision_id=event.decision_id)


@handles(DecisionReversed)
def on_decision_reversed(events: list[DecisionReversed]) -> None:
    for event in events:
        if event.subject_kind in _KINDS or event.subject_kind == "accounts.merchant":
            services.undo(decision_id=event.decision_id)


@handles(MerchantLeaving)
def on_merchant_leaving(events: list[MerchantLeaving]) -> None:
    for event in events:
        services.close_shops_of(merchant_id=event.merchant_id)
