"""What came of a creator's clicks, line by line with why or why not; and whether anybody was paid for others' sales."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from meadow.affiliate import queries as affiliate
from meadow.kernel import clock, cursors
from meadow.kernel.errors import Refusal
from meadow.trade import queries
from meadow.web import shown
from meadow.web.rulebook import words
from meadow.web.studio.words import creator_of
from meadow.web.visitor import in_their_time

PAGE = 20
DAYS = (7, 30, 90, 365)
STATES = {
    "estimated_at_payment": (gettext_lazy("Estimated"), "warn"),
    "estimated_at_receipt": (gettext_lazy("Estimated, received"), "warn"), "final": (gettext_lazy("Settled"), "good"),
    "void": (gettext_lazy("Void"), "bad"), "unpaid": (gettext_lazy("Not paid yet"), ""),
    "none": (gettext_lazy("Not counted"), "bad"),
}  # fmt: skip
SURFACES = {
    "landing": gettext_lazy("a shared link"), "feed": gettext_lazy("the feed"), "post": gettext_lazy("a post"),
    "product": gettext_lazy("a product page"), "showcase": gettext_lazy("a showcase"),
    "poster": gettext_lazy("a poster"), "api": gettext_lazy("a partner site"),
}  # fmt: skip


@never_cache
@require_safe
@in_their_time
def earnings(request: HttpRequest) -> HttpResponse:
    """A creator's clicks, orders and money, and every line with why me or why not me."""
    creator, days = creator_of(request), _days(request)
    until = clock.now()
    since = until - timedelta(days=days)
    name = f"earnings:{creator.pk}"
    after = request.GET.get("after")
    before = int(cursors.unseal(after, name)[0]) if after else None
    found = queries.creator_lines(creator.pk, since=since, until=until, before_id=before, limit=PAGE + 1)
    sums = queries.creator_sums(creator.pk, since=since, until=until)
    values = {
        "tab": "me", "creator": creator, "days": days, "choices": DAYS, "sums": sums,
        "amounts": [
            {"label": STATES[state][0], "amount": shown.money(minor, currency)}
            for (state, currency), minor in sums.by_state.items()
            if state != "void"
        ],
        "reasons": [(words.said(*affiliate.SAYS[code]), number) for code, number in sums.lines_not_counted.items()],
        "lines": [_line(one) for _id, one in found[:PAGE]],
        "more": cursors.seal([found[PAGE - 1][0]], name) if len(found) > PAGE else None,
    }  # fmt: skip
    return render(request, "web/earnings/earnings.html", values)


@never_cache
@require_safe
@in_their_time
def compensation(request: HttpRequest) -> HttpResponse:
    """The operators' proof that nobody is paid for recruiting: depth, own sales, and the decisions judged again."""
    words.operator(request)
    days, until = _days(request), clock.now()
    since = until - timedelta(days=days)
    made = queries.compensation(since=since, until=until)
    again = affiliate.replay_period(since=max(since, until - timedelta(days=31)), until=until)
    values = {
        "days": days, "choices": DAYS, "made": made, "again": again,
        "earners": [
            {"name": one.name, "earned": shown.money(one.earned_minor, one.currency), "own": words.percent(one.own_bp),
             "orders": one.orders}
            for one in made.earners
        ],
    }  # fmt: skip
    return render(request, "web/earnings/compensation.html", values)


def _days(request: HttpRequest) -> int:
    """Refuses: malformed."""
    text = request.GET.get("days", "30")
    if text not in map(str, DAYS):
        raise Refusal("malformed", field="days", why=f"use one of {', '.join(map(str, DAYS))}")
    return int(text)


def _line(one: queries.LineStory) -> dict[str, Any]:
    label, kind = STATES[one.state]
    trail = one.trail
    return {
        "title": one.title, "shop": one.shop, "placed_at": one.placed_at,
        "goods": shown.money(one.goods_minor, one.currency),
        "mine": shown.money(one.creator_minor, one.currency) if one.counted else "", "counted": one.counted,
        "label": label, "kind": kind, "why": words.said(trail.en, trail.zh), "void": words.said(one.void_en, one.void_zh),
        "waits": trail.review_state == "pending", "rules": trail.rules_version, "rate": words.percent(trail.rate_bp),
        "plan": trail.plan_kind,
        "steps": [
            {
                "who": _("You") if step.is_mine else _("Another creator"), "mine": step.is_mine,
                "at": step.clicked_at, "where": SURFACES.get(step.surface, step.surface),
                "says": words.said(step.en, step.zh), "won": step.verdict == "won",
            }
            for step in trail.steps
        ],
    }  # fmt: skip
