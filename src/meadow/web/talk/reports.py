"""The page on which anybody reports an item: two steps from wherever it stands."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from meadow.content import services as content
from meadow.governance import queries as governance
from meadow.kernel import pictures
from meadow.kernel.errors import Refusal
from meadow.messaging import queries, services
from meadow.web.failures import said
from meadow.web.shown import language
from meadow.web.visitor import signed_in

# What people can say is wrong, each the public rule that it would break.
REASONS: dict[str, Any] = {
    "conduct.diversion": _("They want me to pay or deal outside"),
    "conduct.fraud": _("Deception"),
    "conduct.counterfeit": _("Counterfeit goods"),
    "goods.prohibited": _("Forbidden goods"),
    "conduct.harassment": _("Harassment, insults or unwanted advertising"),
    "conduct.recruiting": _("Pay for taking part or for recruiting"),
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, kind: str, public_id: str) -> HttpResponse:
    """Says what is wrong with an item; pictures can be added as evidence."""
    person_id = signed_in(request)
    subject = queries.reportable(kind, public_id, person_id=person_id)
    face = governance.faces([subject])[subject]
    chosen = request.POST.get("rule") or request.GET.get("rule", "")
    values: dict[str, Any] = {
        "kind": kind, "title": "" if kind in ("message", "picture") else face.title, "reasons": REASONS.items(),
        "chosen": chosen, "typed": request.POST.get("text", ""), "most": queries.LIMITS["evidence_pictures"],
        "accept": "image/jpeg,image/png,image/webp,image/gif",
    }  # fmt: skip
    if request.method == "POST":
        try:
            _file(request, kind, public_id, person_id, chosen)
        except Refusal as refusal:
            return render(request, "web/talk/report.html", values | {"says": said(refusal)}, status=refusal.status)
        is_outside = chosen == governance.OUTSIDE
        advice = queries.NO_ESCROW[1 if language() == "zh" else 0] if is_outside else ""
        return render(request, "web/talk/reported.html", {"advice": advice})
    return render(request, "web/talk/report.html", values)


def _file(request: HttpRequest, kind: str, public_id: str, person_id: int, rule: str) -> None:
    """Refuses: what uploading and reporting refuse, and malformed without a reason."""
    if rule not in REASONS:
        raise Refusal("choice_missing")
    sent = request.FILES.getlist("evidence")
    if len(sent) > queries.LIMITS["evidence_pictures"]:
        raise Refusal("too_many_pictures", most=queries.LIMITS["evidence_pictures"])
    most = pictures.LIMITS["bytes"]
    kept = [content.upload_picture(person_id=person_id, use="evidence", raw=one.read(most + 1)) for one in sent]
    services.report_item(
        kind=kind, public_id=public_id, rule_id=rule, person_id=person_id, text=request.POST.get("text", ""),
        evidence=[one.public_id for one in kept],
    )  # fmt: skip
