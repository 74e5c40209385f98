"""What is in somebody's cart, at the prices of this moment."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet, Sum

from meadow.affiliate.queries import WINDOW
from meadow.catalog import queries as catalog
from meadow.kernel import clock
from meadow.kernel.errors import Refusal
from meadow.sharing import queries as sharing
from meadow.trade.models import Cart, CartLine, OrderLine


@dataclass(frozen=True, slots=True)
class CartItem:
    """A line of a cart; problem is the code of what keeps it from being bought, if anything does."""

    sku: catalog.SkuForSale
    quantity: int
    price_when_added_minor: int
    added_at: datetime
    problem: str | None

    @property
    def amount_minor(self) -> int:
        return self.sku.price_minor * self.quantity

    @property
    def is_price_changed(self) -> bool:
        return self.sku.price_minor != self.price_when_added_minor


@dataclass(frozen=True, slots=True)
class CartView:
    """A cart by shop, in the order in which things were added."""

    public_id: str | None
    shops: dict[int, list[CartItem]]

    @property
    def items(self) -> list[CartItem]:
        return [item for items in self.shops.values() for item in items]

    @property
    def goods_minor(self) -> dict[str, int]:
        """What the goods that can be bought come to, per currency."""
        totals: dict[str, int] = {}
        for item in self.items:
            if item.problem is None:
                totals[item.sku.currency] = totals.get(item.sku.currency, 0) + item.amount_minor
        return totals


def find_cart(person_id: int | None, carrier: str) -> Cart | None:
    """The person's cart if somebody is signed in, else the browser's."""
    if person_id is not None:
        return Cart.objects.filter(person_id=person_id).first()
    return Cart.objects.filter(carrier=carrier).first() if carrier else None


def lines_of(cart: Cart) -> "QuerySet[CartLine]":
    return CartLine.objects.filter(cart=cart).order_by("added_at", "pk")


def cart_of(*, person_id: int | None = None, carrier: str = "") -> CartView:
    """Somebody's cart; an empty one if there is none yet."""
    return _view(find_cart(person_id, carrier))


def cart_by_id(public_id: str, *, person_id: int | None = None, carrier: str = "") -> CartView:
    """A cart by its id, for its owner only.  Refuses: not_found."""
    cart = find_cart(person_id, carrier)
    if cart is None or cart.public_id != public_id:
        raise Refusal("not_found")
    return _view(cart)


def cart_count(*, person_id: int | None = None, carrier: str = "") -> int:
    """How many different products a cart holds; one statement."""
    if person_id is not None:
        return CartLine.objects.filter(cart__person_id=person_id).count()
    return CartLine.objects.filter(cart__carrier=carrier).count() if carrier else 0


def _view(cart: Cart | None) -> CartView:
    if cart is None:
        return CartView(None, {})
    lines = list(lines_of(cart))
    skus = catalog.skus_for_sale([line.sku_id for line in lines])
    shops: dict[int, list[CartItem]] = {}
    for line in lines:
        sku = skus[line.sku_id]
        problem = problem_of(sku, line.quantity)
        shops.setdefault(sku.shop_id, []).append(CartItem(sku, line.quantity, line.price_minor, line.added_at, problem))
    return CartView(cart.public_id, shops)


def problem_of(sku: catalog.SkuForSale, quantity: int) -> str | None:
    """Why so many of a SKU cannot be bought now, as the code of a refusal; None if they can."""
    if not sku.on_sale:
        return "not_on_sale"
    if sku.left < quantity:
        return "out_of_stock"
    return "over_buyer_limit" if sku.buyer_limit is not None and quantity > sku.buyer_limit else None


def bought_so_far(buyer_id: int, sku_ids: Collection[int]) -> dict[int, int]:
    """How many of each SKU somebody has in orders that were not closed; one statement."""
    found = (
        OrderLine.objects.filter(order__buyer=buyer_id, sku__in=list(sku_ids))
        .exclude(order__state="closed")
        .values_list("sku_id")
        .annotate(Sum("quantity"))
    )
    return {int(sku_id or 0): int(quantity) for sku_id, quantity in found}


@dataclass(frozen=True, slots=True)
class LineClick:
    """A click that a cart line may be attributed to.  by: line (it came with the line), person or carrier."""

    creator_id: int
    product_id: int | None
    surface: str
    at: datetime
    by: str
    counts: bool


def line_clicks(sku_id: int, *, person_id: int | None = None, carrier: str = "") -> list[LineClick]:
    """The audit of a cart line: every click that may earn on it now, the newest first, which is the one that counts.

    What counts in the end is decided when the order is placed, by the same clicks.  Refuses: not_found.
    """
    cart = find_cart(person_id, carrier)
    line = CartLine.objects.filter(cart=cart, sku=sku_id).first() if cart else None
    if line is None:
        raise Refusal("not_found")
    shop_id = catalog.skus_for_sale([sku_id])[sku_id].shop_id
    since = clock.now() - WINDOW
    known = sharing.candidate_clicks(
        person_id=person_id, carriers=[carrier] if carrier else [], shop_ids=[shop_id], since=since
    )
    found = {
        click.click_id: (click.creator_id, click.product_id, click.surface, click.at, "carrier") for click in known
    }
    for click in known:
        if person_id is not None and click.person_id == person_id:
            found[click.click_id] = (click.creator_id, click.product_id, click.surface, click.at, "person")
    carried = sharing.read_click(line.click) if line.click else None
    if carried is not None and carried.at >= since and carried.origin.shop_id == shop_id:
        origin = carried.origin
        found[carried.public_id] = (origin.creator_id, origin.product_id, origin.surface, carried.at, "line")
    newest_first = sorted(found.items(), key=lambda pair: (pair[1][3], pair[0]), reverse=True)
    return [LineClick(*facts, counts=n == 0) for n, (_, facts) in enumerate(newest_first)]
