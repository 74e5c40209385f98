"""The cart over several shops, and the two ways from a product to a checkout: at once, or by the cart."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from meadow.catalog import queries as catalog
from meadow.kernel.errors import Refusal
from meadow.trade import queries as trade
from meadow.trade import services as trade_services
from meadow.web import shown
from meadow.web.shop import clicks
from meadow.web.visitor import Visitor, guarded, keep_carrier, visitor_of


@require_safe
def cart(request: HttpRequest) -> HttpResponse:
    visitor = visitor_of(request)
    seen = trade.cart_of(person_id=visitor.person_id, carrier=visitor.carrier)
    values = {
        "visitor": visitor, "tab": "cart", "is_buyable": bool(seen.goods_minor),
        "shops": [_shop_texts(items) for items in seen.shops.values()],
        "totals": [shown.price(minor, currency) for currency, minor in seen.goods_minor.items()],
        "added": request.GET.get("added") == "1",
    }  # fmt: skip
    return render(request, "web/cart.html", values)


@guarded
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Puts a choice into the cart, with the click that led to it."""
    visitor = visitor_of(request)
    trade_services.add_to_cart(
        sku_id=_sku_id(request), quantity=_quantity(request), person_id=visitor.person_id, carrier=visitor.carrier,
        click=clicks.followed(request, visitor),
    )  # fmt: skip
    return keep_carrier(_to_cart(visitor, added=1), visitor)


@guarded
@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """Sets the quantity of a line, or takes it out."""
    visitor = visitor_of(request)
    owner: dict[str, Any] = {"person_id": visitor.person_id, "carrier": visitor.carrier}
    if "remove" in request.POST:
        trade_services.remove_from_cart(sku_id=_sku_id(request), **owner)
    else:
        trade_services.set_quantity(sku_id=_sku_id(request), quantity=_quantity(request), **owner)
    return _to_cart(visitor)


@guarded
@require_POST
def buy(request: HttpRequest) -> HttpResponse:
    """Straight to the checkout with one choice; its signed id is all that the next page needs."""
    visitor = visitor_of(request)
    line = trade_services.LineIn(_sku_id(request), _quantity(request), clicks.followed(request, visitor))
    opened = trade_services.open_checkout(lines=[line], buyer_id=visitor.person_id, carrier=visitor.carrier)
    return keep_carrier(redirect("checkout", token=trade.checkout_token(opened)), visitor)


@guarded
@require_POST
def check_out(request: HttpRequest) -> HttpResponse:
    """All that is in the cart to one checkout."""
    visitor = visitor_of(request)
    opened = trade_services.open_cart_checkout(person_id=visitor.person_id, carrier=visitor.carrier)
    return redirect("checkout", token=trade.checkout_token(opened))


def _to_cart(visitor: Visitor, **query: Any) -> HttpResponseRedirect:
    if visitor.is_new and visitor.person_id is None:
        query["c"] = visitor.carried
    return HttpResponseRedirect(reverse("cart") + (f"?{urlencode(query)}" if query else ""))


def _sku_id(request: HttpRequest) -> int:
    public_id = request.POST.get("sku", "")
    found = catalog.sku_ids([public_id])
    if public_id not in found:
        raise Refusal("choice_missing")
    return found[public_id]


def _quantity(request: HttpRequest) -> int:
    text = request.POST.get("quantity", "1").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise Refusal("quantity_refused", most=trade.LIMITS["line_quantity"])
    return int(text)


def _shop_texts(items: list[trade.CartItem]) -> dict[str, Any]:
    names = catalog.shops({items[0].sku.shop_id})
    return {"name": names[items[0].sku.shop_id].name, "lines": [_line_texts(item) for item in items]}


def _line_texts(item: trade.CartItem) -> dict[str, Any]:
    sku = item.sku
    was = shown.money(item.price_when_added_minor, sku.currency) if item.is_price_changed else ""
    return {
        "sku": sku.sku_public_id, "title": sku.title, "option_text": sku.option_text, "picture": sku.image,
        "url": reverse("product", args=[sku.product_public_id]), "quantity": item.quantity, "was": was,
        "price": shown.price(sku.price_minor, sku.currency), "problem": problem_text(item.problem, sku.left),
    }  # fmt: skip


def problem_text(problem: str | None, left: int) -> str:
    """What keeps a line from being bought, in a few words."""
    if problem is None:
        return ""
    if problem == "out_of_stock":
        return _("Only {left} left").format(left=left) if left > 0 else _("Sold out")
    return _("Not for sale any more")
