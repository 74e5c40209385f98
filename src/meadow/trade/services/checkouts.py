"""How a checkout begins: from a cart, or straight from a product page, with a signed id that needs no cookie."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from meadow.catalog import queries as catalog
from meadow.kernel import clock
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.payments import queries as payments
from meadow.trade import queries
from meadow.trade.models import Checkout
from meadow.trade.queries.carts import find_cart, lines_of
from meadow.trade.rules import LIMITS, check_quantity

MOST_CLICK_CHARS = 1024


@dataclass(frozen=True, slots=True)
class LineIn:
    """What somebody wants to buy; click is the signed id of the click that led to it, if there was one."""

    sku_id: int
    quantity: int = 1
    click: str = ""


def open_checkout(*, lines: Sequence[LineIn], buyer_id: int | None = None, carrier: str = "") -> Checkout:
    """Notes what is wanted and the prices that are shown; nothing is reserved yet.

    Refuses: checkout_empty, checkout_too_long, quantity_refused, not_found, not_on_sale, out_of_stock, gift_alone,
    merchant_not_live, order_above_level.
    """
    return _open(_joined(lines), buyer_id, carrier, is_from_cart=False)


def open_cart_checkout(*, person_id: int | None = None, carrier: str = "", shop_ids: Collection[int] = ()) -> Checkout:
    """The same for what is in the cart, of some shops or of all.  Refuses: as open_checkout."""
    cart = find_cart(person_id, carrier)
    found = list(lines_of(cart)) if cart else []
    if shop_ids:
        skus = catalog.skus_for_sale([line.sku_id for line in found])
        found = [line for line in found if skus[line.sku_id].shop_id in shop_ids]
    lines = [LineIn(line.sku_id, line.quantity, line.click) for line in found]
    return _open(lines, person_id, carrier, is_from_cart=True)


def show_again(*, checkout_id: int) -> Checkout:
    """The page is shown anew: from now on its prices are the ones of this moment.  Refuses: not_found, stale_state."""
    with atomic():
        found = Checkout.objects.select_for_update().filter(pk=checkout_id).first()
        if found is None:
            raise Refusal("not_found")
        if found.state != "open":
            raise Refusal("stale_state", state=found.state, event="show_again")
        _note_prices(found, queries.quote(found))
        found.save(update_fields=["lines", "shipping"])
    return found


def _open(lines: Sequence[LineIn], buyer_id: int | None, carrier: str, *, is_from_cart: bool) -> Checkout:
    if not lines:
        raise Refusal("checkout_empty")
    if len(lines) > LIMITS["checkout_lines"]:
        raise Refusal("checkout_too_long", most=LIMITS["checkout_lines"])
    for line in lines:
        check_quantity(line.quantity)
    skus = catalog.skus_for_sale([line.sku_id for line in lines])
    if len(skus) < len(lines):
        raise Refusal("not_found")
    opened = Checkout(
        buyer_id=buyer_id, carrier=carrier[:64], is_from_cart=is_from_cart, opened_at=clock.now(),
        lines=[_stored(line, skus[line.sku_id]) for line in lines], shipping={},
    )  # fmt: skip
    quote = queries.quote(opened)
    check_problems(quote)
    closed = unpayable(quote.parts)
    if len(closed) == len(quote.parts):
        # Said before an address is typed; where other shops sell, the closed ones are left out at the end.
        raise closed[quote.parts[0].shop.shop_id]
    _note_prices(opened, quote)
    opened.save()
    return opened


def check_problems(quote: queries.Quote) -> None:
    """Refuses: not_on_sale, out_of_stock, gift_alone."""
    for part in quote.parts:
        if part.problem is not None:
            raise refusal_of(part.problem)
        if part.total_minor == 0:
            raise Refusal("gift_alone")


def unpayable(parts: Sequence[queries.QuotePart]) -> dict[int, Refusal]:
    """The shops, by id, whose merchants cannot be paid at all, or not so much; one statement."""
    levels = payments.levels_of(part.shop.merchant_id for part in parts)
    found = dict[int, Refusal]()
    for part in parts:
        level = levels.get(part.shop.merchant_id)
        if level is None:
            found[part.shop.shop_id] = Refusal("merchant_not_live", merchant=part.shop.name)
        elif no := payments.order_above_level(level, part.total_minor, part.currency):
            found[part.shop.shop_id] = Refusal(no.code, merchant=part.shop.name, **no.params)
    return found


def refusal_of(line: queries.QuoteLine) -> Refusal:
    """The refusal behind a line's problem."""
    return Refusal(
        line.problem or "", sku=line.sku.sku_public_id, title=line.sku.title, left=line.sku.left,
        most=line.sku.buyer_limit, had=0,
    )  # fmt: skip


def _stored(line: LineIn, sku: catalog.SkuForSale) -> dict[str, Any]:
    return {
        "sku_id": line.sku_id, "quantity": line.quantity, "price_minor": sku.price_minor,
        "price_version": sku.price_version, "click": line.click[:MOST_CLICK_CHARS],
    }  # fmt: skip


def _note_prices(of: Checkout, quote: queries.Quote) -> None:
    now = {line.sku.sku_id: line.sku for line in quote.lines}
    of.lines = [
        line | {"price_minor": now[line["sku_id"]].price_minor, "price_version": now[line["sku_id"]].price_version}
        for line in of.lines
    ]
    of.shipping = {str(part.shop.shop_id): part.shipping_minor for part in quote.parts}


def _joined(lines: Sequence[LineIn]) -> list[LineIn]:
    """One line per SKU: quantities add up, the last click stays."""
    joined: dict[int, LineIn] = {}
    for line in lines:
        check_quantity(line.quantity)
        before = joined.get(line.sku_id)
        if before is None:
            joined[line.sku_id] = line
        else:
            joined[line.sku_id] = LineIn(line.sku_id, before.quantity + line.quantity, line.click or before.click)
    return list(joined.values())
