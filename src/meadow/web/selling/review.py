"""How a reviewer looks at merchants' applications: the list with its clock, one with all it needs, and its pictures."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from meadow.accounts import queries as accounts
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.payments import queries, services
from meadow.web.failures import said
from meadow.web.rulebook import words as desk_words
from meadow.web.selling import words
from meadow.web.visitor import guarded, in_their_time


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def applications(request: HttpRequest) -> HttpResponse:
    """What waits, the one due first before the others; and letting a merchant in by hand."""
    by = desk_words.operator(request)
    says, status = "", 200
    if request.method == "POST":
        try:
            found = accounts.merchant(request.POST.get("merchant", "").strip())
            services.admit_merchant(merchant_id=found.pk, reason=request.POST.get("reason", ""), by=by)
        except Refusal as refusal:
            says, status = said(refusal), refusal.status
        else:
            messages.success(request, _("{name} can be paid from now on.").format(name=found.name))
            return redirect("applications")
    waiting = [{"row": row, "level": words.LEVELS[row.level][1]} for row in queries.to_review()]
    values = {"waiting": waiting, "numbers": queries.review_statistics(), "says": says, "typed": request.POST}
    return render(request, "web/selling/applications.html", values, status=status)


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def application(request: HttpRequest, public_id: str) -> HttpResponse:
    """One application in full: say yes, or what is wrong with which field."""
    by = desk_words.operator(request)
    row = queries.application(public_id)
    says, status = "", 200
    if request.method == "POST":
        try:
            _answer(request, row.pk, by)
        except Refusal as refusal:
            if refusal.code in ("not_found", "forbidden"):
                raise
            says, status = said(refusal), refusal.status
        else:
            messages.success(request, _("Answered."))
            return redirect("applications")
    view = queries.view_of(row, in_full=True)
    fields = (*queries.FIELDS[row.level], *queries.DOCUMENTS[row.level])
    pictures = {each.field: each.public_id for each in queries.documents_of(row)}
    values = {
        "row": row, "merchant": accounts.require_merchant(row.merchant_id), "says": says,
        "state_text": words.STATES[row.state][0], "level_text": words.LEVELS[row.level][1],
        "fields": [
            {"name": name, "label": words.label_of(name), "value": view.values.get(name, ""),
             "picture": pictures.get(name), "typed": request.POST.get(f"fault_{name}", "")}
            for name in fields
        ],
        "linked": queries.merchants_of_one_entity(row),
        "versions": [{**one, "changed": [words.label_of(name) for name in one["changed"]]}
                     for one in queries.versions_of(row)],
        "looks": queries.views_of_documents(row), "may_answer": row.state == "auditing",
    }  # fmt: skip
    return render(request, "web/selling/review.html", values, status=status)


@never_cache
@require_safe
def document(request: HttpRequest, public_id: str) -> HttpResponse:
    """The picture of a document; the look is noted."""
    content = services.view_document(public_id=public_id, by=desk_words.operator(request))
    return HttpResponse(
        content, content_type="image/webp", headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    )


def _answer(request: HttpRequest, application_id: int, by: Actor) -> None:
    if request.POST.get("act") == "approve":
        services.approve_application(application_id=application_id, by=by)
        return
    given: dict[str, Any] = {
        name.removeprefix("fault_"): text
        for name, text in request.POST.items()
        if name.startswith("fault_") and isinstance(text, str) and text.strip()
    }
    services.turn_down_application(application_id=application_id, faults=given, by=by)
