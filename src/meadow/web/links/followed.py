"""What a person meets who follows a link out, and who had a link blocked: where it leads, the rule, and the appeal."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from meadow.accounts import queries as accounts
from meadow.governance import queries
from meadow.kernel.errors import Refusal
from meadow.kernel.signing import unsign
from meadow.web.links.marks import PURPOSE
from meadow.web.rulebook import words
from meadow.web.rulebook.mine import appeal_of
from meadow.web.shop.clicks import follow
from meadow.web.shown import language
from meadow.web.visitor import in_their_time, signed_in, visitor_of


@never_cache
@require_safe
def out(request: HttpRequest) -> HttpResponse:
    """Leads on to a partner; warns about what is none; stops at what no longer may be followed.  Refuses: not_found."""
    payload = unsign(request.GET.get("to", ""), PURPOSE)
    if payload is None:
        raise Refusal("not_found")
    decision = queries.shown_link(payload["u"], payload["s"])
    if decision.verdict == "allow":
        follow(request, visitor_of(request), request.GET.get("v", ""))
        response: HttpResponse = HttpResponseRedirect(decision.url)
    else:
        stopped = decision.verdict == "block"
        rule = queries.rule_in_force(decision.rule_id)
        values = {
            "decision": decision, "reason": decision.reason_in(language()), "is_blocked": stopped,
            "rule": words.rule_of(rule) if rule else None,
        }  # fmt: skip
        response = render(request, "web/links/out.html", values, status=403 if stopped else 200)
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


@never_cache
@require_safe
@in_their_time
def blocked(request: HttpRequest, decision: str) -> HttpResponse:
    """Why a link of mine was blocked, by which rule, what follows, and the appeal.  Refuses: not_found."""
    person_id = signed_in(request)
    found, parties = queries.decision(decision), queries.parties_of(person_id)
    mine = (found.party_kind, found.party_id) in parties
    if found.action != "block_link" or not (mine or accounts.is_operator(person_id)):
        raise Refusal("not_found")
    last, said = queries.last_appeal_of(found.public_id), found.words
    values = {
        "tab": "me", "made": found, "address": said.inputs.get("url", ""),
        "reason": words.said(said.reason, said.reason_zh),
        "rule": words.rule_of(queries.rule_version(found.rule_id, found.rule_version)),
        "appeal": appeal_of(last) if last else None, "mine": mine, "limit": queries.limit_on(parties, "links"),
    }  # fmt: skip
    return render(request, "web/links/blocked.html", values)
