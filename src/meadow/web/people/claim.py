"""How a guest takes an order into an account: a code by e-mail, and they are signed in if the account is new."""

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from meadow.accounts import services as accounts
from meadow.kernel.errors import Refusal
from meadow.trade import services as trade
from meadow.web.failures import said
from meadow.web.people.adapter import bind
from meadow.web.shop.orders import held, page_texts
from meadow.web.visitor import address_of, guarded

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@guarded
@require_POST
def claim(request: HttpRequest, ref: str) -> HttpResponse:
    """Mails the code, or takes it.  Who has an account already signs in to it as always: a code alone opens none."""
    mine = held(request, ref)
    guest_id, email, code = mine.view.order.buyer_id, request.POST.get("email", ""), request.POST.get("code", "")
    if not code:
        accounts.send_claim_code(guest_id=guest_id, email=email, address=address_of(request))
        return render(request, "web/order.html", page_texts(request, mine, claim_sent_to=email))
    try:
        person = accounts.claim_guest(guest_id=guest_id, code=code)
    except Refusal as refusal:
        values = page_texts(request, mine, claim_sent_to=email, says=said(refusal))
        return render(request, "web/order.html", values, status=refusal.status)
    trade.claim_orders(guest_id=guest_id, person_id=person.pk)
    if person.pk == guest_id:
        login(request, person, backend=BACKEND)
        bind(request, person)
        messages.success(request, _("The order is in your new account, and you are signed in."))
    else:
        messages.success(request, _("The order is in your account. Sign in to see it there."))
    return redirect("order", ref=mine.view.order.public_id)
