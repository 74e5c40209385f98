"""What follows a buyer who signs in, or who claims what was bought as a guest."""

from meadow.kernel import clock
from meadow.kernel.db import atomic
from meadow.trade.models import Cart, CartLine, Checkout, Claim, Order
from meadow.trade.rules import LIMITS


def merge_cart(*, carrier: str, person_id: int) -> int:
    """The browser's cart joins the person's; returns how many lines it brought.

    The larger quantity and the newer click of a SKU stay, so nothing is doubled and no newer click is lost.
    """
    with atomic():
        theirs = Cart.objects.select_for_update().filter(carrier=carrier).first() if carrier else None
        if theirs is None:
            return 0
        return _join(theirs, person_id)


def claim_orders(*, guest_id: int, person_id: int) -> int:
    """Everything a guest has here is the person's from now on; returns how many orders moved."""
    with atomic():
        cart = Cart.objects.select_for_update().filter(person_id=guest_id).first()
        if cart is not None:
            _join(cart, person_id)
        Checkout.objects.filter(buyer_id=guest_id).update(buyer_id=person_id)
        Claim.objects.filter(buyer_id=guest_id).update(buyer_id=person_id)
        return Order.objects.filter(buyer_id=guest_id).update(buyer_id=person_id)


def _join(theirs: Cart, person_id: int) -> int:
    own, _ = Cart.objects.get_or_create(person_id=person_id)
    Cart.objects.select_for_update(no_key=True).get(pk=own.pk)
    mine = {line.sku_id: line for line in CartLine.objects.filter(cart=own)}
    brought = list(CartLine.objects.filter(cart=theirs).order_by("added_at", "pk"))
    for line in brought:
        known = mine.get(line.sku_id)
        if known is None and len(mine) < LIMITS["cart_lines"]:
            line.cart = own
            line.save(update_fields=["cart"])
            mine[line.sku_id] = line
            continue
        if known is not None:
            _fold(known, line)
        line.delete()
    theirs.delete()
    return len(brought)


def _fold(known: CartLine, line: CartLine) -> None:
    known.quantity = max(known.quantity, line.quantity)
    if line.clicked_at is not None and (known.clicked_at is None or line.clicked_at > known.clicked_at):
        known.click, known.clicked_at = line.click, line.clicked_at
    known.added_at = min(known.added_at, line.added_at, clock.now())
    known.save(update_fields=["quantity", "click", "clicked_at", "added_at"])
