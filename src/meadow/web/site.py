"""What machines ask of every site: robots, icons, the manifest; and what people prefer: language and colours."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from meadow.accounts import services as accounts
from meadow.web.context import THEMES
from meadow.web.templatetags.meadow import asset
from meadow.web.visitor import guarded, next_of, person_id_of

UCP_VERSION = "2026-08-25"
YEAR = 60 * 60 * 24 * 365
_PRIVATE = [
    "/cart",
    "/favourites",
    "/studio",
    "/buy",
    "/checkout",
    "/pay",
    "/o/",
    "/me",
    "/out",
    "/links",
    "/console",
    "/accounts",
    "/sandbox",
    "/admin",
    "/api",
    "/preferences",
]


@guarded
@require_POST
def prefer(request: HttpRequest) -> HttpResponse:
    """Keeps the chosen language and colours in cookies, and the language with the signed-in person."""
    response = redirect(next_of(request))
    language, theme = request.POST.get("language", ""), request.POST.get("theme")
    if language in dict(settings.LANGUAGES):
        if person_id := person_id_of(request):
            accounts.change_profile(person_id=person_id, locale=language)
        keep_language(response, language)
    if theme in THEMES:
        response.set_cookie("theme", theme, max_age=YEAR, samesite="Lax", secure=settings.MEADOW.is_https)
    elif theme is not None:
        response.delete_cookie("theme")
    return response


def keep_language(response: HttpResponse, language: str) -> None:
    name, secure = settings.LANGUAGE_COOKIE_NAME, settings.MEADOW.is_https
    response.set_cookie(name, language, max_age=YEAR, samesite="Lax", secure=secure)
    translation.activate(language)


@require_safe
@cache_control(max_age=86_400, public=True)
def robots(request: HttpRequest) -> HttpResponse:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _PRIVATE), ""]
    return HttpResponse("\n".join(lines), content_type="text/plain")


@require_safe
@cache_control(max_age=3600, public=True)
def ucp(request: HttpRequest) -> HttpResponse:
    """What this site speaks of the Universal Commerce Protocol: permalinks, which are addresses for browsers.

    Only what is there is named.  The convention takes https alone, so without it there is nothing to name.
    """
    base = f"https://ucp.dev/{UCP_VERSION}"
    declared = {
        "version": UCP_VERSION, "spec": f"{base}/specification/permalink",
        "schema": f"{base}/schemas/shopping/permalink.json",
        "config": {"endpoint": settings.MEADOW.base_url.rstrip("/") + reverse("buy")},
    }  # fmt: skip
    capabilities = {"dev.ucp.shopping.permalink": [declared]} if settings.MEADOW.is_https else {}
    profile = {"version": UCP_VERSION, "services": {}, "capabilities": capabilities, "payment_handlers": {}}
    response = JsonResponse({"ucp": profile})
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    return redirect(asset("mark.svg"))


@require_safe
@cache_control(max_age=86_400, public=True)
def manifest(request: HttpRequest) -> HttpResponse:
    name = settings.MEADOW.site_name
    icon = {"src": asset("mark.svg"), "sizes": "any", "type": "image/svg+xml"}
    values = {
        "name": name, "short_name": name, "start_url": "/", "display": "minimal-ui",
        "background_color": "#faf7ef", "theme_color": "#1d7044", "icons": [icon],
    }  # fmt: skip
    return JsonResponse(values, content_type="application/manifest+json")
