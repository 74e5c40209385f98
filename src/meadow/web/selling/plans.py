"""A merchant's commission plans: what they pay, the preview in money before saving, cuts with their notice."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from meadow.accounts import queries as accounts
from meadow.catalog import queries as catalog
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.plans import queries, services
from meadow.web import shown
from meadow.web.failures import said
from meadow.web.selling.desk import merchant_of
from meadow.web.studio.words import PLANS
from meadow.web.visitor import guarded, in_their_time, signed_in

KINDS = ("general", "directed", "marketing", "exclusive")
SHELF = 60


@never_cache
@require_safe
@in_their_time
def plans(request: HttpRequest, merchant: str) -> HttpResponse:
    """Every plan of the merchant's shops, with what was announced and what cannot be carried."""
    found = merchant_of(request, merchant)
    shops = [
        {"shop": shop, "plans": [_plan_texts(one) for one in queries.plans_of_shop(shop.shop_id)]}
        for shop in catalog.shops_of_merchants([found.pk])
    ]
    return render(request, "web/selling/plans.html", {"tab": "me", "merchant": found, "shops": shops})


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def new(request: HttpRequest, merchant: str) -> HttpResponse:
    """Makes a plan: first a preview in money, then the saving of exactly that."""
    found, by = merchant_of(request, merchant), Actor("person", signed_in(request))
    sent = request.POST if request.method == "POST" else request.GET
    shop = _shop(found.pk, sent.get("shop", ""))
    typed: dict[str, Any] = {
        "kind": sent.get("kind", "") if sent.get("kind", "") in KINDS else "general", "name": sent.get("name", ""),
        "rate": sent.get("rate", ""), "creators": sent.get("creators", ""), "starts_at": sent.get("starts_at", ""),
        "ends_at": sent.get("ends_at", ""), "products": sent.getlist("products"),
    }  # fmt: skip
    shelf = catalog.newest_cards(shop_id=shop.shop_id, limit=SHELF).cards
    refusal, preview = None, None
    if request.method == "POST":
        try:
            preview = _preview(queries.rate_from(typed["rate"]), typed["products"], shelf)
            if sent.get("act") == "save":
                _save(shop, typed, by)
                messages.success(request, _("The plan is saved."))
                return redirect("plans", found.public_id)
        except Refusal as refused:
            if refused.status not in (404, 409, 422):
                raise
            refusal = refused
    values = {
        "tab": "me", "merchant": found, "shop": shop, "typed": typed, "preview": preview,
        "kinds": [(kind, PLANS[kind]) for kind in KINDS], "says": said(refusal) if refusal else "",
        "wrong": _field_of(refusal),
        "shelf": [{"card": card, "is_chosen": card.public_id in typed["products"]} for card in shelf],
    }  # fmt: skip
    return render(request, "web/selling/new_plan.html", values, status=refusal.status if refusal else 200)


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def plan(request: HttpRequest, merchant: str, public_id: str) -> HttpResponse:
    """One plan: another rate after a preview, its members, its end."""
    found, by = merchant_of(request, merchant), Actor("person", signed_in(request))
    seen = queries.plan(public_id)
    if catalog.shop(seen.shop_id).merchant_id != found.pk:
        raise Refusal("not_found")
    refusal, preview, rate = None, None, request.POST.get("rate", "")
    if request.method == "POST":
        try:
            if rate and request.POST.get("act") in ("preview", "rate"):
                preview = _preview(queries.rate_from(rate), [], _cards(queries.summary(public_id), seen.shop_id))
            if request.POST.get("act") != "preview":
                _act(request, seen.pk, by)
                messages.success(request, _("Saved."))
                return redirect("plan", found.public_id, public_id)
        except Refusal as refused:
            if refused.status not in (404, 409, 422):
                raise
            refusal = refused
    values = {
        "tab": "me", "merchant": found, "plan": _plan_texts(queries.summary(public_id)), "preview": preview,
        "rate": rate, "says": said(refusal) if refusal else "",
        "has_members": seen.kind in ("directed", "exclusive"),
    }  # fmt: skip
    return render(request, "web/selling/plan.html", values, status=refusal.status if refusal else 200)


def _act(request: HttpRequest, plan_id: int, by: Actor) -> None:
    act = request.POST.get("act", "")
    if act == "rate":
        services.change_rate(plan_id=plan_id, rate_bp=queries.rate_from(request.POST.get("rate", "")), by=by)
    elif act == "end":
        services.end_plan(plan_id=plan_id, by=by)
    elif act == "invite":
        services.add_members(plan_id=plan_id, creator_ids=_creators(request.POST.get("creators", "")), by=by)
    elif act == "remove":
        services.remove_member(plan_id=plan_id, creator_id=accounts.creator(request.POST.get("creator", "")).pk, by=by)
    else:
        raise Refusal("malformed", field="act", why="one of what is offered")


