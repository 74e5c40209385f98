"""What a creator sees of orders: clicks, orders, money, and for every line why it counted for them or did not.

Nothing here says who bought: no name, no address, no order's id.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from meadow.affiliate import queries as affiliate
from meadow.sharing import queries as sharing
from meadow.trade.models import OrderLine


@dataclass(frozen=True, slots=True)
class LineStory:
    """One order line that a click of the creator led to, with what became of it."""

    line: str
    placed_at: datetime
    title: str
    shop: str
    goods_minor: int
    currency: str
    counted: bool
    state: str  # of the commission; "none" where the line did not count, "unpaid" until it is paid
    creator_minor: int
    trail: affiliate.CreatorTrail

    @property
    def void_en(self) -> str:
        return affiliate.SAYS[self.trail.void_reason][0] if self.trail.void_reason else ""

    @property
    def void_zh(self) -> str:
        return affiliate.SAYS[self.trail.void_reason][1] if self.trail.void_reason else ""


@dataclass(frozen=True, slots=True)
class CreatorSums:
    """A period in numbers: what came of the creator's clicks."""

    clicks: int
    orders: int
    lines_counted: int
    lines_not_counted: Mapping[str, int]  # by reason
    by_state: Mapping[tuple[str, str], int]  # (state, currency): minor


def creator_lines(
    creator_id: int, *, since: datetime, until: datetime, before_id: int | None = None, limit: int = 50
) -> list[tuple[int, LineStory]]:
    """Lines that the creator's clicks led to, the newest first, each with the id to go on from."""
    trails = affiliate.creator_trails(creator_id, since=since, until=until, before_id=before_id, limit=limit)
    lines = OrderLine.objects.filter(pk__in=[one.order_line_id for one in trails]).select_related("order__shop")
    known = {line.pk: line for line in lines}
    return [(one.attribution_id, _story(one, known[one.order_line_id])) for one in trails if one.order_line_id in known]


def creator_sums(creator_id: int, *, since: datetime, until: datetime) -> CreatorSums:
    """The same period in numbers."""
    counted, reasons, by_state, orders = affiliate.creator_sums(creator_id, since=since, until=until)
    clicks = sharing.clicks_of_creator(creator_id, since, until)
    return CreatorSums(clicks, orders, counted, Counter(reasons), by_state)


def _story(of: affiliate.CreatorTrail, line: OrderLine) -> LineStory:
    state = of.state or ("none" if not of.counted else "unpaid" if line.order.paid_at is None else "none")
    return LineStory(
        line.public_id, line.order.placed_at, line.title, line.order.shop.name, line.amount_minor,
        line.order.currency, of.counted, state, of.creator_minor, of,
    )  # fmt: skip
