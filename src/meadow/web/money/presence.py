"""How a page asks who is there once more before money goes elsewhere: a mailed code, good for ten minutes."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from meadow.accounts import queries as accounts
from meadow.accounts import services
from meadow.kernel.errors import Refusal
from meadow.web.failures import said
from meadow.web.visitor import address_of, guarded, next_of, signed_in

KEPT = "presence"  # in the session


def is_present(request: HttpRequest) -> bool:
    """Whether the signed-in person proved a moment ago that it is they."""
    return accounts.is_present(str(request.session.get(KEPT, "")), request.user.pk)


def proof_texts(request: HttpRequest) -> dict[str, Any]:
    """What a page needs to offer the proof instead of its forms."""
    return {"is_present": is_present(request), "prove_url": prove_url(request)}


def prove_url(request: HttpRequest) -> str:
    return f"{reverse('prove')}?{urlencode({'next': request.get_full_path()})}"


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
def prove(request: HttpRequest) -> HttpResponse:
    """Mails the code, and takes it."""
    person_id, next_url = signed_in(request), next_of(request, reverse("me"))
    values = {"next": next_url, "email": accounts.person(person_id).email, "is_sent": False, "says": ""}
    if request.method != "POST":
        return render(request, "web/money/prove.html", values)
    if "code" not in request.POST:
        services.send_presence_code(person_id=person_id, address=address_of(request))
        return render(request, "web/money/prove.html", values | {"is_sent": True})
    try:
        request.session[KEPT] = services.prove_presence(person_id=person_id, code=request.POST["code"])
    except Refusal as refusal:
        text = said(refusal) if refusal.code != "code_wrong" else _("This code is wrong or too old. Try again.")
        return render(request, "web/money/prove.html", values | {"is_sent": True, "says": text}, status=refusal.status)
    return redirect(next_url)
