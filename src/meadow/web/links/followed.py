"""What a person meets who follows a link out, and who had a link blocked: where it leads, the rule, and the appeal."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from meadow.accounts import queries as accounts
from meadow.governance import queries, services
from meadow.kernel.errors import Refusal
from meadow.kernel.signing import unsign
from meadow.web.links.marks import PURPOSE
from meadow.web.shown import language
from meadow.web.visitor import in_their_time, signed_in


@never_cache
@require_safe
def out(request: HttpRequest) -> HttpResponse:
    """Leads on to a partner; warns about what is none; stops at what no longer may be followed.  Refuses: not_found."""
    payload = unsign(request.GET.get("to", ""), PURPOSE)
    if payload is None:
        raise Refusal("not_found")
    decision = queries.shown_link(payload["u"], payload["s"])
    if decision.verdict == "allow":
        response: HttpResponse = HttpResponseRedirect(decision.url)
    else:
        values = {
            "decision": decision, "reason": decision.reason_in(language()), "is_blocked": decision.verdict == "block",
            "rule": queries.rule_in_force(decision.rule_id),
        }  # fmt: skip
        response = render(request, "web/links/out.html", values, status=403 if decision.verdict == "block" else 200)
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def blocked(request: HttpRequest, decision: str) -> HttpResponse:
    """Why a link of mine was blocked, by which rule, and how to have it looked at again.  Refuses: not_found."""
    person_id = signed_in(request)
    found = queries.decision(decision)
    mine = (found.party_kind, found.party_id) in queries.parties_of(person_id)
    if found.action != "block_link" or not (mine or accounts.is_operator(person_id)):
        raise Refusal("not_found")
    if request.method == "POST":
        services.open_appeal(
            decision_id=found.pk, person_id=person_id, text=request.POST.get("text", ""),
            evidence=request.POST.get("evidence", ""),
        )  # fmt: skip
        messages.success(request, _("Somebody else will look at it again, by the date shown here."))
        return redirect("blocked_link", decision)
    words, zh = found.words, language() == "zh"
    values = {
        "tab": "me", "made": found, "address": words.inputs.get("url", ""), "host": words.inputs.get("host", ""),
        "reason": (words.reason_zh if zh else "") or words.reason,
        "rule": queries.rule_version(found.rule_id, found.rule_version), "zh": zh, "mine": mine,
        "appeal": queries.last_appeal_of(found.pk), "penalty": _penalty(person_id),
    }  # fmt: skip
    return render(request, "web/links/blocked.html", values)


def _penalty(person_id: int) -> queries.Limit | None:
    """What stops this person's links now, if anything does."""
    return queries.limit_on(queries.parties_of(person_id), "links")
