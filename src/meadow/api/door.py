"""The door itself: what every request under /api passes, and how whatever goes wrong becomes a problem document."""

import functools
import logging
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from meadow.api import limits
from meadow.api.problems import invalid, problem
from meadow.api.reading import StrictParser
from meadow.kernel.errors import Refusal

log = logging.getLogger("meadow.api")

VERSIONS = ("2026-11-22",)
View = Callable[..., HttpResponseBase]


def make_api() -> NinjaAPI:
    """An empty API whose every failure is a problem document."""
    api = NinjaAPI(
        title="Meadow", version="v1", openapi_url=None, docs_url=None, parser=StrictParser(), urls_namespace="api-v1"
    )
    for kind in (Refusal, ValidationError, Http404, HttpError, Exception):
        api.add_exception_handler(kind, _failed)
    return api


def guarded(patterns: Iterable[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    """The patterns with every view behind the door; those without a name in them first, so that none hides another."""
    kept = sorted(patterns, key=lambda pattern: str(pattern.pattern).replace("<", "\uffff"))
    for pattern in kept:
        if isinstance(pattern, URLPattern):
            pattern.callback = through_door(pattern.callback)
    return kept


def through_door(view: View) -> View:
    """What is checked before an operation is even looked for, and what is added to its answer."""

    @functools.wraps(view)
    def pass_through(request: HttpRequest, *args: Any, **values: Any) -> HttpResponseBase:
        try:
            _check_version(request)
            _check_size(request)
            response = _answer(view, request, *args, **values)
        except Exception as error:  # nothing leaves this door but a problem document
            response = _failed(request, error)
        response.headers.setdefault("API-Version", VERSIONS[-1])
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return pass_through


def nothing_here(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
    """The answer at an address under /api that is none."""
    return problem(request, Refusal("not_found"))


def _answer(view: View, request: HttpRequest, *args: Any, **values: Any) -> HttpResponseBase:
    """Calls the view; HEAD is GET without the body, and a method that is not offered names those that are."""
    response = view(request, *args, **values)
    if response.status_code != 405:
        return response
    offered = sorted({method.strip() for method in response.headers.get("Allow", "").split(",") if method.strip()})
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": ", ".join([*offered, "OPTIONS"])})
    if request.method == "HEAD" and "GET" in offered:
        # The view sees that it was asked for a GET, but `request.META` still says HEAD, for what must not count it.
        request.method = "GET"
        response = view(request, *args, **values)
        if isinstance(response, HttpResponse):
            response.headers["Content-Length"] = str(len(response.content))
            response.content = b""
        return response
    return problem(request, Refusal("method_not_allowed", method=str(request.method)[:20], allowed=", ".join(offered)))


def _check_version(request: HttpRequest) -> None:
    asked = request.headers.get("API-Version")
    if asked is not None and asked not in VERSIONS:
        raise Refusal("api_version_unknown", supported=", ".join(VERSIONS), supported_versions=list(VERSIONS))


def _check_size(request: HttpRequest) -> None:
    """Refuses a large body by what it announces, before a byte of it is read."""
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise Refusal("body_unreadable", why="Content-Length is no number") from None
    file_bytes = next((most for end, most in limits.FILES.items() if request.path.endswith(end)), None)
    most = file_bytes or limits.BODY_BYTES
    if announced > most:
        raise Refusal("body_too_large", limit_bytes=most)
    kind = request.content_type or ""
    if announced and not file_bytes and "/notices/" not in request.path and kind != "application/json":
        raise Refusal("media_type_unsupported", expected="application/json")


def _failed(request: HttpRequest, error: Any) -> HttpResponse:
    """The problem document of whatever was raised."""
    if isinstance(error, ValidationError):
        return invalid(request, error.errors)
    # Ninja wraps what the parser raised in an error of its own.
    if isinstance(error, HttpError) and error.__cause__ is not None:
        error = error.__cause__
    refusal = error if isinstance(error, Refusal) else _refusal_for(error)
    if refusal.code == "broken":
        log.error("an operation of the API broke", exc_info=error)
        refusal.params["request_id"] = getattr(request, "request_id", "")
    return problem(request, refusal)


def _refusal_for(error: Exception) -> Refusal:
    """What is no Refusal yet: a malformed request, a database that is away, or a fault of ours."""
    if isinstance(error, Http404):
        return Refusal("not_found")
    if isinstance(error, HttpError) and error.status_code == 401:
        return Refusal("sign_in_required")
    if isinstance(error, RequestDataTooBig):
        return Refusal("body_too_large", limit_bytes=limits.BODY_BYTES)
    if isinstance(error, UnreadablePostError | SuspiciousOperation | BadRequest | HttpError):
        return Refusal("body_unreadable", why="it could not be parsed")
    if isinstance(error, OperationalError | InterfaceError):
        log.error("the database did not answer: %s", error)
        return Refusal("unavailable", retry_after=2)
    if isinstance(error, DataError):
        # A value that no column can hold slipped past the schemas: the caller's to mend, ours to learn of.
        log.error("a value no column can hold reached the database", exc_info=error)
        return Refusal("malformed", field="body", why="a value is out of range")
    return Refusal("broken")
