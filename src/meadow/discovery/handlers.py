"""Which events make a row of the goods table stale.  All they do is note the product: twice is once."""

from collections.abc import Iterable, Sequence

from meadow.catalog import queries as catalog
from meadow.discovery import services
from meadow.kernel import events as happened
from meadow.kernel.outbox import handles
from meadow.plans import queries as plans
from meadow.trade import queries as trade


def on_product(events: Sequence[happened.ProductChanged | happened.ProductWithdrawn]) -> None:
    services.mark_stale({event.product_id for event in events})


@handles(happened.PlanChanged)
def on_plan(events: list[happened.PlanChanged]) -> None:
    products, shops = plans.products_of_plans({event.plan_id for event in events})
    services.mark_stale(products.union(catalog.products_in_shops(shops) if shops else ()))


def on_shop(events: Sequence[happened.ShopOpened | happened.ShopClosed]) -> None:
    services.mark_stale(catalog.products_in_shops({event.shop_id for event in events}))


# Stock moves with orders: it is promised when one is placed and comes back when one closes or is refunded.


def on_order(
    events: Sequence[happened.OrderPlaced | happened.OrderClosed | happened.LineRefunded],
) -> None:
    services.mark_stale(trade.products_of_orders({event.order_id for event in events}))


def on_decision(
    events: Sequence[happened.DecisionMade | happened.DecisionReversed | happened.SuspensionEnded],
) -> None:
    _standing_of(_merchants((event.subject_kind, event.subject_id) for event in events))


def _merchants(subjects: Iterable[tuple[str, int]]) -> set[int]:
    """Whose standing may have changed: a decision about a product or shop counts against its merchant."""
    by_kind: dict[str, set[int]] = {}
    for kind, subject_id in subjects:
        by_kind.setdefault(kind, set()).add(subject_id)
    shops, products = by_kind.get("catalog.shop", set()), by_kind.get("catalog.product", set())
    answering = catalog.merchants_of(shop_ids=shops, product_ids=products) if shops or products else set()
    return by_kind.get("accounts.merchant", set()) | answering


def _standing_of(merchant_ids: set[int]) -> None:
    if merchant_ids:
        shops = [shop.shop_id for shop in catalog.shops_of_merchants(merchant_ids)]
        services.mark_stale(catalog.products_in_shops(shops))


handles(happened.ProductChanged)(on_product)
handles(happened.ProductWithdrawn)(on_product)
handles(happened.ShopOpened)(on_shop)
handles(happened.ShopClosed)(on_shop)
handles(happened.OrderPlaced)(on_order)
handles(happened.OrderClosed)(on_order)
handles(happened.LineRefunded)(on_order)
handles(happened.DecisionMade)(on_decision)
handles(happened.DecisionReversed)(on_decision)
handles(happened.SuspensionEnded)(on_decision)
