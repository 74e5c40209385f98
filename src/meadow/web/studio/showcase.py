"""A creator's own showcase: put in, take out, sort; without JavaScript, by numbers."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from meadow.content import queries, services
from meadow.kernel.errors import Refusal
from meadow.web.failures import said
from meadow.web.shop.offers import price_of
from meadow.web.studio.words import creator_of


@never_cache
@require_safe
def showcase(request: HttpRequest) -> HttpResponse:
    """The wall with a number beside each product; what shoppers do not see just now says why."""
    return _page(request, creator_of(request).pk)


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Puts every product of a recommendation that is on sale on top."""
    creator = creator_of(request)
    post = queries.recommendation(request.POST.get("recommendation", ""), for_creator=creator.pk)
    came = services.show_whole_recommendation(creator_id=creator.pk, recommendation_id=post.recommendation_id)
    said_so = ngettext("{n} product is on top of your showcase.", "{n} products are on top of your showcase.", came)
    messages.success(request, said_so.format(n=came) if came else _("All of it is in your showcase already."))
    return redirect("my_showcase")


@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """Takes one out, puts one on top, or sorts all by the numbers; two who sort at once do not undo each other."""
    creator = creator_of(request)
    if entry := request.POST.get("remove"):
        services.remove_from_showcase(creator_id=creator.pk, entry=entry)
        messages.success(request, _("Taken out. The recommendation stays."))
        return redirect("my_showcase")
    try:
        services.reorder_showcase(
            creator_id=creator.pk, entries=_order(request), version=_whole(request.POST.get("version", ""))
        )
    except Refusal as refusal:
        if refusal.code != "showcase_changed":
            raise
        return _page(request, creator.pk, refusal)
    messages.success(request, _("Sorted."))
    return redirect("my_showcase")


def _order(request: HttpRequest) -> list[str]:
    """The entries by their numbers; equal numbers keep the order of the page."""
    if top := request.POST.get("top"):
        return [top]
    names = [name for name in request.POST if name.startswith("place_")]
    numbers = {name: _whole(request.POST.get(name, "")) for name in names}
    return [name.removeprefix("place_") for name in sorted(names, key=lambda name: numbers[name])]


def _whole(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise Refusal("malformed", field="version", why="a whole number")
    return int(text)


def _page(request: HttpRequest, creator_id: int, refusal: Refusal | None = None) -> HttpResponse:
    view = queries.showcase(creator_id, for_owner=True)
    values = {
        "tab": "me", "version": view.version, "says": said(refusal) if refusal else "",
        "entries": [_entry_texts(n, item) for n, item in enumerate(view.items, start=1)],
    }  # fmt: skip
    return render(request, "web/studio/showcase.html", values, status=refusal.status if refusal else 200)


def _entry_texts(place: int, item: queries.ShowcaseItem) -> dict[str, Any]:
    card = item.card
    states = {
        "on_sale": "",
        "sold_out": _("Sold out"),
        "withdrawn": _("Not shown: not for sale any more"),
        "paused": _("Not shown: not for sale at the moment"),
    }
    return {
        "id": item.public_id, "place": place, "title": card.title, "picture": card.image, "reason": item.reason,
        "price": price_of(card.price_minor, card.currency), "tab": item.tab, "problem": states[item.state],
        "post_url": reverse("post", args=[item.recommendation_public_id]),
    }  # fmt: skip
