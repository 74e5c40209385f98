"""The feed: newest recommendations as cards, each rendered once for what it says."""

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from meadow.content import queries as content
from meadow.kernel import clock
from meadow.kernel.signing import sign
from meadow.web import shown
from meadow.web.shop.offers import price_of, why_not
from meadow.web.visitor import reader_id_of

PAGE = 20


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    cursor = request.GET.get("after")
    page = content.feed_page(cursor, PAGE, reader_id=reader_id_of(request))
    # One nonce for the page: with the card's address it says which view of which post was followed.
    view = sign({"page": "feed", "at": int(clock.machine_now().timestamp())}, "cards")
    language = shown.language()
    html = "".join([_card_html(language, *[card[name] for name in _SHOWN]) for card in page.cards])
    html = html.replace("?v=VIEW", f"?v={view}")
    values = {"cards": mark_safe(html), "more": page.next_cursor, "is_later_page": bool(cursor), "tab": "feed"}  # noqa: S308
    return render(request, "web/feed.html", values)


# A card is rendered once for what it shows: a new price, stock or label is another card, so nothing can go stale.
_SHOWN = ("id", "reason", "product", "creator", "ad_label", "image", "state", "price_minor", "currency", "products")


@lru_cache(maxsize=4096)
def _card_html(language: str, *shows: Any) -> str:
    card = dict(zip(_SHOWN, shows, strict=True))
    values = {
        "card": card,
        "price": price_of(card["price_minor"], card["currency"]),
        "why_not": why_not(
            card["state"] != "withdrawn", card["state"] == "on_sale", is_paused=card["state"] == "paused"
        ),
        "more": card["products"] - 1,
    }
    return get_template("web/card.html").render(values)
