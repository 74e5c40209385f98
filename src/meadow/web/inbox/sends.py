"""Writing to many for a shop: who would be reached, sending, what became of it, and the second person's yes."""

import secrets
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meadow.accounts import queries as accounts
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.messaging import queries, services
from meadow.web.failures import said
from meadow.web.shown import language
from meadow.web.visitor import in_their_time, signed_in

SENDERS = ("owner", "staff")
_FIELDS = ("merchant", "title", "text", "who", "people", "once")


@never_cache
@require_safe
@in_their_time
def sends(request: HttpRequest) -> HttpResponse:
    """The newest first, with what became of each."""
    person_id = signed_in(request)
    found = queries.sends_of(person_id)
    rows = [{"send": one, **_became(one, person_id), **_label(one)} for one in found]
    return render(request, "web/inbox/sends.html", {"tab": "me", "rows": rows, "may_write": bool(_mine(person_id))})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def compose(request: HttpRequest) -> HttpResponse:
    """Words and people, then whom it would reach in counts, then it goes out: two presses, never one."""
    person_id = signed_in(request)
    mine, refusal, preview = _mine(person_id), None, None
    if not mine:
        raise Refusal("not_found")
    typed = {name: request.POST.get(name, "") for name in _FIELDS}
    typed["merchant"] = typed["merchant"] or request.GET.get("merchant", "") or mine[0].public_id
    typed["once"] = typed["once"][:64] or secrets.token_urlsafe(16)
    if request.method == "POST":
        try:
            preview = services.preview_send(**_asked(typed, person_id))
            if request.POST.get("act") == "send":
                return _send(request, typed, person_id)
        except Refusal as refused:
            if refused.status not in (404, 409, 422):
                raise
            refusal, preview = refused, None
    values = {
        "tab": "me", "mine": mine, "typed": typed, "preview": preview, "refusal": refusal,
        "says": said(refusal) if refusal else "", "wrong": _field_of(refusal),
        "skipped": _reasons(preview.reasons) if preview else [], "most": queries.LIMITS,
        "merchant_name": next((one.name for one in mine if one.public_id == typed["merchant"]), ""),
    }  # fmt: skip
    return render(request, "web/inbox/compose.html", values, status=refusal.status if refusal else 200)


@require_POST
def confirm(request: HttpRequest, public_id: str) -> HttpResponse:
    """Somebody else than the writer lets it go out."""
    services.confirm_send(send_id=public_id, by=Actor("person", signed_in(request)))
    messages.success(request, _("Confirmed. It goes out now."))
    return redirect("sends")


def _send(request: HttpRequest, typed: dict[str, str], person_id: int) -> HttpResponse:
    sent = services.send_marketing(**_asked(typed, person_id), client_msg_id=typed["once"])
    waits = sent.state == "unconfirmed"
    messages.success(request, _("It waits for a second person of the shop.") if waits else _("It goes out now."))
    return redirect("sends")


def _asked(typed: dict[str, str], person_id: int) -> dict[str, Any]:
    """What the form asks for.  Refuses: not_found, malformed."""
    people = list(dict.fromkeys(typed["people"].replace(",", " ").split())) if typed["who"] == "named" else None
    if people == []:
        raise Refusal("malformed", field="people", why="name at least one person")
    return {
        "merchant_id": accounts.merchant(typed["merchant"]).pk, "title": typed["title"], "text": typed["text"],
        "audience": people, "by": Actor("person", person_id),
    }  # fmt: skip


def _mine(person_id: int) -> list[accounts.Membership]:
    """The merchants that somebody may send for."""
    return [one for one in accounts.merchants_of(person_id) if one.role in SENDERS]


def _field_of(refusal: Refusal | None) -> str:
    """Beside which field a refusal stands; empty: over the form."""
    if refusal is None:
        return ""
    if refusal.code in ("text_refused", "text_unclear", "link_blocked"):
        return "text"
    if refusal.code == "audience_too_large":
        return "people"
    field = str(refusal.params.get("field", ""))
    return field if field in ("title", "text", "people") else ""


def _became(one: queries.SendShort, person_id: int) -> dict[str, Any]:
    report = queries.report_of_send(one.public_id, person_id=person_id)
    return {"report": report, "skipped": _reasons(report.reasons)}


def _reasons(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Why people are not reached, in words, the commonest first."""
    which = 1 if language() == "zh" else 0
    words = {name: said[which] for name, said in queries.REASONS.items()} | {
        "expired": _("nobody confirmed it in time")
    }
    return sorted(((words.get(name, name), n) for name, n in counts.items()), key=lambda pair: -pair[1])


def _label(one: queries.SendShort) -> dict[str, Any]:
    words = {
        "accepted": (_("Sent"), "good"), "unconfirmed": (_("Waits for a second person"), "warn"),
        "expired": (_("Nobody confirmed it in time"), "bad"),
    }  # fmt: skip
    label, css = words[one.state]
    return {"label": label, "css": css}
