"""How an operation of the API is declared: its address, who may call it, what it takes, gives and refuses.

What is declared here is both what is enforced and what `/api/openapi.json` says, so the two cannot differ.
"""

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router
from pydantic import TypeAdapter

from meadow.api.callers import caller_of, identify
from meadow.api.reading import read_json
from meadow.kernel.idempotency import Answer, run_once

View = Callable[..., Any]
T = TypeVar("T")
log = logging.getLogger("meadow.api")

DEADLOCK, DEADLOCKS_MOST = "40P01", 2


@dataclass(frozen=True, slots=True)
class Declared:
    """What the description of an operation needs beyond what ninja knows."""

    scopes: tuple[str, ...]
    guests: bool
    once: bool
    refuses: tuple[str, ...]
    media_type: str | None
    takes: str | None


class Group:
    """The operations of one part of the house, under one tag."""

    def __init__(self, tag: str) -> None:
        self.router = Router(tags=[tag])

    def get(self, path: str, **declared: Any) -> Callable[[View], View]:
        return self.operation("GET", path, **declared)

    def post(self, path: str, **declared: Any) -> Callable[[View], View]:
        return self.operation("POST", path, **declared)

    def put(self, path: str, **declared: Any) -> Callable[[View], View]:
        return self.operation("PUT", path, **declared)

    def patch(self, path: str, **declared: Any) -> Callable[[View], View]:
        return self.operation("PATCH", path, **declared)

    def delete(self, path: str, **declared: Any) -> Callable[[View], View]:
        return self.operation("DELETE", path, **declared)

    def operation(
        self,
        method: str,
        path: str,
        *,
        gives: Any = None,
        status: int = 200,
        scope: str | Sequence[str] = (),
        guests: bool = False,
        once: bool = False,
        limit: str | None = None,
        refuses: Sequence[str] = (),
        media_type: str | None = None,
        takes: str | None = None,
    ) -> Callable[[View], View]:
        """Declares one.  gives: the type of its answer (None: no content, unless media_type names other content);
        scope: what a key must carry (one of several); guests: nobody known may call too; once: needs an Idempotency-Key;
        limit: its own row of the table of limits; refuses: codes beyond the common ones; takes: the media type of a
        body that is not JSON."""
        scopes = (scope,) if isinstance(scope, str) else tuple(scope)
        adapter: TypeAdapter[Any] | None = TypeAdapter(gives) if gives is not None else None

        def declare(view: View) -> View:
            @functools.wraps(view)
            def answer(request: HttpRequest, **values: Any) -> HttpResponseBase:
                def effect() -> HttpResponseBase:
                    return _respond(view(request, **values), adapter, status)

                return _once(request, effect) if once else effect()

            answer.declared = Declared(  # type: ignore[attr-defined]
                scopes, guests, once, tuple(refuses), media_type, takes
            )
            self.router.api_operation(
                [method],
                path,
                auth=identify(scopes=scopes, guests=guests, limit=limit),
                response={status: gives},
                operation_id=view.__name__,
                summary=_sentence(view),
            )(answer)
            return view

        return declare


def _respond(result: Any, adapter: TypeAdapter[Any] | None, status: int) -> HttpResponseBase:
    """Lists come as bytes that PostgreSQL built, files as responses; everything else is checked against its type."""
    if isinstance(result, HttpResponseBase):
        return result
    if isinstance(result, bytes):
        content = result
    elif adapter is None:
        return HttpResponse(status=204 if status == 200 else status)
    else:
        content = adapter.dump_json(adapter.validate_python(result, from_attributes=True))
    return HttpResponse(content, status=status, content_type="application/json")


def _once(request: HttpRequest, effect: Callable[[], HttpResponseBase]) -> HttpResponse:
    """Runs a money operation at most once per caller, path and Idempotency-Key."""

    def judged() -> Answer:
        response = effect()
        assert isinstance(response, HttpResponse), "a stream cannot be stored and replayed"
        return Answer(response.status_code, response.content, response.headers["Content-Type"])

    answer = despite_deadlocks(
        lambda: run_once(
            identity=caller_of(request).identity,
            path=request.path,
            key=request.headers.get("Idempotency-Key"),
            body=read_json(request.body),
            effect=judged,
        )
    )
    response = HttpResponse(answer.content, status=answer.status, content_type=answer.content_type)
    if answer.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


def despite_deadlocks(act: Callable[[], T]) -> T:
    """Runs one whole transaction; whoever lost a deadlock left nothing behind and may simply go again."""
    for _ in range(DEADLOCKS_MOST):
        try:
            return act()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != DEADLOCK:
                raise
            log.warning("a deadlock was lost; going again")
    return act()


def _sentence(view: View) -> str:
    """The first sentence of an operation's docstring is its summary."""
    return (view.__doc__ or view.__name__).strip().split("\n")[0].split(". ")[0].rstrip(".")
