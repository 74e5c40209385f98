"""A recommendation's page, a product's page, a shop's page, and the drawn pictures on them."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from meadow.catalog import queries as catalog
from meadow.content import queries as content
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import is_id
from meadow.sharing.services import Origin
from meadow.web import shown
from meadow.web.shop import clicks
from meadow.web.shop.offers import offer_of, price_of, stock_text, why_not
from meadow.web.visitor import Visitor, keep_carrier, visitor_of

SHELF = 24


@require_safe
def post(request: HttpRequest, public_id: str) -> HttpResponse:
    return post_page(request, public_id)


def post_page(request: HttpRequest, public_id: str, status: int = 200, **more: Any) -> HttpResponse:
    """A recommendation.  Whoever tapped its card in the feed has clicked it; each product's link is a view of its own."""
    seen = content.recommendation(public_id)
    visitor, first = visitor_of(request), seen.items[0]
    click = clicks.followed_card(request, visitor, Origin(seen.creator_id, first.shop_id, first.product_id, "feed"))
    items = [item_texts(visitor, seen, item, "post") for item in seen.items]
    values = {
        "post": seen, "items": items, "first": items[0], "ended": seen.state == "ended",
        "canonical": f"{settings.MEADOW.base_url}{reverse('post', args=[seen.public_id])}",
        "pictures": content.pictures_of("recommendation", seen.recommendation_id),
        "comments": content.comments_of(
            seen.recommendation_id, reader_id=visitor.person_id, cursor=request.GET.get("comments")
        ),
    } | more  # fmt: skip
    response = render(request, "web/post.html", values, status=status)
    return keep_carrier(response, visitor) if click else response


def item_texts(
    visitor: Visitor,
    seen: content.RecommendationView,
    item: content.ItemView,
    surface: str,
    token_id: int | None = None,
) -> dict[str, Any]:
    """One product of a recommendation with its texts, and a link that carries its own view."""
    origin = Origin(seen.creator_id, item.shop_id, item.product_id, surface, token_id)
    query = {"from": seen.public_id, "v": clicks.link_view(visitor, origin)}
    stands_in_the_way = why_not(item.state != "withdrawn", item.left, is_paused=item.state == "paused")
    return {
        "product_public_id": item.product_public_id, "reason": item.reason, "title": item.title, "picture": item.image, "ad_label": item.ad_label,
        "url": f"{reverse('product', args=[item.product_public_id])}?{urlencode(query)}" if item.has_page else "",
        "price": price_of(item.price_minor, item.currency),
        "was": shown.money(item.price_at_post_minor, item.currency) if item.is_price_changed else "",
        "stock_text": stock_text(item.left), "shop_name": item.shop_name,
        "is_buyable": not stands_in_the_way, "why_not": stands_in_the_way,
    }  # fmt: skip


@require_safe
def product(request: HttpRequest, public_id: str) -> HttpResponse:
    """A product, with the reason of the recommendation that led here."""
    visitor = visitor_of(request)
    offer = offer_of(catalog.product_page(public_id), request.GET.get("sku", ""))
    click = clicks.followed(request, visitor)
    values = {
        "offer": offer, "said": _said(request.GET.get("from", ""), public_id), "click": click, "view": "",
        "visitor": visitor, "canonical": f"{settings.MEADOW.base_url}{request.path}",
        "picture_url": f"{settings.MEADOW.base_url}{offer.picture}",
    }  # fmt: skip
    response = render(request, "web/product.html", values)
    return keep_carrier(response, visitor) if click else response


def _said(post_id: str, product_id: str) -> dict[str, Any] | None:
    """What a recommendation says about a product, if it is one that everybody may read and names it."""
    if not is_id(post_id, "rec"):
        return None
    try:
        seen = content.recommendation(post_id)
    except Refusal:
        return None
    reasons = [item for item in seen.items if item.product_public_id == product_id]
    said = {"creator_name": seen.creator_name, "public_id": seen.public_id}
    return said | {"reason": reasons[0].reason, "ad_label": reasons[0].ad_label} if reasons else None


@require_safe
def shop(request: HttpRequest, which: str) -> HttpResponse:
    """What a shop has on its shelf, newest first."""
    found = catalog.shop_page(which)
    visitor = visitor_of(request)
    click = clicks.followed(request, visitor)
    page = catalog.newest_cards(shop_id=found.shop_id, cursor=request.GET.get("after"), limit=SHELF)
    values = {
        "shop": found, "closed": found.state != "open", "more": page.next_cursor,
        "products": [_shelf_texts(card, click) for card in page.cards] if found.state in ("open", "stopped") else [],
    }  # fmt: skip
    response = render(request, "web/shop.html", values)
    return keep_carrier(response, visitor) if click else response


def _shelf_texts(card: catalog.Card, click: str) -> dict[str, Any]:
    query = f"?{urlencode({'k': click})}" if click else ""
    return {
        "title": card.title, "picture": card.image, "is_sold_out": card.is_sold_out,
        "url": f"{reverse('product', args=[card.public_id])}{query}",
        "price": price_of(card.price_minor, card.currency, is_from=card.price_max_minor > card.price_minor),
    }  # fmt: skip


@require_safe
@cache_control(max_age=31_536_000, public=True, immutable=True)
def picture(request: HttpRequest, public_id: str) -> HttpResponse:
    """The drawn picture of a product; its address changes with the product's version."""
    response = HttpResponse(catalog.placeholder_svg(public_id), content_type="image/svg+xml")
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response
