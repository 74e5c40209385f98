"""How much was sold to people who came by which way: every paid line counts once, so the parts add up to the whole."""

from dataclasses import dataclass
from datetime import datetime

from meadow.kernel import db


@dataclass(frozen=True, slots=True)
class OriginSales:
    """Goods of paid orders by where their buyers came from; tag as `sharing.channel_of` reads it."""

    tag: int | None
    currency: str
    orders: int
    goods_minor: int


def sales_by_origin(since: datetime, until: datetime) -> list[OriginSales]:
    """What was paid for goods within a time, refunds not taken off.  One statement."""
    rows = db.rows(
        "SELECT affiliate_origin_tag(l.attribution_id) AS tag, o.currency, count(DISTINCT o.id) AS orders, "
        "sum(l.amount_minor)::bigint AS goods_minor FROM trade_order o JOIN trade_orderline l ON l.order_id = o.id "
        "WHERE o.paid_at >= %s AND o.paid_at < %s AND l.kind = 'goods' GROUP BY 1, 2 ORDER BY 4 DESC",
        [since, until],
    )
    return [OriginSales(**row) for row in rows]
