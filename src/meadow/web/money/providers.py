"""The operators' page on payment providers: how far each contract goes, how it answers, and what was not believed."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.money import EXPONENTS
from meadow.payments import queries, services
from meadow.web.failures import said
from meadow.web.money import words
from meadow.web.money.presence import is_present, proof_texts, prove_url
from meadow.web.rulebook.words import operator
from meadow.web.visitor import guarded, in_their_time

SWITCHES = ("may_pay", "may_query", "may_refund")


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def providers(request: HttpRequest) -> HttpResponse:
    """Shows the providers of one currency, and takes changes of a contract or of their order."""
    by = operator(request)
    currency = request.GET.get("currency", "") or settings.MEADOW.currency
    if currency not in EXPONENTS:
        raise Refusal("currency_unknown", currency=currency[:3])
    if request.method != "POST":
        return _page(request, currency)
    try:
        _act(request, currency, by)
    except Refusal as refusal:
        if refusal.code == "step_up_required":
            return redirect(prove_url(request))
        if refusal.status not in (409, 422):
            raise
        return _page(request, currency, refusal)
    messages.success(request, _("Saved."))
    return redirect(request.get_full_path())


def _act(request: HttpRequest, currency: str, by: Actor) -> None:
    typed = request.POST
    if typed.get("act") == "probe":
        services.probe_providers()
    elif typed.get("act") == "first":
        chosen = typed.get("provider", "")
        rest = [view.provider for view in queries.provider_views(currency) if view.provider != chosen]
        services.set_order(currency=currency, providers=[chosen, *rest], by=by, is_stepped_up=is_present(request))
    else:
        services.set_contract(
            provider=typed.get("provider", "")[:32], currency=currency, state=typed.get("state", ""), by=by,
            is_stepped_up=is_present(request), reason=typed.get("reason", "").strip(),
            may_pay="may_pay" in typed, may_query="may_query" in typed, may_refund="may_refund" in typed,
        )  # fmt: skip


def _page(request: HttpRequest, currency: str, refusal: Refusal | None = None) -> HttpResponse:
    views = queries.provider_views(currency)
    values = {
        "currency": currency, "providers": [_texts(view, n) for n, view in enumerate(views)],
        "states": [(value, label) for value, (label, _css) in words.CONTRACT.items()],
        "refused": queries.refused_notices(20), "chargebacks": queries.chargebacks(20),
        "says": said(refusal) if refusal else "", "here_now": "providers", **proof_texts(request),
    }  # fmt: skip
    return render(request, "web/money/providers.html", values, status=refusal.status if refusal else 200)


def _texts(view: queries.ProviderView, place: int) -> dict[str, Any]:
    state_text, state_css = words.CONTRACT[view.state]
    health_text, health_css = words.why_down(view.is_down, view.failures)
    limits = view.limits
    return {
        "name": view.provider, "state": view.state, "state_text": state_text, "state_css": state_css, "place": place,
        "health_text": health_text, "health_css": health_css, "reason": view.reason, "since": view.since,
        "last_ok_at": view.last_ok_at, "last_error": view.last_error,
        "switches": [(name, label, getattr(view, name)) for name, label in _switches()],
        "split": f"{limits.max_split_ratio_bp // 100} %" if limits.max_split_ratio_bp is not None else "",
        "hold": limits.max_hold_days, "window": limits.return_window_days,
        "is_final": not limits.personal_receiver_returnable, "to_merchant": limits.lands_with == "merchant",
        "takes": limits.currencies is None or view.currency in limits.currencies,
    }  # fmt: skip


def _switches() -> list[tuple[str, str]]:
    return [
        ("may_pay", _("New payments")), ("may_query", _("Asking how payments stand")), ("may_refund", _("Refunds")),
    ]  # fmt: skip
