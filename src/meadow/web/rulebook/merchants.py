"""How a merchant answers to changed rules: accepts them, or leaves under the old ones and finishes what is on its way."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from meadow.accounts import queries as accounts
from meadow.governance import queries, services
from meadow.kernel.audit import Actor
from meadow.web.rulebook import words
from meadow.web.visitor import guarded, in_their_time, signed_in


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def answers(request: HttpRequest) -> HttpResponse:
    """What changed, and what each of one's businesses says to it."""
    person_id = signed_in(request)
    if request.method == "POST":
        merchant_id = accounts.merchant(request.POST.get("merchant", "")).pk
        by = Actor("person", person_id)
        if rule := request.POST.get("leave", ""):
            services.leave_under_old_rules(merchant_id=merchant_id, rule_id=rule, by=by)
            messages.success(request, _("You leave under the old rules. Orders on their way are finished."))
        else:
            services.accept_rules(merchant_id=merchant_id, by=by)
            messages.success(request, _("Accepted. Thank you."))
        return redirect("rule_answers")
    changed = [words.rule_of(one) for one in queries.refusable_rules()]
    mine = [one for one in accounts.merchants_of(person_id) if one.role == "owner"]
    return render(request, "web/rules/answers.html", {"tab": "me", "merchants": [_merchant(one) for one in mine],
                                                      "changed": changed})  # fmt: skip


def _merchant(one: accounts.Membership) -> dict[str, Any]:
    leaving = queries.farewell(one.merchant_id)
    return {
        "id": one.public_id, "name": one.name, "waiting": [words.rule_of(r) for r in queries.unanswered_rules(one.merchant_id)],
        "leaving": leaving and leaving.state, "since": leaving and leaving.at,
    }  # fmt: skip
