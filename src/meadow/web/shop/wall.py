"""A creator's showcase as shoppers see it; a tap on a product is a click of the showcase."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from meadow.accounts import queries as accounts
from meadow.content import queries as content
from meadow.kernel.errors import Refusal
from meadow.sharing.services import Origin
from meadow.web.shop import clicks
from meadow.web.shop.offers import price_of, why_not
from meadow.web.visitor import Visitor, visitor_of

PAGE = 40


@require_safe
def wall(request: HttpRequest, creator: str) -> HttpResponse:
    """What a creator shows just now, by category; who is not active shows nothing."""
    found = accounts.creator(creator)
    if found.state not in ("active", "suspended"):
        raise Refusal("not_found")
    view = content.showcase(found.pk)
    tab = request.GET.get("tab", "") if request.GET.get("tab", "") in dict(view.tabs) else ""
    items, start = content.shown_items(view, tab), _start(request.GET.get("from", ""))
    visitor = visitor_of(request)
    values = {
        "creator": found, "tabs": view.tabs, "chosen": tab, "count": len(view.items),
        "items": [_item_texts(visitor, found.pk, item) for item in items[start : start + PAGE]],
        "more": urlencode([("tab", tab), ("from", str(start + PAGE))]) if len(items) > start + PAGE else "",
        "canonical": f"{settings.MEADOW.base_url}{request.path}",
        "ad_label": any(item.ad_label for item in items),
    }  # fmt: skip
    return render(request, "web/showcase.html", values)


def _start(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _item_texts(visitor: Visitor, creator_id: int, item: content.ShowcaseItem) -> dict[str, Any]:
    card = item.card
    view = clicks.link_view(visitor, Origin(creator_id, card.shop_id, card.product_id, "showcase"))
    query = urlencode({"from": item.recommendation_public_id, "v": view})
    return {
        "title": card.title, "picture": card.image, "reason": item.reason, "ad_label": item.ad_label,
        "url": f"{reverse('product', args=[card.public_id])}?{query}", "why_not": why_not(card.on_sale, card.left, is_paused=card.is_paused),
        "price": price_of(card.price_minor, card.currency, is_from=card.price_max_minor > card.price_minor),
    }  # fmt: skip
