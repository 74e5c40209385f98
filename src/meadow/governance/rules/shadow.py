"""What a text looks like without its disguise: shadow strings to match terms in, with the way back to the raw text.

Every layer replaces each character by itself, so a shadow never depends on its neighbours and the place of a hit in
the raw text can be found afterwards, on a hit only.  Shadows are for matching; what people wrote is never altered.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate, compress
from typing import Literal

import opencc

from meadow.governance.rules.charsets import any_of
from meadow.governance.rules.sounds import readings

Layer = Literal["exact", "folded", "squeezed", "sound"]
LAYERS: tuple[Layer, ...] = ("exact", "folded", "squeezed", "sound")

# A list takes translate half the time of a dict; no assigned character beyond needs folding but the tags below.
_TABLE_SIZE = 0x20000
_FAR_HIDDEN = re.compile("[\U000e0000-\U000e01ef]")

_FILLERS = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_LOOKS = {
    "a": "аαɑᴀ∀ᗩ", "b": "вьʙᗷ฿", "c": "сϲᴄ¢ᑕ", "d": "ԁɗᴅᗪ", "e": "еєɛεᴇ€", "f": "ƒꜰᖴ", "g": "ɡɢց", "h": "нһʜᕼ",
    "i": "іıɩιɪ¡", "j": "јϳᴊ", "k": "кκᴋ", "l": "ʟӏ|", "m": "мᴍᗰ", "n": "ոпηɴᑎ", "o": "оοօσᴏ○◯ο", "p": "рρᴘᑭ",
    "q": "ԛզ", "r": "гяʀᴦ", "s": "ѕꜱ$", "t": "тτᴛ", "u": "υսᴜ∪ᑌ", "v": "ѵνᴠ√✓✔☑✅∨", "w": "ԝѡᴡшщωᗯ", "x": "хχ×✖✕❌",
    "y": "уγүʏ¥", "z": "ᴢ",
}  # fmt: skip
# Pictures that stand for a word in a disguise; one that means something else most of the time is left out.
_PICTURES = {
    "✈": "飞机", "🛩": "飞机", "🛰": "卫星", "🐧": "qq", "🔫": "枪", "💣": "炸弹", "🔪": "刀", "💊": "药", "🚬": "烟",
    "💰": "钱", "💴": "钱", "💵": "钱", "🧧": "红包", "💳": "卡", "📱": "手机", "📲": "手机", "☎": "电话", "📞": "电话",
    "🆔": "id", "🆚": "vs", "➕": "+", "🔟": "10", "💲": "$", "🐴": "马", "🐎": "马", "🐮": "牛", "🐷": "猪", "🍺": "酒",
    "🍷": "酒", "❄": "冰", "🧊": "冰", "🐘": "象", "🦷": "牙", "🐯": "虎", "🅰": "a", "🅱": "b", "🅾": "o", "🅿": "p",
}  # fmt: skip
_MORE_SIMPLE = {"著": "着", "妳": "你", "祂": "他", "佢": "他", "冇": "没", "氷": "冰"}
# Digits and signs as they stand for letters inside words; 1, l and i look alike, so they become one.
_LEET = {"0": "o", "1": "i", "l": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "+": "加"}
_NUMERALS = {
    "0": "零〇洞", "1": "一壹幺弌", "2": "二贰两弍", "3": "三叁仨弎", "4": "四肆", "5": "五伍", "6": "六陆", "7": "七柒拐",
    "8": "八捌", "9": "九玖勾",
}  # fmt: skip
DIGIT_OF = {sign: digit for digit, signs in _NUMERALS.items() for sign in signs} | {d: d for d in "0123456789"}


class Shade:
    """One layer as a table from each character to what stands for it there."""

    __slots__ = ("_table", "_uneven")

    def __init__(self, table: list[str]) -> None:
        self._table = table
        self._uneven = any_of(code for code, piece in enumerate(table[:0x10000]) if len(piece) != 1)

    def cast(self, text: str) -> str:
        """The whole text in this layer; about 7 microseconds for 220 characters."""
        shadow = text.translate(self._table)
        return shadow if shadow.isascii() or not _FAR_HIDDEN.search(shadow) else _FAR_HIDDEN.sub("", shadow)

    def over(self, folded: str) -> str:
        """This layer of a text that is folded already: the same as of the text itself, in less time."""
        return folded.translate(self._table)

    def is_even(self, text: str) -> bool:
        """Whether exactly one character stands for each of the text, so that places are the same."""
        return not self._uneven.search(text)

    def kept(self, folded: str) -> list[int]:
        """Where in a folded text each character of this layer comes from, if none becomes several."""
        return list(compress(range(len(folded)), self.pieces(folded)))

    def char(self, char: str) -> str:
        code = ord(char)
        return self._table[code] if code < _TABLE_SIZE else "" if _FAR_HIDDEN.match(char) else char

    def pieces(self, text: str) -> list[str]:
        """What stands for each character of the text, "" where nothing does."""
        table = self._table
        try:
            return list(map(table.__getitem__, map(ord, text)))
        except IndexError:  # a character beyond the table
            return [self.char(char) for char in text]


class Trail:
    """The way from a shadow back to the raw text; made on a hit only."""

    __slots__ = ("_ends", "_pieces", "_shade", "raw")

    def __init__(self, raw: str, shade: Shade) -> None:
        self.raw = raw
        self._shade = shade
        self._pieces: list[str] | None = None
        self._ends: Sequence[int] = (
            range(1, len(raw) + 1) if shade.is_even(raw) else list(accumulate(map(len, self.pieces)))
        )

    @property
    def pieces(self) -> list[str]:
        """What stands for each raw character."""
        if self._pieces is None:
            self._pieces = self._shade.pieces(self.raw)
        return self._pieces

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The raw characters that a part of the shadow stands for, from the first to behind the last."""
        return bisect_right(self._ends, start), bisect_right(self._ends, end - 1) + 1

    def is_whole(self, start: int, end: int, first: int, behind: int) -> bool:
        """Whether the part of the shadow begins and ends where raw characters do."""
        return self._ends[first] - len(self.pieces[first]) == start and self._ends[behind - 1] == end


