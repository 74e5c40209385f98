"""What a seller does after selling: sends orders, corrects tracking, gives more time, reminds, answers claims."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from meadow.accounts import queries as accounts
from meadow.catalog import queries as catalog
from meadow.kernel import cursors
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.trade import queries as trade
from meadow.trade import services
from meadow.web import shown
from meadow.web.aftersale import words
from meadow.web.aftersale.buyer import act
from meadow.web.failures import said
from meadow.web.shop import order_words
from meadow.web.visitor import guarded, in_their_time, signed_in

PAGE = 20
TABS = {
    "to_send": ("paid", "part_shipped"),
    "on_the_way": ("shipped",),
    "done": ("confirmed", "settled"),
    "closed": ("closed",),
}


@never_cache
@require_safe
@in_their_time
def sales(request: HttpRequest) -> HttpResponse:
    """The orders of the shops that a person keeps, those to send first."""
    person_id = signed_in(request)
    mine = accounts.merchants_of(person_id)
    wanted = request.GET.get("state", "to_send")
    after = request.GET.get("after")
    before_id = cursors.unseal(after, "sales")[0] if after else None
    found = trade.orders_of_merchants(
        [one.merchant_id for one in mine], states=TABS.get(wanted, ()), before_id=before_id, limit=PAGE + 1
    )
    labels = {
        "to_send": _("To send"), "on_the_way": _("On the way"), "done": _("Received"), "closed": _("Closed"),
        "all": _("All"),
    }  # fmt: skip
    values = {
        "tab": "me", "is_seller": bool(mine), "now": wanted,
        "tabs": [{"value": value, "label": label, "is_now": value == wanted} for value, label in labels.items()],
        "orders": [_listed(order) for order in found[:PAGE]],
        "more": cursors.seal([found[PAGE - 1].pk], "sales") if len(found) > PAGE else None,
    }  # fmt: skip
    return render(request, "web/aftersale/sales.html", values)


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def sale(request: HttpRequest, public_id: str) -> HttpResponse:
    """One order as its seller sees it, with what can be done."""
    person_id = signed_in(request)
    view = _sold(public_id, person_id)
    wrong: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        try:
            _do(request, view, Actor("person", person_id))
            return redirect("sale", public_id)
        except Refusal as refusal:
            wrong, status = {"act": request.POST.get("act", ""), "says": said(refusal)}, refusal.status
    order = view.order
    label, css = order_words.state(order.state)
    cards = catalog.cards({line.product_id for line in view.lines if line.product_id})
    values = {
        "tab": "me", "order": order, "state_text": label, "css": css, "wrong": wrong,
        "address": order_words.address(order.address), "parcels": view.parcels,
        "lines": [
            {"line": line, "picture": cards[line.product_id or 0].image, "amount": shown.price(line.amount_minor, order.currency)}
            for line in view.lines if line.kind == "goods"
        ],
        "total": shown.price(order.total_minor, order.currency), "refunds": [order_words.refund(one) for one in view.refunds],
        "claims": [
            words.listed(one, reverse("claim", args=[one.public_id]), "merchant")
            for one in trade.claims_of_order(order.pk)
        ],
        "may_send": order.state in ("paid", "part_shipped"), "may_cancel": order.state == "paid",
        "may_extend": order.state == "shipped", "days": trade.SELLER_EXTENDS,
        "may_remind": order.state == "shipped" and order.reminded_at is None,
        "may_correct": order.state in ("part_shipped", "shipped") and order.corrected_at is None,
        "kinds": [("express", _("Courier")), ("post", _("Surface post")), ("pickup", _("Pick-up")), ("virtual", _("Delivered online"))],
        "posted": request.POST,
    }  # fmt: skip
    return render(request, "web/aftersale/sale.html", values, status=status)


@never_cache
@require_safe
@in_their_time
def claims(request: HttpRequest) -> HttpResponse:
    """The claims on what a person's shops sold: those that wait for them first."""
    person_id = signed_in(request)
    rows: list[dict[str, Any]] = []
    for one in accounts.merchants_of(person_id):
        rows += [
            words.listed(claim, reverse("claim", args=[claim.public_id]), "merchant")
            for claim in trade.claims_of_merchant(one.merchant_id, is_open=request.GET.get("all") != "1", limit=100)
        ]
    rows.sort(key=lambda row: not row["is_mine"])
    return render(
        request, "web/aftersale/claims.html", {"tab": "me", "rows": rows, "is_all": request.GET.get("all") == "1"}
    )


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def claim(request: HttpRequest, public_id: str) -> HttpResponse:
    """A claim in the hands of its seller or an operator; its buyer is led to the order's own page of it."""
    person_id = signed_in(request)
    view = trade.claim_for(public_id, person_id=person_id)
    if view.role == "buyer" and not accounts.may_act_for(person_id, view.claim.merchant_id):
        return redirect("order_claim", view.claim.order.public_id, public_id)
    wrong: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        try:
            act(request, view, Actor("person", person_id))
            return redirect("claim", public_id)
        except Refusal as refusal:
            wrong, status = {"says": said(refusal)}, refusal.status
    order = view.claim.order
    is_operator = view.role == "operator"
    values = {
        **words.page(view), "tab": "me", "wrong": wrong, "typed": request.POST,
        "back": reverse("claims_desk") if is_operator else reverse("sale", args=[order.public_id]),
        "picture_base": reverse("evidence", args=["evd"]).removesuffix("evd"),
        "return_address": trade.return_address_of(order.shop_id),
        "ruling_reasons": words.choices(trade.RULING_REASONS), "outcomes": list(words.OUTCOMES.items()),
        "plain_amount": words.plain(view.claim.amount_minor, view.claim.currency),
        "risk": view.claim.risk_score if is_operator else 0, "freeze_reasons": words.choices(trade.FREEZE_REASONS),
        "is_frozen": is_operator and bool(trade.freezes(order_id=order.pk)),
    }  # fmt: skip
    return render(request, "web/aftersale/claim.html", values, status=status)


