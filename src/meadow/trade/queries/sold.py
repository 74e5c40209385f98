"""Which products orders are about, for whoever keeps count of stock beside the catalogue."""

from collections.abc import Collection

from meadow.trade.models import OrderLine


def products_of_orders(order_ids: Collection[int]) -> list[int]:
    """The products of some orders, each once; one statement."""
    found = OrderLine.objects.filter(order__in=list(order_ids), product_id__isnull=False)
    return sorted(set(found.values_list("product_id", flat=True)))
