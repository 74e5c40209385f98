"""Whether what a pass found is the term in disguise, or an accident of neighbouring words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from meadow.governance.rules.shadow import Shade, Shades, is_han

# Between two words of a sentence these stand for honest reasons.
_SENTENCE = frozenset(",，。!！?？;；:：、…—–\n\t/／")
_SLASHES = frozenset("/／")
_BETWEEN_LATIN = frozenset("-'’")
_SHORTEST_LATIN = 6  # letters of a term of two syllables that is written in Latin letters alone
_HAN_NEARBY = 10
_PLUS = ("+", "加")


@dataclass(frozen=True, slots=True)
class Way:
    """How a term is spoken in a text: syllables in Latin letters, in its own characters, in others of that sound."""

    latin: int
    same: int
    other: int


def letters_and_gaps(folded: str, squeeze: Shade) -> tuple[str, frozenset[int]]:
    """What of a folded term takes part in matching, and before which of these letters the term itself is parted."""
    letters: list[str] = []
    gaps: set[int] = set()
    for char in folded:
        if squeeze.char(char):
            letters.append(char)
        elif letters:
            gaps.add(len(letters))
    return "".join(letters), frozenset(gap for gap in gaps if gap < len(letters))


def stands_alone(text: str, first: int, behind: int, letters: str, fold: Shade) -> bool:
    """Latin words count as whole words only: no letter or digit right before, and none but a plural s behind."""
    if _is_latin(letters[:1]) and first > 0 and _is_latin(fold.char(text[first - 1])[-1:]):
        return False
    if not _is_latin(letters[-1:]) or behind == len(text):
        return True
    rest = fold.cast(text[behind : behind + 3])
    if rest[:1] == "s" and letters[-1:].isalpha():
        rest = rest[1:]
    return not _is_latin(rest[:1])


def parted(
    text: str, first: int, behind: int, letters: str, own_gaps: frozenset[int], cast: Shades
) -> Literal["hidden", "loose", ""]:
    """Whether a term is written with something between its characters, or with signs for letters, on purpose.

    "loose": only between its own words, as line breaks do, or + for 加; "": it is no disguise, or is plain.
    """
    kept: list[str] = []
    gaps: dict[int, str] = {}
    for char in text[first:behind]:
        for sign in cast.fold.char(char):
            if cast.squeeze.char(sign):
                kept.append("l" if char == "I" and len(kept) < len(letters) and letters[len(kept)] == "l" else sign)
            elif kept:
                gaps[len(kept)] = gaps.get(len(kept), "") + sign
    if len(kept) != len(letters):
        return ""
    swapped = [place for place, sign in enumerate(kept) if sign != letters[place]]
    if plus := [place for place in swapped if (kept[place], letters[place]) == _PLUS]:
        swapped = [place for place in swapped if place not in plus]
    if swapped and not _reads_as(kept, letters, swapped):
        return ""
    inner = {place: gap for place, gap in gaps.items() if place not in own_gaps}
    if not inner:
        return "hidden" if swapped else "loose" if gaps or plus else ""
    return "hidden" if _on_purpose(inner, letters, own_gaps, text, first, behind) else ""


def _reads_as(kept: list[str], letters: str, swapped: list[int]) -> bool:
    """Digits and signs for letters: the word keeps at least half of its own, and no letter passes for another."""
    if any(kept[place].isalpha() or not letters[place].isalpha() for place in swapped):
        return False
    return len(letters) - len(swapped) >= max(2, len(letters) // 2)


def _on_purpose(
    inner: dict[int, str], letters: str, own_gaps: frozenset[int], text: str, first: int, behind: int
) -> bool:
    """Whether what stands between the characters of a term is there to hide it."""
    is_latin = all(map(_is_latin, letters))
    honest = _SENTENCE | _BETWEEN_LATIN if is_latin else _SENTENCE
    signs = set("".join(inner.values()))
    if any(not char.isspace() and char not in honest for char in signs):
        return True
    if _is_spelled_out(inner, letters, own_gaps):
        return True
    if is_latin:
        return False
    before, after = text[first - 1 : first], text[behind : behind + 1]
    if signs <= _SLASHES:
        return before not in _SLASHES and after not in _SLASHES  # a list of colours goes on
    if any(char in honest for char in signs if not char.isspace()):
        return False
    return len(letters) >= 3 or (_is_edge(before) and _is_edge(after))


def _is_spelled_out(inner: dict[int, str], letters: str, own_gaps: frozenset[int]) -> bool:
    """Each letter of a word apart, as in `w i r e me`; a word of two does not count alone."""
    bounds = [0, *sorted(own_gaps), len(letters)]
    words = list(zip(bounds, bounds[1:], strict=False))
    parts = [sum(start < place < end for place in inner) for start, end in words]
    if any(part not in (0, end - start - 1) for part, (start, end) in zip(parts, words, strict=True)):
        return False
    return any(part and end - start >= 3 for part, (start, end) in zip(parts, words, strict=True))


def spoken(
    text: str,
    first: int,
    behind: int,
    syllables: Sequence[str],
    letters: str,
    pieces: Sequence[str],
    fold: Shade,
    *,
    is_sure: bool = False,
) -> Way | None:
    """How the syllables are written at a place, or None if letters of other words make them up by accident.

    is_sure: something else will tell, so a short term in Latin letters is believed.
    """
    kept = [place for place in range(first, behind) if pieces[place]]
    counts = {"latin": 0, "same": 0, "other": 0}
    gaps: dict[int, str] = {}
    edges: list[bool] = []
    at = 0
    for number, syllable in enumerate(syllables):
        if at >= len(kept):
            return None
        if at and (gap := text[kept[at - 1] + 1 : kept[at]]):
            gaps[number] = gap
        char = fold.char(text[kept[at]])
        is_one = is_han(char[:1])
        taken = int(pieces[kept[at]] == syllable) if is_one else _latin(kept[at:], pieces, syllable, text, fold)
        if not taken or (is_one and len(syllable) == 1 and is_han(letters[number]) and letters[number] != char):
            return None
        counts[_way(char, letters[number], is_han=is_one)] += 1
        edges.append(not is_one)
        at += taken
    if _runs_on(text, first, behind, edges, fold) or not _may_part(gaps, edges, len(syllables)):
        return None
    way = Way(**counts)
    if way.latin == len(syllables) and not is_sure and not _is_told(text, first, behind, syllables):
        return None
    return way if way.latin or way.other else None


def _latin(places: Sequence[int], pieces: Sequence[str], syllable: str, text: str, fold: Shade) -> int:
    """How many places the letters of a syllable take, or 0 if something else is written there."""
    written = ""
    for taken, place in enumerate(places, start=1):
        if is_han(fold.char(text[place])[:1]):
            return 0
        written += pieces[place]
        if written == syllable:
            return taken
        if not syllable.startswith(written):
            return 0
    return 0


def _way(char: str, letter: str, *, is_han: bool) -> Literal["latin", "same", "other"]:
    if is_han:
        return "same" if char == letter else "other"
    return "same" if _is_latin(letter) else "latin"


def _runs_on(text: str, first: int, behind: int, edges: list[bool], fold: Shade) -> bool:
    """Whether Latin letters at an edge belong to a longer word."""
    before = first > 0 and edges[0] and _is_latin(fold.char(text[first - 1])[-1:])
    after = behind < len(text) and edges[-1] and _is_latin(fold.char(text[behind])[:1])
    return before or after


def _may_part(gaps: dict[int, str], edges: list[bool], count: int) -> bool:
    """Signs between the syllables: on purpose, throughout, or just the blanks between Latin ones."""
    inner = {number: gap for number, gap in gaps.items() if 0 < number < count}
    if not inner or any(not char.isspace() and char not in _SENTENCE for gap in inner.values() for char in gap):
        return True
    if any(char in _SENTENCE for gap in inner.values() for char in gap):
        return count >= 3 and len(inner) == count - 1
    return all(edges[number - 1] or edges[number] for number in inner) or (count >= 3 and len(inner) == count - 1)


def is_slight(syllables: Sequence[str]) -> bool:
    """Whether a term is too short to be believed in Latin letters alone."""
    return len(syllables) < 3 and sum(map(len, syllables)) < _SHORTEST_LATIN


def _is_told(text: str, first: int, behind: int, syllables: Sequence[str]) -> bool:
    """A term all in Latin letters: long enough to be no word of another language, and in a Chinese sentence."""
    if is_slight(syllables):
        return False
    return any(map(is_han, text[max(0, first - _HAN_NEARBY) : first] + text[behind : behind + _HAN_NEARBY]))


def _is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _is_edge(char: str) -> bool:
    return not char or not char.isalnum()
