"""The queue, worked by keyboard or by tapping: next, approve, reject, escalate, undo; nobody is given another's case."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from meadow.governance import queries, services
from meadow.governance.services import Against
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.web.rulebook import words
from meadow.web.rulebook.mine import appeal_of, notes_of
from meadow.web.visitor import guarded, in_their_time


@never_cache
@require_safe
@in_their_time
def queue(request: HttpRequest) -> HttpResponse:
    """What waits, as one operator may take it."""
    by = words.operator(request)
    me = by.person_id or 0
    wanted = _filter(request)
    waiting = queries.waiting_cases(wanted, for_person=me)
    faces = _faces_of(waiting)
    values = {
        "cases": [_short(one, faces, me) for one in waiting], "filter": wanted.as_dict(), "last": _last(me),
        "views": [{"name": one.name, "query": _query(one.query)} for one in queries.filters_of(me)],
        "kinds": [(kind, words.said(*both), kind in wanted.kinds) for kind, both in queries.KIND_NAMES.items()],
        "query": _query(wanted.as_dict()),
    }  # fmt: skip
    return render(request, "web/rules/queue.html", values)


@guarded
@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """The next case, or a certain one, goes into this operator's hands."""
    by = words.operator(request)
    if wanted := request.POST.get("case", ""):
        found = services.claim_case(case_id=queries.case(wanted).pk, by=by)
        return redirect("case", found.public_id)
    return _onwards(by, _filter(request), request)


@guarded
@require_POST
def keep_view(request: HttpRequest) -> HttpResponse:
    """Keeps the present filter under a name, or forgets one."""
    by = words.operator(request)
    name = request.POST.get("name", "")
    if request.POST.get("act") == "drop":
        services.drop_filter(name=name, by=by)
        return redirect("queue")
    wanted = _filter(request)
    services.save_filter(name=name, query=wanted.as_dict(), by=by)
    return redirect(f"{_queue_url()}?{_query(wanted.as_dict())}")


@never_cache
@require_safe
@in_their_time
def case(request: HttpRequest, public_id: str) -> HttpResponse:
    """All that is needed to decide on one case, and nothing that was said in private."""
    by = words.operator(request)
    return render(request, "web/rules/case.html", _shown(public_id, by.person_id or 0))


def _shown(public_id: str, me: int) -> dict[str, Any]:
    page = queries.case_page(queries.case(public_id).pk)
    faces = queries.faces([*_subjects([page.case]), *page.parties])
    held = queries.is_held(page.case)
    return {
        "case": _short(page.case, faces, me), "cites": _cites(page.case.rule_id), "is_mine": held and page.case.held_by_id == me,
        "is_theirs": held and page.case.held_by_id != me, "is_barred": me in page.case.barred,
        "decision": page.decision and _decision(page.decision), "events": page.events, "reports": page.reports,
        "parties": [words.target_of(faces[party]) for party in page.parties],
        "history": [_decision(one) for one in page.history], "acts": [_act(one) for one in page.acts],
        "is_private": services.is_private(page.case.subject_kind), "last": _last(me), **_choices(page),
    }  # fmt: skip


def _cites(rule_id: str) -> dict[str, Any] | None:
    """The rule that a case is about, with its words."""
    found = queries.rule_in_force(rule_id) if rule_id else None
    return None if found is None else words.rule_of(found)


@never_cache
@guarded
@require_POST
@in_their_time
def act(request: HttpRequest, public_id: str) -> HttpResponse:
    """Approves, rejects, hands on or puts back, and goes on with the next."""
    by = words.operator(request)
    try:
        wanted = _do(request, public_id, by)
    except Refusal as refusal:
        if refusal.status != 422 or refusal.params.get("field") == "act":
            raise
        # What was typed is not lost; what is wrong stands beside it.
        values = {**_shown(public_id, by.person_id or 0), **words.wrong_of(refusal), "typed": request.POST.dict()}
        return render(request, "web/rules/case.html", values, status=refusal.status)
    return redirect("queue") if wanted == "release" else _onwards(by, None, request)


def _do(request: HttpRequest, public_id: str, by: Actor) -> str:
    """Refuses: malformed, and what the verbs of the queue refuse."""
    case_id = queries.case(public_id).pk
    wanted, note = request.POST.get("act", ""), request.POST.get("note", "")
    if wanted == "approve":
        services.approve_case(case_id=case_id, by=by, note=note)
    elif wanted == "reject":
        services.reject_case(case_id=case_id, by=by, against=_against(request, note))
    elif wanted == "escalate":
        services.escalate_case(case_id=case_id, by=by, note=note)
    elif wanted == "release":
        services.release_case(case_id=case_id, by=by)
    else:
        raise Refusal("malformed", field="act", why="approve, reject, escalate or release")
    return wanted


@guarded
@require_POST
def undo(request: HttpRequest, act_id: int) -> HttpResponse:
    """Takes one's own latest act back; the case is in one's hands again."""
    by = words.operator(request)
    found = services.undo_act(act_id=act_id, by=by)
    messages.success(request, _("Taken back. The case is in your hands again."))
    return redirect("case", found.public_id)


@guarded
@require_POST
def pause(request: HttpRequest, public_id: str) -> HttpResponse:
    """Stops or starts the clock of the appeal that a case is about."""
    by = words.operator(request)
    found = queries.appeal(queries.case(public_id).key)
    if request.POST.get("act") == "resume":
        services.resume_appeal(appeal_id=found.pk, by=by)
    else:
        cause, text = request.POST.get("cause", ""), request.POST.get("text", "")
        services.pause_appeal(appeal_id=found.pk, cause=cause, text=text, by=by)
    messages.success(request, _("Saved."))
    return redirect("case", public_id)


