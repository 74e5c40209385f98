"""My limits with the reason, the rule and the end of each; my appeals with their clocks."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meadow.governance import queries, services
from meadow.kernel.errors import Refusal
from meadow.web import shown
from meadow.web.rulebook import words
from meadow.web.rulebook.book import suspension_of
from meadow.web.visitor import guarded, in_their_time, signed_in


@never_cache
@require_safe
@in_their_time
def limits(request: HttpRequest) -> HttpResponse:
    """Every limit on the account: nothing is limited that does not stand here."""
    return render(request, "web/rules/limits.html", _limits(signed_in(request)))


def _limits(person_id: int) -> dict[str, Any]:
    parties = queries.parties_of(person_id)
    found = queries.limits_on(person_id)
    coming = [one for one in queries.suspensions_of(parties) if one.state == "announced"]
    appeals = queries.appeals_of(parties)
    faces = queries.faces([*(one.subject for one in found), *((c.subject_kind, c.subject_id) for c in coming)])
    titles = words.titles_of((one.rule_id, one.rule_version) for one in found)
    return {
        "tab": "me", "matters": _matters(found, faces, titles),
        "coming": [suspension_of(one, faces[(one.subject_kind, one.subject_id)]) for one in coming],
        "appeals": [appeal_of(one) for one in appeals],
        "points": [{"who": words.target_of(face)["title"], "points": _points(party)}
                   for party, face in queries.faces(parties).items() if queries.points_of(*party)],
    }  # fmt: skip


@never_cache
@guarded
@require_POST
@in_their_time
def appeal(request: HttpRequest, decision: str) -> HttpResponse:
    """Asks for a second look."""
    person_id, text = signed_in(request), request.POST.get("text", "")
    try:
        made = services.open_appeal(
            decision_id=decision, person_id=person_id, text=text, evidence=request.POST.get("evidence", "")
        )
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        values = {**_limits(person_id), **words.wrong_of(refusal), "wrong_at": decision, "typed": text}
        return render(request, "web/rules/limits.html", values, status=refusal.status)
    messages.success(request, _("Your appeal is in. Somebody who did not take part in the decision looks at it."))
    return redirect("my_appeal", made.public_id)


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def one_appeal(request: HttpRequest, public_id: str) -> HttpResponse:
    """One's appeal with its clock: add to it, or withdraw it."""
    person_id = signed_in(request)
    found = queries.appeal(public_id, person_id=person_id)
    values = {"tab": "me", "appeal": appeal_of(found), "notes": notes_of(found)}
    if request.method == "POST":
        try:
            if request.POST.get("act") == "withdraw":
                services.withdraw_appeal(appeal_id=found.pk, person_id=person_id)
            else:
                services.add_to_appeal(appeal_id=found.pk, person_id=person_id, text=request.POST.get("text", ""))
        except Refusal as refusal:
            if refusal.code != "malformed":
                raise
            return render(request, "web/rules/appeal.html", {**values, **words.wrong_of(refusal)}, status=422)
        messages.success(request, _("Saved."))
        return redirect("my_appeal", public_id)
    return render(request, "web/rules/appeal.html", values)


def appeal_of(one: queries.Appeal) -> dict[str, Any]:
    """An appeal as a page shows it."""
    label, css = words.APPEAL_STATES[one.state]
    made = one.decision
    return {
        "id": one.public_id, "state": one.state, "label": label, "css": css, "text": one.text, "round": one.round,
        "evidence": one.evidence, "opened_at": one.opened_at, "due_at": one.due_at, "is_pending": one.is_pending,
        "clock": words.clock_text(queries.left_on_clock(one)), "lifted_at": one.lifted_at, "ended_at": one.ended_at,
        "pause": words.said(*queries.PAUSES[one.paused_for]) if one.paused_for else "", "resume_by": one.resume_by,
        "answer": words.said(one.reason, one.reason_zh), "decision_reason": words.said(made.reason, _zh_of(made)),
        "rule": words.rule_of(queries.rule_version(made.rule_id, made.rule_version)),
        "url": reverse("my_appeal", args=[one.public_id]),
    }  # fmt: skip


def notes_of(one: queries.Appeal) -> list[dict[str, Any]]:
    """What was said and what stopped the clock, in the words of the page."""
    labels = {
        "said": _("You wrote"), "asked": _("We asked"), "paused": _("Clock stopped"), "resumed": _("Clock goes on"),
        "lifted": _("Lifted meanwhile"),
    }  # fmt: skip
    return [
        {
            "label": labels[note.kind], "text": note.text, "at": note.at,
            "pause": words.said(*queries.PAUSES[note.pause]) if note.pause else "",
        }
        for note in queries.notes_on(one.pk)
    ]  # fmt: skip


def _matters(
    found: list[queries.Limit],
    faces: dict[tuple[str, int], queries.Face],
    titles: dict[tuple[str, int], dict[str, Any]],
) -> list[dict[str, Any]]:
    """The limits that rest on one decision together, since they are appealed together."""
    matters: dict[str, dict[str, Any]] = {}
    for one in found:
        matter = matters.setdefault(
            one.decision,
            {
                "decision": one.decision, "target": words.target_of(faces[one.subject]), "says": [],
                "reason": words.said(one.reason, one.reason_zh), "rule": titles[(one.rule_id, one.rule_version)],
                "since": one.since, "until": one.until, "review_by": one.review_by,
                "is_for_good": one.what == "taken_down" and one.until is None, "held": [], **_way_back(one.decision),
            },
        )  # fmt: skip
        matter["says"].append(words.said(one.en, one.zh))
        matter["held"] += [shown.money(minor, currency) for minor, currency in one.held]
    return list(matters.values())


def _way_back(decision: str) -> dict[str, Any]:
    """The appeal that is open or was the last, and whether another one is possible."""
    last = queries.last_appeal_of(decision)
    try:
        queries.root_decision(queries.decision(decision))
    except Refusal:
        return {"appeal": None, "may_appeal": False, "needs_evidence": False}
    return {
        "appeal": last and appeal_of(last),
        "may_appeal": last is None or (not last.is_pending and last.state != "reversed" and last.round < queries.ROUNDS),
        "needs_evidence": last is not None,
    }  # fmt: skip


def _points(party: tuple[str, int]) -> str:
    milli = queries.points_of(*party)
    return f"{milli // 1000}.{milli % 1000 // 100}"


def _zh_of(made: queries.Decision) -> str:
    return made.words.reason_zh if hasattr(made, "words") else ""
