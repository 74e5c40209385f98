"""Picking goods: filters by what they earn, stock, plan and standing, and one tap to recommend or share."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from meadow.catalog import queries as catalog
from meadow.discovery import queries
from meadow.kernel.errors import Refusal
from meadow.plans.queries import rate_from, rate_text
from meadow.web import shown
from meadow.web.failures import said
from meadow.web.shop.offers import price_of, stock_text
from meadow.web.studio.words import PLANS, SORTS, STANDINGS, creator_of, share_address

PAGE = 24
_FIELDS = ("q", "category", "plan", "standing", "earns", "rate", "price", "left", "sort", "shop")


@never_cache
@require_safe
def goods(request: HttpRequest) -> HttpResponse:
    """What the creator can pick, by the filters of the address; a filter that cannot be read is told beside it."""
    creator = creator_of(request)
    typed = {name: request.GET.get(name, "").strip()[:255] for name in _FIELDS}
    faults: dict[str, str] = {}
    wish = _wish(typed, faults)
    page = None
    if not faults:
        try:
            page = queries.pick(creator.pk, wish, cursor=request.GET.get("after"), limit=PAGE)
        except Refusal as refusal:
            if refusal.params.get("field") == "cursor":
                raise
            faults["form"] = said(refusal)
    kept = {name: value for name, value in typed.items() if value}
    more = urlencode(kept | {"after": page.next_cursor}) if page and page.next_cursor else ""
    values = {
        "tab": "me", "typed": typed, "faults": faults, "currency": settings.MEADOW.currency,
        "cards": [_card_texts(card) for card in page.cards] if page else [], "more": more,
        "categories": queries.categories(), "is_filtered": bool(kept),
        "plans": [("any", _("Any commission"))] + list(PLANS.items()),
        "standings": [("limited", _("Any"))] + [(name, STANDINGS[name]) for name in ("noted", "good")],
        "sorts": SORTS.items(),
    }  # fmt: skip
    return render(request, "web/studio/goods.html", values, status=422 if faults else 200)


def _wish(typed: dict[str, str], faults: dict[str, str]) -> queries.Wish:
    shop_id = None
    if typed["shop"]:
        shop_id = catalog.shop(typed["shop"]).shop_id
    return queries.Wish(
        text=typed["q"][:100], category=typed["category"], shop_id=shop_id,
        plan=_one_of(typed["plan"], ("any", *queries.PLANS), "any"),
        standing=_one_of(typed["standing"], queries.STANDINGS, "limited"),
        sort=_one_of(typed["sort"], queries.SORTS, "earns"),
        least_earns_minor=_amount("earns", typed, faults), most_price_minor=_amount("price", typed, faults),
        least_rate_bp=_rate(typed, faults), least_left=_left(typed, faults),
    )  # fmt: skip


def _one_of(value: str, among: tuple[str, ...], default: str) -> str:
    return value if value in among else default


def _amount(name: str, typed: dict[str, str], faults: dict[str, str]) -> int | None:
    if not typed[name]:
        return None
    try:
        amount = catalog.price_from_text(typed[name], settings.MEADOW.currency)
    except Refusal as refusal:
        faults[name] = said(refusal)
        return None
    if amount < 0 or amount > 10**12:
        faults[name] = _("An amount of zero or more, such as 12.50.")
        return None
    return amount


def _rate(typed: dict[str, str], faults: dict[str, str]) -> int | None:
    if not typed["rate"]:
        return None
    try:
        return rate_from(typed["rate"].rstrip("%％ "))
    except Refusal:
        faults["rate"] = _("Per cent from 0 to 90, such as 12.5.")
        return None


def _left(typed: dict[str, str], faults: dict[str, str]) -> int:
    if not typed["left"]:
        return 1
    if not (typed["left"].isascii() and typed["left"].isdigit() and len(typed["left"]) < 8):
        faults["left"] = _("A whole number, such as 10.")
        return 1
    return int(typed["left"])


def _card_texts(card: queries.GoodsCard) -> dict[str, Any]:
    is_from = card.price_max_minor > card.price_minor
    return {
        "title": card.title, "picture": card.image, "shop_name": card.shop_name,
        "url": reverse("product", args=[card.product_public_id]),
        "price": price_of(card.price_minor, card.currency, is_from=is_from), "stock_text": stock_text(card.left),
        "earns": shown.money(card.earns_minor, card.currency) if card.rate_bp else "",
        "rate": rate_text(card.rate_bp), "plan": PLANS[card.plan_kind], "is_sold_out": card.left <= 0,
        "standing": "" if card.standing == "good" else STANDINGS[card.standing],
        "standing_kind": "bad" if card.standing == "limited" else "warn",
        "recommend_url": f"{reverse('recommend')}?{urlencode({'product': card.product_public_id})}",
        "share_url": share_address(card.product_public_id),
    }  # fmt: skip
