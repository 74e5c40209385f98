"""What a buyer sees between placing and paid: the payments of a checkout, how they stand, and another try."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from meadow.catalog import queries as catalog
from meadow.kernel import limits
from meadow.kernel.errors import Refusal
from meadow.payments import queries as payments
from meadow.payments import services as payment_services
from meadow.sharing import queries as sharing
from meadow.trade import queries as trade
from meadow.web import shown
from meadow.web.failures import said
from meadow.web.shop import sandbox
from meadow.web.shop.kept import keep_orders
from meadow.web.shop.orders import address_of_order
from meadow.web.visitor import guarded, person_id_of

REFRESH_SECONDS = 4
MOST_REFRESHES = 40
_OPEN = ("created", "pending", "failed")


def after_placing(request: HttpRequest, token: str) -> HttpResponseRedirect:
    """On to the order if there is one and it is paid; else to the page of the checkout's payments."""
    orders = _orders(request, token)
    is_done = len(orders) == 1 and orders[0].state == "paid"
    response = HttpResponseRedirect(address_of_order(request, orders[0]) if is_done else reverse("pay", args=[token]))
    if person_id_of(request) is None:
        keep_orders(request, response, orders)
    return response


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, token: str) -> HttpResponse:
    """How the payments of a checkout stand.  The form pays what is open, or asks the provider once more."""
    orders = _orders(request, token)
    if not orders:
        return redirect("checkout", token=token)
    found = {order.payment_id: order.payment for order in orders}
    if request.method == "POST":
        _act(request, found)
        return after_placing(request, token)
    return render(request, "web/pay.html", _texts(request, token, orders))


@never_cache
@require_safe
def back(request: HttpRequest, payment: str) -> HttpResponse:
    """Where a provider's page sends the buyer back: asks how it went, and on to the order."""
    found = payments.payment(payment)
    limits.hit("web.pay_back", found.public_id, per=timedelta(minutes=1), burst=5)
    orders = trade.orders_of_payment(found.pk)
    if not orders:
        raise Refusal("not_found")
    payment_services.query_payment(payment_id=found.pk)
    return redirect("order", ref=orders[0].public_id)


def _act(request: HttpRequest, found: dict[int, Any]) -> None:
    """What the buyer chose: ask, pay, or pay by another provider.  A provider that is away is said, not shown as broken."""
    act, way = request.POST.get("act"), request.POST.get("way", "")
    open_ones = [pk for pk, payment in found.items() if payment.state in _OPEN]
    try:
        if act == "ask":
            for payment_id in found:
                payment_services.query_payment(payment_id=payment_id)
        elif act == "otherwise":
            for payment_id in open_ones:
                sandbox.pay_otherwise(payment_id, way)
        else:
            sandbox.begin(open_ones, way)
    except Refusal as refusal:
        if refusal.code not in ("provider_down", "already_paid"):
            raise
        messages.error(request, said(refusal))


def _orders(request: HttpRequest, token: str) -> list[Any]:
    found = trade.checkout_by_token(token, person_id=person_id_of(request))
    return trade.orders_of_checkout(found.pk)


def _texts(request: HttpRequest, token: str, orders: list[Any]) -> dict[str, Any]:
    found = trade.checkout_by_token(token, person_id=person_id_of(request))
    states = {order.payment.state for order in orders}
    is_waiting = bool(states & {"created", "pending"})
    heading, says = _headline(states, {order.state for order in orders})
    tries = _tries(request)
    address = reverse("pay", args=[token])
    payments_, sandboxes = _payments(orders), (sandbox.SANDBOX, sandbox.SECOND)
    is_open = any(order.state == "placed" and order.payment.state in _OPEN for order in orders)
    others = sandbox.named(trade.other_ways(payments_[0].pk)) if is_open and len(payments_) == 1 else []
    ways = sandbox.ways() if any(payment.provider == sandbox.SANDBOX for payment in payments_) else []
    return {
        "heading": heading, "says": says, "is_waiting": is_waiting, "ways": ways, "chosen_way": ways[0]["value"] if ways else "", "address": address,
        "is_open": is_open and any(payment.provider in sandboxes for payment in payments_), "others": others,
        "payments": [_payment_texts(request, payment, orders) for payment in payments_],
        "left_out": [said(Refusal(part["code"], **part["params"])) for part in found.refused],
        "refresh": REFRESH_SECONDS if is_waiting and tries < MOST_REFRESHES else None,
        "refresh_url": f"{address}?n={tries + 1}",
    }  # fmt: skip


def _payments(orders: list[Any]) -> list[Any]:
    return list({order.payment_id: order.payment for order in orders}.values())


def _tries(request: HttpRequest) -> int:
    text = request.GET.get("n", "0")
    return int(text) if text.isdecimal() and len(text) < 4 else MOST_REFRESHES


def _headline(payments: set[str], orders: set[str]) -> tuple[str, str]:
    """What to say above the payments, by how they and their orders stand."""
    if orders <= {"closed"}:
        return _("The order is closed"), _("It was not paid in time. Should money still arrive, it is sent back.")
    if "failed" in payments:
        return _("The payment did not go through"), _("Nothing was charged. Your goods stay reserved; try again.")
    if payments & {"created", "pending"}:
        return _("Waiting for the payment"), _(
            "The provider has not confirmed it yet. This page looks again by itself."
        )
    return _("Paid"), _("Thank you! Your money is held safely until you have the goods.")


def _payment_texts(request: HttpRequest, payment: Any, orders: list[Any]) -> dict[str, Any]:
    shops = catalog.shops({order.shop_id for order in orders})
    mine = [order for order in orders if order.payment_id == payment.pk]
    words = {
        "succeeded": (_("Paid"), "good"), "failed": (_("Failed"), "bad"), "closed": (_("Closed"), ""),
    }  # fmt: skip
    text, kind = words.get(payment.state, (_("Pending"), "warn"))
    pay_url = payment.pay_url if payment.state in _OPEN else ""
    return {
        # A code that only the provider's own app reads is drawn; a page is a link.
        "link": pay_url if pay_url.startswith("https://") else "",
        "qr": mark_safe(sharing.qr_svg(pay_url)) if pay_url and not pay_url.startswith("https://") else "",  # noqa: S308
        "amount": shown.price(payment.amount_minor, payment.currency), "state_text": text, "kind": kind,
        "amount_text": shown.money(payment.amount_minor, payment.currency),
        "orders": [
            {"shop_name": shops[order.shop_id].name, "public_id": order.public_id,
             "url": address_of_order(request, order)}
            for order in mine
        ],
    }  # fmt: skip
