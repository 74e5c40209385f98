"""Which terms stand in a text, plainly or disguised: one pass per layer, and each find is looked at before it counts."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from string import ascii_letters
from typing import Generic, TypeVar

import ahocorasick_rs

from meadow.governance.rules import veils
from meadow.governance.rules.nearby import around
from meadow.governance.rules.shadow import LAYERS, Layer, Shade, Trail, natural, shades
from meadow.governance.rules.sounds import is_spoken
from meadow.governance.rules.surfaces import TextSurface
from meadow.governance.rules.terms import Term, Topic, spellings, voicings

_REACH = 12  # so far from Latin letters a term may begin or end that they are part of
_LATIN = re.compile("[a-z]{1,24}")
# Letters within a plain address are judged as a link; the last ones may be spoken with what follows it.
_ADDRESS = re.compile(r"https?://[!-~]+")
MOST_FINDS = 2_000  # looked at per layer; a text with more is hit anyway


T = TypeVar("T")
Finds = list[tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Hit:
    """A term found in a text: by which layer, where in the raw text, and how.

    is_veiled: it is written as honest people do not write it.  is_homophone: only the sound says so.
    """

    topic: Topic
    term: Term
    layer: Layer
    start: int
    end: int
    is_veiled: bool = False
    is_homophone: bool = False


@dataclass(frozen=True, slots=True)
class _Written:
    """One spelling of a term: its letters as the folded layer has them, and where it is parted by itself.

    lead: how many signs stand before its first letter.
    """

    number: int
    text: str
    folded: str
    lead: int
    letters: str
    own_gaps: frozenset[int]
    is_veil: bool


@dataclass(frozen=True, slots=True)
class _Spoken:
    number: int
    syllables: tuple[str, ...]
    letters: str


class _Patterns(Generic[T]):
    """Texts to be found all at once, each with whose they are."""

    __slots__ = ("_automaton", "_owners", "_places")

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._owners: list[list[T]] = []
        self._automaton: ahocorasick_rs.AhoCorasick | None = None

    def add(self, pattern: str, owner: T) -> None:
        if not pattern:
            return
        place = self._places.setdefault(pattern, len(self._owners))
        if place == len(self._owners):
            self._owners.append([])
        self._owners[place].append(owner)

    def build(self) -> None:
        if self._places:
            self._automaton = ahocorasick_rs.AhoCorasick(
                list(self._places), store_patterns=False, implementation=ahocorasick_rs.Implementation.ContiguousNFA
            )

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def find(self, text: str) -> Finds:
        return self._automaton.find_matches_as_indexes(text, overlapping=True) if self._automaton else []

    def owners(self, place: int) -> list[T]:
        return self._owners[place]

    def owned(self, finds: Finds) -> Iterator[tuple[T, int, int]]:
        """Each find with whose it is."""
        for place, start, end in finds[:MOST_FINDS]:
            for owner in self._owners[place]:
                yield owner, start, end


class Matcher:
    """All terms of some topics, compiled; about a second for 40,000 terms."""

    __slots__ = ("_heard", "_is_short", "_mixed", "_shades", "_short", "_slight", "_squeezed", "terms", "topics")

    def __init__(self, topics: Iterable[Topic]) -> None:
        self._shades = shades()
        self.terms: list[Term] = []
        self.topics: list[Topic] = []  # of the term at the same place
        self._short, self._squeezed = _Patterns[_Written](), _Patterns[_Written]()
        # Heard in any text; and where Latin letters stand among Chinese, since two syllables coincide in every other text.
        self._heard, self._mixed = _Patterns[_Spoken](), _Patterns[_Spoken]()
        self._slight: dict[int, bool] = {}  # by the place of a pattern of sounds
        for topic in topics:
            for term in topic.terms:
                self._add(topic, term)
        self._short.build()
        self._is_short = re.compile("|".join(map(re.escape, self._short)) or r"(?!)")
        self._squeezed.build()
        self._heard.build()
        self._mixed.build()

    def _add(self, topic: Topic, term: Term) -> None:
        number = len(self.terms)
        self.terms.append(term)
        self.topics.append(topic)
        cast = self._shades
        for text, is_veil in spellings(term):
            folded = cast.fold.cast(text)
            squeezed = cast.squeeze.cast(folded)
            letters, gaps = veils.letters_and_gaps(folded, cast.squeeze)
            written = _Written(number, natural(text), folded, folded.find(letters[:1]), letters, gaps, is_veil)
            if len(squeezed) > 1:
                self._squeezed.add(squeezed, written)
            else:  # one letter alone hides nothing
                self._short.add(folded, written)
        own = "".join(char for char in cast.fold.cast(term.text) if char.isalnum())
        for syllables in voicings(term):
            spoken = _Spoken(number, syllables, own)
            self._mixed.add("".join(syllables), spoken)
            if term.sound == "near" and (len(syllables) >= 3 or term.hear) and min(map(len, syllables)) > 1:
                self._heard.add("".join(syllables), spoken)

    def find(self, text: str, surface: TextSurface, folded: str | None = None) -> list[Hit]:
        """The terms that count on a surface, by their place in the text; an innocent text takes three passes only."""
        cast = self._shades
        folded = cast.fold.cast(text) if folded is None else folded
        plain, parted = self._written(folded)
        heard: Finds = []
        mixed: list[tuple[int, Trail, Finds]] = []
        if not text.isascii():
            heard = self._heard.find(cast.sound.over(folded))
            mixed = self._mixed_finds(text, folded)
        if not plain and not parted and not heard and not mixed:
            return []
        look = _Look(text, surface, self)
        for end, start in sorted(plain)[:MOST_FINDS]:
            for written in plain[end, start]:
                look.folded(written, start, end)
        for written, start, end in parted:
            look.squeezed(written, start, end)
        for spoken, start, end in self._heard.owned(heard):
            look.sound(spoken, start, end, look.trail(cast.sound), 0)
        for offset, trail, some in mixed:
            for spoken, start, end in self._mixed.owned(some):
                look.sound(spoken, start, end, trail, offset)
        return look.hits()

    def _written(self, folded: str) -> tuple[dict[tuple[int, int], list[_Written]], list[tuple[_Written, int, int]]]:
        """What stands in a folded text, by (end, start); and the finds in its squeezed form that may be a disguise.

        What stands in the one stands in the other, too, but for single letters: so only one is searched for all terms.
        """
        plain: dict[tuple[int, int], list[_Written]] = {}
        parted: list[tuple[_Written, int, int]] = []
        for place, start, end in self._short.find(folded) if self._is_short.search(folded) else ():
            plain[end, start] = [*self._short.owners(place)]
        finds = self._squeezed.find(self._shades.squeeze.over(folded))
        kept = self._shades.squeeze.kept(folded) if finds else []
        for count, (place, start, end) in enumerate(finds):
            first = kept[start]
            for written in self._squeezed.owners(place):
                begin = first - written.lead
                if begin >= 0 and folded.startswith(written.folded, begin):
                    plain.setdefault((begin + len(written.folded), begin), []).append(written)
                # Letters in a row are none.
                if count < MOST_FINDS and not folded.startswith(written.letters, first):
                    parted.append((written, start, end))
        return plain, parted

    def _mixed_finds(self, text: str, folded: str) -> list[tuple[int, Trail, Finds]]:
        """What is heard around Latin letters that can be spoken: (where a window begins, its trail, finds in it)."""
        if len(folded) != len(text):
            folded = "".join(piece[:1] or "\0" for piece in self._shades.fold.pieces(text))
        windows: list[tuple[int, int, list[tuple[int, int]]]] = []
        reach = -1
        for begin, end in _apart_from_addresses(text):
            for first, behind in [run.span() for run in _LATIN.finditer(folded, begin, end) if is_spoken(run[0])]:
                if first > reach:
                    windows.append((max(reach, first - _REACH, 0), 0, []))
                reach = behind + _REACH
                start, _, runs = windows[-1]
                runs.append((first, behind))
                windows[-1] = (start, reach, runs)
        return self._listen(text, windows) if windows else []

    def _listen(
        self, text: str, windows: list[tuple[int, int, list[tuple[int, int]]]]
    ) -> list[tuple[int, Trail, Finds]]:
        """The finds that have a part in the Latin runs of their window; characters alone are heard elsewhere."""
        sound = self._shades.sound
        shadows = [sound.cast(text[start:end]) for start, end, _ in windows]
        finds = self._mixed.find("\n".join(shadows))
        if not finds:
            return []
        found: list[tuple[int, Trail, Finds]] = []
        at = 0
        for (start, end, runs), shadow in zip(windows, shadows, strict=True):
            behind = at + len(shadow)
            own = [(place, first - at, last - at) for place, first, last in finds if at <= first < behind]
            at = behind + 1
            if not own:
                continue
            parts = [(len(sound.cast(text[start:run])), len(sound.cast(text[start:stop]))) for run, stop in runs]
            if kept := [find for find in own if _takes_part(find[1], find[2], parts, self._is_slight(find[0]))]:
                found.append((start, Trail(text[start:end], sound), kept))
        return found

    def _is_slight(self, place: int) -> bool:
        """Whether all terms that sound so are too short to be told from words of other languages (see `veils.spoken`)."""
        known = self._slight.get(place)
        if known is None:
            known = self._slight[place] = all(
                veils.is_slight(one.syllables) and self.terms[one.number].strength != "label"
                for one in self._mixed.owners(place)
            )
        return known


def _apart_from_addresses(text: str) -> Iterator[tuple[int, int]]:
    """The stretches of a text without its plain addresses, but for the letters at their ends."""
    begin = 0
    if "://" in text:
        for found in _ADDRESS.finditer(text):
            yield begin, found.start()
            begin = found.start() + len(found[0].rstrip(ascii_letters))
    yield begin, len(text)


def _takes_part(start: int, end: int, parts: list[tuple[int, int]], is_slight: bool) -> bool:
    """Whether a find has Latin letters of a run, and neither begins nor ends within one, as a piece of a longer word.

    is_slight: in Latin letters alone it would be believed nowhere.
    """
    has_any = False
    for first, last in parts:
        if first < start < last or first < end < last or (is_slight and first <= start and end <= last):
            return False
        has_any = has_any or (start < last and first < end)
    return has_any


class _Look:
    """The second look at what the passes over one text have found."""

    def __init__(self, text: str, surface: TextSurface, matcher: Matcher) -> None:
        self.text, self.surface, self.matcher = text, surface, matcher
        self.shades = shades()
        self._trails: dict[int, Trail] = {}
        self._found: dict[tuple[int, int], Hit] = {}

    def hits(self) -> list[Hit]:
        """One hit per term and place, the plainest layer first; what lies inside a longer hit of its topic is left out."""
        kept: list[Hit] = []
        for hit in sorted(self._found.values(), key=lambda h: (LAYERS.index(h.layer), h.start - h.end)):
            if not any(
                h.topic is hit.topic
                and h.start <= hit.start
                and hit.end <= h.end
                and h.term.strength == hit.term.strength
                for h in kept
            ):
                kept.append(hit)
        return sorted(kept, key=lambda h: (h.start, h.end))

    def folded(self, written: _Written, start: int, end: int) -> None:
        if not self._counts(written.number):
            return
        first, behind = self.trail(self.shades.fold).span(start, end)
        if not veils.stands_alone(self.text, first, behind, written.letters, self.shades.fold):
            return
        raw = self.text[first:behind]
        layer: Layer = "exact" if raw == self.matcher.terms[written.number].text else "folded"
        is_veiled = written.is_veil or (layer == "folded" and natural(raw) != written.text)
        self._keep(written.number, layer, first, behind, is_veiled=is_veiled)

    def squeezed(self, written: _Written, start: int, end: int) -> None:
        if not self._counts(written.number):
            return
        first, behind = self.trail(self.shades.squeeze).span(start, end)
        veil = veils.parted(self.text, first, behind, written.letters, written.own_gaps, self.shades)
        if veil and veils.stands_alone(self.text, first, behind, written.letters, self.shades.fold):
            self._keep(written.number, "squeezed", first, behind, is_veiled=written.is_veil or veil == "hidden")

    def sound(self, spoken: _Spoken, start: int, end: int, trail: Trail, offset: int) -> None:
        """A find in the sounds of the text, or of a part of it that begins at the offset."""
        if not self._counts(spoken.number):
            return
        first, behind = trail.span(start, end)
        if not trail.is_whole(start, end, first, behind):
            return
        way = veils.spoken(
            trail.raw, first, behind, spoken.syllables, spoken.letters, trail.pieces, self.shades.fold,
            is_sure=self.matcher.terms[spoken.number].strength == "label",
        )  # fmt: skip
        first, behind = first + offset, behind + offset
        if way is None or (way.latin == 0 and not self._sounds_enough(spoken, way, first, behind)):
            return
        self._keep(spoken.number, "sound", first, behind, is_veiled=True, is_homophone=way.latin == 0)

    def _sounds_enough(self, spoken: _Spoken, way: veils.Way, first: int, behind: int) -> bool:
        """Characters that only sound alike: many ordinary words do, so a term says that it may be heard at all, and
        what must stand nearby if it is short."""
        term, count = self.matcher.terms[spoken.number], len(spoken.syllables)
        if term.sound != "near":
            return False
        if count >= 4 or (count == 3 and way.same > 0):
            return True
        near = around(self.text, first, behind, self.shades.fold)
        return any(near.has(word) for word in term.hear)

    def _counts(self, number: int) -> bool:
        on = self.matcher.terms[number].on or self.matcher.topics[number].on
        return self.surface in on

    def trail(self, shade: Shade) -> Trail:
        found = self._trails.get(id(shade))
        if found is None:
            found = self._trails[id(shade)] = Trail(self.text, shade)
        return found

    def _keep(
        self, number: int, layer: Layer, first: int, behind: int, *, is_veiled: bool, is_homophone: bool = False
    ) -> None:
        term = self.matcher.terms[number]
        known = self._found.get((number, first))
        if (known and known.end >= behind) or (term.is_veiled_only and not is_veiled):
            return
        if (term.unless or term.needs) and not self._context_allows(term, first, behind):
            return
        self._found[number, first] = Hit(
            self.matcher.topics[number], term, layer, first, behind, is_veiled, is_homophone
        )

    def _context_allows(self, term: Term, first: int, behind: int) -> bool:
        """Whether what stands around does not excuse the term, and what it needs is there."""
        near = around(self.text, first, behind, self.shades.fold)
        if any(near.excused_by(word) for word in term.unless):
            return False
        return not term.needs or any(near.has(word) for word in term.needs)
