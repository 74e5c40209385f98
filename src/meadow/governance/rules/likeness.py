"""Whether a host poses as a partner's: look-alike letters, one letter off, or the partner's name inside another's."""

import unicodedata
from collections.abc import Iterable

import idna

from meadow.governance.rules.addresses import registrable_domain

# Shorter names are words that stand in many honest hosts, or are one letter away from half the dictionary.
SHORTEST_SAME = 5
SHORTEST_ONE_OFF = 6

# Letters of other scripts and digits that are read as Latin letters.
_LOOKS = {
    "a": "аɑαáàâ@4", "b": "ьƅβ8", "c": "сϲᴄ", "d": "ԁɗ", "e": "еєҽεé3", "f": "ſƒ", "g": "ɡց9", "h": "һн", "i": "іıɩι1lļ|!",
    "j": "јϳ", "k": "кκ", "m": "мᴍ", "n": "ոпηń", "o": "оοօσ0ö", "p": "рρ", "q": "ԛզ", "r": "гᴦ", "s": "ѕꜱ5$", "t": "тτ7+",
    "u": "υսᴜü", "v": "ѵνᴠ", "w": "ԝѡᴡ", "x": "хχ", "y": "уγү", "z": "ᴢ2",
}  # fmt: skip
_SKELETON = str.maketrans({look: letter for letter, looks in _LOOKS.items() for look in looks})
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))


class Likeness:
    """What partners' names look like, to find those who pose as them."""

    __slots__ = ("_domains", "_names")

    def __init__(self, hosts: Iterable[str]) -> None:
        self._domains = {domain for host in hosts if (domain := registrable_domain(host))}
        self._names = {skeleton(domain.partition(".")[0]): domain for domain in sorted(self._domains)}

    def of(self, host: str, domain: str) -> str | None:
        """The partner's domain that a host poses as; None for a partner's own and for hosts like nobody's."""
        if domain in self._domains:
            return None
        for partner in self._domains:
            if f".{partner}." in f".{host}.":
                return partner
        for label in host.split("."):
            shown = skeleton(_decoded(label))
            for part in {shown, *shown.split("-")}:
                if found := self._like(part):
                    return found
        return None

    def _like(self, shown: str) -> str | None:
        if len(shown) >= SHORTEST_SAME and (exact := self._names.get(shown)):
            return exact
        long_names = ((name, domain) for name, domain in self._names.items() if len(name) >= SHORTEST_ONE_OFF)
        return next((domain for name, domain in long_names if is_one_off(shown, name)), None)


def skeleton(label: str) -> str:
    """What a label looks like: accents gone, look-alikes replaced by the Latin letter that they pass for."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", label.casefold()) if not unicodedata.combining(c))
    shown = bare.translate(_SKELETON)
    for pair, letter in _PAIRS:
        shown = shown.replace(pair, letter)
    return shown


def is_one_off(one: str, other: str) -> bool:
    """Whether two names differ by one letter changed, added, left out, or swapped with its neighbour."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(one), len(other)) - start and one[-1 - end] == other[-1 - end]:
        end += 1
    left, right = one[start : len(one) - end], other[start : len(other) - end]
    return len(left) <= 1 >= len(right) or (len(left) == 2 and left == right[::-1])


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        return label
