"""The pages about the API for people: a listing of its operations, and what each problem code means, in en and zh."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from meadow.api.language import language_of
from meadow.api.openapi import operations_of, refusals_of
from meadow.api.problems import title_of
from meadow.kernel.errors import Says, catalogue

_STYLE = mark_safe(
    "<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem}code{font-family:ui-monospace,monospace}h2{margin-top:2.5rem;border-bottom:1px solid #8886}"
    "details{margin:.3rem 0}summary{cursor:pointer}.m{display:inline-block;min-width:4.5em;font-weight:600}"
    "dt{font-weight:600;margin-top:.8rem}dd{margin:0}.quiet{opacity:.75}</style>"
)


def docs(request: HttpRequest) -> HttpResponse:
    """Every operation with what it wants and refuses; no script, nothing from elsewhere."""
    zh = language_of(request) == "zh"
    groups: dict[str, list[tuple[Any, ...]]] = {}
    for path, operation, declared in operations_of():
        wants = _wants(declared.scopes, declared.guests, declared.once, zh)
        codes = format_html_join(
            " ", '<a href="/problems/{}"><code>{}</code></a>', ((c, c) for c in refusals_of(operation, declared))
        )
        row = (
            operation.operation_id, operation.methods[0], path, operation.summary, operation.description or "", wants,
            codes,
        )  # fmt: skip
        groups.setdefault((operation.tags or ["other"])[0], []).append(row)
    body = format_html_join("", "<h2>{}</h2>{}", ((tag, _listed(rows)) for tag, rows in sorted(groups.items())))
    intro = (
        format_html("<p>{}<a href='/api/openapi.json'>/api/openapi.json</a></p>", "完整的机器可读说明（OpenAPI 3.1）：")
        if zh
        else format_html("<p>{}<a href='/api/openapi.json'>/api/openapi.json</a></p>", "For machines, OpenAPI 3.1: ")
    )
    return _page("API", "zh-Hans" if zh else "en", intro + body)


def _listed(rows: list[tuple[Any, ...]]) -> SafeString:
    return format_html_join(
        "",
        '<details id="{}"><summary><span class="m">{}</span><code>{}</code> {}</summary>'
        '<p>{}</p><p class="quiet">{}</p><p>{}</p></details>',
        rows,
    )


def _wants(scopes: tuple[str, ...], guests: bool, once: bool, zh: bool) -> str:
    parts = []
    if scopes:
        named = "/".join(scopes)
        parts.append(f"密钥权限 {named}" if zh else f"key with scope {named}")
    elif not guests:
        parts.append("任意密钥" if zh else "any key")
    if guests:
        parts.append("也可不带密钥" if zh else "no key needed")
    if once:
        parts.append("需要 Idempotency-Key" if zh else "needs an Idempotency-Key")
    return " · ".join(parts)


def problem_list(request: HttpRequest) -> HttpResponse:
    """All problem codes."""
    entries = format_html_join(
        "",
        '<dt><a href="/problems/{}"><code>{}</code></a> {}</dt><dd lang="en">{}</dd><dd lang="zh-Hans">{}</dd>',
        ((code, code, entry.status, entry.en, entry.zh) for code, entry in catalogue().items()),
    )
    return _page("Problems 问题代码", "en", format_html("<dl>{}</dl>", entries))


def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """What one problem code means and what to do about it, in both languages."""
    entry: Says | None = catalogue().get(code)
    if entry is None:
        text = format_html("<p>{} <a href='/problems/'>All codes 全部代码</a></p>", "No problem has this code.")
        return _page("Unknown problem 未知代码", "en", text, status=404)
    body = format_html(
        "<p><code>{}</code> · HTTP {}</p><h2 lang='en'>{}</h2><p lang='en'>{}</p>"
        "<h2 lang='zh-Hans'>{}</h2><p lang='zh-Hans'>{}</p>"
        "<p><a href='/problems/'>All codes 全部代码</a> · <a href='/api/docs'>API</a></p>",
        code, entry.status, title_of(code, entry.status, "en"), entry.en,
        title_of(code, entry.status, "zh"), entry.zh,
    )  # fmt: skip
    return _page(code, "en", body)


def _page(title: str, language: str, body: SafeString, status: int = 200) -> HttpResponse:
    html = format_html(
        "<!doctype html><html lang='{}'><head><meta charset='utf-8'><meta name='viewport' "
        "content='width=device-width,initial-scale=1'><title>{}</title>{}</head><body><h1>{}</h1>{}</body></html>",
        language, title, _STYLE, title, body,
    )  # fmt: skip
    return HttpResponse(html, status=status)
