"""What a buyer does after buying, by the order's link or signed in: more time, a claim, its steps, its evidence."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meadow.kernel import pictures
from meadow.kernel.errors import Refusal
from meadow.trade import queries as trade
from meadow.trade import services
from meadow.web import shown
from meadow.web.aftersale import words
from meadow.web.failures import said
from meadow.web.shop.orders import Held, held
from meadow.web.visitor import guarded, in_their_time, signed_in

MOST_PICTURES = 5


@guarded
@require_POST
def extend(request: HttpRequest, ref: str) -> HttpResponse:
    """Three more days, once."""
    mine = held(request, ref)
    services.extend_receipt(order_id=mine.view.order.pk, days=trade.BUYER_EXTENDS, by=mine.by)
    return redirect(mine.base)


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def new_claim(request: HttpRequest, ref: str) -> HttpResponse:
    """Opens a claim about one line, with words and pictures."""
    mine = held(request, ref)
    line = _line(mine, request.POST.get("line") or request.GET.get("line") or "")
    typed = {name: request.POST.get(name, "") for name in ("kind", "reason", "amount", "text")}
    wrong: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        try:
            return redirect(_opened(request, mine, line, typed))
        except Refusal as refusal:
            field = str(refusal.params.get("field", "")) or ("amount" if refusal.code == "claim_too_large" else "")
            wrong, status = {"field": field.removesuffix("_minor"), "says": said(refusal)}, refusal.status
    order = mine.view.order
    left = line.amount_minor - line.refunded_minor
    values = {
        "tab": "me", "base": mine.base, "line": line, "typed": typed, "wrong": wrong, "order": order,
        "kinds": [(code, label) for code, label in words.KINDS.items() if line.shipped_quantity or code == "refund_only"],
        "reasons": words.choices(trade.REASONS), "left": shown.money(left, order.currency),
        "amount": typed["amount"] or words.plain(left, order.currency),
        "is_late": order.late_at is not None and not line.shipped_quantity,
    }  # fmt: skip
    return _private(render(request, "web/aftersale/new.html", values, status=status))


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def claim(request: HttpRequest, ref: str, public_id: str) -> HttpResponse:
    """A claim in the hands of its buyer."""
    mine = held(request, ref)
    view = trade.claim_in_order(public_id, order_id=mine.view.order.pk)
    here = reverse("order_claim", args=[ref, public_id])
    wrong: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        try:
            act(request, view, mine.by)
            return redirect(here)
        except Refusal as refusal:
            wrong, status = {"says": said(refusal)}, refusal.status
    values = {
        **words.page(view), "tab": "me", "back": mine.base, "wrong": wrong,
        "picture_base": reverse("order_evidence", args=[ref, "evd"]).removesuffix("evd"),
    }  # fmt: skip
    return _private(render(request, "web/aftersale/claim.html", values, status=status))


@require_safe
def order_picture(request: HttpRequest, ref: str, public_id: str) -> HttpResponse:
    mine = held(request, ref)
    return picture_of(trade.evidence_picture(public_id, order_id=mine.view.order.pk))


@require_safe
def picture(request: HttpRequest, public_id: str) -> HttpResponse:
    return picture_of(trade.evidence_picture(public_id, person_id=signed_in(request)))


def picture_of(name: str) -> HttpResponse:
    """A kept picture, to who may see it and to no cache between."""
    response = HttpResponse(pictures.kept(name), content_type=pictures.MEDIA_TYPE)
    response["Cache-Control"] = "private, max-age=3600"
    return response


def act(request: HttpRequest, view: trade.ClaimView, by: Any) -> None:
    """Carries out what the form of a claim's page asks for; what is not allowed the services refuse."""
    claim_id, posted = view.claim.pk, request.POST
    acts: dict[str, Callable[[], Any]] = {
        "withdraw": lambda: services.withdraw_claim(claim_id=claim_id, by=by),
        "send_back": lambda: services.send_back(
            claim_id=claim_id, carrier=posted.get("carrier", ""), number=posted.get("number", ""), by=by
        ),
        "dispute": lambda: services.dispute_claim(claim_id=claim_id, text=posted.get("text", ""), by=by),
        "agree": lambda: services.agree_to_claim(claim_id=claim_id, return_to=posted.get("return_to", ""), by=by),
        "refuse": lambda: services.refuse_claim(claim_id=claim_id, reason=posted.get("text", ""), by=by),
        "accept": lambda: services.accept_goods(claim_id=claim_id, by=by),
        "replace": lambda: services.send_replacement(
            claim_id=claim_id, by=by,
            parcel=services.ParcelIn("express", posted.get("carrier", ""), posted.get("number", "")),
        ),
        "evidence": lambda: show(request, claim_id, by),
    }  # fmt: skip
    chosen = acts.get(posted.get("act", ""))
    if chosen is None:
        raise Refusal("malformed", field="act", why="choose what to do")
    chosen()


def show(request: HttpRequest, claim_id: int, by: Any) -> None:
    """Hands in the words and the pictures of a form."""
    text, sent = request.POST.get("text", ""), request.FILES.getlist("pictures")[:MOST_PICTURES]
    if text.strip() or not sent:
        services.add_evidence(claim_id=claim_id, text=text, by=by)
    for one in sent:
        too_much = pictures.LIMITS["bytes"] + 1
        services.add_evidence(claim_id=claim_id, picture=one.read(too_much), by=by)


def _opened(request: HttpRequest, mine: Held, line: trade.LineView, typed: dict[str, str]) -> str:
    amount = words.minor_of(typed["amount"], mine.view.order.currency, "amount") if typed["amount"] else None
    made = services.open_claim(
        order_id=mine.view.order.pk, line_id=line.line_id, kind=typed["kind"], reason=typed["reason"],
        amount_minor=amount, text=typed["text"], by=mine.by,
    )  # fmt: skip
    if request.FILES.getlist("pictures") and made.ended_at is None:
        for one in request.FILES.getlist("pictures")[:MOST_PICTURES]:
            services.add_evidence(claim_id=made.pk, picture=one.read(pictures.LIMITS["bytes"] + 1), by=mine.by)
    return reverse("order_claim", args=[mine.base.rpartition("/")[2], made.public_id])


def _line(mine: Held, public_id: str) -> trade.LineView:
    found = next((one for one in mine.view.lines if one.public_id == public_id and one.kind == "goods"), None)
    if found is None:
        raise Refusal("not_found")
    return found


def _private(response: HttpResponse) -> HttpResponse:
    """A guest's address is a key: it must not leave with a link that is followed from here."""
    response["Referrer-Policy"] = "same-origin"
    return response
