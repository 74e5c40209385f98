"""How the business says no: one typed Refusal with a stable code, and a catalogue of what each code says in en and zh."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Says:
    """What a refusal's code means: its HTTP status, and a sentence in each language that says what to do next."""

    status: int
    en: str
    zh: str


class Refusal(Exception):
    """An expected business "no".  Raising it rolls the transaction back; the doors render it once each."""

    def __init__(self, code: str, status: int | None = None, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params
        self._status = status

    @property
    def status(self) -> int:
        """The HTTP status: the one given, else the catalogue's."""
        return self._status if self._status is not None else says(self.code).status

    def text(self, language: str = "en") -> str:
        """The sentence for a person; language is "en" or anything that begins with "zh"."""
        entry = says(self.code)
        return _Lenient().format(entry.zh if language.startswith("zh") else entry.en, **self.params)

    def __str__(self) -> str:
        return f"{self.code} {self.params}" if self.params else self.code


class _Lenient(string.Formatter):
    """Formatting that leaves a gap for a missing parameter, since a refusal must never turn into a 500."""

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        return kwargs.get(key, "…") if isinstance(key, str) else "…"


_CATALOGUE: dict[str, Says] = {}


def register(refusals: Mapping[str, Says]) -> None:
    """Adds a context's refusals to the catalogue; a code is declared exactly once in the house."""
    for code, entry in refusals.items():
        known = _CATALOGUE.setdefault(code, entry)
        if known != entry:
            raise RuntimeError(f"refusal {code} is declared twice")


def says(code: str) -> Says:
    """The catalogue entry of a code; an undeclared one is a programmer's error and answers as 400."""
    return _CATALOGUE.get(code) or Says(400, code, code)


def catalogue() -> dict[str, Says]:
    """All declared refusals, by code."""
    return dict(sorted(_CATALOGUE.items()))


REFUSALS: dict[str, Says] = {
    "not_found": Says(
        404,
        "Nothing is here for you. Check the address or go back to the feed.",
        "这里没有可供您查看的内容，请检查地址或返回首页。",
    ),
    "forbidden": Says(
        403,
        "You can see this, but it is not yours to change. Sign in with the right account.",
        "您可以查看，但无权操作，请换用有权限的账号登录。",
    ),
    "stale_state": Says(
        409,
        "Its state has changed meanwhile ({state}). Load it again to see what is possible now.",
        "状态已变化（{state}），请刷新后查看当前可做的操作。",
    ),
    "malformed": Says(422, "Please correct {field}: {why}.", "请更正 {field}：{why}。"),
    "sign_in_required": Says(401, "Please sign in first.", "请先登录。"),
    "rate_limited": Says(
        429,
        "Too many tries. Please try again in {retry_after} seconds.",
        "操作过于频繁，请在 {retry_after} 秒后重试。",
    ),
    "idempotency_key_required": Says(
        400,
        "Send an Idempotency-Key header of at most 255 characters, and the same one when you repeat the request.",
        "请在请求头加入不超过 255 个字符的 Idempotency-Key，重试时使用同一个值。",
    ),
    "idempotency_mismatch": Says(
        422,
        "This Idempotency-Key was used with another body. Use a new key for a new request.",
        "该 Idempotency-Key 已用于其他内容，新请求请使用新的值。",
    ),
    "in_flight": Says(
        409,
        "The same request is still being worked on. Repeat it in {retry_after} seconds.",
        "相同的请求正在处理，请在 {retry_after} 秒后重试。",
    ),
    "unavailable": Says(
        503,
        "This part is not reachable just now. Nothing was changed; please try again.",
        "暂时无法使用，数据未改动，请稍后重试。",
    ),
    "currency_mismatch": Says(
        422,
        "Amounts in {currency} and {other} cannot be mixed. Use one currency.",
        "{currency} 与 {other} 不能混用，请使用同一币种。",
    ),
    "currency_unknown": Says(
        422,
        "{currency} is no ISO 4217 currency code known here. Use one such as CNY or EUR.",
        "无法识别币种 {currency}，请使用 CNY、EUR 等代码。",
    ),
    "picture_too_large": Says(
        422,
        "The picture is too large: at most {most}. Make it smaller and try again.",
        "图片过大，最大 {most}，请缩小后重试。",
    ),
    "picture_unreadable": Says(
        422,
        "This is no picture that can be read. Use one of {formats}.",
        "无法识别该图片，请使用 {formats} 格式。",
    ),
    "clock_fixed": Says(
        409,
        "The clock can only be advanced on a sandbox installation. Use one with the sandbox provider alone.",
        "只有沙盒环境可以拨快时钟，请使用仅启用沙盒支付的安装。",
    ),
}
register(REFUSALS)
