"""How a request's text is read so that nothing in it can break what stands behind: strict JSON, bounded, no NUL."""

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser

from meadow.kernel.errors import Refusal

DEEPEST = 32
# PostgreSQL's bigint; a longer literal could only be a mistake or a probe.
LARGEST = 2**63 - 1


class StrictParser(Parser):
    """Ninja's parser with our rules."""

    def parse_body(self, request: HttpRequest) -> Any:
        return read_json(request.body)

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        found: dict[str, Any] = super().parse_querydict(data, list_fields, request)
        for name, value in found.items():
            if isinstance(value, str) and not _is_clean(value):
                raise Refusal("malformed", field=name[:50], why="it contains characters that no text has")
        return found


def read_json(body: bytes) -> Any:
    """The value of a JSON body; None for an empty one.  Refuses: body_unreadable."""
    if not body:
        return None
    try:
        value = json.loads(body, parse_constant=_no_constant, parse_float=_no_huge_float)
    except RecursionError:
        raise Refusal("body_unreadable", why="nested too deeply") from None
    except UnicodeDecodeError:
        raise Refusal("body_unreadable", why="not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Refusal("body_unreadable", why=f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except ValueError:
        # Python refuses to make integers of thousands of digits.
        raise Refusal("body_unreadable", why="a number is too long") from None
    _check(value, 0)
    return value


def _no_constant(name: str) -> NoReturn:
    raise Refusal("body_unreadable", why=f"{name} is no JSON")


def _no_huge_float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Refusal("body_unreadable", why="a number is too large")
    return number


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise Refusal("body_unreadable", why="nested too deeply")
    if isinstance(value, str):
        if not _is_clean(value):
            raise Refusal("body_unreadable", why="a text contains NUL or half a character")
    elif isinstance(value, dict):
        for name, member in value.items():
            _check(name, depth + 1)
            _check(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _check(member, depth + 1)
    elif isinstance(value, int) and abs(value) > LARGEST:
        raise Refusal("body_unreadable", why="a number is too large")


def _is_clean(text: str) -> bool:
    """Neither NUL, which PostgreSQL's texts cannot hold, nor a lone surrogate, which UTF-8 cannot."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
