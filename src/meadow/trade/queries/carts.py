"""What is in somebody's cart, at the prices of this moment."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from meadow.catalog import queries as catalog
from meadow.kernel.errors import Refusal
from meadow.trade.models import Cart, CartLine


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
    return "out_of_stock" if sku.left < quantity else None
