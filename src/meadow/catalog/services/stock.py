"""How stock is promised, taken, given back and put back: set-based, all or none, safe against itself."""

import json
from collections.abc import Sequence
from datetime import datetime

from meadow.catalog import queries, rules
from meadow.kernel import clock, db
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal

Line = tuple[int, int]  # SKU id, quantity
Cause = tuple[str, int]  # kind and id of what needs the goods, such as ("order", 12)


def reserve(*, lines: Sequence[Line], cause: Cause, expires_at: datetime) -> None:
    """Promises goods to a cause until a moment: every line or none.  Refuses: out_of_stock, not_on_sale, not_found."""
    reserve_for_causes(kind=cause[0], lines=[(cause[1], *line) for line in lines], expires_at=expires_at)


def reserve_for_causes(*, kind: str, lines: Sequence[tuple[int, int, int]], expires_at: datetime) -> None:
    """The same for several causes of one kind at once; lines are (cause id, SKU id, quantity).

    One statement: it looks first, so a plain "sold out" writes and locks nothing, and locks SKUs in id order.
    Refuses: out_of_stock, not_on_sale, not_found, quantity_invalid, too_many.
    """
    if not lines or len(lines) > rules.LIMITS["reserve_lines"]:
        raise Refusal("too_many", limit=rules.LIMITS["reserve_lines"])
    if any(quantity <= 0 or quantity > rules.STOCK_CAP for _, _, quantity in lines):
        raise Refusal("quantity_invalid")
    # One statement needs no savepoint around it, which would cost two more.
    answer = db.call(
        "SELECT catalog_reserve(%s::bigint[], %s::integer[], %s, %s::bigint[], %s)::text",
        [
            [sku for _, sku, _ in lines],
            [quantity for _, _, quantity in lines],
            kind,
            [cause for cause, _, _ in lines],
            expires_at,
        ],
    )
    if answer is not None:
        refusal = json.loads(answer)
        raise Refusal(refusal.pop("code"), **refusal)


def take(*, cause: Cause) -> int:
    """The goods promised to a cause are sold: they leave the stock, once.  Returns how many promises it took.

    Refuses: reservation_gone, when they had been given back before.
    """
    return take_for_causes(kind=cause[0], cause_ids=[cause[1]])


def take_for_causes(*, kind: str, cause_ids: Sequence[int]) -> int:
    """The same for several causes of one kind: all of them or none.  Refuses: reservation_gone."""
    with atomic():
        taken = _end(kind, cause_ids, "taken")
        if not queries.are_taken(kind, cause_ids):
            raise Refusal("reservation_gone")
    return taken


def release(*, cause: Cause) -> int:
    """The goods still promised to a cause may be sold to others; what was taken stays taken.  Once."""
    return _end(cause[0], [cause[1]], "released")


def restock(*, lines: Sequence[Line]) -> None:
    """Goods come back into the stock, as after a cancelled payment.  The caller sees to it that it happens once."""
    if any(quantity <= 0 for _, quantity in lines):
        raise Refusal("quantity_invalid")
    db.call(
        "SELECT catalog_restock(%s::bigint[], %s::integer[])",
        [[sku for sku, _ in lines], [quantity for _, quantity in lines]],
    )


def expire_reservations(*, until: datetime, limit: int) -> int:
    """Gives back what was promised no longer than until a moment; each once, two workers at a time too."""
    return int(db.call("SELECT catalog_expire_reservations(%s, %s)", [until, limit]))


def _end(kind: str, cause_ids: Sequence[int], state: str) -> int:
    return int(
        db.call(
            "SELECT catalog_end_reservations(%s, %s::bigint[], %s, %s)", [kind, list(cause_ids), state, clock.now()]
        )
    )
