"""The operators' page on reconciliation: providers' days against our books, and every difference until it is explained."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from meadow.kernel import clock
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.payments import queries, services
from meadow.web import shown
from meadow.web.failures import said
from meadow.web.money import words
from meadow.web.rulebook.words import operator
from meadow.web.visitor import guarded, in_their_time


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def days(request: HttpRequest) -> HttpResponse:
    """Shows what does not agree, closes it with a reason, and looks at a day now."""
    by = operator(request)
    if request.method != "POST":
        return _page(request)
    try:
        messages.success(request, _act(request, by))
    except Refusal as refusal:
        if refusal.status not in (409, 422, 503):
            raise
        return _page(request, refusal)
    return redirect("reconciliation")


def _act(request: HttpRequest, by: Actor) -> str:
    typed = request.POST
    if typed.get("act") == "close":
        services.close_difference(public_id=typed.get("id", "")[:40], reason=typed.get("reason", ""), by=by)
        return _("Closed, with your reason.")
    try:
        day = date.fromisoformat(typed.get("day", ""))
    except ValueError:
        raise Refusal("malformed", field="day", why="write it like 2026-11-21") from None
    row = services.reconcile(provider=typed.get("provider", "")[:32], day=day)
    return _("{lines} lines, {found} differences.").format(lines=row.lines, found=row.found)


def _page(request: HttpRequest, refusal: Refusal | None = None) -> HttpResponse:
    values = {
        "open": [_difference(one) for one in queries.differences()],
        "closed": [_difference(one) for one in queries.differences(state="closed", limit=20)],
        "days": [_day(one) for one in queries.reconciliations()], "providers": queries.providers(),
        "yesterday": (clock.now() - timedelta(days=1)).date().isoformat(),
        "says": said(refusal) if refusal else "", "here_now": "days",
    }  # fmt: skip
    return render(request, "web/money/days.html", values, status=refusal.status if refusal else 200)


def _difference(one: queries.Difference) -> dict[str, Any]:
    return {
        "id": one.public_id, "provider": one.provider, "day": one.day.isoformat(), "kind": words.difference_kind(one.kind),
        "subject": words.subject(one.subject), "our_ref": one.our_ref, "provider_ref": one.provider_ref,
        "ours": shown.money(one.ours_minor, one.ours_currency) if one.ours_minor is not None else "–",
        "theirs": shown.money(one.theirs_minor, one.theirs_currency) if one.theirs_minor is not None else "–",
        "reason": one.reason, "closed_at": one.closed_at,
    }  # fmt: skip


def _day(one: queries.Reconciliation) -> dict[str, Any]:
    return {
        "provider": one.provider, "day": one.day.isoformat(), "lines": one.lines, "found": one.found, "is_done": bool(one.done_at),
        "fees": [shown.money(minor, currency) for currency, minor in one.fees_minor.items()],
    }  # fmt: skip
