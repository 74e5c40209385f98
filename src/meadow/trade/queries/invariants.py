"""What must always be true of trade: each invariant a named function that counts its violations."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import TypeVar

from django.db.models import Count, F, Q, Sum

from meadow.affiliate import queries as affiliate
from meadow.catalog import queries as catalog
from meadow.kernel import db
from meadow.ledger import queries as ledger
from meadow.trade.models import Order, OrderLine, Refund
from meadow.trade.rules import IN_ESCROW

T = TypeVar("T")

AT_ONCE = 2_000
NEWEST_SETTLED = 300  # older ones were looked at when they were the newest, and the ledger is append-only


def escrow_is_what_was_not_released() -> int:
    """escrow(order) = paid - released - refunded from escrow, and 0 once the order is closed or settled."""
    wrong = 0
    orders = Order.objects.order_by("pk").values_list(
        "public_id", "currency", "state", "total_minor", "refunded_minor", "held_at"
    )
    for chunk in _chunks(orders.iterator(AT_ONCE)):
        for currency in {row[1] for row in chunk}:
            due = {f"escrow:{row[0]}": _in_escrow(row) for row in chunk if row[1] == currency}
            held = ledger.balances(due, currency)
            wrong += sum(held[name] != minor for name, minor in due.items())
    return wrong


def _in_escrow(row: tuple[str, str, str, int, int, datetime | None]) -> int:
    _, _, state, total_minor, refunded_minor, held_at = row
    return total_minor - refunded_minor if state in IN_ESCROW and held_at is None else 0


def held_is_of_orders_not_settled() -> int:
    """What a merchant has but may not take is what is left of its orders whose provider let go of their money."""
    held = Order.objects.filter(state__in=IN_ESCROW, held_at__isnull=False).values("merchant_id", "currency")
    due = {
        (f"merchant:{row['merchant_id']}:held", row["currency"]): row["minor"]
        for row in held.annotate(minor=Sum("total_minor") - Sum("refunded_minor")).order_by()
        if row["minor"]
    }
    there = {name: minor for name, minor in ledger.nonzero_balances("merchant:").items() if name[0].endswith(":held")}
    return len(due.items() ^ there.items())


def refunds_are_where_they_stand() -> int:
    """A refund that was sent holds its money in its own account; before and after, the account is empty."""
    wrong = 0
    rows = Refund.objects.order_by("pk").values_list("public_id", "currency", "state", "amount_minor")
    for chunk in _chunks(rows.iterator(AT_ONCE)):
        for currency in {row[1] for row in chunk}:
            due = {f"refund:{r[0]}": r[3] if r[2] in ("sent", "failed") else 0 for r in chunk if r[1] == currency}
            held = ledger.balances(due, currency)
            wrong += sum(held[name] != minor for name, minor in due.items())
    return wrong


def line_pays_only_its_creator() -> int:
    """No order line names a creator other than the owner of the click that its decision stored."""
    named = OrderLine.objects.filter(kind="goods")
    # A line that a person voided after a look pays nobody, whatever rate its decision froze.
    zero = named.filter(rate_bp=0, attribution__rate_bp__gt=0).values_list("pk", flat=True)
    return (
        named.exclude(pk__in=affiliate.voided_lines(zero))
        .filter(
            ~Q(creator_id=F("attribution__creator_id")) & ~Q(creator__isnull=True, attribution__creator__isnull=True)
            | Q(attribution__isnull=True)
            | ~Q(attribution__order_line_id=F("pk"))
            | ~Q(rate_bp=F("attribution__rate_bp"))
        )
        .count()
    )


def settled_once_and_to_its_parties() -> int:
    """A settled order has one release, of what its lines say, to its merchant, its lines' creators and the platform."""
    newest = Order.objects.filter(state="settled").order_by("-settled_at")[:NEWEST_SETTLED]
    return sum(not _is_settled_rightly(order) for order in newest)