@never_cache
@guarded
@require_POST
@in_their_time
def open_private(request: HttpRequest, report_id: str) -> HttpResponse:
    """Shows a reported private message, and writes down that this operator read it."""
    by = words.operator(request)
    opened = services.open_private(report_id=report_id, by=by, why=request.POST.get("why", ""))
    case_id = queries.report_of(report_id).case.public_id
    lines = [_line(one) for one in opened.lines]
    return render(request, "web/rules/private.html", {"lines": lines, "report": opened.report, "case": case_id})


def _line(one: dict[str, Any]) -> dict[str, Any]:
    """A line of a talk as whoever keeps it gives it: from whom or from which side, what, when."""
    sides = {"person": _("Buyer"), "merchant": _("Shop")}
    side, at = str(one.get("side", "")), one.get("at")
    who = one.get("from") or sides.get(side, side)
    return {"who": who, "text": one.get("text", ""), "at": datetime.fromisoformat(at) if isinstance(at, str) else at}


def _onwards(by: Actor, wanted: queries.Filter | None, request: HttpRequest) -> HttpResponse:
    found = services.next_case(by=by, wanted=wanted)
    if found is None:
        messages.success(request, _("Nothing is left in the queue."))
        return redirect("queue")
    return redirect("case", found.public_id)


def _filter(request: HttpRequest) -> queries.Filter:
    given = request.POST if request.method == "POST" else request.GET
    return queries.filter_of(
        {
            "kinds": given.getlist("kinds"), "rule": given.get("rule", "").strip(),
            "escalated": bool(given.get("escalated")), "least_weight": given.get("least_weight") or 0,
        }
    )  # fmt: skip


def _query(wanted: dict[str, Any]) -> str:
    """A filter as an address carries it."""
    pairs = [("kinds", kind) for kind in wanted.get("kinds", [])]
    pairs += [(name, wanted[name]) for name in ("rule", "least_weight") if wanted.get(name)]
    return urlencode([*pairs, *([("escalated", "1")] if wanted.get("escalated") else [])])


def _queue_url() -> str:
    return reverse("queue")


def _against(request: HttpRequest, note: str) -> Against:
    violation, _sep, severity = request.POST.get("violation", "").partition(":")
    return Against(note, request.POST.get("note_zh", ""), request.POST.get("rule", ""), violation, severity,
                   request.POST.get("answer", ""))  # fmt: skip


def _choices(page: queries.CasePage) -> dict[str, Any]:
    """What this kind of case needs beside the reason: a violation's kind, or the appeal with its clock."""
    if page.case.kind == "appeal":
        found = queries.appeal(page.case.key)
        causes = [(name, words.said(*both)) for name, both in queries.PAUSES.items()]
        return {"appeal": appeal_of(found), "notes": notes_of(found), "causes": causes}
    if page.case.kind == "suspension":
        return {"suspension": page.case.key}
    if page.case.kind == "sanction":
        return {"is_sanction": True}
    table = queries.rulebook_export()["penalties"]
    offences = [
        (f"{kind}:{severity}", f"{words.offence_of(kind, severity)} · {one['points'][severity]}")
        for kind, one in table["violations"].items()
        for severity in table["severities"]
    ]
    answers = services.answers_for(page.case.subject_kind)
    return {
        "offences": offences, "rules": [one.rule_id for one in queries.rules_in_force()],
        "answers": [(code, words.said(*both)) for code, both in answers.items()],
    }  # fmt: skip


def _subjects(found: list[queries.Case]) -> list[tuple[str, int]]:
    return [(one.subject_kind, one.subject_id) for one in found if one.subject_id]


def _faces_of(found: list[queries.Case]) -> dict[tuple[str, int], queries.Face]:
    return queries.faces(_subjects(found))


def _short(one: queries.Case, faces: dict[tuple[str, int], queries.Face], me: int) -> dict[str, Any]:
    held = queries.is_held(one)
    return {
        "id": one.public_id, "kind": words.said(*queries.KIND_NAMES.get(one.kind, (one.kind, one.kind))),
        "key": one.kind, "state": one.state, "rule": one.rule_id, "weight": one.weight, "opened_at": one.opened_at,
        "target": words.target_of(faces.get((one.subject_kind, one.subject_id or 0))),
        "held_by": one.held_by.name if held and one.held_by else "", "is_mine": held and one.held_by_id == me,
    }  # fmt: skip


def _decision(one: queries.Decision) -> dict[str, Any]:
    zh = one.words.reason_zh if hasattr(one, "words") else ""
    return {
        "label": words.DECISIONS.get(one.action, one.action), "rule": f"{one.rule_id} v{one.rule_version}", "reason": words.said(one.reason, zh),
        "at": one.made_at, "fired": one.fired,
    }  # fmt: skip


def _act(one: queries.CaseAct) -> dict[str, Any]:
    return {
        "id": one.pk, "label": words.ACTS[one.act], "by": one.person.name, "note": one.note, "at": one.at,
        "is_undone": one.undone_at is not None,
    }  # fmt: skip


def _last(me: int) -> dict[str, Any] | None:
    """What one did last, as long as it can be taken back."""
    done = queries.acts_of(me, 1)
    if not done or done[0].undone_at is not None or not services.may_undo(done[0]):
        return None
    return {"id": done[0].pk, "label": words.ACTS[done[0].act], "case": done[0].case.public_id}
