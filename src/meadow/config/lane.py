"""The fast lane: answers `GET /api/v1/landings/CODE` before Django's middleware, with connections of its own.

It says byte for byte what Django would say, by the same functions; whatever is unusual about a request falls through to
Django.  A quiet process asks the database every time.  A busy one may answer from what it read at most two seconds ago,
so a price, a revocation or an expiry is seen within that time under any load, and at once otherwise.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from meadow.api.landings import landing_head, landing_json
from meadow.config.lane_rows import Rows
from meadow.kernel import clock
from meadow.kernel.ids import new_id
from meadow.sharing import queries, services

log = logging.getLogger("meadow.lane")

PREFIX = "/api/v1/landings/"
Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

# Whoever sends one of these is somebody whom only Django can tell apart.
_UNUSUAL = frozenset(("HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_API_VERSION", "HTTP_TRANSFER_ENCODING", "HTTP_RANGE"))
_TOLD = tuple(f"HTTP_{name.upper().replace('-', '_')}" for name in queries.TOLD)
# All of a request that says who asks, and so how it is answered.
_ASKED_BY = ("REQUEST_METHOD", "HTTP_ACCEPT_LANGUAGE", "CONTENT_LENGTH", *_TOLD, *sorted(_UNUSUAL))
_SANE = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z").match
_OWN = {"x-request-id", "server-timing", "content-length", "date"}
CODE_MOST = 24
_read_code = lru_cache(maxsize=20_000)(queries.read_code)
LANGUAGES = 256  # combinations of languages whose headers are remembered
BROWSERS, BROWSER_CHARACTERS = 4096, 600  # those that are remembered, and how much one may say of itself

Headers = list[tuple[str, str]]


class _Browser(NamedTuple):
    """What is the same for all that one browser asks for in one way."""

    headers: Headers  # that Django gave to such a request, without those of the one request
    judged: tuple[queries.NotCounted | None, bool]
    is_head: bool


class Lane:
    """A WSGI application in front of another."""

    def __init__(self, application: Application, rows: Rows) -> None:
        self._application = application
        self._rows = rows
        self._heads: dict[str, Headers] = {}
        self._browsers: dict[tuple[str | None, ...], _Browser] = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return self._application(environ, start_response)
        began = time.perf_counter_ns()
        asked_by = tuple(map(environ.get, _ASKED_BY))
        browser = self._browsers.get(asked_by)
        if browser is None:
            if not _is_plain(environ):
                return self._application(environ, start_response)
            browser = self._meet(environ, asked_by)
            if browser is None:
                return self._learn(environ, start_response)
        body = self._body(path[len(PREFIX) :], browser)
        if body is None:
            return self._application(environ, start_response)
        given = environ.get("HTTP_X_REQUEST_ID")
        rid = given if given and _SANE(given) else new_id("req")
        own = (
            ("Content-Length", str(len(body))), ("X-Request-Id", rid),
            ("Server-Timing", f"app;dur={(time.perf_counter_ns() - began) / 1e6:.1f}"),
        )  # fmt: skip
        start_response("200 OK", [*browser.headers, *own])
        return [b""] if browser.is_head else [body]

    def _body(self, code: str, browser: _Browser) -> bytes | None:
        """The landing's JSON for a visitor, whose click it takes in if it is one; None if Django is to answer."""
        number, tag = _read_code(code) if len(code) <= CODE_MOST else (None, 0)
        made = None if number is None else self._rows.get(number)
        if made is None:
            return None
        moment = clock.machine_now() + self._rows.clock_offset
        found, origin = made.judged(moment, tag)
        if found.problem is not None or found.shop_id is None:
            return None  # of a partner's page the link policy is asked each time
        view = services.NO_VIEW if origin is None else services.view_as_judged(origin, browser.judged, at=moment)
        if made.head is None:
            made.head = landing_head(found)
        return landing_json(made.head, view)

    def _meet(self, environ: Environ, asked_by: tuple[str | None, ...]) -> _Browser | None:
        """The browser of a plain request; None while nobody knows which headers Django gives to its language."""
        headers = self._heads.get(environ.get("HTTP_ACCEPT_LANGUAGE", ""))
        if headers is None:
            return None
        method = environ["REQUEST_METHOD"]
        judged = queries.judged(method, *[environ.get(name, "")[:400] for name in _TOLD])
        browser = _Browser(headers, judged, method == "HEAD")
        if sum(len(said) for said in asked_by if said) <= BROWSER_CHARACTERS:
            if len(self._browsers) >= BROWSERS:
                self._browsers.clear()  # those that come often are soon known again
            self._browsers[asked_by] = browser
        return browser

    def _learn(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Lets Django answer and keeps its headers for those who ask in the same language."""
        language = environ.get("HTTP_ACCEPT_LANGUAGE", "")
        plain = {key: value for key, value in environ.items() if key != "HTTP_ACCEPT_ENCODING"}

        def started(status: str, headers: Headers, *rest: Any) -> Any:
            names = {name.lower() for name, _ in headers}
            if status.startswith("200") and not names & {"set-cookie", "content-encoding"}:
                if len(self._heads) >= LANGUAGES:
                    self._heads.clear()
                self._heads[language] = [(name, value) for name, value in headers if name.lower() not in _OWN]
            return start_response(status, headers, *rest)

        return self._application(plain, started)


def _is_plain(environ: Environ) -> bool:
    if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
        return False
    if environ.get("CONTENT_LENGTH") not in (None, "", "0") or len(environ.get("HTTP_ACCEPT_LANGUAGE", "")) > 200:
        return False
    return _UNUSUAL.isdisjoint(environ) or not any(environ.get(name) for name in _UNUSUAL)
