"""How a list goes on: a signed cursor in the body and, by RFC 8288, in a Link header."""

import json
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse


def page(request: HttpRequest, items: bytes | list[Any], next_cursor: str | None) -> HttpResponse:
    """{"items": […], "next_cursor": …}; items may be JSON that PostgreSQL built, which is passed on untouched."""
    body = items if isinstance(items, bytes) else _dumped(items)
    cursor = json.dumps(next_cursor).encode()
    return linked(request, b'{"items":' + body + b',"next_cursor":' + cursor + b"}", next_cursor)


def whole_page(request: HttpRequest, body: bytes) -> HttpResponse:
    """A page that PostgreSQL built whole; its last member is next_cursor, which a Link repeats."""
    cursor = json.loads(body[body.rindex(b'"next_cursor":') + len(b'"next_cursor":') : -1])
    return linked(request, body, cursor)


def linked(request: HttpRequest, body: bytes, next_cursor: str | None) -> HttpResponse:
    """A JSON body with the Link to what follows."""
    response = HttpResponse(body, content_type="application/json")
    if next_cursor:
        query = {name: value for name, value in request.GET.items() if name != "cursor"} | {"cursor": next_cursor}
        response["Link"] = f'<{settings.MEADOW.base_url}{request.path}?{urlencode(query)}>; rel="next"'
    return response


def _dumped(items: list[Any]) -> bytes:
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return value.isoformat().replace("+00:00", "Z")
