"""How a token is found in whatever people paste: chat text, addresses, full-width letters, broken lines."""

import re
import unicodedata

from meadow.sharing.rules.codec import CODE_LENGTH, number_of_code, number_of_digits
from meadow.sharing.rules.outlets import tag_from

MAX_TEXT = 4000  # characters looked at; a chat message is far shorter
MAX_CANDIDATES = 8  # well-formed tokens of one text that are looked up

# Characters that show nothing: format controls, joiners, direction marks, variation selectors, tags, blank fillers.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_LINE_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")

# Any currency sign opens a token; which one says nothing.
_SIGNS = "".join(chr(c) for c in range(0x24, 0x20D0) if unicodedata.category(chr(c)) == "Sc")
_SIGN = f"[{re.escape(_SIGNS)}]"
# Chat apps break long words, mail quotes them with ">"; behind a sign people may also group with blanks or hyphens.
_BREAK = r"(?:[ \t]?\n[ \t>]{0,3})?"
_GAP = r"[ \t\n>.\-]{0,3}"
_LETTER, _DIGIT = "[0-9A-Za-z]", "[0-9]"
# Look-ahead groups, so that a false start does not hide the token that begins inside it.
_BARE = re.compile(rf"(?<!{_LETTER})(?=((?:{_LETTER}{_BREAK}){{12}}{_LETTER})(?!{_LETTER}))")
_SIGNED = re.compile(rf"{_SIGN}[ \t\n]{{0,3}}(?=((?:{_LETTER}{_GAP}){{12}}{_LETTER})(?!{_LETTER}))")
_DIGITS = re.compile(rf"{_SIGN}[ \t\n]{{0,3}}(?=((?:{_DIGIT}{_GAP}){{20}}{_DIGIT})(?!{_LETTER}))")
_FILLING = re.compile(r"[ \t\n>.\-]+")
# The tag of an outlet: two letters behind a code, three digits behind digits.
_TAGS = {
    number_of_code: re.compile(rf"-({_LETTER}{{2}})(?!{_LETTER})"),
    number_of_digits: re.compile(rf"-({_DIGIT}{{3}})(?!{_LETTER})"),
}


def normalise(text: str) -> str:
    """The text as it was meant: no invisible characters, full-width and styled letters as plain ones, one line break.

    Each character is folded by itself, so the work grows with the length alone and letters never join.
    """
    text = _INVISIBLE.sub("", text[:MAX_TEXT])
    if not text.isascii():
        text = _BEYOND_ASCII.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
        text = _INVISIBLE.sub("", text)
    return _LINE_BREAKS.sub("\n", text)


def numbers_in(text: str) -> list[int]:
    """The numbers of all well-formed tokens in a text, in the order they stand there, each once."""
    return list(tagged_in(text))


def tagged_in(text: str) -> dict[int, int]:
    """The same numbers, in their order, each with the tag that stands behind it; 0 without one."""
    plain = normalise(text)
    found: dict[int, tuple[int, int]] = {}
    for pattern, read in ((_SIGNED, number_of_code), (_BARE, number_of_code), (_DIGITS, number_of_digits)):
        for match in pattern.finditer(plain):
            number = read(_FILLING.sub("", match[1]))
            if number is not None:
                tag = _TAGS[read].match(plain, match.end(1))
                here = (match.start(1), tag_from(tag[1]) if tag else 0)
                found[number] = min(here, found.get(number, (len(plain), 0)))
    first = sorted(found, key=lambda number: found[number])[:MAX_CANDIDATES]
    return {number: found[number][1] for number in first}


def read_code(code: str) -> tuple[int | None, int]:
    """(number, tag) of what stands in a short link: a code, perhaps with a tag behind it."""
    tag = tag_from(code[CODE_LENGTH + 1 :]) if code[CODE_LENGTH : CODE_LENGTH + 1] == "-" else 0
    return number_of_code(code[:CODE_LENGTH] if tag else code), tag
