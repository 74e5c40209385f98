"""What a shop takes for sending: its template of zones, by region and weight, as one form without scripts."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from meadow.accounts import queries as accounts
from meadow.catalog import queries as catalog
from meadow.catalog import services as shelves
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.web.aftersale import words
from meadow.web.failures import said
from meadow.web.visitor import guarded, signed_in

SPARE_ROWS = 3
_MONEY = ("first_minor", "step_minor", "free_from_minor")


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
def shipping(request: HttpRequest) -> HttpResponse:
    """The templates of all the shops that a person keeps; a form changes one of them."""
    person_id = signed_in(request)
    shops = catalog.shops_of_merchants([one.merchant_id for one in accounts.merchants_of(person_id)])
    wrong: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        shop = next((one for one in shops if one.public_id == request.POST.get("shop")), None)
        if shop is None:
            raise Refusal("not_found")
        try:
            zones = _zones(request.POST, shop.currency)
            shelves.change_shop(shop_id=shop.shop_id, shipping_zones=zones, by=Actor("person", person_id))
            messages.success(request, _("Saved."))
            return redirect("shipping")
        except Refusal as refusal:
            wrong, status = {"shop": shop.public_id, "says": said(refusal)}, refusal.status
    values = {
        "tab": "me", "wrong": wrong,
        "shops": [
            {"shop": one, "flat": words.plain(one.flat_shipping_minor, one.currency), "rows": _rows(request, one, wrong)}
            for one in shops
        ],
    }  # fmt: skip
    return render(request, "web/aftersale/shipping.html", values, status=status)


def _rows(request: HttpRequest, shop: catalog.ShopView, wrong: Mapping[str, str]) -> list[dict[str, Any]]:
    """The zones as rows of the form, as they are kept or as they were typed, and some spare ones."""
    if wrong.get("shop") == shop.public_id:
        return _typed(request.POST)
    kept = [
        {
            "countries": " ".join(zone["countries"]), "regions": " ".join(zone["regions"]),
            "first_grams": zone["first_grams"], "step_grams": zone["step_grams"],
            **{name: "" if zone[name] is None else words.plain(zone[name], shop.currency) for name in _MONEY},
        }
        for zone in shop.zones
    ]  # fmt: skip
    return kept + [{} for _ in range(SPARE_ROWS)]


def _typed(posted: Any) -> list[dict[str, str]]:
    names = ("countries", "regions", "first_grams", "first_minor", "step_grams", "step_minor", "free_from_minor")
    columns = [posted.getlist(name)[:40] for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=False)]


def _zones(posted: Any, currency: str) -> list[dict[str, Any]]:
    """The rows that say what they cost; a row without a price is no zone.  Refuses: malformed."""
    zones = []
    for row in _typed(posted):
        if not row["first_minor"].strip():
            continue
        zone: dict[str, Any] = {"countries": row["countries"].split(), "regions": row["regions"].split()}
        for name in ("first_grams", "step_grams"):
            text = row[name].strip() or "0"
            zone[name] = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1
        for name in _MONEY:
            if row[name].strip():
                zone[name] = words.minor_of(row[name], currency, "shipping_zones")
        zones.append(zone)
    return zones
