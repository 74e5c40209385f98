"""How the tour speaks to a running Meadow: plain HTTP, a key per person, no cookies, and words when something fails."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests

from meadow.config.trouble import Trouble

TIMEOUT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Page:
    """An HTML answer: where it stands and what it says."""

    status: int
    address: str
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came, refusals too."""

    status: int
    json: Any

    @property
    def code(self) -> str:
        """The problem's code, or nothing."""
        return str(self.json.get("code", "")) if isinstance(self.json, dict) else ""


class Talk:
    """One person's conversation with the API, or a shopper's without a key."""

    def __init__(self, base_url: str, secret: str | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.secret = secret
        self._session = requests.Session()
        # The machine's proxy settings are about the world outside, and a shopper of an in-app browser has no cookies.
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["Accept-Language"] = "en"
        if secret is not None:
            self._session.headers["Authorization"] = f"Bearer {secret}"

    def get(self, path: str) -> Any:
        return self._ask("GET", path)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._ask("POST", path, body or {}, {"Idempotency-Key": f"tour-{secrets.token_hex(12)}"})

    def put(self, path: str, body: dict[str, Any]) -> Any:
        return self._ask("PUT", path, body)

    def delete(self, path: str) -> Any:
        return self._ask("DELETE", path)

    def attempt(self, method: str, path: str, body: dict[str, Any], key: str | None = None) -> Reply:
        """Asks for something that may well be refused; nothing is raised for that."""
        headers = {"Idempotency-Key": key} if key else None
        response = self._send(method, self._api(path), json=body, headers=headers)
        try:
            return Reply(response.status_code, response.json())
        except requests.JSONDecodeError:
            return Reply(response.status_code, None)

    def send_file(self, path: str, content: bytes) -> Any:
        return self._answer(self._send("POST", self._api(path), data=content, headers={"Content-Type": "text/plain"}))

    def file(self, path: str) -> bytes:
        """What stands at an address of the API that gives no JSON."""
        response = self._send("GET", self._api(path))
        self._answer(response, is_json=False)
        return response.content

    def page(self, path: str, form: dict[str, str] | None = None) -> Page:
        """A page as a browser asks for it: opened, or with a form sent to it; redirections are not followed."""
        address = path if path.startswith("http") else self.base_url + path
        response = self._send("GET" if form is None else "POST", address, data=form, allow_redirects=False)
        return Page(response.status_code, response.headers.get("Location", address), response.text)

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> Any:
        return self._answer(self._send(method, self._api(path), json=body, headers=headers))

    def _api(self, path: str) -> str:
        return f"{self.base_url}/api/v1/{path}"

    def _send(self, method: str, address: str, **what: Any) -> requests.Response:
        try:
            return self._session.request(method, address, timeout=TIMEOUT_SECONDS, **what)
        except requests.RequestException as error:
            why = type(error).__name__
            raise Trouble(f"{address} did not answer ({why}): see that Meadow runs there, then try again.") from None

    def _answer(self, response: requests.Response, *, is_json: bool = True) -> Any:
        if response.ok:
            return response.json() if is_json and response.content else None
        try:
            problem = response.json()
            said = f"{problem['detail']} ({problem['code']}, request {problem['request_id']})"
        except (json.JSONDecodeError, requests.JSONDecodeError, KeyError, TypeError):
            said = response.text[:200]
        where = f"{response.request.method} {response.request.path_url}"
        raise Trouble(f"{where} answered {response.status_code}: {said}")
