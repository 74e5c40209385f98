"""What the door does when somebody signs in: their browser's clicks and cart become theirs (settled question 25)."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from meadow.accounts.adapter import AccountAdapter
from meadow.accounts.queries import Person
from meadow.sharing import services as sharing
from meadow.trade import services as trade
from meadow.web.site import keep_language
from meadow.web.visitor import COOKIE


class DoorAdapter(AccountAdapter):
    """Sign-in as accounts rules it, with what a browser has gathered bound to the person by direct calls."""

    def post_login(self, request: HttpRequest, user: Person, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        bind(request, user)
        if not kwargs.get("signup"):
            keep_language(response, user.locale)
        return response


def bind(request: HttpRequest, person: Person) -> None:
    """What hangs on the browser's carrier belongs to the person from now on."""
    carrier = request.COOKIES.get(COOKIE, "")
    if carrier:
        sharing.bind_clicks(carrier=carrier[:40], person_id=person.pk)
        trade.merge_cart(carrier=carrier[:64], person_id=person.pk)
        trade.merge_favourites(carrier=carrier[:64], person_id=person.pk)
