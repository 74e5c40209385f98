"""The fast lane: answers `GET /api/v1/landings/CODE` before Django's middleware, with connections of its own.

It says byte for byte what Django would say, by the same functions; whatever is unusual about a request falls through to
Django.  A quiet process asks the database every time.  A busy one may answer from what it read at most two seconds ago,
so a price, a revocation or an expiry is seen within that time under any load, and at once otherwise.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

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
_SANE = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z")
_OWN = {"x-request-id", "server-timing", "content-length", "date"}
CODE_MOST = 24
_read_code = lru_cache(maxsize=20_000)(queries.read_code)
LANGUAGES = 256  # combinations of languages whose headers are remembered


@dataclass(frozen=True, slots=True)
class _Head:
    """The headers that Django gave to such a request, without those of the one request."""

    headers: tuple[tuple[str, str], ...]


class Lane:
    """A WSGI application in front of another."""

    def __init__(self, application: Application, rows: Rows) -> None:
        self._application = application
        self._rows = rows
        self._heads: OrderedDict[str, _Head] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX) or not _is_plain(environ):
            return self._application(environ, start_response)
        head = self._heads.get(environ.get("HTTP_ACCEPT_LANGUAGE", ""))
        if head is None:
            return self._learn(environ, start_response)
        try:
            return self._answer(environ, start_response, path[len(PREFIX) :], head)
        except _FallThrough:
            return self._application(environ, start_response)

    def _answer(self, environ: Environ, start_response: StartResponse, code: str, head: _Head) -> Iterable[bytes]:
        began = time.perf_counter_ns()
        number, tag = _read_code(code) if len(code) <= CODE_MOST else (None, 0)
        if number is None:
            raise _FallThrough
        kept = self._rows.get(number)
        if kept is None:
            raise _FallThrough
        moment = clock.machine_now() + self._rows.clock_offset
        found = queries.resolved_of(kept.row, moment, tag)
        if found.problem is not None or found.shop_id is None:
            raise _FallThrough  # of a partner's page the link policy is asked each time
        method = environ["REQUEST_METHOD"]
        origin = found.origin()
        judged = queries.judged(method, *[environ.get(name, "")[:400] for name in _TOLD])
        view = services.NO_VIEW if origin is None else services.view_as_judged(origin, judged, at=moment)
        if kept.head is None:
            kept.head = landing_head(found)
        body = landing_json(kept.head, view)
        given = environ.get("HTTP_X_REQUEST_ID", "")
        rid = given if given and _SANE.match(given) else new_id("req")
        took = (time.perf_counter_ns() - began) / 1e6
        own = [
            ("Content-Length", str(len(body))), ("X-Request-Id", rid), ("Server-Timing", f"app;dur={took:.1f}"),
        ]  # fmt: skip
        start_response("200 OK", [*head.headers, *own])
        return [b""] if method == "HEAD" else [body]

    def _learn(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Lets Django answer and keeps its headers for those who ask in the same language."""
        language = environ.get("HTTP_ACCEPT_LANGUAGE", "")
        plain = {key: value for key, value in environ.items() if key != "HTTP_ACCEPT_ENCODING"}

        def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            names = {name.lower() for name, _ in headers}
            if status.startswith("200") and not names & {"set-cookie", "content-encoding"}:
                kept = tuple((name, value) for name, value in headers if name.lower() not in _OWN)
                with self._lock:
                    self._heads[language] = _Head(kept)
                    while len(self._heads) > LANGUAGES:
                        self._heads.popitem(last=False)
            return start_response(status, headers, *rest)

        return self._application(plain, started)


class _FallThrough(Exception):
    """Django is to answer this one."""


def _is_plain(environ: Environ) -> bool:
    if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
        return False
    if environ.get("CONTENT_LENGTH") not in (None, "", "0") or len(environ.get("HTTP_ACCEPT_LANGUAGE", "")) > 200:
        return False
    return _UNUSUAL.isdisjoint(environ) or not any(environ.get(name) for name in _UNUSUAL)
