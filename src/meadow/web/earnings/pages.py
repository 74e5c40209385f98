"""What a creator's clicks came to: each line with why or why not, its estimates and its final commission, what was
taken back and for what; and, for operators, whether anybody was paid for others' sales.
"""

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
from meadow.ledger import queries as ledger
from meadow.trade import queries
from meadow.web import shown
from meadow.web.rulebook import words
from meadow.web.studio.words import creator_of
from meadow.web.visitor import in_their_time

PAGE, CLAWBACKS = 20, 20
DAYS = (7, 30, 90, 365)
EVER = 36_500  # days; before the first order of anybody
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

PLANS = {
    "exclusive": gettext_lazy("exclusive plan"), "directed": gettext_lazy("directed plan"),
    "marketing": gettext_lazy("marketing plan"), "general": gettext_lazy("general plan"),
}  # fmt: skip


@never_cache
@require_safe
@in_their_time
def earnings(request: HttpRequest) -> HttpResponse:
    """A creator's clicks, orders and money, and every line with why me or why not me."""
    creator, days = creator_of(request), _days(request, (*DAYS, EVER))
    until = clock.now()
    since = until - timedelta(days=days)
    name = f"earnings:{creator.pk}"
    after = request.GET.get("after")
    before = int(cursors.unseal(after, name)[0]) if after else None
    found = queries.creator_lines(creator.pk, since=since, until=until, before_id=before, limit=PAGE + 1)
    sums = queries.creator_sums(creator.pk, since=since, until=until)
    back = [] if after else ledger.taken_back("creator", creator.pk, limit=CLAWBACKS)
    causes = queries.refund_faces([str((each.note or {}).get("refund", "")) for each in back])
    values = {
        "tab": "me", "creator": creator, "days": days, "choices": DAYS, "ever": EVER, "sums": sums,
        "amounts": [
            {"label": STATES[state][0], "amount": shown.money(minor, currency)}
            for (state, currency), minor in sums.by_state.items()
            if state != "void"
        ],
        "reasons": [(words.said(*affiliate.SAYS[code]), number) for code, number in sums.lines_not_counted.items()],
        "lines": [_line(one) for _id, one in found[:PAGE]],
        "more": cursors.seal([found[PAGE - 1][0]], name) if len(found) > PAGE else None,
        "clawbacks": [_clawback(each, causes) for each in back],
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


def _days(request: HttpRequest, choices: tuple[int, ...] = DAYS) -> int:
    """Refuses: malformed."""
    text = request.GET.get("days", "30")
    if text not in map(str, choices):
        raise Refusal("malformed", field="days", why=f"use one of {', '.join(map(str, choices))}")
    return int(text)


def _line(one: queries.LineStory) -> dict[str, Any]:
    label, kind = STATES[one.state]
    trail = one.trail
    amounts = (
        (_("Estimated at payment"), trail.at_payment_minor), (_("Estimated at receipt"), trail.at_receipt_minor),
        (_("Final"), trail.final_minor),
    )  # fmt: skip
    return {
        "title": one.title, "shop": one.shop, "placed_at": one.placed_at,
        "goods": shown.money(one.goods_minor, one.currency),
        "mine": shown.money(one.creator_minor, one.currency) if one.counted else "", "counted": one.counted,
        "amounts": [
            (text, shown.money(minor, one.currency) if minor is not None else "–") for text, minor in amounts
        ] if trail.state else [],
        "label": label, "kind": kind, "why": words.said(trail.en, trail.zh), "void": words.said(one.void_en, one.void_zh),
        "waits": trail.review_state == "pending", "rules": trail.rules_version, "rate": words.percent(trail.rate_bp),
        "plan": PLANS.get(trail.plan_kind, trail.plan_kind),
        "steps": [
            {
                "who": _("You") if step.is_mine else _("Another creator"), "mine": step.is_mine,
                "at": step.clicked_at, "where": SURFACES.get(step.surface, step.surface),
                "says": words.said(step.en, step.zh), "won": step.verdict == "won",
            }
            for step in trail.steps
        ],
    }  # fmt: skip


def _clawback(each: ledger.TakenBack, causes: dict[str, queries.RefundFace]) -> dict[str, Any]:
    face = causes.get(str((each.note or {}).get("refund", "")))
    kinds = {
        "refund": _("Refund"), "cancel": _("Cancelled order"), "late": _("Refund"), "claim": _("After-sale claim"),
        "chargeback": _("Chargeback by the bank"),
    }  # fmt: skip
    return {
        "amount": shown.money(each.amount_minor, each.currency), "at": each.at,
        "owed": shown.money(each.owed_minor, each.currency) if each.owed_minor else "",
        "cause": kinds.get(face.kind, _("Refund")) if face else _("Refund"), "order": face.order if face else "",
    }  # fmt: skip
