"""The editor of rules that judge by themselves: what is wrong with one, what it would have hit, and its way to live."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meadow.governance import queries, services
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.web.rulebook import words
from meadow.web.visitor import guarded, in_their_time

DAYS = 7
_FIELDS = {
    "detector": "", "event_type": "text", "condition": "", "rule": "", "action": "review", "reason_en": "",
    "reason_zh": "", "violation": "", "note": "", "days": str(DAYS),
}  # fmt: skip


@never_cache
@require_safe
@in_their_time
def detectors(request: HttpRequest) -> HttpResponse:
    """Every detector in its newest version, with how it does."""
    words.operator(request)
    how = {one.detector: one for one in queries.quality()}
    newest: dict[str, queries.Detector] = {}
    for one in queries.detectors():
        newest.setdefault(one.detector_id, one)
    return render(request, "web/rules/detectors.html", {"detectors": [_row(one, how) for one in newest.values()]})


@never_cache
@require_safe
@in_their_time
def detector(request: HttpRequest, detector_id: str) -> HttpResponse:
    """One detector: its versions, where each may go next, and the log of its changes."""
    words.operator(request)
    return render(request, "web/rules/detector.html", _shown(detector_id))


def _shown(detector_id: str) -> dict[str, Any]:
    """Refuses: not_found."""
    queries.detector(detector_id)
    how = {one.detector: one for one in queries.quality()}
    versions = [_row(one, how) for one in queries.detectors() if one.detector_id == detector_id]
    return {
        "name": detector_id, "versions": versions,
        "changes": [
            {"version": one.detector.version, "to": words.DETECTOR_STATES[one.to_state][0], "percent": one.percent,
             "who": one.person.name if one.person else _("By itself"), "note": one.note, "at": one.at}
            for one in queries.detector_changes(detector_id)
        ],
    }  # fmt: skip


@never_cache
@guarded
@require_POST
@in_their_time
def move(request: HttpRequest, detector_id: str, version: int) -> HttpResponse:
    """Puts a version to shadow, a part, live or retired; it counts from the next event on."""
    by = words.operator(request)
    to, percent = request.POST.get("to", ""), request.POST.get("percent", "")
    try:
        services.move_detector(
            detector_id=detector_id, version=version, to=to, by=by, note=request.POST.get("note", ""),
            percent=int(percent) if to == "partial" and _is_number(percent) else 0,
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.code != "malformed":
            raise
        values = {**_shown(detector_id), **words.wrong_of(refusal), "wrong_at": version}
        return render(request, "web/rules/detector.html", values, status=refusal.status)
    messages.success(request, _("Saved. It counts from the next event on."))
    return redirect("detector", detector_id)


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def editor(request: HttpRequest) -> HttpResponse:
    """Writes a rule: says at once what is wrong with it, what it would have hit, and saves it as a draft."""
    by = words.operator(request)
    values: dict[str, Any] = {"form": _form(request), "check": None, "report": None, **_options()}
    status = 200
    if request.method == "POST":
        try:
            if request.POST.get("act") == "save":
                made = _save(values["form"], by)
                messages.success(request, _("Saved as a draft. Nothing is judged by it yet."))
                return redirect("detector", made.detector_id)
            values |= _tried(values["form"], is_dry_run=request.POST.get("act") == "backtest")
        except Refusal as refusal:
            values |= words.wrong_of(refusal)
            status = refusal.status
    return render(request, "web/rules/editor.html", values, status=status)


def _save(form: dict[str, str], by: Actor) -> services.Detector:
    violation, _sep, severity = form["violation"].partition(":")
    return services.write_detector(
        detector_id=form["detector"], event_type=form["event_type"], condition=form["condition"], rule=form["rule"],
        action=form["action"], reason_en=form["reason_en"], reason_zh=form["reason_zh"], violation=violation,
        severity=severity, note=form["note"], by=by,
    )  # fmt: skip


def _tried(form: dict[str, str], *, is_dry_run: bool) -> dict[str, Any]:
    """What is wrong with the condition, or, if nothing is and it was asked for, what it would have hit."""
    found = services.validate(event_type=form["event_type"], condition=form["condition"])
    check = {
        "is_good": found.is_good, "column": found.column, "why": words.said(found.why, found.why_zh),
        "features": ", ".join(found.features), "cost": found.cost,
    }  # fmt: skip
    if not (found.is_good and is_dry_run):
        return {"check": check, "marked": "" if found.is_good else _marked(form["condition"], found.column)}
    days = int(form["days"]) if _is_number(form["days"]) else 0
    violation, _sep, severity = form["violation"].partition(":")
    report = queries.backtest(
        event_type=form["event_type"], condition=form["condition"], days=days, action=form["action"],
        violation=violation, severity=severity,
    )  # fmt: skip
    return {"check": check, "report": report, "limited": sum(report.limited.values())}


def _marked(condition: str, column: int) -> str:
    """The condition with a mark under the column that is wrong, if it is one line."""
    return f"{condition}\n{' ' * (column - 1)}^" if column > 0 and "\n" not in condition else ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 4


def _form(request: HttpRequest) -> dict[str, str]:
    if request.method == "POST":
        return {name: request.POST.get(name, default).strip() for name, default in _FIELDS.items()}
    name = request.GET.get("from", "")
    if not name:
        return dict(_FIELDS)
    found = queries.detector(name)
    return {
        **_FIELDS, "detector": found.detector_id, "event_type": found.event_type, "condition": found.condition,
        "rule": found.rule.rule_id, "action": found.action, "reason_en": found.reason_en,
        "reason_zh": found.reason_zh, "violation": f"{found.violation}:{found.severity}" if found.violation else "",
    }  # fmt: skip


def _offered() -> list[queries.EventType]:
    """The kinds of event that a detector meets by itself."""
    return [queries.EVENT_TYPES[name] for name in queries.JUDGED]


def _options() -> dict[str, Any]:
    table = queries.rulebook_export()["penalties"]
    return {
        "events": [(event.name, words.said(event.en, event.zh)) for event in _offered()],
        "features": [
            (event.name, words.said(event.en, event.zh),
             [(name, one.kind.value, words.said(one.en, one.zh)) for name, one in event.features.items()])
            for event in _offered()
        ],
        "rules": [(one.rule_id, words.said(one.title_en, one.title_zh)) for one in queries.rules_in_force()],
        "actions": words.ACTIONS.items(),
        "offences": [
            (f"{kind}:{severity}", words.offence_of(kind, severity))
            for kind in table["violations"]
            for severity in table["severities"]
        ],
    }  # fmt: skip


def _meaning(event_type: str) -> str:
    event = queries.EVENT_TYPES[event_type]
    return words.said(event.en, event.zh)


# Where a version may go from where it is; forwards it passes through shadow.
_NEXT = {
    "draft": ("shadow", "retired"), "shadow": ("partial", "live", "retired"),
    "partial": ("live", "partial", "shadow", "retired"), "live": ("shadow", "partial", "retired"),
    "retired": ("shadow",),
}  # fmt: skip


def _row(one: queries.Detector, how: dict[int, queries.Quality]) -> dict[str, Any]:
    label, css = words.DETECTOR_STATES[one.state]
    found = how.get(one.pk)
    return {
        "name": one.detector_id, "version": one.version, "event": _meaning(one.event_type), "condition": one.condition,
        "rule": one.rule.rule_id, "rule_version": one.rule.version, "action": words.ACTIONS[one.action],
        "state": one.state, "label": label, "css": css, "percent": one.percent,
        "reason": words.said(one.reason_en, one.reason_zh), "is_old": queries.cites_old_rule(one),
        "next": [(to, words.DETECTOR_STATES[to][0]) for to in _NEXT[one.state] if to != "partial"],
        "may_stage": "partial" in _NEXT[one.state], "how": found, "note": one.note,
        "overturned": "–" if found is None or found.overturn_percent is None else f"{found.overturn_percent} %",
    }  # fmt: skip
