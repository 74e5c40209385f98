"""How nobody gets more of a SKU than one buyer may have: this order and all their earlier ones count together."""

from collections.abc import Mapping

from meadow.catalog.queries import SkuForSale
from meadow.kernel import db
from meadow.kernel.errors import Refusal
from meadow.trade.queries.carts import bought_so_far


def require_within_limits(buyer_id: int | None, wanted: Mapping[int, int], skus: Mapping[int, SkuForSale]) -> None:
    """wanted: SKU id to quantity.  Two orders of one buyer take turns, so that they cannot both fit.

    A guest has no earlier orders.  Refuses: over_buyer_limit.
    """
    limited = {sku_id: most for sku_id in wanted if (most := skus[sku_id].buyer_limit) is not None}
    if not limited:
        return
    had: dict[int, int] = {}
    if buyer_id is not None:
        db.call("SELECT pg_advisory_xact_lock(hashtextextended('trade:buyer_limit', %s))", [buyer_id])
        had = bought_so_far(buyer_id, limited)
    for sku_id, most in limited.items():
        if wanted[sku_id] + had.get(sku_id, 0) > most:
            sku = skus[sku_id]
            raise Refusal("over_buyer_limit", sku=sku.sku_public_id, title=sku.title, most=most, had=had.get(sku_id, 0))