class Shades:
    """The three layers below the raw text."""

    __slots__ = ("fold", "sound", "squeeze")

    def __init__(self) -> None:
        spoken = {char: syllables[0] for char, syllables in readings().items()} | {"+": "jia"}
        folded = list(map(_Folding(), map(chr, range(_TABLE_SIZE))))
        self.fold = Shade(folded)
        self.squeeze = Shade(_each(folded, lambda char: _LEET.get(char) or (char if char.isalnum() else "")))
        self.sound = Shade(_each(folded, lambda char: spoken.get(char) or (char if char.isalnum() else "")))


@cache
def shades() -> Shades:
    """Built once in a process, in a few tenths of a second."""
    return Shades()


def natural(text: str) -> str:
    """A text folded only as honest writing differs: width, case, traditional or simplified characters."""
    return _simple(unicodedata.normalize("NFKC", text)).casefold()


def _is_simplified(char: str) -> bool:
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def is_han(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf"


class _Folding:
    """Compatibility forms, case, accents, look-alike letters, traditional characters; hidden characters vanish."""

    def __init__(self) -> None:
        self._looks = {look: letter for letter, looks in _LOOKS.items() for look in looks if not look.isascii()}
        han = [chr(code) for code in (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))]
        simple = _simple("\n".join(han)).split("\n")
        # Japanese forms such as 気 are traditional to nobody; only what is no simplified character itself is replaced.
        plain = _simple("\n".join(opencc.OpenCC("jp2t").convert("\n".join(simple)).split("\n"))).split("\n")
        simple = [ours if _is_simplified(ours) else other for ours, other in zip(simple, plain, strict=True)]
        self._simple: dict[str, str] = {
            char: other for char, other in zip(han, simple, strict=True) if char != other
        } | _MORE_SIMPLE

    def __call__(self, char: str) -> str:
        if is_han(char):
            return self._simple.get(char, char)
        if char in _PICTURES:
            return _PICTURES[char]
        category = unicodedata.category(char)
        if category in ("Cn", "Co", "Cs") or "\uac00" <= char <= "\ud7a3":
            return char
        if letter := _enclosed(ord(char)):
            return letter
        if category in ("Cf", "Mn", "Me") or char in _FILLERS or (category == "Cc" and char not in "\n\t"):
            return ""
        plain = unicodedata.normalize("NFKC", char).casefold()
        return "".join(self._folded(c) for c in plain)

    def _folded(self, char: str) -> str:
        if is_han(char):
            return self._simple.get(char, char)
        if char in self._looks:
            return self._looks[char]
        base = unicodedata.normalize("NFKD", char)[0]
        if base.isascii() and (base.isalnum() or not char.isalnum()):
            return base
        return self._looks.get(base, "" if unicodedata.combining(char) else char)


def _each(folded: list[str], of: Callable[[str], str]) -> list[str]:
    """A further layer over the folded one."""
    return [of(text) if len(text) == 1 else "".join(map(of, text)) for text in folded]


def _enclosed(code: int) -> str:
    """Letters and digits in circles, squares and flags, where normalisation leaves them alone."""
    for first, last, begin in _ENCLOSED:
        if first <= code <= last:
            place = begin + code - first
            return str(place) if begin < 64 else chr(place)
    return ""


_ENCLOSED = (
    (0x1F1E6, 0x1F1FF, ord("a")), (0x1F150, 0x1F169, ord("a")), (0x1F170, 0x1F189, ord("a")),
    (0x2776, 0x277F, 1), (0x2780, 0x2789, 1), (0x278A, 0x2793, 1), (0x24F5, 0x24FE, 1), (0x24FF, 0x24FF, 0),
    (0x1F10B, 0x1F10C, 0),
)  # fmt: skip


def _simple(text: str) -> str:
    return str(_simplifier().convert(text))


@cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")
