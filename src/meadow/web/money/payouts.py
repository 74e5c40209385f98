"""The operators' page on payouts: what waits for two people, files for the bank, its answers, and verified names."""

from typing import Any

from django.conf import settings
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
from meadow.web import shown
from meadow.web.failures import said
from meadow.web.money import words
from meadow.web.money.presence import is_present, proof_texts, prove_url
from meadow.web.rulebook.words import operator
from meadow.web.visitor import guarded, in_their_time

MOST_FILE_BYTES = 1_000_000


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def payouts(request: HttpRequest) -> HttpResponse:
    """Shows what waits and what went out, and takes approvals, refusals, exports and the bank's answer."""
    by = operator(request)
    if request.method != "POST":
        return _page(request, by)
    try:
        messages.success(request, _act(request, by))
    except Refusal as refusal:
        if refusal.code == "step_up_required":
            return redirect(prove_url(request))
        if refusal.status not in (404, 409, 422):
            raise
        return _page(request, by, refusal)
    return redirect("payouts")


@never_cache
@require_safe
def file(request: HttpRequest, batch: str) -> HttpResponse:
    """A file for the bank; each reading of it is written down."""
    by = operator(request)
    if not is_present(request):
        return redirect(prove_url(request))
    data = services.batch_file(public_id=batch, by=by, is_stepped_up=True)
    return HttpResponse(
        data, content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{batch}.csv"'},
    )  # fmt: skip


def _act(request: HttpRequest, by: Actor) -> str:
    """Does what the form says; what to tell the operator then."""
    typed, fresh = request.POST, is_present(request)
    act, which = typed.get("act"), typed.get("id", "")[:40]
    if act == "approve":
        services.approve_payout(public_id=which, by=by, is_stepped_up=fresh)
        return _("Your yes is kept.")
    if act == "refuse":
        services.refuse_payout(public_id=which, reason=typed.get("reason", ""), by=by, is_stepped_up=fresh)
        return _("It is called off, and its money is back with its party.")
    if act == "export":
        made = services.export_batch(currency=typed.get("currency", "")[:3], by=by, is_stepped_up=fresh)
        return _("The file {id} holds {n} payouts.").format(id=made.public_id, n=made.count)
    if act == "results":
        sent = request.FILES.get("file")
        if sent is None or (sent.size or 0) > MOST_FILE_BYTES:
            raise Refusal("result_file_refused", line=1, why="no file, or one that is too large")
        done = services.import_results(public_id=which, data=sent.read(), by=by, is_stepped_up=fresh)
        return _("{paid} paid, {failed} came back, {repeated} were known.").format(
            paid=done.paid, failed=done.failed, repeated=done.repeated
        )
    return _state_name(request, by)


def _state_name(request: HttpRequest, by: Actor) -> str:
    typed = request.POST
    public_id = typed.get("party", "").strip()
    kind = "creator" if public_id.startswith("cre_") else "merchant"
    party_id = accounts.creator(public_id).pk if kind == "creator" else accounts.merchant(public_id).pk
    services.state_verified_name(
        party=(kind, party_id), name=typed.get("name", ""), source=typed.get("source", ""), by=by,
        is_stepped_up=is_present(request),
    )  # fmt: skip
    return _("From now on accounts in this name can be paid.")


def _page(request: HttpRequest, by: Actor, refusal: Refusal | None = None) -> HttpResponse:
    values = {
        "waiting": [_waiting(one, by) for one in queries.open_payouts()],
        "batches": [_batch(one.public_id) for one in queries.batches(20)],
        "currency": settings.MEADOW.currency, "says": said(refusal) if refusal else "",
        "threshold": shown.money(settings.MEADOW.payout_approval_minor, settings.MEADOW.currency),
        "here_now": "payouts", **proof_texts(request),
    }  # fmt: skip
    return render(request, "web/money/payouts.html", values, status=refusal.status if refusal else 200)


def _waiting(one: queries.Payout, by: Actor) -> dict[str, Any]:
    text, css = words.payout_state(one.state)
    return {
        "id": one.public_id, "amount": shown.money(one.amount_minor, one.currency), "text": text, "css": css,
        "who": _name(one.party_kind, one.party_id), "at": one.created_at, "held_until": one.held_until,
        "approvals": queries.approvals_of(one.pk), "may_approve": one.state == "approving",
        "is_own": one.requested_by_id == by.person_id,
        "to": _("the bank") if one.provider == "bank" else one.provider,
        "may_refuse": one.state in ("held", "approving") or (one.state == "requested" and one.ask_at is None),
    }  # fmt: skip


def _name(kind: str, party_id: int) -> str:
    found: Any = accounts.creator(party_id) if kind == "creator" else accounts.merchant(party_id)
    return str(found.name)


def _batch(public_id: str) -> dict[str, Any]:
    report = services.batch_report(public_id=public_id)
    batch = report.batch
    return {
        "id": batch.public_id, "count": batch.count, "total": shown.money(batch.total_minor, batch.currency),
        "at": batch.created_at, "paid": report.paid_count, "failed": report.failed_count, "open": report.open_count,
        "is_reconciled": report.is_reconciled,
    }  # fmt: skip
