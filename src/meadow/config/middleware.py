"""What surrounds every request: an id for it, and one place where a Refusal becomes an answer."""

import re
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from meadow.config.logs import request_id
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import new_id

_SANE = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z")
Next = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Takes a sane X-Request-Id or makes one, echoes it and puts it into every log line."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        rid = given if _SANE.match(given) else new_id("req")
        request.request_id = rid  # type: ignore[attr-defined]
        token = request_id.set(rid)
        started = time.perf_counter_ns()
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response["X-Request-Id"] = rid
        response["Server-Timing"] = f"app;dur={(time.perf_counter_ns() - started) / 1e6:.1f}"
        return response


class RefusalMiddleware:
    """Hands a Refusal that leaves a view to its door: problem+json under /api, a page or fragment elsewhere."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refusal):
            return None
        if request.path.startswith("/api/"):
            from meadow.api.problems import problem

            return problem(request, exception)
        from meadow.web.failures import refusal_page

        return refusal_page(request, exception)
