"""Who earns on an order's lines and why, looked up by operators: every candidate click, the rule, its version, in words."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from meadow.affiliate import queries as affiliate
from meadow.kernel.errors import Refusal
from meadow.trade import queries
from meadow.web import shown
from meadow.web.earnings.pages import PLANS, STATES, SURFACES
from meadow.web.rulebook import words
from meadow.web.visitor import in_their_time

CARRIED = {
    "person": gettext_lazy("signed in"), "carrier": gettext_lazy("same browser"), "cart": gettext_lazy("with the cart"),
    "claim": gettext_lazy("claim of a partner site"),
}  # fmt: skip
REVIEWS = {
    "pending": (gettext_lazy("Waits for a look"), "warn"), "released": (gettext_lazy("Let pass"), "good"),
    "voided": (gettext_lazy("Voided"), "bad"),
}  # fmt: skip


@never_cache
@require_safe
@in_their_time
def lookup(request: HttpRequest) -> HttpResponse:
    """The lines of an order, or one line, by the id that stands in every report and message."""
    words.operator(request)
    ref = request.GET.get("ref", "").strip()[:40]
    values: dict[str, Any] = {"ref": ref, "lines": []}
    if ref:
        try:
            values["lines"] = [_line(one) for one in queries.line_cases(ref)]
        except Refusal as refusal:
            if refusal.code != "not_found":
                raise
            values["says"] = _("No order and no line of goods has this number.")
    return render(request, "web/earnings/lookup.html", values, status=404 if "says" in values else 200)


def _line(one: queries.LineCase) -> dict[str, Any]:
    trail, earned, review = one.trail, one.commission, one.review
    label, kind = STATES[earned.state] if earned else STATES["none" if trail.creator_id is None else "unpaid"]
    return {
        "id": one.line, "order": one.order, "title": one.title, "shop": one.shop, "placed_at": one.placed_at,
        "goods": shown.money(one.goods_minor, one.currency), "label": label, "kind": kind,
        "winner": trail.creator_name if trail.creator_id else "", "why": words.said(trail.en, trail.zh),
        "mine": shown.money(earned.creator_minor, one.currency) if earned else "",
        "plan": PLANS.get(trail.plan_kind, trail.plan_kind), "rate": words.percent(trail.rate_bp),
        "rules": trail.rules_version, "decided_at": trail.decided_at, "is_same": one.is_same,
        "void": words.said(*affiliate.SAYS[earned.void_reason]) if earned and earned.void_reason else "",
        "review": {
            "label": REVIEWS[review.state][0], "kind": REVIEWS[review.state][1],
            "why": words.said(*affiliate.SAYS[review.code]), "opened_at": review.opened_at,
            "void": words.said(*affiliate.SAYS[review.void_reason]) if review.void_reason else "",
        } if review else None,
        "steps": [
            {
                "who": step.creator_name, "at": step.clicked_at, "where": SURFACES.get(step.surface, step.surface),
                "carried": CARRIED.get(step.carried_by, step.carried_by), "says": words.said(step.en, step.zh),
                "won": step.verdict == "won",
            }
            for step in trail.steps
        ],
    }  # fmt: skip
