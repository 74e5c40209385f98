"""How a cart is filled and emptied."""

from meadow.catalog import queries as catalog
from meadow.kernel import clock
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.sharing import queries as sharing
from meadow.trade.models import Cart, CartLine
from meadow.trade.queries.carts import find_cart
from meadow.trade.rules import LIMITS, check_quantity
from meadow.trade.services.buyer_limits import require_within_limits


def add_to_cart(
    *, sku_id: int, quantity: int = 1, person_id: int | None = None, carrier: str = "", click: str = ""
) -> CartLine:
    """So many more of a SKU; click is the signed id of the click that led here, kept with the line.

    Refuses: not_found, not_on_sale, out_of_stock, quantity_refused, cart_full, malformed.
    """
    check_quantity(quantity)
    sku = _for_sale(sku_id)
    with atomic():
        cart = _locked_cart(person_id, carrier)
        line = CartLine.objects.filter(cart=cart, sku_id=sku_id).first()
        wanted = check_quantity(quantity + (line.quantity if line else 0))
        _check_left(sku, wanted)
        require_within_limits(person_id, {sku_id: wanted}, {sku_id: sku})
        if line is None:
            if CartLine.objects.filter(cart=cart).count() >= LIMITS["cart_lines"]:
                raise Refusal("cart_full", most=LIMITS["cart_lines"])
            line = CartLine(cart=cart, sku_id=sku_id, added_at=clock.now())
        line.quantity, line.price_minor, line.price_version = wanted, sku.price_minor, sku.price_version
        _keep_newer_click(line, click)
        line.save()
    return line


def set_quantity(*, sku_id: int, quantity: int, person_id: int | None = None, carrier: str = "") -> CartLine:
    """Exactly so many of a SKU that is in the cart.  Refuses: not_found, not_on_sale, out_of_stock, quantity_refused."""
    check_quantity(quantity)
    with atomic():
        line = _locked_line(sku_id, person_id, carrier)
        sku = _for_sale(sku_id)
        _check_left(sku, quantity)
        require_within_limits(person_id, {sku_id: quantity}, {sku_id: sku})
        line.quantity = quantity
        line.save(update_fields=["quantity"])
    return line


def remove_from_cart(*, sku_id: int, person_id: int | None = None, carrier: str = "") -> None:
    """Takes a SKU out of the cart.  Refuses: not_found."""
    with atomic():
        _locked_line(sku_id, person_id, carrier).delete()


def _for_sale(sku_id: int) -> catalog.SkuForSale:
    sku = catalog.skus_for_sale([sku_id]).get(sku_id)
    if sku is None:
        raise Refusal("not_found")
    if not sku.on_sale:
        raise Refusal("not_on_sale", sku=sku.sku_public_id, title=sku.title)
    return sku


def _check_left(sku: catalog.SkuForSale, quantity: int) -> None:
    if sku.left < quantity:
        raise Refusal("out_of_stock", sku=sku.sku_public_id, title=sku.title, left=sku.left)


def _keep_newer_click(line: CartLine, click: str) -> None:
    """The newest click that brought the line stays with it; a forged text is not kept."""
    facts = sharing.read_click(click) if click else None
    if facts is not None and (line.clicked_at is None or facts.at >= line.clicked_at):
        line.click, line.clicked_at = click, facts.at


def _locked_cart(person_id: int | None, carrier: str) -> Cart:
    """The owner's cart, made if need be; its lock keeps two additions at once from losing one."""
    if person_id is not None:
        cart, _ = Cart.objects.get_or_create(person_id=person_id)
    elif carrier and len(carrier) <= 64:
        cart, _ = Cart.objects.get_or_create(carrier=carrier)
    else:
        raise Refusal("malformed", field="carrier", why="sign in, or name the carrier of the cart")
    return Cart.objects.select_for_update(no_key=True).get(pk=cart.pk)


def _locked_line(sku_id: int, person_id: int | None, carrier: str) -> CartLine:
    cart = find_cart(person_id, carrier)
    line = CartLine.objects.select_for_update().filter(cart=cart, sku_id=sku_id).first() if cart else None
    if line is None:
        raise Refusal("not_found")
    return line
