"""What is stopped for a time, for operators: announce it with everything that it needs, review it, end it."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from meadow.catalog import queries as catalog
from meadow.governance import queries, services
from meadow.kernel import clock
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.web import shown
from meadow.web.rulebook import words
from meadow.web.rulebook.book import suspension_of
from meadow.web.rulebook.desk import moment
from meadow.web.visitor import guarded, in_their_time

# What an id says of what it names.
_KINDS = {"cre": "creator", "mer": "merchant", "shp": "shop", "prd": "product", "rec": "recommendation"}


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def suspensions(request: HttpRequest) -> HttpResponse:
    """The list, and the form that announces one."""
    by = words.operator(request)
    wrong, status = {"wrong": "", "says": ""}, 200
    if request.method == "POST":
        try:
            made = _announce(request, by)
        except Refusal as refusal:
            # The form comes back as it was filled in, with what is wrong beside its field.
            wrong, status = words.wrong_of(refusal), refusal.status
        else:
            messages.success(request, _("Announced. Those concerned are told before it takes effect."))
            return redirect("suspension", made.public_id)
    found = queries.suspensions()
    faces = queries.faces((one.subject_kind, one.subject_id) for one in found)
    values = {
        "stopped": [suspension_of(one, faces[(one.subject_kind, one.subject_id)]) for one in found],
        "form": _form(request), **wrong, **_options(),
    }  # fmt: skip
    return render(request, "web/rules/suspensions.html", values, status=status)


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def suspension(request: HttpRequest, public_id: str) -> HttpResponse:
    """One suspension with its trail: keep it for a reason, or end it."""
    by = words.operator(request)
    found = queries.suspension(public_id)
    wrong: dict[str, Any] = {}
    if request.method == "POST":
        try:
            _review(request, found.pk, by)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            at = "keep" if request.POST.get("act") == "keep" else "lift"
            wrong = {**words.wrong_of(refusal), "wrong_at": at, "typed": request.POST.dict()}
        else:
            messages.success(request, _("Saved."))
            return redirect("suspension", public_id)
    subject = (found.subject_kind, found.subject_id)
    trail = queries.suspension_trail(found.pk)
    people = queries.faces(("accounts.person", one["person_id"]) for one in trail if one["person_id"])
    values = {
        "stop": suspension_of(found, queries.faces([subject])[subject]), "trail": [_entry(one, people) for one in trail],
        "next_review": _field(min(clock.now() + timedelta(days=14), clock.now() + queries.LONGEST)),
        "may_keep": found.state in ("active", "overdue"), **wrong,
    }  # fmt: skip
    return render(request, "web/rules/suspension.html", values, status=422 if wrong else 200)


def _review(request: HttpRequest, suspension_id: int, by: Actor) -> None:
    reason = request.POST.get("reason", "")
    if request.POST.get("act") == "keep":
        services.keep_suspension(
            suspension_id=suspension_id, reason=reason, reason_zh=request.POST.get("reason_zh", ""),
            review_by=moment(request, "review_by"), by=by,
        )  # fmt: skip
    else:
        services.lift_suspension(suspension_id=suspension_id, reason=reason, by=by)


def _announce(request: HttpRequest, by: Actor) -> queries.Suspension:
    given = request.POST
    kind, public_id = _target(given.get("target", ""))
    notice = given.get("notice_days", "").strip()
    if notice and not (notice.isdigit() and len(notice) < 4):
        raise Refusal("malformed", field="notice_days", why="0 – 90")
    return services.announce_suspension(
        subject=queries.subject_named(kind, public_id), scope=given.get("scope", ""), ground=given.get("ground", ""),
        reason=given.get("reason", ""), reason_zh=given.get("reason_zh", ""), rule=given.get("rule", ""),
        starts_at=moment(request, "starts_at"), review_by=moment(request, "review_by"),
        at_review=given.get("at_review", ""), notice_days=int(notice) if notice else None, by=by,
    )  # fmt: skip


def _target(text: str) -> tuple[str, str]:
    """What was named: by the address of its page, by its id, or by its kind and id.  Refuses: malformed, not_found."""
    text = text.strip()
    if ":" in text and "/" not in text:
        kind, _sep, public_id = text.partition(":")
        return kind.strip(), public_id.strip()
    parts = [part for part in urlsplit(text).path.split("/") if part]
    last = parts[-1] if parts else ""
    if len(parts) > 1 and parts[-2] == "shop":
        return "shop", catalog.shop(last).public_id
    named = _KINDS.get(last.partition("_")[0])
    if named is None:
        raise Refusal("malformed", field="target", why="paste the address of its page, or its kind and id")
    return named, last


def _form(request: HttpRequest) -> dict[str, str]:
    """What was typed, or what the form begins with: a week's notice and a review two weeks after."""
    names = ("target", "scope", "ground", "reason", "reason_zh", "rule", "starts_at", "review_by", "at_review",
             "notice_days")  # fmt: skip
    if request.method == "POST":
        return {name: request.POST.get(name, "") for name in names}
    begin = clock.now() + queries.NOTICE + timedelta(hours=1)
    return {
        "target": request.GET.get("target", ""), "scope": "new", "ground": "policy", "rule": "conduct.fraud",
        "reason": "", "reason_zh": "", "starts_at": _field(begin), "review_by": _field(begin + timedelta(days=14)),
        "at_review": "lift", "notice_days": "",
    }  # fmt: skip


def _options() -> dict[str, Any]:
    return {
        "scopes": words.SCOPES.items(), "grounds": words.GROUNDS.items(), "reviews": words.AT_REVIEW.items(),
        "rules": [(one.rule_id, words.said(one.title_en, one.title_zh)) for one in queries.rules_in_force()],
        "features": [(f"feature:{name}", words.said(one.en, one.zh)) for name, one in queries.FEATURES.items()],
    }  # fmt: skip


def _field(moment_: Any) -> str:
    return timezone.localtime(moment_).strftime("%Y-%m-%dT%H:%M")


def _entry(one: dict[str, Any], people: dict[tuple[str, int], queries.Face]) -> dict[str, Any]:
    """A line of the trail: what changed, from what to what."""
    before, after = one["before"] or {}, one["after"] or {}
    changed = [
        (words.TRAIL.get(name, name), _told(name, before.get(name, "")), _told(name, value))
        for name, value in after.items()
        if before.get(name, "") != value
    ]
    who = people[("accounts.person", one["person_id"])].title if one["person_id"] else _("By itself")
    labels = {
        "announce_suspension": _("Announced"), "begin_suspension": _("Began"), "keep_suspension": _("Kept"),
        "call_out_suspension": _("Called out"), "lift_suspension": _("Ended"), "cancel_suspension": _("Called off"),
    }  # fmt: skip
    return {"at": one["at"], "who": who, "label": labels.get(one["verb"], one["verb"]), "changed": changed}


def _told(name: str, value: str) -> str:
    """A fact of the trail in words: states, scopes and moments as the rest of the page tells them."""
    if name == "state":
        return str(words.SUSPENSION_STATES[value][0]) if value in words.SUSPENSION_STATES else value
    if name in ("starts_at", "review_by") and value:
        return shown.minute(datetime.fromisoformat(value))
    tables = {"scope": words.SCOPES, "ground": words.GROUNDS, "at_review": words.AT_REVIEW, "ending": words.ENDINGS}
    return str(tables.get(name, {}).get(value, value))
