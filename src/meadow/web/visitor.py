"""Who is at the door: a signed-in person or nobody, and the carrier that ties a browser's clicks and cart together.

The carrier is a random text in a cookie.  A browser that keeps no cookies carries it, signed, in addresses and forms.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from meadow.kernel.errors import Refusal
from meadow.kernel.signing import sign, unsign

COOKIE = "carrier"
COOKIE_AGE = 60 * 60 * 24 * 30
_SHAPE = re.compile(r"[A-Za-z0-9_-]{24}\Z")

View = Callable[Concatenate[HttpRequest, ...], HttpResponse]


@dataclass(frozen=True, slots=True)
class Visitor:
    """person_id is None for who has not signed in; is_new says that the browser has not shown its carrier cookie."""

    person_id: int | None
    carrier: str
    is_new: bool

    @property
    def carried(self) -> str:
        """The carrier as an address or a form carries it; empty where the cookie does."""
        return sign({"c": self.carrier}, "carrier") if self.is_new else ""


def visitor_of(request: HttpRequest) -> Visitor:
    """Whoever asks.  Costs no statement unless there is a session."""
    person_id = person_id_of(request)
    cookie = request.COOKIES.get(COOKIE, "")
    if _SHAPE.match(cookie):
        return Visitor(person_id, cookie, is_new=False)
    payload = unsign(request.POST.get("c") or request.GET.get("c") or "", "carrier")
    carrier = payload["c"] if payload else secrets.token_urlsafe(18)
    return Visitor(person_id, carrier, is_new=True)


def person_id_of(request: HttpRequest) -> int | None:
    """The signed-in person's id, or None."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    return request.user.pk if request.user.is_authenticated else None


def reader_id_of(request: HttpRequest) -> int | None:
    """Whose session it is, by the session alone: enough to leave out what somebody muted, and never to let them act."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    found = str(request.session.get(SESSION_KEY, ""))
    return int(found) if found.isascii() and found.isdigit() else None


def signed_in(request: HttpRequest) -> int:
    """The signed-in person's id.  Refuses: sign_in_required."""
    person_id = person_id_of(request)
    if person_id is None:
        raise Refusal("sign_in_required")
    return person_id


def keep_carrier(response: HttpResponse, visitor: Visitor) -> HttpResponse:
    """Asks the browser to keep the carrier, where something hangs on it from now on."""
    if visitor.is_new:
        response.set_cookie(
            COOKIE, visitor.carrier, max_age=COOKIE_AGE, httponly=True, samesite="Lax", secure=settings.MEADOW.is_https
        )
    return response


def guarded(view: View) -> View:
    """A form on the buying path: CSRF is checked where a session exists; without one there is nothing to ride on.

    What the browser says about the page that sent the form is believed in both cases.
    """
    protected: View = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def decide(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            return protected(request, *args, **kwargs)
        if request.method == "POST" and _is_foreign(request):
            raise Refusal("foreign_form")
        return view(request, *args, **kwargs)

    return decide


def in_their_time(view: View) -> View:
    """Shows times in the signed-in person's time zone; others see the installation's."""

    @wraps(view)
    def shifted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Whoever has no session is not looked up: the installation's zone is theirs.
        person = request.user if settings.SESSION_COOKIE_NAME in request.COOKIES else None
        zone = getattr(person, "time_zone", "") or settings.TIME_ZONE
        with timezone.override(zone):
            return view(request, *args, **kwargs)

    return shifted


def next_of(request: HttpRequest, default: str = "/") -> str:
    """Where to go afterwards.  Refuses: malformed, for anything but an address of this site."""
    wanted = request.POST.get("next") or request.GET.get("next") or request.GET.get("return_url") or ""
    if not wanted:
        return default
    if not wanted.startswith("/") or not url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        raise Refusal("malformed", field="next", why="only addresses of this site are taken")
    return wanted


def address_of(request: HttpRequest) -> str:
    """Where a request comes from; X-Forwarded-For counts only as far as our own proxies wrote it."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    proxies = settings.MEADOW.proxies
    if proxies and len(hops) >= proxies:
        return hops[-proxies][:64]
    return str(request.META.get("REMOTE_ADDR", ""))[:64]


def _is_foreign(request: HttpRequest) -> bool:
    """Whether the browser names another site as the sender; in-app browsers that say nothing or "null" are let in."""
    origin = request.headers.get("Origin", "")
    return origin not in ("", "null") and urlsplit(origin).netloc != request.get_host()
