"""The operators' page of sales in trouble: every claim and dispute with its clock, rulings, freezes, doubtful tracking."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from meadow.accounts import queries as accounts
from meadow.kernel import clock, cursors
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.trade import queries as trade
from meadow.trade import services
from meadow.web import shown
from meadow.web.aftersale import words
from meadow.web.visitor import guarded, in_their_time, signed_in

PAGE = 20


@never_cache
@require_safe
@in_their_time
def desk(request: HttpRequest) -> HttpResponse:
    """What waits for an operator, the most urgent first; then every claim."""
    by = _operator(request)
    now, after = clock.now(), request.GET.get("after")
    before_id = cursors.unseal(after, "claims_desk")[0] if after else None
    found = trade.all_claims(before_id=before_id, limit=PAGE + 1)
    values = {
        "tab": "me", "disputes": [_dispute(one, now) for one in trade.disputes()],
        "freezes": [_freeze(one, by) for one in trade.freezes()], "doubts": _doubts(),
        "rows": [words.listed(one, reverse("claim", args=[one.public_id]), "operator") for one in found[:PAGE]],
        "more": cursors.seal([found[PAGE - 1].pk], "claims_desk") if len(found) > PAGE else None,
    }  # fmt: skip
    return render(request, "web/aftersale/desk.html", values)


@guarded
@require_POST
def rule(request: HttpRequest, public_id: str) -> HttpResponse:
    """Rules a dispute, agrees with a ruling, or takes it back."""
    by, found, posted = _operator(request), trade.dispute(public_id), request.POST
    wanted = posted.get("act", "")
    if wanted == "rule":
        amount = posted.get("amount", "")
        is_refund = posted.get("outcome") == "refund"
        services.rule_dispute(
            dispute_id=found.pk, outcome=posted.get("outcome", ""), reason_code=posted.get("reason_code", ""),
            text=posted.get("text", ""), by=by,
            buyer_minor=words.minor_of(amount, found.claim.currency, "amount") if is_refund else 0,
        )  # fmt: skip
    elif wanted == "approve":
        services.approve_ruling(dispute_id=found.pk, by=by)
    elif wanted == "decline":
        services.decline_ruling(dispute_id=found.pk, reason=posted.get("text", ""), by=by)
    else:
        raise Refusal("malformed", field="act", why="choose what to do")
    messages.success(request, _("Saved."))
    return redirect("claim", found.claim.public_id)


@guarded
@require_POST
def freeze(request: HttpRequest, public_id: str) -> HttpResponse:
    """Freezes an order's money (by the order's id), or acts on a freeze (by its own)."""
    by, posted = _operator(request), request.POST
    wanted, text = posted.get("act", ""), posted.get("text", "")
    if wanted == "freeze":
        order = trade.order_for(public_id, person_id=by.person_id or 0).order
        services.freeze_order(order_id=order.pk, reason_code=posted.get("reason_code", ""), text=text, by=by)
    else:
        found = trade.freeze(public_id)
        acts: dict[str, Callable[[], Any]] = {
            "end": lambda: services.end_freeze(freeze_id=found.pk, reason=text, by=by),
            "approve": lambda: services.approve_freeze(freeze_id=found.pk, by=by),
            "decline": lambda: services.decline_freeze(freeze_id=found.pk, by=by),
        }
        if wanted not in acts:
            raise Refusal("malformed", field="act", why="choose what to do")
        acts[wanted]()
    messages.success(request, _("Saved."))
    return redirect("claims_desk")


@guarded
@require_POST
def clear(request: HttpRequest, public_id: str) -> HttpResponse:
    """The operator has looked at doubtful tracking and believes it."""
    by = _operator(request)
    order = trade.order_for(public_id, person_id=by.person_id or 0).order
    services.clear_tracking(order_id=order.pk, reason=request.POST.get("reason", ""), by=by)
    messages.success(request, _("Saved."))
    return redirect("claims_desk")


def _operator(request: HttpRequest) -> Actor:
    """The signed-in operator.  Refuses: sign_in_required, forbidden."""
    person_id = signed_in(request)
    if not accounts.is_operator(person_id):
        raise Refusal("forbidden")
    return Actor("person", person_id)


def _dispute(one: Any, now: Any) -> dict[str, Any]:
    label, css = words.DISPUTE_STATES[one.state]
    row = words.listed(one.claim, reverse("claim", args=[one.claim.public_id]), "operator")
    return row | {
        "state": label, "css": css, "evidence_until": one.evidence_until, "due_at": one.rule_due_at,
        "is_overdue": words.overdue(one.rule_due_at, now),
    }  # fmt: skip


def _doubts() -> list[dict[str, Any]]:
    orders = trade.doubted_orders()
    tracking = trade.tracking_of(orders)
    return [{"order": one, "tracking": ", ".join(tracking.get(one.pk, []))} for one in orders]


def _freeze(one: Any, by: Actor) -> dict[str, Any]:
    label, css = words.FREEZE_STATES[one.state]
    asked_by = one.end_proposed_by_id if one.state == "ending" else one.proposed_by_id
    return {
        "row": one, "state": label, "css": css, "reason": words.said(trade.FREEZE_REASONS[one.reason_code]),
        "is_waiting": one.state in ("proposed", "ending"), "shop": one.order.shop.name,
        "is_own": one.state in ("proposed", "ending") and asked_by == by.person_id,
        "amount": shown.money(one.order.total_minor, one.order.currency),
    }  # fmt: skip