def _save(shop: catalog.ShopView, typed: dict[str, Any], by: Actor) -> None:
    rate_bp = queries.rate_from(typed["rate"])
    if typed["kind"] == "general":
        services.set_general_plan(shop_id=shop.shop_id, rate_bp=rate_bp, by=by)
        return
    ids = catalog.product_ids(typed["products"])
    given: dict[str, Any] = {
        "shop_id": shop.shop_id, "rate_bp": rate_bp, "by": by, "name": typed["name"],
        "product_ids": [ids[each] for each in typed["products"] if each in ids],
        "starts_at": _moment(typed["starts_at"], "starts_at"), "ends_at": _moment(typed["ends_at"], "ends_at"),
    }  # fmt: skip
    make: dict[str, Callable[..., Any]] = {
        "marketing": services.create_marketing_plan, "directed": services.create_directed_plan,
        "exclusive": services.create_exclusive_plan,
    }  # fmt: skip
    if typed["kind"] != "marketing":
        given["creator_ids"] = _creators(typed["creators"])
    make[typed["kind"]](**given)


def _creators(text: str) -> list[int]:
    """Creators' numbers, one to a line.  Refuses: not_found."""
    return [accounts.creator(name).pk for name in dict.fromkeys(text.split())]


def _moment(text: str, field: str) -> datetime | None:
    """What a datetime field sends, in the person's time zone.  Refuses: malformed."""
    if not text.strip():
        return None
    try:
        return timezone.make_aware(datetime.fromisoformat(text.strip()[:16]))
    except ValueError:
        raise Refusal("malformed", field=field, why="a date and a time") from None


def _preview(rate_bp: int, chosen: list[str], shelf: list[catalog.Card]) -> dict[str, Any]:
    """Who would get how much of the cheapest and of the dearest product, and who could not carry it."""
    named = [card for card in shelf if card.public_id in chosen] or shelf
    samples = {}
    for card in sorted(named, key=lambda card: card.price_minor):
        samples[card.price_minor] = card
    prices = list(samples.values())
    return {
        "rate": queries.rate_text(rate_bp), "rows": [_sample(card, rate_bp) for card in prices[:1] + prices[1:][-1:]],
        "cannot": [(name, queries.rate_text(most_bp)) for name, most_bp in queries.cannot_carry(rate_bp)],
        "share": queries.rate_text(queries.share_of(rate_bp)),
    }  # fmt: skip


def _sample(card: catalog.Card, rate_bp: int) -> dict[str, str]:
    parts = queries.preview(goods_minor=card.price_minor, rate_bp=rate_bp)
    amounts = {
        "price": card.price_minor, "merchant": parts.merchant, "creator": parts.creator, "platform": parts.platform,
    }  # fmt: skip
    return {"title": card.title} | {name: shown.money(minor, card.currency) for name, minor in amounts.items()}


def _cards(of: queries.PlanSummary, shop_id: int) -> list[catalog.Card]:
    if of.product_ids:
        return list(catalog.cards(of.product_ids).values())
    return catalog.newest_cards(shop_id=shop_id, limit=SHELF).cards


def _shop(merchant_id: int, wanted: str) -> catalog.ShopView:
    """The shop that was named, or the first.  Refuses: not_found."""
    shops = catalog.shops_of_merchants([merchant_id])
    for shop in shops:
        if wanted in ("", shop.public_id):
            return shop
    raise Refusal("not_found")


def _field_of(refusal: Refusal | None) -> str:
    """Beside which field a refusal stands; empty: over the form."""
    if refusal is None:
        return ""
    if refusal.code in ("rate_out_of_range", "fees_exceed_goods"):
        return "rate"
    field = str(refusal.params.get("field", ""))
    return {"product_ids": "products", "creator_ids": "creators"}.get(field, field)


def _plan_texts(of: queries.PlanSummary) -> dict[str, Any]:
    states = {"active": (_("Running"), "good"), "scheduled": (_("Not begun"), "warn"), "ended": (_("Has ended"), "")}
    text, css = states[of.state]
    cards = catalog.cards(of.product_ids) if of.product_ids else {}
    return {
        "public_id": of.public_id, "kind": PLANS[of.kind], "name": of.name, "rate": queries.rate_text(of.rate_bp),
        "state_text": text, "css": css, "starts_at": of.starts_at, "ends_at": of.ends_at, "is_over": of.state == "ended",
        "next_rate": "" if of.next_rate_bp is None else queries.rate_text(of.next_rate_bp), "next_from": of.next_from,
        "products": [card.title for card in cards.values()], "version": of.version,
        "creators": [accounts.creator(creator_id) for creator_id in of.creator_ids],
        "cannot": [(name, queries.rate_text(most_bp)) for name, most_bp in queries.cannot_carry(of.rate_bp)],
    }  # fmt: skip
