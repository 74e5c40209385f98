"""What a share token opens: who recommended what and why, at which price, with the form to buy it on the spot."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from meadow.catalog import queries as catalog
from meadow.content import queries as content
from meadow.kernel.errors import Refusal
from meadow.plans import queries as plans
from meadow.sharing import queries as sharing
from meadow.sharing import services as sharing_services
from meadow.web import shown
from meadow.web.failures import said
from meadow.web.shop import clicks
from meadow.web.shop.extras import with_extras
from meadow.web.shop.offers import offer_of, price_of
from meadow.web.shop.partner import partner_landing
from meadow.web.shop.posts import item_texts
from meadow.web.visitor import Visitor, address_of, guarded, keep_carrier, person_id_of, visitor_of

ALTERNATIVES = 4
HIDDEN = "target_gone"  # to sharing what is hidden is gone; a page can say that it is for a time


@dataclass(frozen=True, slots=True)
class Target:
    """What a token leads to, as its owner tells it now."""

    page: catalog.ProductPage | None  # none while what it leads to is hidden for a time
    title: str = ""
    picture: str = ""
    reason: str = ""
    ad_label: bool = False
    post_url: str = ""
    others: list[dict[str, Any]] = field(default_factory=list)


@require_safe
def landing(request: HttpRequest, code: str) -> HttpResponse:
    """The landing page of a token.  A dead one says which way it died and leads to the shop."""
    token = sharing.landing(code)
    if token is None:
        # Chat apps glue commas and full-width signs to a link; guessing is held to the rate of the paste box.
        found = _resolved(request, code)
        return redirect(with_extras(request, reverse("landing", args=[found.tagged_code])))
    if token.page is not None:
        return partner_landing(request, token, token.page)
    if token.problem and token.problem != HIDDEN:
        return gone(request, token, Refusal(token.problem))
    visitor = visitor_of(request)
    if token.target_kind == "catalog.shop" and catalog.shop(token.target_id).state != "suspended":
        return _to_shop(request, token, visitor)
    try:
        target = _TARGETS.get(token.target_kind, _unknown)(token, visitor)
    except Refusal as refusal:
        return gone(request, token, refusal)
    if token.problem and target.page is not None:
        return gone(request, token, Refusal(token.problem))
    if target.page is None:
        return _paused(request, token, target)
    view = clicks.shown_view(request, visitor, token.origin())
    offer = offer_of(target.page)
    values = {
        "offer": offer, "target": target, "creator_name": token.creator_name, "view": view.text, "click": "",
        "visitor": visitor, "address": sharing.address_of(token.code),
        "canonical": settings.MEADOW.base_url + reverse("product", args=[offer.public_id]),
        "picture_url": f"{settings.MEADOW.base_url}{offer.picture}",
    }  # fmt: skip
    response = render(request, "web/landing.html", values)
    return keep_carrier(response, visitor) if view.click_id else response


def _paused(request: HttpRequest, token: sharing.Resolved, target: Target) -> HttpResponse:
    """What somebody shared is stopped for a time: said plainly, with what can be looked at meanwhile, and no dead link."""
    values = {"target": target, "creator_name": token.creator_name, **_instead(token)}
    return render(request, "web/landing_paused.html", values, status=410)


def gone(request: HttpRequest, token: sharing.Resolved, refusal: Refusal) -> HttpResponse:
    """A token that opens nothing any more: which way, and where to go instead."""
    status = 410 if refusal.code == "not_found" else refusal.status
    values: dict[str, Any] = {"says": said(refusal), **_instead(token)}
    if token.product_id is not None:
        card = catalog.cards([token.product_id])[token.product_id]
        values["product_url"] = reverse("product", args=[card.public_id]) if card.on_sale else ""
    return render(request, "web/token_gone.html", values, status=status)


def _instead(token: sharing.Resolved) -> dict[str, Any]:
    """The shop, if it is open, and what else it sells."""
    shop = catalog.shop(token.shop_id) if token.shop_id else None
    if shop is None or shop.state != "open":
        return {"shop": None, "others": []}
    page = catalog.newest_cards(shop_id=token.shop_id, limit=ALTERNATIVES + 1)
    others = [card for card in page.cards if card.product_id != token.product_id and card.on_sale]
    return {
        "shop": shop,
        "others": [
            {"url": reverse("product", args=[card.public_id]), "title": card.title, "picture": card.image,
             "price": price_of(card.price_minor, card.currency)}
            for card in others[:ALTERNATIVES]
        ],
    }  # fmt: skip


def _recommended(token: sharing.Resolved, visitor: Visitor) -> Target:
    """A recommendation and the product of it that was chosen; the others stand below with views of their own."""
    seen = content.recommendation(token.target_id)
    chosen = next((item for item in seen.items if item.product_id == token.product_id), seen.items[0])
    others = [item for item in seen.items if item is not chosen]
    return Target(
        catalog.product_page(chosen.product_id) if chosen.has_page else None,
        chosen.title, chosen.image, chosen.reason, chosen.ad_label, reverse("post", args=[seen.public_id]),
        [item_texts(visitor, seen, item, "landing", token.token_id) for item in others],
    )  # fmt: skip


def _product(token: sharing.Resolved, visitor: Visitor) -> Target:
    card = catalog.cards([token.target_id])[token.target_id]
    if card.is_hidden:
        return Target(None, card.title, card.image)
    page = catalog.product_page(token.target_id)
    pair = (page.card.product_id, page.card.shop_id, token.creator_id)
    return Target(page, ad_label=bool(plans.pairs_with_commission([pair])))


def _closed_shop(token: sharing.Resolved, visitor: Visitor) -> Target:
    return Target(None, catalog.shop(token.target_id).name)


def _to_shop(request: HttpRequest, token: sharing.Resolved, visitor: Visitor) -> HttpResponse:
    origin = token.origin()
    query = f"?{urlencode({'v': clicks.link_view(visitor, origin)})}" if origin else ""
    return redirect(with_extras(request, reverse("shop", args=[catalog.shop_page(token.target_id).public_id]) + query))


def _unknown(token: sharing.Resolved, visitor: Visitor) -> Target:
    raise Refusal("not_found")


# What sharing calls a target, and which page shows it: to sharing itself the kinds mean nothing (settled 25).
_TARGETS: dict[str, Callable[[sharing.Resolved, Visitor], Target]] = {
    "content.recommendation": _recommended,
    "catalog.product": _product,
    "catalog.shop": _closed_shop,
}


@guarded
@require_http_methods(["GET", "HEAD", "POST"])
def paste(request: HttpRequest) -> HttpResponse:
    """The box for a pasted message: finds the token in it and opens its landing page."""
    text = request.POST.get("text") or request.GET.get("t") or ""
    if not text:
        return render(request, "web/paste.html", {"tab": "paste", "visitor": visitor_of(request)})
    try:
        token = _resolved(request, text)
    except Refusal as refusal:
        if refusal.code != "not_a_token":
            raise
        values = {"says": said(refusal), "text": text[:4000], "tab": "paste", "here": request.path}
        return render(request, "web/paste.html", values, status=422)
    return redirect("landing", code=token.tagged_code)


@require_safe
@cache_control(max_age=86_400, public=True)
def qr(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """The QR code of a token's short link, as SVG or PNG, with the channel's tag if one stands there."""
    token = _token_of(request, code)
    address = sharing.address_of(token.tagged_code)
    if kind == "png":
        return HttpResponse(sharing.qr_png(address), content_type="image/png")
    svg = sharing.qr_svg(address).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return HttpResponse(svg, content_type="image/svg+xml")


@require_safe
@vary_on_headers("Accept-Language", "Cookie")
@cache_control(max_age=600)
def picture(request: HttpRequest, code: str, name: str) -> HttpResponse:
    """The poster or a card of a live token, with today's price and its date."""
    token = _token_of(request, code)
    sharing_services.count_picture(caller=f"address:{address_of(request)}")
    drawn = sharing.share_picture(token, name, language=shown.language())
    return HttpResponse(drawn, content_type="image/png")


def _token_of(request: HttpRequest, code: str) -> sharing.Resolved:
    return sharing.landing(code) or _resolved(request, code)


def _resolved(request: HttpRequest, text: str) -> sharing.Resolved:
    """The first token of a text.  Refuses: not_a_token, rate_limited."""
    person_id = person_id_of(request)
    callers = [f"address:{address_of(request)}", *([f"person:{person_id}"] if person_id is not None else [])]
    return sharing_services.resolve(text=text, callers=callers)
