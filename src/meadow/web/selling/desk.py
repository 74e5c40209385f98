"""A merchant's desk: what waits for them, and where the buyers' money is."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from meadow.accounts import queries as accounts
from meadow.kernel.errors import Refusal
from meadow.trade import queries as trade
from meadow.web import shown
from meadow.web.visitor import signed_in

MONEY_ROLES = ("owner", "finance")


def merchant_of(request: HttpRequest, public_id: str) -> accounts.Merchant:
    """A merchant that the signed-in person is staff of.  Refuses: sign_in_required, not_found."""
    person_id, found = signed_in(request), accounts.merchant(public_id)
    if not accounts.may_act_for(person_id, found.pk):
        raise Refusal("not_found")
    return found


@never_cache
@require_safe
def desk(request: HttpRequest, merchant: str) -> HttpResponse:
    """What is to be done, the most pressing first, and the money in escrow, held and released."""
    found = merchant_of(request, merchant)
    sees_money = accounts.may_act_for(signed_in(request), found.pk, MONEY_ROLES)
    values = {
        "tab": "me", "merchant": found, "todos": trade.todos_of_merchant(found.pk), "sees_money": sees_money,
        "escrow": [_escrow_texts(view) for view in trade.escrow_of_merchant(found.pk)] if sees_money else [],
    }  # fmt: skip
    return render(request, "web/selling/desk.html", values)


def _escrow_texts(view: trade.EscrowView) -> dict[str, Any]:
    return {
        "to_ship": shown.money(view.to_ship_minor, view.currency),
        "on_the_way": shown.money(view.on_the_way_minor, view.currency),
        "received": shown.money(view.received_minor, view.currency),
        "in_escrow": shown.money(view.in_escrow_minor, view.currency),
        "held": shown.money(view.held_minor, view.currency) if view.held_minor else "",
        "released": shown.money(view.released_minor, view.currency),
    }  # fmt: skip
