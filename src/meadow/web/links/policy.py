"""The link policy as operators edit it: surfaces, partners, barred hosts, and an address to try."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from meadow.governance import queries, services
from meadow.kernel import clock
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.web import shown
from meadow.web.links.partners import SOON, until_of
from meadow.web.links.words import SURFACES, VERDICTS, change_of
from meadow.web.rulebook import words
from meadow.web.visitor import guarded, in_their_time


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def policy(request: HttpRequest) -> HttpResponse:
    """Shows what is allowed where, and changes it."""
    by, wrong, status = words.operator(request), {}, 200
    if request.method == "POST":
        act = request.POST.get("act", "")
        try:
            _change(request, act, by)
        except Refusal as refusal:
            if refusal.status not in (409, 422):
                raise
            wrong, status = {**words.wrong_of(refusal), "wrong_at": act, "typed": request.POST.dict()}, refusal.status
        else:
            messages.success(request, _("Saved. It holds from now on."))
            return redirect("link_policy")
    return render(request, "web/links/policy.html", {**_values(request), **wrong}, status=status)


def _change(request: HttpRequest, act: str, by: Actor) -> None:
    """Refuses: malformed, and what the verbs refuse."""
    form = request.POST
    reason = form.get("reason", "")
    if act == "set":
        which = form.get("partner", "")
        services.set_link_policy(
            surface=form.get("surface", ""), verdict=form.get("verdict", ""), reason=reason, by=by,
            partner_id=queries.partner(which).pk if which else None,
        )  # fmt: skip
    elif act == "add":
        services.add_partner(
            name=form.get("name", ""), hosts=form.get("hosts", "").split(),
            product_patterns=form.get("patterns", "").split(), contract=form.get("contract", ""),
            after_sale_contact=form.get("contact", ""), contract_until=until_of(form.get("contract_until", "")), by=by,
        )  # fmt: skip
    elif act == "end":
        services.end_partner(partner_id=queries.partner(form.get("partner", "")).pk, reason=reason, by=by)
    elif act == "bar":
        services.bar_host(host=form.get("host", ""), reason=reason, reason_zh=form.get("reason_zh", ""), by=by)
    elif act == "lift":
        services.lift_bar(bar_id=queries.barred_host(form.get("bar", "")).pk, reason=reason, by=by)
    else:
        raise Refusal("malformed", field="act", why="set, add, end, bar or lift")


def _values(request: HttpRequest) -> dict[str, Any]:
    partners, now = queries.partners(), clock.now()
    tried = request.GET.get("url", "").strip()[:2100]
    where = request.GET.get("where", "post")
    return {
        "surfaces": [
            {
                "name": row.surface, "label": SURFACES.get(row.surface, row.surface), "verdict": VERDICTS[row.strangers],
                "is_default": row.strangers == row.default,
                "partners": [(name, VERDICTS[verdict]) for _id, name, verdict in row.partners],
            }
            for row in queries.link_policy()
        ],
        "choices": [(name, SURFACES.get(name, name)) for name in queries.SURFACES],
        "verdicts": [(name, label) for name, (label, _kind) in VERDICTS.items()],
        "partners": [_partner(one) for one in partners], "active": [one for one in partners if one.runs_at(now)], "bars": queries.barred_hosts(),
        "trail": [
            change_of(one["at"], one["verb"], one["before"], one["after"]) for one in queries.link_policy_trail(20)
        ], "tried": tried, "where": where,
        "answer": _answer(tried, where) if tried and where in queries.SURFACES else None,
    }  # fmt: skip


def _partner(one: queries.Partner) -> dict[str, Any]:
    now, until = clock.now(), one.contract_until
    runs = one.runs_at(now)
    return {
        "partner": one, "runs": runs, "ended_at": one.ended_at or until, "until": until,
        "ends_soon": bool(runs and until and until - now < SOON),
    }  # fmt: skip


def _answer(url: str, surface: str) -> dict[str, Any]:
    made = queries.judge_link(url, surface)
    label, kind = VERDICTS[made.verdict]
    return {"label": label, "kind": kind, "url": made.url, "rule": made.rule, "why": made.reason_in(shown.language())}
