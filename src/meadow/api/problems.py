"""How a refusal looks to a machine: RFC 9457 problem details with a stable code, in the caller's language."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from meadow.api.language import language_of
from meadow.api.refusals import REFUSALS
from meadow.kernel.compensation import prohibited_in
from meadow.kernel.errors import Refusal

__all__ = ["REFUSALS", "invalid", "problem", "title_of", "type_uri"]

log = logging.getLogger("meadow.api")

MEDIA_TYPE = "application/problem+json"

_TITLES_ZH = {
    400: "请求无法理解", 401: "需要身份", 403: "无权操作", 404: "未找到", 405: "方法不支持", 409: "状态冲突",
    410: "已失效", 413: "内容过大", 415: "格式不支持", 422: "内容有误", 429: "操作过于频繁", 500: "服务器错误",
    503: "暂时不可用",
}  # fmt: skip

# What pydantic says, in Chinese and ending so that the reader knows what to send.
_FIELD_ZH = {
    "missing": "必填",
    "extra_forbidden": "没有这个字段",
    "string_type": "应为文本",
    "string_too_short": "不能少于 {min_length} 个字符",
    "string_too_long": "不能超过 {max_length} 个字符",
    "string_pattern_mismatch": "格式不符",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "bool_type": "应为 true 或 false",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "不能小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "不能大于 {le}",
    "too_short": "不能少于 {min_length} 项",
    "too_long": "不能超过 {max_length} 项",
    "list_type": "应为列表",
    "literal_error": "应为 {expected}",
    "enum": "应为 {expected}",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "dict_type": "应为对象",
}


def problem(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The answer to a refusal."""
    params = dict(refusal.params)
    errors = params.pop("errors", None)
    language = language_of(request)
    if errors is None and isinstance(params.get("field"), str):
        pointer = "#/" + params["field"].replace(".", "/")
        errors = [{"pointer": pointer, "code": refusal.code, "detail": str(params.get("why", ""))}]
    return _answer(request, refusal.code, refusal.status, refusal.text(language), params, errors or [])


def invalid(request: HttpRequest, found: Sequence[Mapping[str, Any]]) -> HttpResponse:
    """The answer to a request that does not fit its schema; found as pydantic and ninja report it."""
    if found and all(error["loc"][0] == "path" for error in found):
        # An id that cannot exist names nothing: the same answer as for one that does not.
        return problem(request, Refusal("not_found"))
    zh = language_of(request) == "zh"
    # Whoever names a level, an upline or a second creator is told the rule, not that a member is unknown.
    for error in found:
        name = str(error["loc"][-1])
        if error["type"] == "extra_forbidden" and (kind := prohibited_in(name)):
            pointer = _field_error(error, zh)["pointer"]
            refusal = Refusal(
                "prohibited_compensation", field=pointer[2:].replace("/", "."), what=name[:100], kind=kind
            )
            return problem(request, refusal)
    errors = [_field_error(error, zh) for error in found[:50]]
    first = errors[0] if errors else {"where": "#", "detail": ""}
    where = first.get("pointer") or first.get("parameter") or first.get("header") or "#"
    refusal = Refusal("malformed", field=where, why=first["detail"])
    text = refusal.text("zh" if zh else "en")
    return _answer(request, refusal.code, refusal.status, text, {}, errors)


def _field_error(error: Mapping[str, Any], zh: bool) -> dict[str, Any]:
    source, *path = [str(part) for part in error["loc"]]
    detail = str(error["msg"])
    if zh:
        context = {key: str(value) for key, value in error.get("ctx", {}).items()}
        detail = _FIELD_ZH.get(str(error["type"]), "内容无效").format_map(_Gaps(context))
    made: dict[str, Any] = {"code": str(error["type"]), "detail": detail}
    if source == "query":
        return {"parameter": path[0] if path else "", **made}
    if source == "header":
        return {"header": path[0] if path else "", **made}
    # The first step below "body" is the name of our own function's parameter, not a member of the document.
    steps = path[1:] if source == "body" else path
    return {"pointer": "#" + "".join("/" + _escaped(step) for step in steps), **made}


class _Gaps(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


def _escaped(step: str) -> str:
    """A member name inside a JSON pointer (RFC 6901)."""
    return step[:100].replace("~", "~0").replace("/", "~1")


def type_uri(code: str) -> str:
    """The address that explains a problem's code to a person."""
    return f"{settings.MEADOW.base_url}/problems/{code}"


def title_of(code: str, status: int, language: str) -> str:
    """A short name of the problem that does not change from one occurrence to the next."""
    if language.startswith("zh"):
        return _TITLES_ZH.get(status, "请求未完成")
    return code.replace("_", " ").capitalize()


def _answer(
    request: HttpRequest, code: str, status: int, detail: str, params: Mapping[str, Any], errors: Sequence[Any]
) -> HttpResponse:
    language = language_of(request)
    body: dict[str, Any] = {
        "type": type_uri(code),
        "title": title_of(code, status, language),
        "status": status,
        "detail": detail,
        "instance": request.path[:500],
        "code": code,
        "request_id": getattr(request, "request_id", ""),
        "errors": list(errors),
    }
    if "supported_versions" in params:
        body["supported_versions"] = params["supported_versions"]
    if extra := {key: value for key, value in params.items() if key != "supported_versions"}:
        body["params"] = extra
    response = HttpResponse(json.dumps(body, ensure_ascii=False, default=str), status=status, content_type=MEDIA_TYPE)
    response["Content-Language"] = "zh-Hans" if language == "zh" else "en"
    response["Cache-Control"] = "no-store"
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="meadow"'
    if status == 405:
        response["Allow"] = str(params.get("allowed", ""))
    _say_when(request, response, params)
    return response


def _say_when(request: HttpRequest, response: HttpResponse, params: Mapping[str, Any]) -> None:
    """Tells when to come back; for a limit also its policy (draft-ietf-httpapi-ratelimit-headers)."""
    wait = params.get("retry_after")
    if wait is None:
        return
    response["Retry-After"] = str(wait)
    if response.status_code == 429:
        name, quota, window = getattr(request, "limit_policy", ("default", None, None))
        response["RateLimit"] = f'"{name}";r=0;t={wait}'
        if quota is not None:
            response["RateLimit-Policy"] = f'"{name}";q={quota};w={window}'
