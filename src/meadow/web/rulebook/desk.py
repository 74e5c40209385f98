"""The operators' desk: what waits, the blocked hosts with their reasons, and the drafts of public rules."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meadow.governance import queries, services
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.web.rulebook import words
from meadow.web.rulebook.book import draft_of, draft_values
from meadow.web.rulebook.mine import appeal_of
from meadow.web.visitor import guarded, in_their_time


@never_cache
@require_safe
@in_their_time
def desk(request: HttpRequest) -> HttpResponse:
    """What waits for an operator."""
    by = words.operator(request)
    counts = queries.queue_counts()
    values = {
        "counts": counts,
        "kinds": [(words.said(*queries.KIND_NAMES.get(kind, (kind, kind))), n) for kind, n in counts["kinds"].items()],
        "appeals": [appeal_of(one) for one in queries.pending_appeals(20)],
        "overdue": len(queries.suspensions(states=["overdue"])),
        "quality": [_quality(one) for one in queries.rule_quality() if one.reviewed],
        "drafts": [draft_of(one) for one in queries.drafts(for_operator=True)], "me": by.person_id,
    }  # fmt: skip
    return render(request, "web/rules/desk.html", values)


@never_cache
@require_safe
def blocked(request: HttpRequest) -> HttpResponse:
    """Which hosts were blocked and why, as a page or as a file."""
    words.operator(request)
    if request.GET.get("as") == "csv":
        response = HttpResponse(queries.blocked_csv(), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="blocked-hosts.csv"'
        return response
    rows = [{**row, "why": words.said(row["why_en"], row["why_zh"])} for row in queries.blocked_report()]
    return render(request, "web/rules/blocked.html", {"rows": rows})


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def write_rule(request: HttpRequest) -> HttpResponse:
    """Begins a new public rule or a change of one."""
    by = words.operator(request)
    rule_id = request.GET.get("rule", "")
    held: Any = queries.rule_in_force(rule_id) if rule_id else None
    values: dict[str, Any] = {"rule_id": rule_id, "rules": [one.rule_id for one in queries.rules_in_force()]}
    status = 200
    if request.method == "POST":
        rule_id, why, repeals = (request.POST.get(name, "").strip() for name in ("rule", "why", "repeals"))
        try:
            made = services.draft_rule(rule_id=rule_id, why=why, repeals=bool(repeals), by=by, **_words(request))
        except Refusal as refusal:
            held, status = _words(request), refusal.status
            values |= {"rule_id": rule_id, "why": why, "repeals": repeals, **words.wrong_of(refusal)}
        else:
            messages.success(request, _("Saved as a draft."))
            return redirect("rule_draft", made.public_id)
    return render(request, "web/rules/write_rule.html", {**values, "held": held}, status=status)


@never_cache
@guarded
@require_POST
@in_their_time
def move_draft(request: HttpRequest, public_id: str) -> HttpResponse:
    """Changes, opens, publishes or withdraws a draft."""
    by = words.operator(request)
    found = queries.draft(public_id, for_operator=True)
    act = request.POST.get("act", "")
    try:
        _move(request, act, found.pk, by)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        values = {**draft_values(found, by.person_id, True), **words.wrong_of(refusal)}
        return render(request, "web/rules/draft.html", values, status=refusal.status)
    messages.success(request, _("Saved."))
    return redirect("rule", found.rule_id) if act == "publish" else redirect("rule_draft", public_id)


def _move(request: HttpRequest, act: str, draft_id: int, by: Actor) -> None:
    if act == "change":
        services.change_draft(draft_id=draft_id, by=by, **_words(request))
    elif act == "consult":
        services.open_consultation(draft_id=draft_id, by=by)
    elif act == "publish":
        services.publish_draft(draft_id=draft_id, effective_from=moment(request, "effective_from"), by=by)
    elif act == "withdraw":
        services.withdraw_draft(draft_id=draft_id, by=by)


def moment(request: HttpRequest, name: str) -> datetime:
    """A date and time as a form's field sends it, in the person's zone.  Refuses: malformed."""
    raw = request.POST.get(name, "").strip()
    try:
        found = datetime.fromisoformat(raw)
        aware = found if found.tzinfo else timezone.make_aware(found)
    except (ValueError, OverflowError):
        why = "请选择日期和时间" if words.is_zh() else "choose a day and a time"
        raise Refusal("malformed", field=name, why=why) from None
    return aware.astimezone(UTC)


def _words(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "") for name in ("title_en", "title_zh", "text_en", "text_zh")}


def _quality(one: queries.RuleQuality) -> dict[str, Any]:
    return {
        "rule": one.rule_id, "decisions": one.decisions, "reviewed": one.reviewed, "reversed": one.reversed,
        "overturned": words.percent(one.overturn_bp),
    }  # fmt: skip