def _sold(public_id: str, person_id: int) -> trade.OrderView:
    """An order to the staff of its seller alone.  Refuses: not_found."""
    view = trade.order_for(public_id, person_id=person_id)
    if not accounts.may_act_for(person_id, view.order.merchant_id):
        raise Refusal("not_found")
    return view


def _do(request: HttpRequest, view: trade.OrderView, by: Actor) -> None:
    order_id, posted = view.order.pk, request.POST
    carrier, number = posted.get("carrier", ""), posted.get("number", "")
    acts: dict[str, Callable[[], Any]] = {
        "send": lambda: services.ship_order(order_id=order_id, parcels=[_parcel(posted, view)], by=by),
        "cancel": lambda: services.cancel_order(order_id=order_id, reason=posted.get("reason", ""), by=by),
        "extend": lambda: services.extend_receipt(order_id=order_id, days=_days(posted.get("days", "")), by=by),
        "remind": lambda: services.remind_buyer(order_id=order_id, by=by),
        "correct": lambda: services.correct_tracking(
            order_id=order_id, parcel_id=posted.get("parcel", ""), carrier=carrier, number=number, by=by
        ),
    }
    chosen = acts.get(posted.get("act", ""))
    if chosen is None:
        raise Refusal("malformed", field="act", why="choose what to do")
    chosen()
    messages.success(request, _("Saved."))


def _parcel(posted: Any, view: trade.OrderView) -> services.ParcelIn:
    """The parcel of a form; nothing ticked is everything that is left."""
    ticked = set(posted.getlist("line"))
    lines = tuple(
        (line.line_id, line.quantity - line.shipped_quantity)
        for line in view.lines
        if line.public_id in ticked and line.quantity > line.shipped_quantity
    )
    return services.ParcelIn(posted.get("kind", ""), posted.get("carrier", ""), posted.get("number", ""), lines)


def _days(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else 0


def _listed(order: Any) -> dict[str, Any]:
    label, css = order_words.state(order.state)
    return {
        "url": reverse("sale", args=[order.public_id]), "id": order.public_id, "shop": order.shop.name, "state": label,
        "css": css, "placed_at": order.placed_at, "total": shown.price(order.total_minor, order.currency),
        "until": order.ship_due_at if order.state in ("paid", "part_shipped") else order.auto_confirm_due_at,
        "is_late": order.late_at is not None and order.state in ("paid", "part_shipped"),
    }  # fmt: skip
