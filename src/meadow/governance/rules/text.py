"""Which addresses stand in a text, also those written with hidden or full-width characters or a spelled-out dot."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from string import ascii_letters, digits
from typing import NamedTuple

from meadow.governance.rules.addresses import is_invisible, registrable_domain
from meadow.governance.rules.charsets import any_of

MOST_CHARACTERS = 200_000
_TABLE_SIZE = 0x20000
_FAR = re.compile("[\U00020000-\U0010ffff]")

_STOP = r"\s<>\"“”‘’《》「」【】（），。！？；、|{}^`"
_WITH_SCHEME = rf"(?:https?|(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{{1,19}}):[/\\]+[^/\\{_STOP}][^{_STOP}]*"
_OTHER_SCHEME = rf"(?<![A-Za-z0-9])(?:javascript|vbscript|data|blob|file|intent):[^{_STOP}]+"
_NO_SCHEME = rf"(?<![A-Za-z0-9:/\\])//[^/{_STOP}]+\.[^{_STOP}]+"
# At most ten labels, so that a text made of dots takes no longer than its length; the last ones decide anyway.
_BARE = (
    r"(?<![A-Za-z0-9@])(?:[A-Za-z0-9][A-Za-z0-9\-]{0,62}\.){1,10}[A-Za-z][A-Za-z0-9\-]{1,62}\.?(?![A-Za-z0-9])"
    rf"(?::[0-9]{{1,5}})?(?:@[^{_STOP}]+)?(?:[/?#\\][!-~]*)?"
)
# Four numbers alone are a version; with a port or a path they are a place.
_NUMBERS = r"(?<![0-9A-Za-z.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]{2,5}(?:/[!-~]*)?|/[!-~]+)"
_LINK = re.compile(f"(?:{_WITH_SCHEME})|(?:{_OTHER_SCHEME})|(?:{_NO_SCHEME})|(?:{_NUMBERS})|(?P<bare>{_BARE})", re.I)
# Endings that count where only a gap, a comma or a sign stands for the dot; others are words of a sentence too often.
_SURE = r"(?:com|cn|net|org|cc|xyz|io)(?![A-Za-z0-9])"
_WORD = r"小数点|圆点|句点|句号|点|點|dot|d0t"
_SIGNS = "·•‧∙⋅・●○◦⚫▪\u2600-\u27bf\u2b00-\u2bff\U0001f300-\U0001faff"
# What stands for a dot: "evil 点 com", "evil[.]com", "evil (dot) com", "evil dot com", "evil . com", "evil·com", "evil&#46;com".
_SPELLED_DOT = re.compile(
    rf"(?<=[A-Za-z0-9])(?:\s*(?:小数点|圆点|句点|句号|点|點|[\[({{<（【「《〔]\s*(?:\.|。|,|{_WORD})\s*[\])}}>）】」》〕])\s*(?=[A-Za-z0-9])"
    r"|[。｡](?=[a-z]{2})|(?:&#0*46;|&#x0*2e;|&period;|%2e|\\\.)(?=[A-Za-z0-9])"
    rf"|[,，、](?=(?:com|cn)(?![A-Za-z0-9]))|\s+(?:dot|d0t)\s+(?={_SURE})(?!net\s+[a-z])"
    rf"|(?:[-_*~]+(?:{_WORD})[-_*~]+|\s+\.\s*|\s*[。．]|\s*[{_SIGNS}]\s*)(?={_SURE}))",
    re.I,
)
# A search that begins with one set of characters is many times faster than one that looks around at every place: this
# finds the first sign of a spelled dot that stands, but for white space, behind a letter or digit.  White space is listed,
# since a class is slower.
_SPACE = "\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_LETTERS = "A-Za-z0-9\u0130\u0131"  # two more count as an i where case does not count
_DOT_SIGNS = rf"小圆句点點\[({{<（【「《〔。｡．{_SIGNS}"
_MAY_BE_DOTTED, _MAY_BE_POINTED = (
    re.compile(
        rf"[{_DOT_SIGNS}.{word}&%\\,，、_*~\-](?<=[{_SPACE}{_LETTERS}].)(?=(?<=[{_DOT_SIGNS}])|(?<=[{_SPACE}][.{word}])"
        rf"|(?<=[{_LETTERS}].)(?:(?<=&)[#pP]|(?<=%)2|(?<=\\)\.|(?<=[,，、])[cC]|(?<=[-_*~])[-_*~]*[小圆句点點{word}]))"
    )
    for word in ("dD", "")  # the second where no dot is written as a word
)
_SPACED_WWW = re.compile(rf"(?<![A-Za-z0-9])www\s+[A-Za-z0-9-]+\s+(?={_SURE})", re.I)
# A scheme whose signs were encoded or set apart: "https%3A%2F%2F", "https : / /".
_SPELLED_SCHEME = re.compile(
    r"(?<![A-Za-z0-9])(https?)(?:\s*(?::|：|%3a|&#0*58;|&colon;|冒号)\s*)(?:\s*(?:/|／|%2f|&#0*47;|&sol;|斜杠)){2}\s*",
    re.I,
)
# Letters one by one: "e v i l . c o m", "e-v-i-l-.-c-o-m".
_SPELLED_OUT = re.compile(r"(?<![A-Za-z0-9])(?:[A-Za-z0-9.。点/:][ _*|~+\-]{1,2}){5,60}[A-Za-z0-9](?![A-Za-z0-9])")
_MAY_BE_SPELLED_OUT = re.compile(rf"[ _*|~+\-](?:[{_LETTERS}.。点/:][ _*|~+\-]{{1,2}}){{3}}")
# One of these signs stands behind the first word of every address.
_LETTER_SIGNS = f"{ascii_letters}{digits}\u0130\u0131"
_BEGINS = re.compile(rf"[.:+\-/](?:(?<=[{_LETTERS}][^/])(?=\S)|(?<=/)/)")
_REST = re.compile(f"(?<=[{_LETTERS}])[{_LETTERS}]+")
_HTTP = re.compile("[hH][tT][tT][pP]")
_MAY_BE_ODD = re.compile(r"http(?!s?://\S)")  # in lower case
_ODD_HTTP = re.compile(r"[hH][tT][tT][pP](?![sSſ]?://(?!\s))")
_FOLDED_MARKS = frozenset("．／：＠－＿％＝＆＃＋․﹒")
_TRAILING = ".,;:!?'*_~"


class FoundLink(NamedTuple):
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
    for match in _matches(plain):
        first, behind = match.span()
        behind = _end(plain, first, behind)
        shown = plain[first:behind]
        if match.lastgroup == "bare" and not _is_bare_link(shown):
            continue
        start, end = offsets[first], offsets[behind - 1] + 1
        found.append(FoundLink(text[start:end], shown, start, end))
    return found


def _matches(plain: str) -> Iterator[re.Match[str]]:
    """All addresses of a plain text; asked only where one may begin, since most characters are no such place."""
    at = 0
    while sign := _BEGINS.search(plain, at):
        start = sign.start()
        if plain[start] != "/":  # behind a word: an address would begin where that does
            start = at + len(plain[at:start].rstrip(_LETTER_SIGNS))
        at = sign.end()
        while start < at:
            if match := _LINK.match(plain, start):
                yield match
            start = match.end() if match else start + 1
            if start > at:
                # A link ends within a word when its parts are longer than an address has them.
                rest = _REST.match(plain, start)
                at = rest.end() if rest else start
            # Inside a word only a plain scheme begins: "seehttps://evil.com".
            inner = _HTTP.search(plain, start, at)
            start = inner.start() if inner else at


def clean_text(text: str, longest: int) -> str:
    """A text as it is stored: cut to its limit, without control characters and lone surrogates."""
    return "".join(c for c in text[:longest] if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs")).strip()


def _plain(text: str) -> tuple[str, Sequence[int]]:
    """The text without hidden characters, full-width ones folded and spelled dots dotted, with offsets into it."""
    offsets: Sequence[int] = range(len(text))
    if not _changed().search(text):
        folded = text
    elif not _FAR.search(text):
        folded = text.translate(_table())
        if len(folded) < len(text):
            offsets = [offset for offset, char in enumerate(text) if not _is_dropped(char)]
    else:
        offsets = [offset for offset, char in enumerate(text) if not _is_dropped(char)]
        folded = "".join(_folded(text[offset]) for offset in offsets)
    for look in (_collapsed, _dotted):
        if edits := look(folded):
            folded, offsets = _edited(folded, offsets, edits)
    return folded, offsets


Edits = list[tuple[int, int, str]]  # from where to where, and what stands there instead


def _collapsed(folded: str) -> Edits:
    """The gaps between letters that were set one by one, where an address comes out without them."""
    edits: Edits = []
    for match in _SPELLED_OUT.finditer(folded) if _MAY_BE_SPELLED_OUT.search(folded) else ():
        joined = re.sub(r"[ _*|~+\-]", "", match[0]).replace("点", ".").replace("。", ".")
        found = _LINK.search(joined)
        if found and (found.lastgroup != "bare" or _is_bare_link(found[0])):
            edits += [(match.start() + gap.start(), match.start() + gap.end(), "") for gap in _GAP.finditer(match[0])]
    return edits


_GAP = re.compile(r"[ _*|~+\-]+")


def _dotted(folded: str) -> Edits:
    """What stands for a dot or for the signs of a scheme, in order and apart from each other."""
    edits: Edits = []
    plain = folded.lower()
    has_word = "dot" in plain or "d0t" in plain
    for sign in (_MAY_BE_DOTTED if has_word else _MAY_BE_POINTED).finditer(folded):
        start = sign.start()
        while start and folded[start - 1].isspace():
            start -= 1
        dot = _SPELLED_DOT.match(folded, start)
        if dot and (not edits or edits[-1][1] <= dot.start()):
            edits.append((dot.start(), dot.end(), "."))
    if "www" in plain:
        edits += [
            (gap.start() + match.start(), gap.end() + match.start(), ".")
            for match in _SPACED_WWW.finditer(folded)
            for gap in re.finditer(r"\s+", match[0])
        ]
    for http in _ODD_HTTP.finditer(folded) if _MAY_BE_ODD.search(plain) else ():
        if match := _SPELLED_SCHEME.match(folded, http.start()):
            edits.append((match.end(1), match.end(), "://"))
    if len(edits) < 2:
        return edits
    edits.sort()
    return [edit for number, edit in enumerate(edits) if number == 0 or edit[0] >= edits[number - 1][1]]


def _edited(folded: str, offsets: Sequence[int], edits: Edits) -> tuple[str, Sequence[int]]:
    plain: list[str] = []
    kept: list[int] = []
    last = 0
    for start, end, instead in edits:
        plain += [folded[last:start], instead]
        kept += [*offsets[last:start], *([offsets[start]] * len(instead))]
        last = end
    plain.append(folded[last:])
    kept += offsets[last:]
    return "".join(plain), kept


@cache
def _table() -> list[str]:
    """What stands for each character: translating by a list takes a tenth of the time of asking for each."""
    return ["" if _is_dropped(char) else _folded(char) for char in map(chr, range(_TABLE_SIZE))]


@cache
def _changed() -> re.Pattern[str]:
    """What an ordinary text has none of: the characters that are dropped or folded, and those of the further planes."""
    return any_of(code for code, plain in enumerate(_table()[:0x10000]) if plain != chr(code))


def _is_dropped(char: str) -> bool:
    return char not in " \t\n\r\u3000\u00a0\u2028\u2029" and is_invisible(char)


def _folded(char: str) -> str:
    """Full-width, circled, squared and mathematical letters and digits, and the marks of an address, as ASCII.

    Chinese punctuation stays: it ends a link.
    """
    if char < "\u00aa":
        return char
    if "\U0001f130" <= char <= "\U0001f189":  # letters in squares and discs have no plain form of their own
        place = (ord(char) - 0x1F130) % 32
        return chr(ord("a") + place) if place < 26 else char
    if char not in _FOLDED_MARKS and not char.isalnum() and not "\u2460" <= char <= "\u24ff":
        return char
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 and plain.isascii() else char


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