def _is_settled_rightly(order: Order) -> bool:
    entries = [entry for entry in ledger.entries_of(("trade.order", order.pk)) if entry.kind == "settle"]
    sources = (f"escrow:{order.public_id}", f"merchant:{order.merchant_id}:held")
    released = [entry for entry in entries if entry.source == sources[order.held_at is not None]]
    creators = set(OrderLine.objects.filter(order=order, creator__isnull=False).values_list("creator_id", flat=True))
    allowed = {f"creator:{creator_id}:available" for creator_id in creators}
    allowed |= {f"merchant:{order.merchant_id}:available", "platform:service_fee", "platform:trade_fee"}
    given_back = Refund.objects.filter(order=order, is_from_escrow=True).aggregate(minor=Sum("amount_minor"))["minor"]
    return (
        len({entry.posting_id for entry in entries}) == 1
        and {entry.target for entry in released} <= allowed
        and sum(entry.amount_minor for entry in released) == order.total_minor - (given_back or 0)
    )


def reserved_for_open_orders() -> int:
    """What is promised to orders is exactly what the lines of the placed ones ask for."""
    promised = catalog.held_quantities("trade.order")
    lines = OrderLine.objects.filter(order__state="placed", kind="goods").values_list("order_id", "sku_id", "quantity")
    wanted = {(order_id, sku_id): quantity for order_id, sku_id, quantity in lines}
    return len(promised.items() ^ wanted.items())


def totals_add_up() -> int:
    """An order's total is the sum of its lines, and what of them is refunded the sum of its refunds."""
    return int(
        db.call(
            "SELECT count(*) FROM trade_order o LEFT JOIN (SELECT order_id, sum(amount_minor) AS minor,"
            " sum(refunded_minor) AS back, sum(amount_minor) FILTER (WHERE kind = 'goods') AS goods"
            " FROM trade_orderline GROUP BY order_id) l ON l.order_id = o.id"
            " LEFT JOIN (SELECT order_id, sum(amount_minor) AS minor FROM trade_refund WHERE kind <> 'late'"
            " GROUP BY order_id) r ON r.order_id = o.id"
            " WHERE l.minor IS DISTINCT FROM o.total_minor OR l.goods IS DISTINCT FROM o.goods_minor"
            " OR l.back IS DISTINCT FROM o.refunded_minor OR coalesce(r.minor, 0) <> o.refunded_minor"
        )
    )


def payment_is_sum_of_orders() -> int:
    """A payment's amount is the sum of the orders that it pays, all in its currency; one that was left for another
    provider keeps only what was closed by then."""
    sums = (
        Order.objects.filter(payment__replaced_at=None)
        .values("payment_id", "payment__amount_minor")
        .annotate(minor=Sum("total_minor"), foreign=Count("pk", filter=~Q(currency=F("payment__currency"))))
    )
    return sums.exclude(minor=F("payment__amount_minor"), foreign=0).count()


def refund_lines_add_up() -> int:
    """A refund is the sum of its lines; only money that came too late has none."""
    return int(
        db.call(
            "SELECT count(*) FROM trade_refund r LEFT JOIN (SELECT refund_id, sum(amount_minor) AS minor"
            " FROM trade_refundline GROUP BY refund_id) l ON l.refund_id = r.id"
            " WHERE r.kind <> 'late' AND l.minor IS DISTINCT FROM r.amount_minor"
        )
    )


def run_invariants() -> dict[str, int]:
    """Counts the violations of every invariant of trade; all zero on a sound installation."""
    return {name: check() for name, check in sorted(INVARIANTS.items())}


def _chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    source = iter(rows)
    while chunk := list(islice(source, AT_ONCE)):
        yield chunk


INVARIANTS: dict[str, Callable[[], int]] = {
    "trade_held_is_of_orders_not_settled": held_is_of_orders_not_settled,
    "trade_escrow_is_what_was_not_released": escrow_is_what_was_not_released,
    "trade_line_pays_only_its_creator": line_pays_only_its_creator,
    "trade_payment_is_sum_of_orders": payment_is_sum_of_orders,
    "trade_refund_lines_add_up": refund_lines_add_up,
    "trade_refunds_are_where_they_stand": refunds_are_where_they_stand,
    "trade_reserved_for_open_orders": reserved_for_open_orders,
    "trade_settled_once_and_to_its_parties": settled_once_and_to_its_parties,
    "trade_totals_add_up": totals_add_up,
}
