"""What a shopper keeps, with or without an account: the price then and now, and who wants to hear of a lower one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from meadow.catalog import queries as catalog
from meadow.kernel.errors import Refusal
from meadow.trade import queries, services
from meadow.web import shown
from meadow.web.shop.offers import price_of, why_not
from meadow.web.visitor import Visitor, guarded, in_their_time, keep_carrier, visitor_of

PAGE = 30


@never_cache
@require_safe
@in_their_time
def favourites(request: HttpRequest) -> HttpResponse:
    """What is kept, the newest first."""
    visitor = visitor_of(request)
    found, more = queries.favourites_of(**_owner(visitor), cursor=request.GET.get("after"), limit=PAGE)
    values = {
        "tab": "me", "visitor": visitor, "items": [_item_texts(item) for item in found], "more": more,
        "is_guest": visitor.person_id is None,
    }  # fmt: skip
    return render(request, "web/favourites.html", values)


@guarded
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Keeps a product; a browser without cookies cannot find it again, so it is told to allow them."""
    visitor = visitor_of(request)
    services.keep_favourite(product_id=_product_id(request), **_owner(visitor))
    messages.success(request, _("Kept among your favourites."))
    return keep_carrier(redirect("favourites"), visitor)


@guarded
@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """Lets go of a product, or says whether to hear when it gets cheaper."""
    visitor, product_id = visitor_of(request), _product_id(request)
    if "drop" in request.POST:
        services.drop_favourite(product_id=product_id, **_owner(visitor))
    else:
        wanted = request.POST.get("tell") == "1"
        services.keep_favourite(product_id=product_id, tell_price_drop=wanted, **_owner(visitor))
    return redirect("favourites")


def _owner(visitor: Visitor) -> dict[str, Any]:
    return {"person_id": visitor.person_id, "carrier": visitor.carrier}


def _product_id(request: HttpRequest) -> int:
    """Refuses: not_found."""
    public_id = request.POST.get("product", "")
    found = catalog.product_ids([public_id]).get(public_id)
    if found is None:
        raise Refusal("not_found")
    return found


def _item_texts(item: queries.FavouriteItem) -> dict[str, Any]:
    card = item.card
    return {
        "product": card.public_id, "title": card.title, "picture": card.image, "shop_name": card.shop_name,
        "url": "" if card.is_hidden else reverse("product", args=[card.public_id]), "tell": item.tell_price_drop, "kept_at": item.kept_at,
        "price": price_of(card.price_minor, card.currency, is_from=card.price_max_minor > card.price_minor),
        "was": shown.money(item.price_when_kept_minor, card.currency) if item.drop_minor else "",
        "why_not": why_not(card.on_sale, card.left, is_paused=card.is_paused),
    }  # fmt: skip
