"""Which addresses stand in a text, also those written with hidden or full-width characters or a spelled-out dot."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from meadow.governance.rules.addresses import is_invisible, registrable_domain

MOST_CHARACTERS = 200_000
_TABLE_SIZE = 0x20000

_STOP = r"\s<>\"“”‘’《》「」【】（），。！？；、|{}^`"
_WITH_SCHEME = rf"(?:https?|(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{{1,19}}):[/\\]+[^/\\{_STOP}][^{_STOP}]*"
_OTHER_SCHEME = rf"(?<![A-Za-z0-9])(?:javascript|vbscript|data|blob|file|intent):[^{_STOP}]+"
_NO_SCHEME = rf"(?<![A-Za-z0-9:/\\])//[^/{_STOP}]+\.[^{_STOP}]+"
# At most ten labels, so that a text made of dots takes no longer than its length; the last ones decide anyway.
_BARE = (
    r"(?<![A-Za-z0-9@])(?:[A-Za-z0-9][A-Za-z0-9\-]{0,62}\.){1,10}[A-Za-z][A-Za-z0-9\-]{1,62}\.?(?![A-Za-z0-9])"
    rf"(?::[0-9]{{1,5}})?(?:@[^{_STOP}]+)?(?:[/?#\\][!-~]*)?"
)
_LINK = re.compile(f"(?:{_WITH_SCHEME})|(?:{_OTHER_SCHEME})|(?:{_NO_SCHEME})|(?P<bare>{_BARE})", re.I)
# Dots as they are spelled out to slip past a check: "evil 点 com", "evil[.]com", "evil (dot) com".
_SPELLED_DOT = re.compile(
    r"(?<=[A-Za-z0-9])\s*(?:点|點|[\[(（【]\s*(?:\.|。|dot|点|點)\s*[\])）】])\s*(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])[。｡](?=[a-z]{2})",
    re.I,
)
_FOLDED_MARKS = frozenset("．／：＠－＿％＝＆＃＋")
_TRAILING = ".,;:!?'*_~"


@dataclass(frozen=True, slots=True)
class FoundLink:
    """An address in a text as it stands there, between two offsets; plain is how it reads without its tricks."""

    raw: str
    plain: str
    start: int
    end: int

    @property
    def is_disguised(self) -> bool:
        return self.raw != self.plain


def links_in_text(text: str) -> list[FoundLink]:
    """Every address in a text, in order.  What is found is judged by its raw form, so a trick is seen as one."""
    text = text[:MOST_CHARACTERS]
    plain, offsets = _plain(text)
    found = []
    for match in _LINK.finditer(plain):
        end = _end(plain, match.start(), match.end())
        shown = plain[match.start() : end]
        if match.lastgroup == "bare" and not _is_bare_link(shown):
            continue
        start, stop = offsets[match.start()], offsets[end - 1] + 1
        raw = text[start:stop]
        found.append(FoundLink(raw, shown, start, stop))
    return found


def clean_text(text: str, longest: int) -> str:
    """A text as it is stored: cut to its limit, without control characters and lone surrogates."""
    return "".join(c for c in text[:longest] if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs")).strip()


def _plain(text: str) -> tuple[str, Sequence[int]]:
    """The text without hidden characters, full-width ones folded and spelled dots dotted, with offsets into it."""
    offsets: Sequence[int] = range(len(text))
    if max(text, default="") < chr(_TABLE_SIZE):
        folded = text.translate(_table())
        if len(folded) < len(text):
            offsets = [offset for offset, char in enumerate(text) if not _is_dropped(char)]
    else:
        offsets = [offset for offset, char in enumerate(text) if not _is_dropped(char)]
        folded = "".join(_folded(text[offset]) for offset in offsets)
    dots = list(_SPELLED_DOT.finditer(folded))
    if not dots:
        return folded, offsets
    plain: list[str] = []
    kept: list[int] = []
    last = 0
    for dot in dots:
        plain += [folded[last : dot.start()], "."]
        kept += [*offsets[last : dot.start()], offsets[dot.start()]]
        last = dot.end()
    plain.append(folded[last:])
    kept += offsets[last:]
    return "".join(plain), kept


@cache
def _table() -> list[str]:
    """What stands for each character: translating by a list takes a tenth of the time of asking for each."""
    return ["" if _is_dropped(char) else _folded(char) for char in map(chr, range(_TABLE_SIZE))]


def _is_dropped(char: str) -> bool:
    return char not in " \t\n\r\u3000\u00a0\u2028\u2029" and is_invisible(char)


def _folded(char: str) -> str:
    """Full-width letters, digits and the marks of an address as ASCII; Chinese punctuation stays, it ends a link."""
    if not "\uff01" <= char <= "\uff5e":
        return char
    plain = chr(ord(char) - 0xFEE0)
    return plain if plain.isalnum() or char in _FOLDED_MARKS else char


def _end(plain: str, start: int, end: int) -> int:
    """Where the address ends: without the punctuation of the sentence around it, and without an unopened bracket."""
    while end > start + 1:
        last = plain[end - 1]
        unopened = last in ")]" and plain.count(last, start, end) > plain.count("(" if last == ")" else "[", start, end)
        if last not in _TRAILING and not unopened:
            break
        end -= 1
    return end


def _is_bare_link(shown: str) -> bool:
    """Whether a text without a scheme is an address: its ending is a real one, and it is no end of a sentence."""
    host = re.split(r"[:/?#@\\]", shown, maxsplit=1)[0].rstrip(".")
    ending = host.rpartition(".")[2]
    if ending[:1].isupper() and not ending.isupper():
        return False  # "finished.So we went" lacks a space; addresses are not written so
    return registrable_domain(host.lower()) is not None
