"""The operators' page on debts: who owes what, giving one up by the word of two people, and what was given up."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from meadow.accounts import queries as accounts
from meadow.affiliate import queries, services
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.ledger import queries as ledger
from meadow.web import shown
from meadow.web.failures import said
from meadow.web.rulebook.words import operator
from meadow.web.visitor import guarded, in_their_time

STATES = {
    "proposed": (gettext_lazy("Waits for a second person"), "warn"), "posted": (gettext_lazy("Written off"), ""),
    "declined": (gettext_lazy("Not given up"), "good"),
}  # fmt: skip
ROLES = {"merchant": gettext_lazy("Shop"), "creator": gettext_lazy("Creator")}


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def debts(request: HttpRequest) -> HttpResponse:
    """Shows who owes, and takes proposals to give a debt up, agreement and refusal."""
    by = operator(request)
    if request.method != "POST":
        return _page(request, by)
    try:
        messages.success(request, _act(request, by))
    except Refusal as refusal:
        if refusal.status not in (404, 409, 422):
            raise
        return _page(request, by, refusal, request.POST.get("debt", ""))
    return redirect("debts")


def _act(request: HttpRequest, by: Actor) -> str:
    """Does what the form says; what to tell the operator then.  Refuses: malformed, and as the verbs."""
    typed = request.POST
    act, which = typed.get("act"), typed.get("id", "")[:40]
    if act == "propose":
        party, currency = _named(typed.get("debt", ""))
        services.propose_write_off(party=party, currency=currency, reason=typed.get("reason", ""), by=by)
        return _("Proposed. Somebody else has to agree.")
    if act == "approve":
        services.approve_write_off(public_id=which, by=by)
        return _("The debt is given up; the platform bears it.")
    if act == "decline":
        services.decline_write_off(public_id=which, by=by)
        return _("The debt stays.")
    raise Refusal("malformed", field="act", why="propose, approve or decline")


def _named(debt: str) -> tuple[tuple[str, int], str]:
    """The party and currency of a debt, by the party's public id."""
    public_id, _sep, currency = debt.partition(" ")
    if public_id.startswith("cre_"):
        return ("creator", accounts.creator(public_id[:40]).pk), currency[:3]
    return ("merchant", accounts.merchant(public_id[:40]).pk), currency[:3]


def _page(request: HttpRequest, by: Actor, refusal: Refusal | None = None, debt: str = "") -> HttpResponse:
    kept = queries.write_offs(60)
    open_ones = {(one.party_kind, one.party_id, one.currency) for one in kept if one.state == "proposed"}
    values = {
        "owing": [_debt(one, open_ones) for one in ledger.debts()],
        "proposed": [_kept(one, by) for one in kept if one.state == "proposed"],
        "decided": [_kept(one, by) for one in kept if one.state != "proposed"],
        "says": said(refusal) if refusal and not debt else "", "wrong": said(refusal) if refusal and debt else "",
        "wrong_at": debt, "here_now": "debts",
    }  # fmt: skip
    return render(request, "web/money/debts.html", values, status=refusal.status if refusal else 200)


def _debt(one: ledger.Debt, open_ones: set[tuple[str, int, str]]) -> dict[str, Any]:
    who: Any = accounts.creator(one.party_id) if one.kind == "creator" else accounts.merchant(one.party_id)
    return {
        "who": who.name, "role": ROLES[one.kind], "amount": shown.money(one.minor, one.currency),
        "key": f"{who.public_id} {one.currency}", "field": f"{who.public_id}-{one.currency}",
        "is_proposed": (one.kind, one.party_id, one.currency) in open_ones,
    }  # fmt: skip


def _kept(one: queries.WriteOff, by: Actor) -> dict[str, Any]:
    who: Any = accounts.creator(one.party_id) if one.party_kind == "creator" else accounts.merchant(one.party_id)
    text, css = STATES[one.state]
    return {
        "id": one.public_id, "who": who.name, "role": ROLES[one.party_kind], "reason": one.reason,
        "amount": shown.money(one.amount_minor, one.currency), "text": text, "css": css,
        "proposed_by": one.proposed_by.name, "at": one.proposed_at, "is_own": one.proposed_by_id == by.person_id,
        "decided_by": one.decided_by.name if one.decided_by else "", "decided_at": one.decided_at,
    }  # fmt: skip
