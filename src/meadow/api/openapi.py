"""What `/api/openapi.json` says: OpenAPI 3.1 from what the operations declare, with examples and every refusal."""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja.openapi.schema import get_schema
from ninja.operation import Operation

from meadow.accounts.queries import SCOPES
from meadow.api import limits
from meadow.api.door import VERSIONS
from meadow.api.examples import example_of
from meadow.api.operations import Declared
from meadow.api.problems import MEDIA_TYPE, title_of, type_uri
from meadow.api.whole import api
from meadow.kernel.errors import Refusal, catalogue

_ABOUT = (
    "Everything Meadow does, for machines. Amounts are whole minor units with an ISO 4217 currency, times are UTC in "
    "ISO 8601, rates are basis points. Refusals are problem documents (RFC 9457) with a stable `code`. "
    "Send an API key as `Authorization: Bearer mdw_…`; where a shopper may be a guest, none is needed. Operations "
    "that move money want an `Idempotency-Key`: a repeat with the same key and body gets the stored answer with "
    "`Idempotent-Replayed: true`, another body gets 422, and one that is still in flight 409. Lists go on with "
    '`next_cursor`, also given as `Link: <…>; rel="next"`. `RateLimit` headers follow an Internet draft.'
)
_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer into the body that was sent."},
                    "parameter": {"type": "string"},
                    "header": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
        "params": {"type": "object"},
        "supported_versions": {"type": "array", "items": {"type": "string"}},
    },
}


def operations_of() -> Iterator[tuple[str, Operation, Declared]]:
    """Every operation with its path as the description writes it, and what it declares."""
    for bound in api._get_bound_routers():
        for path, view in bound.path_operations.items():
            full = "/".join(part for part in ("/api/v1", bound.prefix, path) if part)
            plain = re.sub(r"{[^}:]+:", "{", re.sub("/{2,}", "/", full))
            for operation in view.operations:
                yield plain, operation, operation.view_func.declared  # type: ignore[attr-defined]


def refusals_of(operation: Operation, declared: Declared) -> list[str]:
    """Every refusal an operation can answer with: its own, and those of what surrounds it."""
    codes = {"api_version_unknown", "broken", "unavailable", *declared.refuses}
    if not declared.guests:
        codes |= {"sign_in_required"}
    codes |= {"key_invalid", "rate_limited"}
    if declared.scopes:
        codes |= {"scope_missing"}
    sources = {model.__ninja_param_source__ for model in operation.models}
    if sources & {"query", "body", "header"}:
        codes |= {"malformed"}
    if "path" in sources:
        codes |= {"not_found"}
    if "body" in sources or declared.takes:
        codes |= {"body_unreadable", "body_too_large", "media_type_unsupported"}
    if declared.once:
        codes |= {"idempotency_key_required", "idempotency_mismatch", "in_flight"}
    return sorted(codes)


@functools.cache
def document() -> dict[str, Any]:
    """The whole description."""
    made: dict[str, Any] = json.loads(json.dumps(get_schema(api, path_prefix="api/v1/"), default=str))
    made["info"] = {
        "title": settings.MEADOW.site_name, "version": VERSIONS[-1], "description": _ABOUT,
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }  # fmt: skip
    made["servers"] = [{"url": settings.MEADOW.base_url}]
    components = made["components"]
    components["schemas"]["Problem"] = _PROBLEM
    components["securitySchemes"] = {
        "key": {
            "type": "http", "scheme": "bearer", "bearerFormat": "mdw_…",
            "description": f"An API key; its scopes are among: {', '.join(SCOPES)}.",
        }
    }  # fmt: skip
    for path, operation, declared in operations_of():
        details = made["paths"][path][operation.methods[0].lower()]
        _describe(details, operation, declared, components["schemas"])
    return made


def _describe(details: dict[str, Any], operation: Operation, declared: Declared, schemas: dict[str, Any]) -> None:
    keys = [{"key": [scope]} for scope in declared.scopes] or [{"key": list[str]()}]
    details["security"] = [{}, *keys] if declared.guests else keys
    details["parameters"] = [*map(_parameter, details["parameters"]), *_headers(declared)]
    if declared.takes:
        details["requestBody"] = {"required": True, "content": {declared.takes: {"schema": {"type": "string"}}}}
    for content in details.get("requestBody", {}).get("content", {}).values():
        content["example"] = example_of(content["schema"], schemas)
    for status, answer in details["responses"].items():
        if declared.media_type:
            answer["content"] = {declared.media_type: {"schema": {"type": "string"}, "example": ""}}
        for content in answer.get("content", {}).values():
            content.setdefault("example", example_of(content["schema"], schemas))
        if declared.once:
            answer["headers"] = {"Idempotent-Replayed": {"schema": {"type": "string", "const": "true"}}}
        assert int(status) < 300
    details["responses"] |= _problems(refusals_of(operation, declared))


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    """Ninja writes a list under `examples`, where OpenAPI wants a map; one example is enough."""
    listed = parameter.pop("examples", None)
    if listed:
        parameter["example"] = listed[0]
    return parameter


def _headers(declared: Declared) -> Iterator[dict[str, Any]]:
    if declared.once:
        yield {
            "in": "header", "name": "Idempotency-Key", "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255}, "example": "pay-2026-11-22-0001",
        }  # fmt: skip
    yield {
        "in": "header", "name": "API-Version", "required": False,
        "schema": {"type": "string", "enum": list(VERSIONS)}, "example": VERSIONS[-1],
    }  # fmt: skip
    yield {
        "in": "header", "name": "Accept-Language", "required": False,
        "schema": {"type": "string"}, "example": "zh-CN",
    }  # fmt: skip


def _problems(codes: list[str]) -> dict[str, Any]:
    by_status: dict[str, list[str]] = {}
    for code in codes:
        by_status.setdefault(str(catalogue()[code].status), []).append(code)
    made = {}
    for status, same in sorted(by_status.items()):
        examples = {code: {"value": _example_problem(code, int(status))} for code in same}
        made[status] = {
            "description": "; ".join(f"`{code}`: {catalogue()[code].en}" for code in same),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
        }
    return made


def _example_problem(code: str, status: int) -> dict[str, Any]:
    return {
        "type": type_uri(code), "title": title_of(code, status, "en"), "status": status,
        "detail": Refusal(code).text("en"), "instance": "/api/v1/…", "code": code,
        "request_id": "req_01jd2m4q8r6t0v3x5z7y", "errors": [],
    }  # fmt: skip


@functools.cache
def _bytes() -> bytes:
    return json.dumps(document(), ensure_ascii=False, separators=(",", ":")).encode()


def serve(request: HttpRequest) -> HttpResponse:
    """The description as a file; anyone may read it, from any page."""
    response = HttpResponse(_bytes(), content_type="application/json")
    response["Access-Control-Allow-Origin"] = "*"
    response["Cache-Control"] = f"public, max-age={int(limits.MINUTE.total_seconds())}"
    return response
