"""An order as its buyer sees it, by a guest's signed link or signed in; what they can do with it; the list of all."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from meadow.catalog import queries as catalog
from meadow.kernel import cursors
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import is_id
from meadow.trade import queries as trade
from meadow.trade import services as trade_services
from meadow.web import shown
from meadow.web.aftersale import words as claim_words
from meadow.web.shop import order_words as words
from meadow.web.shop.kept import kept_orders
from meadow.web.visitor import guarded, in_their_time, person_id_of, signed_in

PAGE = 10


@dataclass(frozen=True, slots=True)
class Held:
    """An order in the hands of its buyer.  is_guest: they hold its signed link and nothing else."""

    view: trade.OrderView
    base: str
    is_guest: bool

    @property
    def by(self) -> Actor:
        return Actor("person", self.view.order.buyer_id)


def held(request: HttpRequest, ref: str) -> Held:
    """The order of a link or, to its signed-in buyer, of an id.  Refuses: not_found, sign_in_required."""
    base = reverse("order", args=[ref])
    if is_id(ref, "ord"):
        view = trade.order_for(ref, person_id=signed_in(request))
        if view.role != "buyer":
            raise Refusal("not_found")
        return Held(view, base, is_guest=False)
    return Held(trade.order_by_link(ref), base, is_guest=person_id_of(request) is None)


def address_of_order(request: HttpRequest, order: Any) -> str:
    """The address of an order: by its id to its signed-in buyer, by its signed link to a guest."""
    is_mine = person_id_of(request) == order.buyer_id
    return reverse("order", args=[order.public_id if is_mine else trade.order_link(order)])


@never_cache
@require_safe
@in_their_time
def order(request: HttpRequest, ref: str) -> HttpResponse:
    mine = held(request, ref)
    response = render(request, "web/order.html", page_texts(request, mine))
    # The address is the key: it must not leave with a link that is followed from here.
    response["Referrer-Policy"] = "same-origin"
    return response


@guarded
@require_POST
def confirm(request: HttpRequest, ref: str) -> HttpResponse:
    mine = held(request, ref)
    trade_services.confirm_receipt(order_id=mine.view.order.pk, by=mine.by)
    return redirect(mine.base)


@guarded
@require_POST
def cancel(request: HttpRequest, ref: str) -> HttpResponse:
    mine = held(request, ref)
    trade_services.cancel_order(order_id=mine.view.order.pk, by=mine.by)
    return redirect(mine.base)


@never_cache
@require_safe
@in_their_time
def orders(request: HttpRequest) -> HttpResponse:
    """The signed-in person's orders, by state; to others those that their browser keeps."""
    person_id, wanted = person_id_of(request), request.GET.get("state", "all")
    if person_id is None:
        return render(request, "web/orders.html", _kept_texts(request))
    states = words.TABS.get(wanted, ())
    after = request.GET.get("after")
    before_id = cursors.unseal(after, "my_orders")[0] if after else None
    found = trade.orders_of(person_id, states=states, before_id=before_id, limit=PAGE + 1)
    goods = trade.goods_of(found[:PAGE])
    cards = catalog.cards({line.product_id for lines in goods.values() for line in lines if line.product_id})
    values = {
        "tab": "me", "state": wanted, "tabs": words.tabs(wanted),
        "orders": [_listed(row, goods.get(row.pk, []), cards, row.public_id) for row in found[:PAGE]],
        "more": cursors.seal([found[PAGE - 1].pk], "my_orders") if len(found) > PAGE else None,
    }  # fmt: skip
    return render(request, "web/orders.html", values)


def page_texts(request: HttpRequest, mine: Held, **more: Any) -> dict[str, Any]:
    """Everything on the page of an order."""
    row, view = mine.view.order, mine.view
    headline, next_text = words.headline(row)
    state_text, kind = words.state(row.state)
    cards = catalog.cards({line.product_id for line in view.lines if line.product_id})
    is_unpaid = row.state == "placed"
    return {
        "order": row, "base": mine.base, "here": mine.base, "tab": "me", "headline": headline, "next_text": next_text,
        "state_text": state_text, "kind": kind, "steps": words.steps(row), "escrow": words.escrow(row),
        "may_confirm": row.state == "shipped" and not trade.has_open_claim(row.pk), "may_cancel": row.state in ("placed", "paid"),
        "cancel_text": words.cancel_text(is_unpaid), "pay_url": _pay_url(row) if is_unpaid else "",
        "parcels": [words.parcel(number, parcel) for number, parcel in enumerate(view.parcels, start=1)],
        "lines": _lines(mine, cards), "claims": _claims(mine),
        "may_extend": row.state == "shipped" and row.buyer_extended_at is None, "goods": shown.price(row.goods_minor, row.currency), "total": shown.price(row.total_minor, row.currency),
        "shipping": shown.price(row.shipping_minor, row.currency), "address": words.address(row.address),
        "refunds": [words.refund(refund) for refund in view.refunds], "is_guest": mine.is_guest,
        "contact_email": row.contact.get("email", ""),
        "refunded": shown.price(row.refunded_minor, row.currency) if row.refunded_minor else "",
    } | more  # fmt: skip


def _lines(mine: Held, cards: dict[int, catalog.Card]) -> list[dict[str, Any]]:
    """The goods, each with the way to a claim where one can be opened."""
    order = mine.view.order
    may = trade.claimable_line_ids(order)
    new = f"{mine.base}/claims/new?line="
    return [
        _line(line, cards, order.currency) | {"claim_url": new + line.public_id if line.line_id in may else ""}
        for line in mine.view.lines
        if line.kind == "goods"
    ]


def _claims(mine: Held) -> list[dict[str, Any]]:
    return [
        claim_words.listed(one, f"{mine.base}/claims/{one.public_id}", "buyer")
        for one in trade.claims_of_order(mine.view.order.pk)
    ]


def _pay_url(row: Any) -> str:
    return reverse("pay", args=[trade.checkout_token(row.checkout)])


def _line(line: trade.LineView, cards: dict[int, catalog.Card], currency: str) -> dict[str, Any]:
    card = cards[line.product_id or 0]
    return {
        "title": line.title, "option_text": line.option_text, "quantity": line.quantity, "picture": card.image,
        "url": "" if card.is_hidden else reverse("product", args=[card.public_id]),
        "unit": shown.money(line.unit_price_minor, currency),
        "amount": shown.price(line.amount_minor, currency),
        "refunded": shown.money(line.refunded_minor, currency) if line.refunded_minor else "",
    }  # fmt: skip


def _kept_texts(request: HttpRequest) -> dict[str, Any]:
    kept = kept_orders(request)
    cards = catalog.cards({line.product_id for _, view in kept for line in view.lines if line.product_id})
    listed = [
        _listed(view.order, [line for line in view.lines if line.kind == "goods"], cards, link) for link, view in kept
    ]
    return {"tab": "me", "orders": listed, "is_guest": True}


def _listed(row: Any, lines: list[trade.LineView], cards: dict[int, catalog.Card], ref: str) -> dict[str, Any]:
    state_text, kind = words.state(row.state)
    return {
        "shop_name": row.shop.name, "state_text": state_text, "kind": kind, "placed_at": row.placed_at,
        "total": shown.price(row.total_minor, row.currency), "url": reverse("order", args=[ref]),
        "lines": [_line(line, cards, row.currency) for line in lines],
    }  # fmt: skip
