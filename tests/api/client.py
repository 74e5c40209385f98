"""How tests speak to the API: the same requests a machine sends, through the whole stack of Django."""

import itertools
import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import Client

_keys = itertools.count(1)


@dataclass
class Reply:
    """An answer of the API."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The problem's code, if it is one."""
        found = self.json.get("code") if self.body.startswith(b"{") else None
        return str(found) if found else None


class Api:
    """A caller, with a key or without."""

    def __init__(self, secret: str | None = None, *, language: str = "en", address: str = "203.0.113.7") -> None:
        self.secret = secret
        self.language = language
        # A failure inside must come back as the answer that a machine would get.
        self.client = Client(raise_request_exception=False, REMOTE_ADDR=address)

    def get(self, path: str, **headers: str) -> Reply:
        return self.send("GET", path, None, headers)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Reply:
        """Sends a body; money operations get a fresh Idempotency-Key unless one is named."""
        headers.setdefault("Idempotency-Key", key or f"test-{next(_keys)}")
        return self.send("POST", path, body, headers)

    def patch(self, path: str, body: Any) -> Reply:
        return self.send("PATCH", path, body, {})

    def put(self, path: str, body: Any) -> Reply:
        return self.send("PUT", path, body, {})

    def delete(self, path: str) -> Reply:
        return self.send("DELETE", path, None, {})

    def send(
        self, method: str, path: str, body: Any, headers: dict[str, str], content_type: str = "application/json"
    ) -> Reply:
        sent = {"Accept-Language": self.language, **headers}
        if self.secret is not None:
            sent["Authorization"] = f"Bearer {self.secret}"
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        address = path if path.startswith("/") else f"/api/v1/{path}"
        answer: HttpResponse = self.client.generic(
            method, address, raw, content_type=content_type if raw else "", headers=sent
        )
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
        return Reply(answer.status_code, content, {k.lower(): v for k, v in answer.headers.items()})
