"""A creator's recommendations: all of them with their state, writing one, ending one."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meadow.catalog import queries as catalog
from meadow.content import queries, services
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import is_id
from meadow.plans import queries as plans
from meadow.web import shown
from meadow.web.failures import said
from meadow.web.shop.offers import price_of
from meadow.web.studio.words import creator_of
from meadow.web.visitor import in_their_time

MOST_PRODUCTS = 9
# Which refusals stand beside a reason, and which beside the whole form.
_OF_A_REASON = ("reason_blank", "reason_too_short", "reason_copied")


@never_cache
@require_safe
@in_their_time
def studio(request: HttpRequest) -> HttpResponse:
    """What a creator published, the newest first, and where to go from here."""
    creator = creator_of(request)
    values = {
        "tab": "me", "creator": creator,
        "posts": [_post_texts(post) for post in queries.posts_of_creator(creator.pk)],
    }  # fmt: skip
    return render(request, "web/studio/studio.html", values)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def recommend(request: HttpRequest) -> HttpResponse:
    """Writes a recommendation of one to nine products; what is refused stands beside what was typed."""
    creator = creator_of(request)
    sent = request.POST if request.method == "POST" else request.GET
    wanted = list(dict.fromkeys(sent.getlist("product")))[: MOST_PRODUCTS + 1]
    ids = catalog.product_ids(each for each in wanted if is_id(each, "prd"))
    wanted = [each for each in wanted if each in ids]
    if not wanted:
        return redirect("pick_goods")
    reasons = {each: sent.get(f"reason_{each}", "") for each in wanted}
    typed = {"title": sent.get("title", ""), "text": sent.get("text", "")}
    if request.method != "POST":
        return _form(request, creator.pk, wanted, ids, reasons, typed)
    try:
        post = services.publish_recommendation(
            creator_id=creator.pk, items=[(ids[each], reasons[each]) for each in wanted], **typed
        )
    except Refusal as refusal:
        return _form(request, creator.pk, wanted, ids, reasons, typed, refusal)
    messages.success(request, _("Published."))
    if sent.get("showcase"):
        _show(request, creator.pk, post.pk)
    return redirect("post", public_id=post.public_id)


@require_POST
def end(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ends a recommendation: it can be read but leaves every list and the showcase."""
    creator = creator_of(request)
    post = queries.recommendation(public_id, for_creator=creator.pk)
    services.end_recommendation(recommendation_id=post.recommendation_id, creator_id=creator.pk)
    messages.success(request, _("Ended. It can still be read, and has left every list."))
    return redirect("studio")


def _show(request: HttpRequest, creator_id: int, post_id: int) -> None:
    """A full showcase does not undo what was published."""
    try:
        services.show_whole_recommendation(creator_id=creator_id, recommendation_id=post_id)
    except Refusal as refusal:
        messages.warning(request, said(refusal))


def _form(
    request: HttpRequest,
    creator_id: int,
    wanted: Sequence[str],
    ids: dict[str, int],
    reasons: dict[str, str],
    typed: dict[str, str],
    refusal: Refusal | None = None,
) -> HttpResponse:
    cards = catalog.cards(ids[each] for each in wanted)
    culprit = _culprit(refusal, reasons)
    items = [
        _item_texts(cards[ids[each]], creator_id, reasons[each], said(refusal) if refusal and each == culprit else "")
        for each in wanted
    ]
    values = {
        "tab": "me", "items": items, "typed": typed, "most": MOST_PRODUCTS,
        "says": said(refusal) if refusal and not culprit else "",
    }  # fmt: skip
    return render(request, "web/studio/recommend.html", values, status=refusal.status if refusal else 200)


def _culprit(refusal: Refusal | None, reasons: dict[str, str]) -> str:
    """The product whose reason was refused: the first that is blank or short; a copy may be any, so the first."""
    if refusal is None or refusal.code not in _OF_A_REASON:
        return ""
    least = int(refusal.params.get("least", 1))
    short = [each for each, reason in reasons.items() if len(" ".join(reason.split())) < least]
    return next(iter(short or reasons))


def _item_texts(card: catalog.Card, creator_id: int, reason: str, fault: str) -> dict[str, Any]:
    choice = plans.plan_for(product_id=card.product_id, creator_id=creator_id)
    earns = plans.preview(goods_minor=card.price_minor, rate_bp=choice.rate_bp).creator if choice else 0
    return {
        "product": card.public_id, "title": card.title, "picture": card.image, "shop_name": card.shop_name,
        "price": price_of(card.price_minor, card.currency, is_from=card.price_max_minor > card.price_minor),
        "earns": shown.money(earns, card.currency) if choice else "", "reason": reason, "fault": fault,
        "rate": plans.rate_text(choice.rate_bp) if choice else "",
    }  # fmt: skip


def _post_texts(post: queries.Recommendation) -> dict[str, Any]:
    words = {
        "published": (_("On show"), "good"), "hidden": (_("Hidden by a decision"), "bad"),
        "taken_down": (_("Taken down"), "bad"), "ended": (_("Ended"), ""),
    }  # fmt: skip
    text, kind = words[post.state]
    return {
        "public_id": post.public_id, "title": post.title or post.text[:60] or _("Without a title"),
        "state_text": text, "kind": kind, "published_at": post.published_at, "is_live": post.state == "published",
    }  # fmt: skip
