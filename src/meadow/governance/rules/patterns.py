"""Which pages of a partner are product pages: a small template language that is matched without any search.

    shop.example.com/item/{digits}.html        one placeholder a segment: digits, id or slug
    *.example.com/item.htm?id={digits}         one label of the host may be any; the query's keys must be there once

There are no regular expressions and no repetition, so a pattern takes time in proportion to the address.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from meadow.governance.rules.addresses import Disguise, host_of, registrable_domain

LONGEST = 300
MOST_SEGMENTS = 12
MOST_KEYS = 8
_PLACEHOLDER = re.compile(r"([^{}]*)(?:\{([a-z]+)\}([^{}]*))?\Z")
_LITERAL = re.compile(r"[A-Za-z0-9._~!',;=@:-]*\Z")  # no signs that one might take for a regular expression
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,40}\Z")
_ID = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def _is_digits(text: str) -> bool:
    return 1 <= len(text) <= 30 and text.isascii() and text.isdigit()


def _is_id(text: str) -> bool:
    return 1 <= len(text) <= 80 and _ID.issuperset(text)


def _is_slug(text: str) -> bool:
    if not 1 <= len(text) <= 200 or text in (".", ".."):
        return False
    letters = text.replace("-", "").replace("_", "").replace(".", "")
    return not letters or letters.isalnum()


CLASSES: dict[str, Callable[[str], bool]] = {"digits": _is_digits, "id": _is_id, "slug": _is_slug}


class PatternError(ValueError):
    """Why a pattern cannot be used, in words."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What a segment or a value must be: a text around at most one placeholder."""

    before: str
    kind: str
    after: str

    def match(self, text: str) -> str | None:
        """What stands for the placeholder ("" if there is none), or None if the text does not fit."""
        if not self.kind:
            return "" if text == self.before else None
        if self.before or self.after:
            if len(text) < len(self.before) + len(self.after):
                return None
            if not text.startswith(self.before) or not text.endswith(self.after):
                return None
            text = text[len(self.before) : len(text) - len(self.after)]
        return text if CLASSES[self.kind](text) else None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A product page's address; `any_label` stands for a host that begins with *."""

    host: str
    any_label: bool
    segments: tuple[Piece, ...]
    query: tuple[tuple[str, Piece], ...]

    def match(self, segments: Sequence[str], values: Mapping[str, Sequence[str]]) -> list[str] | None:
        """What stands for the placeholders, or None.  A key that comes twice fits nothing, since readers differ."""
        if len(segments) != len(self.segments):
            return None
        found: list[str] = []
        for piece, segment in zip(self.segments, segments, strict=True):
            if (middle := piece.match(segment)) is None:
                return None
            found.append(middle)
        for key, piece in self.query:
            given = values.get(key, ())
            if len(given) != 1 or (middle := piece.match(given[0])) is None:
                return None
            found.append(middle)
        return found


def compile_pattern(text: str) -> Pattern:
    """Raises PatternError."""
    plain = text.strip().removeprefix("https://").removeprefix("http://")
    if not plain or len(plain) > LONGEST:
        raise PatternError(f"it needs 1 to {LONGEST} characters")
    address, _, query = plain.partition("?")
    host, slash, path = address.partition("/")
    if not slash or (not path and not query):
        raise PatternError("it must name a page, not a whole site")
    any_label = host.startswith("*.")
    segments = path.rstrip("/").split("/") if path else []
    keys = query.split("&") if query else []
    if len(segments) > MOST_SEGMENTS or len(keys) > MOST_KEYS:
        raise PatternError(f"at most {MOST_SEGMENTS} segments and {MOST_KEYS} keys")
    pieces = tuple(_piece(segment) for segment in segments)
    pairs = tuple(_pair(key) for key in keys)
    if not any(piece.kind for piece in (*pieces, *(piece for _, piece in pairs))):
        raise PatternError("it has no placeholder, so it names one page only")
    return Pattern(clean_host(host.removeprefix("*.")), any_label, pieces, pairs)


def clean_host(text: str) -> str:
    """A partner's host in its one form: something registered, no public suffix, no number.  Raises PatternError."""
    try:
        host = host_of(text.strip())
    except Disguise as disguise:
        raise PatternError("the host must be a plain name") from disguise
    if registrable_domain(host) is None:
        raise PatternError("the host must be or belong to a registered domain")
    return host


def _piece(segment: str) -> Piece:
    found = _PLACEHOLDER.match(segment)
    if not segment or found is None:
        raise PatternError("each segment takes at most one placeholder, written {digits}, {id} or {slug}")
    before, kind, after = found[1], found[2] or "", found[3] or ""
    if kind and kind not in CLASSES:
        raise PatternError(f"there is no placeholder {kind}; use digits, id or slug")
    if not _LITERAL.match(before) or not _LITERAL.match(after) or segment in (".", ".."):
        raise PatternError("what stands around a placeholder must be plain characters")
    return Piece(before, kind, after)


def _pair(text: str) -> tuple[str, Piece]:
    key, equals, value = text.partition("=")
    if not equals or not _KEY.match(key):
        raise PatternError("the query is written key={digits}, joined by &")
    return key, _piece(value)
