"""What somebody has, owes and may take out, as a creator and for their shops; where it is paid; and taking it out."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from meadow.accounts import queries as accounts
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money, decimal_text, parse_decimal
from meadow.ledger import queries as ledger
from meadow.payments import queries as payments
from meadow.payments import services
from meadow.web import shown
from meadow.web.failures import said
from meadow.web.money import words
from meadow.web.money.presence import is_present, proof_texts, prove_url
from meadow.web.visitor import guarded, in_their_time, signed_in

ROLES = ("owner", "finance")


@never_cache
@require_safe
def parties(request: HttpRequest) -> HttpResponse:
    """What the person has as a creator and in their shops."""
    person_id = signed_in(request)
    creator = accounts.creator_of(person_id)
    found = [("creator", creator.public_id, creator.pk, creator.name, _("Creator"))] if creator else []
    found += [
        ("merchant", one.public_id, one.merchant_id, one.name, _("Shop"))
        for one in accounts.merchants_of(person_id)
        if one.role in ROLES
    ]
    values = {
        "parties": [
            {
                "name": name, "role": role, "url": reverse("party_money", args=[kind, public_id]),
                "balances": _balances(kind, party_id),
            }
            for kind, public_id, party_id, name, role in found
        ],
    }  # fmt: skip
    return render(request, "web/money/mine.html", values)


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def party(request: HttpRequest, kind: str, public_id: str) -> HttpResponse:
    """One party's money: balances, bank account, payouts, and the forms to take money out and to say where it goes."""
    person_id = signed_in(request)
    party_id, name = own(person_id, kind, public_id)
    who, by = (kind, party_id), Actor("person", person_id)
    if request.method != "POST":
        return _page(request, who, name)
    try:
        if request.POST.get("act") == "bank":
            services.set_bank_account(
                party=who, holder=request.POST.get("holder", ""), bank=request.POST.get("bank", ""),
                number=request.POST.get("number", ""), by=by, is_stepped_up=is_present(request),
            )  # fmt: skip
            messages.success(request, _("The bank account is kept."))
        else:
            _withdraw(request, who, by)
            messages.success(request, _("Your withdrawal is under way."))
    except Refusal as refusal:
        if refusal.code == "step_up_required":
            return redirect(prove_url(request))
        if refusal.status not in (403, 409, 422, 503):
            raise
        return _page(request, who, name, refusal)
    return redirect(request.path)


def _withdraw(request: HttpRequest, who: tuple[str, int], by: Actor) -> None:
    """Takes money out.  The form carries its key, so a double tap pays once."""
    currency = request.POST.get("currency", "")
    try:
        minor = parse_decimal(request.POST.get("amount", "").strip().replace(",", ""), currency)
    except Refusal as refusal:
        raise Refusal("malformed", field="amount", why="write it like 12.50") from refusal
    services.withdraw(
        key=f"web:{who[0]}:{who[1]}:{request.POST.get('key', '')[:40]}", party=who, amount=Money(minor, currency),
        by=by, provider=request.POST.get("to", "")[:32], is_stepped_up=is_present(request),
    )  # fmt: skip


def _page(request: HttpRequest, who: tuple[str, int], name: str, refusal: Refusal | None = None) -> HttpResponse:
    account = payments.bank_account_of(who)
    typed = request.POST
    values = {
        "months_url": f"{request.path}/months",
        "name": name, "balances": _balances(*who), "key": secrets.token_urlsafe(12),
        "bank": account, "to_bank": not settings.MEADOW.sandbox, "is_sandbox": settings.MEADOW.sandbox,
        "usable_from": account.usable_from if account else None,
        "payouts": [_payout(one) for one in payments.payouts_of(who, 20)],
        "typed": {key: typed.get(key, "") for key in ("amount", "currency", "holder", "bank", "to")},
        "says": said(refusal) if refusal else "", "wrong": words.field_of(refusal, typed.get("act", "")),
        **proof_texts(request),
    }  # fmt: skip
    return render(request, "web/money/party.html", values, status=refusal.status if refusal else 200)


def own(person_id: int, kind: str, public_id: str) -> tuple[int, str]:
    """The party, if it is the person's to pay out.  Refuses: not_found, forbidden."""
    if kind == "creator":
        found = accounts.creator(public_id)
        if found.person_id == person_id:
            return found.pk, found.name
    elif kind == "merchant":
        merchant = accounts.merchant(public_id)
        if accounts.may_act_for(person_id, merchant.pk, ROLES):
            return merchant.pk, merchant.name
        if accounts.may_act_for(person_id, merchant.pk):
            raise Refusal("forbidden")
    raise Refusal("not_found")


def _balances(kind: str, party_id: int) -> list[dict[str, Any]]:
    return [
        {
            "currency": one.currency, "available": shown.money(one.available_minor, one.currency),
            "held": shown.money(one.held_minor, one.currency) if one.held_minor else "",
            "owed": shown.money(-one.receivable_minor, one.currency) if one.receivable_minor else "",
            "withdrawable": shown.money(one.withdrawable_minor, one.currency),
            "most": decimal_text(max(one.withdrawable_minor, 0), one.currency),
        }
        for one in ledger.party_balances(kind, party_id)
    ]  # fmt: skip


def _payout(one: payments.Payout) -> dict[str, Any]:
    text, css = words.payout_state(one.state)
    return {
        "id": one.public_id, "amount": shown.money(one.amount_minor, one.currency), "text": text, "css": css,
        "at": one.created_at, "held_until": one.held_until, "reason": one.reason,
    }  # fmt: skip
