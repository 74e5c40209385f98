"""How a person opens a merchant and applies for its payment: one page that always shows just the next thing to do."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from meadow.accounts import queries as accounts
from meadow.accounts import services as account_services
from meadow.catalog import queries as catalog
from meadow.governance import services as governance
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.pictures import LIMITS
from meadow.payments import queries, services
from meadow.web import shown
from meadow.web.failures import said
from meadow.web.selling import words
from meadow.web.visitor import guarded, in_their_time, signed_in


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
def merchants(request: HttpRequest) -> HttpResponse:
    """My merchants with the state of their payment, and the form that opens one."""
    person_id = signed_in(request)
    says, status = "", 200
    if request.method == "POST":
        try:
            made = account_services.open_merchant(
                person_id=person_id, name=request.POST.get("name", ""), kind=request.POST.get("kind", "individual")
            )
        except Refusal as refusal:
            says, status = said(refusal), refusal.status
        else:
            messages.success(request, _("Opened. To sell, apply for payment next."))
            return redirect("apply_for_payment", made.public_id)
    mine = [
        {"merchant": one, "is_live": not queries.not_live([one.merchant_id]), "standing": _standing(one.merchant_id)}
        for one in accounts.merchants_of(person_id)
    ]
    values = {"tab": "me", "mine": mine, "says": says, "typed": request.POST}
    return render(request, "web/selling/merchants.html", values, status=status)


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def application(request: HttpRequest, merchant: str) -> HttpResponse:
    """The application of one merchant; what is posted names the step by `act`."""
    person_id = signed_in(request)
    found = accounts.merchant(merchant)
    if not accounts.may_act_for(person_id, found.pk):
        raise Refusal("not_found")
    says, status, wrong_at = "", 200, ""
    if request.method == "POST":
        try:
            _act(request, found.pk, Actor("person", person_id))
        except Refusal as refusal:
            if refusal.code in ("not_found", "forbidden"):
                raise
            says, status, wrong_at = said(refusal), refusal.status, request.POST.get("act", "")
        else:
            return redirect("apply_for_payment", merchant)
    values = {"tab": "me", "merchant": found, "says": says, "wrong_at": wrong_at, "levels": words.LEVELS}
    return render(request, "web/selling/application.html", values | _shown(request, found.pk), status=status)


def _act(request: HttpRequest, merchant_id: int, by: Actor) -> None:
    act = request.POST.get("act", "")
    if act == "start":
        level = request.POST.get("level", "")
        services.start_application(merchant_id=merchant_id, level=int(level) if level in ("0", "1", "2") else -1, by=by)
        return
    row = _open_one(merchant_id)
    if row is None:
        raise Refusal("stale_state", state="none", event=act)
    if act == "submit":
        for field in queries.DOCUMENTS[row.level]:
            if upload := request.FILES.get(field):
                services.add_document(
                    application_id=row.pk, field=field, content=upload.read(LIMITS["bytes"] + 1), by=by
                )
        given = {field: request.POST[field] for field in queries.FIELDS[row.level] if field in request.POST}
        services.submit_application(application_id=row.pk, values=given, by=by)
    elif act in ("phone", "bank"):
        services.answer_challenge(application_id=row.pk, kind=act, answer=request.POST.get("answer", ""), by=by)
    elif act in ("send_phone", "send_bank"):
        services.send_again(application_id=row.pk, kind=act.removeprefix("send_"), by=by)
        messages.success(request, _("Sent again."))
    elif act == "sign":
        services.sign_application(application_id=row.pk, agreement=request.POST.get("agreement", ""), by=by)
        messages.success(request, _("Done: you can be paid from now on."))
    elif act == "cancel":
        services.cancel_application(application_id=row.pk, by=by)
    else:
        raise Refusal("malformed", field="act", why="no step of an application")


def _shown(request: HttpRequest, merchant_id: int) -> dict[str, Any]:
    row, level = _open_one(merchant_id), queries.level_of(merchant_id)
    higher = [each for each in words.LEVELS if level is None or each[0] > level]
    values: dict[str, Any] = {
        "application": None,
        "level": level,
        "offered": higher,
        "limits": limits_texts(merchant_id),
    }
    if row is None:
        return values
    view = queries.view_of(row)
    label, css = words.STATES[row.state]
    reasons = {reason["field"]: words.reason_of(reason) for reason in view.reasons}
    values |= {
        "application": row, "state_text": label, "css": css, "locked_until": view.locked_until,
        "level_text": words.LEVELS[row.level][1],
        "fields": [_field(name, request, view, reasons) for name in view.asked],
        "challenges": [{"kind": kind, "label": words.CHALLENGES[kind]} for kind in view.waits_for],
        "agreement": queries.AGREEMENT,
        "sent": queries.sent_by_twin(row) if settings.MEADOW.sandbox and view.waits_for else [],
    }  # fmt: skip
    return values


def limits_texts(merchant_id: int) -> list[tuple[str, str]]:
    """What the merchant's level allows and what of it is used, line by line; empty where nothing is limited."""
    shops = catalog.shops_of_merchants([merchant_id])
    currencies = sorted({shop.currency for shop in shops}) or [settings.MEADOW.currency]
    limits = queries.limits_of_merchant(merchant_id, currencies)
    most, texts = limits.most, list[tuple[str, str]]()
    for currency in currencies:
        if most.order_minor is not None:
            texts.append((_("Largest order"), shown.money(most.order_minor, currency)))
        if most.payout_minor is not None:
            used = shown.money(limits.paid_out_minor[currency], currency)
            of = _("%(used)s of %(most)s") % {"used": used, "most": shown.money(most.payout_minor, currency)}
            texts.append((_("Withdrawn within 24 hours"), of))
    if most.products is not None:
        on_sale = catalog.on_sale_of_merchant(merchant_id)
        texts.append((_("Products on sale"), _("%(used)s of %(most)s") % {"used": on_sale, "most": most.products}))
    return texts


def _field(name: str, request: HttpRequest, view: queries.ApplicationView, reasons: dict[str, str]) -> dict[str, Any]:
    choices = words.CHOICES.get(name)
    if name == "qualification_kind":
        choices = words.permits(governance.licence_kinds())
    kept = "" if view.values.get(name, "").startswith("…") else view.values.get(name, "")
    kind = "file" if name.endswith("_picture") else "choice" if choices else "date" if name in queries.DATES else "text"
    return {
        "name": name, "label": words.label_of(name), "kind": kind, "choices": choices, "wrong": reasons.get(name, ""),
        "value": request.POST.get(name, kept), "is_needed": name != "licence_expires_on",
        "is_there": name in view.documents,
    }  # fmt: skip


def _open_one(merchant_id: int) -> Any:
    """The application that is on its way, if any."""
    open_ones = (row for row in queries.applications_of(merchant_id) if row.state in queries.OPEN_APPLICATION)
    return next(open_ones, None)


def _standing(merchant_id: int) -> tuple[Any, str]:
    found = queries.applications_of(merchant_id)
    return words.STATES[found[0].state] if found else (_("Not applied for payment yet"), "")
