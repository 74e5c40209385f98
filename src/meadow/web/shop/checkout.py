"""The checkout, one page: what is bought, where it goes, how it is paid; sent twice it still buys once."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from meadow.kernel import clock
from meadow.kernel.errors import Refusal
from meadow.trade import queries as trade
from meadow.trade import services as trade_services
from meadow.web import shown
from meadow.web.failures import said
from meadow.web.shop import address, addresses, sandbox
from meadow.web.shop.cart import problem_text
from meadow.web.shop.payment import after_placing
from meadow.web.visitor import guarded, person_id_of


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: HttpRequest, token: str) -> HttpResponse:
    """Shows a checkout and takes its form.  Its signed id is the key: two tabs, a refresh or a double tap buy once."""
    buyer_id = person_id_of(request)
    found = trade.checkout_by_token(token, person_id=buyer_id)
    if request.method != "POST":
        if found.state == "placed":
            return redirect("pay", token=token)
        begun, _choices = addresses.filled(buyer_id, request.GET.get("address", ""))
        return _page(request, found, begun)
    typed = request.POST.dict()
    if typed.get("act") == "read":
        return _page(request, found, typed | address.read_address(typed.get("pasted", "")), is_pasted=True)
    way = typed.get("way", "succeed")
    try:
        placed = trade_services.place_orders(
            checkout_id=found.pk, address=address.address_in(typed), contact=address.contact_in(typed),
            provider=sandbox.provider_of(way), price_versions=_versions(typed), total_minor=_totals(typed), buyer_id=buyer_id,
            locale=shown.language(),
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.status not in (409, 422):
            raise
        return _page(request, trade.checkout(found.pk, person_id=buyer_id), typed, refusal)
    waiting = [payment.pk for payment in placed.payments if payment.state in ("created", "pending")]
    try:
        sandbox.begin(waiting, way)
    except Refusal as refusal:
        if refusal.code != "provider_down":
            raise
        # The orders stand and wait for their money: the next page offers to try again, or another provider.
        messages.error(request, said(refusal))
    return after_placing(request, token)


def _page(
    request: HttpRequest,
    found: Any,
    typed: Mapping[str, str],
    refusal: Refusal | None = None,
    *,
    is_pasted: bool = False,
) -> HttpResponse:
    """The page at the prices of now, with what was typed so far and what stands in the way."""
    quote = trade.quote(found, typed)
    is_price = refusal is not None and refusal.code in ("price_changed", "total_changed")
    ways = sandbox.ways(trade.ways_to_pay(quote))
    values = {
        "kept": addresses.filled(person_id_of(request), request.GET.get("address", ""))[1],
        "here": request.path,
        "shops": [_part_texts(part) for part in quote.parts],
        "totals": [shown.price(minor, currency) for currency, minor in quote.total_minor.items()],
        "seen": _seen(quote), "fields": address.fields_of(typed, refusal, is_guest=person_id_of(request) is None),
        "ways": ways, "chosen_way": typed.get("way") or (ways[0]["value"] if ways else ""), "pasted": typed.get("pasted", ""),
        "pasted_open": is_pasted, "escrow_text": escrow_text(), "must_confirm": is_price,
        "problems": any(part.problem for part in quote.parts) and len(quote.parts) == 1,
        "says": said(refusal) if refusal else "", "says_kind": "warn" if is_price else "bad",
    }  # fmt: skip
    return render(request, "web/checkout.html", values, status=refusal.status if refusal else 200)


def escrow_text() -> str:
    """One sentence on where the money is until when; the date is for a parcel that leaves today."""
    wait: timedelta = trade.AUTO_CONFIRM["express"] + trade.TIMERS["escrow.settle_delay"]
    return _(
        "Your money is held until you confirm receipt, and the shop is paid the day after; without your word it is "
        "paid {days} days after shipping, on {date} if it ships today."
    ).format(days=wait.days, date=shown.day(clock.now() + wait))


def _part_texts(part: trade.QuotePart) -> dict[str, Any]:
    return {
        "name": part.shop.name, "lines": [_line_texts(line) for line in part.lines],
        "goods": shown.price(part.goods_minor, part.currency),
        "shipping": shown.price(part.shipping_minor, part.currency) if part.shipping_minor else _("Free"),
    }  # fmt: skip


def _line_texts(line: trade.QuoteLine) -> dict[str, Any]:
    sku = line.sku
    return {
        "title": sku.title, "option_text": sku.option_text, "picture": sku.image, "quantity": line.quantity,
        "price": shown.price(sku.price_minor, sku.currency),
        "was": shown.money(line.shown_price_minor, sku.currency) if line.is_price_changed else "",
        "problem": problem_text(line.problem, sku.left),
    }  # fmt: skip


def _seen(quote: trade.Quote) -> dict[str, Any]:
    """What the form hands back: which prices and totals the buyer has before their eyes."""
    versions = {f"price_{sku_id}": version for sku_id, version in quote.price_versions.items()}
    return versions | {f"total_{currency}": minor for currency, minor in quote.total_minor.items()}


def _versions(typed: Mapping[str, str]) -> dict[int, int]:
    return {
        int(name[6:]): int(value)
        for name, value in typed.items()
        if name.startswith("price_") and name[6:].isdecimal() and value.isdecimal() and len(value) < 10
    }


def _totals(typed: Mapping[str, str]) -> dict[str, int]:
    found = {name[6:]: value for name, value in typed.items() if name.startswith("total_")}
    return {currency: int(value) for currency, value in found.items() if value.isdecimal() and len(value) < 19}
