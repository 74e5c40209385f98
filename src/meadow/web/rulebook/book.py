"""The rulebook for everybody: what holds, what comes, every earlier version, drafts to comment, what is stopped, numbers."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from meadow.accounts import queries as accounts
from meadow.governance import queries, services
from meadow.kernel import clock
from meadow.kernel.errors import Refusal
from meadow.web.rulebook import words
from meadow.web.visitor import guarded, in_their_time, person_id_of, signed_in


@require_safe
@in_their_time
def rulebook(request: HttpRequest) -> HttpResponse:
    """The rules that hold, those that come, drafts, and what violations cost."""
    values = {
        "rules": [words.rule_of(rule) for rule in queries.rules_in_force()],
        "coming": [words.rule_of(rule) for rule in queries.coming_rules()],
        "drafts": [draft_of(one) for one in queries.drafts()],
        "penalties": _penalties(queries.rulebook_export()["penalties"]),
    }
    return render(request, "web/rules/rulebook.html", values)


@require_safe
@in_their_time
def rule(request: HttpRequest, rule_id: str, version: int | None = None) -> HttpResponse:
    """One rule in one version, with the list of all.  Refuses: not_found."""
    versions = [one for one in queries.rulebook() if one.rule_id == rule_id]
    holds = queries.rule_in_force(rule_id)
    if not versions:
        raise Refusal("not_found")
    found = queries.rule_version(rule_id, version) if version else holds or versions[0]
    values = {
        "rule": words.rule_of(found), "holds": holds is not None and holds.pk == found.pk,
        "versions": [{**words.rule_of(one), "holds": holds is not None and holds.pk == one.pk} for one in versions],
    }  # fmt: skip
    return render(request, "web/rules/rule.html", values)


@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def draft(request: HttpRequest, public_id: str) -> HttpResponse:
    """A rule that is being written, with what people say to it."""
    person_id = person_id_of(request)
    is_operator = person_id is not None and accounts.is_operator(person_id)
    found = queries.draft(public_id, for_operator=is_operator)
    if request.method == "POST":
        try:
            services.comment_on_draft(
                draft_id=found.pk, person_id=signed_in(request), text=request.POST.get("text", "")
            )
        except Refusal as refusal:
            if refusal.code != "malformed":
                raise
            values = {**draft_values(found, person_id, is_operator), **words.wrong_of(refusal)}
            return render(request, "web/rules/draft.html", values, status=refusal.status)
        messages.success(request, _("Thank you. Your comment stands below."))
        return redirect("rule_draft", public_id)
    return render(request, "web/rules/draft.html", draft_values(found, person_id, is_operator))


def draft_values(found: queries.RuleDraft, person_id: int | None, is_operator: bool) -> dict[str, Any]:
    """What the page of a draft shows."""
    before = queries.rule_in_force(found.rule_id)
    earliest = timezone.localtime(clock.now() + queries.NOTICE + timedelta(hours=1))
    return {
        "draft": draft_of(found), "before": before and words.rule_of(before), "is_operator": is_operator,
        "comments": queries.comments_on(found.pk), "may_comment": found.state == "consultation",
        "is_signed_in": person_id is not None, "earliest": earliest.strftime("%Y-%m-%dT%H:%M"),
    }  # fmt: skip


@require_safe
@in_their_time
def transparency(request: HttpRequest) -> HttpResponse:
    """What is stopped now, and how appeals came out."""
    numbers = queries.appeal_statistics()
    titles = {one.rule_id: words.said(one.title_en, one.title_zh) for one in reversed(queries.rulebook())}
    stopped = queries.public_suspensions()
    faces = queries.faces((one.subject_kind, one.subject_id) for one in stopped)
    values = {
        "since": numbers.since,
        "total": _numbers(numbers.total, ""),
        "rules": [_numbers(one, titles.get(one.rule_id, one.rule_id)) for one in numbers.rules],
        "blocked": [
            {**row, "why": words.said(row["why_en"], row["why_zh"])} for row in queries.blocked_report(public=True)
        ],
        "stopped": [suspension_of(one, faces[(one.subject_kind, one.subject_id)]) for one in stopped],
    }
    return render(request, "web/rules/transparency.html", values)


def suspension_of(one: queries.Suspension, face: queries.Face) -> dict[str, Any]:
    """A suspension as a page shows it."""
    label, css = words.SUSPENSION_STATES[one.state]
    stops = queries.TARGETS[one.subject_kind].stops[one.scope]
    return {
        "id": one.public_id, "target": words.target_of(face), "state": one.state, "label": label, "css": css,
        "scope": words.SCOPES[one.scope], "stops": words.said(*stops), "ground": words.GROUNDS[one.ground],
        "reason": words.said(one.reason, one.reason_zh), "rule": words.rule_of(one.rule), "starts_at": one.starts_at,
        "review_by": one.review_by, "at_review": words.AT_REVIEW[one.at_review], "ended_at": one.ended_at,
        "end_reason": one.end_reason, "announced_at": one.announced_at,
        "is_open": one.state in ("announced", "active", "overdue"),
    }  # fmt: skip


def draft_of(one: queries.RuleDraft) -> dict[str, Any]:
    label, css = words.DRAFT_STATES[one.state]
    return {
        "id": one.public_id, "rule": one.rule_id, "title": words.said(one.title_en, one.title_zh),
        "text": words.said(one.text_en, one.text_zh), "why": one.why, "repeals": one.repeals, "state": one.state,
        "label": label, "css": css, "written_at": one.written_at, "title_en": one.title_en, "title_zh": one.title_zh,
        "text_en": one.text_en, "text_zh": one.text_zh,
        "public_id": one.public_id, "rule_id": one.rule_id,
    }  # fmt: skip


def _penalties(table: dict[str, Any]) -> dict[str, Any]:
    limits = {name: words.said(both["en"], both["zh"]) for name, both in table["limits"].items()}
    return {
        "severities": [words.SEVERITIES.get(one, one) for one in table["severities"]],
        "violations": [
            {"kind": words.offence_of(kind), "rule": one["rule"], "points": [one["points"][s] for s in table["severities"]],
             "days": one["decays_over_days"]}
            for kind, one in table["violations"].items()
        ],
        "steps": [
            {"from": one["from_points"], "days": one["days"], "says": words.said(one["en"], one["zh"]),
             "limits": [limits[name] for name in one["limits"]]}
            for one in table["steps"]
        ],
    }  # fmt: skip


def _numbers(one: queries.RuleNumbers, title: str) -> dict[str, Any]:
    return {**one.as_dict(), "title": title, "overturned": words.percent(one.overturn_bp)}
