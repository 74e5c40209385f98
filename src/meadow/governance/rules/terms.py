"""What a term is: words with their scope, context, budget and sound, grouped in topics, read from packs as data."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any, Literal

from meadow.governance.rules.shadow import is_han, shades
from meadow.governance.rules.sounds import PACKS, readings
from meadow.governance.rules.surfaces import PUBLIC, TextSurface, surface_of

Verdict = Literal["allow", "warn", "review", "block"]
VERDICTS: tuple[Verdict, ...] = ("allow", "warn", "review", "block")
Strength = Literal["strong", "weak", "label"]
Sound = Literal["off", "mixed", "near"]

SHIPPED = ("global", "cn", "conduct")
# How many innocent texts in ten thousand a term may hit before its word alone blocks nobody any more.
BUDGETS: dict[Strength, int] = {"strong": 20, "weak": 100, "label": 10_000}
# A term longer than this is a sentence, and its readings would multiply.
LONGEST = 60
MOST_READINGS = 8
_HEARD_FROM = 3  # Chinese characters from which a term is also found by its sound alone

# Characters as they are written in two parts by those who hide them.
_SPLIT = {
    "信": "亻言", "付": "亻寸", "枪": "木仓", "赌": "贝者", "钱": "钅戋", "账": "贝长", "弹": "弓单", "妓": "女支", "烟": "火因",
    "炮": "火包", "银": "钅艮", "证": "讠正", "贷": "代贝", "转": "车专", "加": "力口", "码": "石马", "私": "禾厶", "刀": "刁丿",
    "博": "十尃", "货": "化贝", "购": "贝勾", "代": "亻弋", "理": "王里", "联": "耳关", "群": "君羊", "线": "纟戋",
}  # fmt: skip
# Names that everybody hides in the same ways, wherever they stand in a term.
_NICKNAMES = {
    "微信": ("v信", "vx", "wx", "薇信", "威信", "维信", "微x", "v❤"),
    "支付宝": ("zfb", "支付b", "z付宝"),
    "qq": ("扣扣", "q q", "企鹅"),
    "淘宝": ("tb", "桃宝"),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One word or phrase of a topic.

    unless: words that excuse it, around it if they contain it, nearby otherwise.  needs: it counts only with one of
    these nearby.  sound: whether it is also found by its reading, "mixed" with Latin letters or also in characters
    that only sound alike ("near"); a short one then takes one of `hear` nearby.  A word that begins with < or > stands
    directly before or after the term.  is_veiled_only: the plain word is innocent, its disguise is not.
    """

    text: str
    topic: str
    strength: Strength = "strong"
    unless: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    sound: Sound = "mixed"
    hear: tuple[str, ...] = ()
    is_veiled_only: bool = False
    aliases: tuple[str, ...] = ()
    on: frozenset[TextSurface] | None = None
    budget: int = 20

    @property
    def key(self) -> str:
        """What the term is called wherever it is counted."""
        return f"{self.topic}/{self.text}"


@dataclass(frozen=True, slots=True)
class Topic:
    """What a pack says of one kind of goods or conduct, and under which public rule."""

    pack: str
    version: int
    name: str
    rule_id: str
    title_en: str
    title_zh: str
    policy: Literal["forbidden", "licence", "age", "conduct"]
    strong_says: Verdict
    weak_says: Verdict
    on: frozenset[TextSurface]
    licences: tuple[str, ...] = ()
    age: int = 0
    regions: frozenset[str] = frozenset()  # where it holds; empty: everywhere
    names: tuple[str, ...] = ()  # how a category is called whose listings are such goods
    terms: tuple[Term, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.pack}.{self.name}"


@dataclass(frozen=True, slots=True)
class Pack:
    """A versioned set of topics; a changed text is a new version."""

    name: str
    version: int
    title_en: str
    title_zh: str
    topics: tuple[Topic, ...]
    digest: str

    @property
    def terms(self) -> tuple[Term, ...]:
        return tuple(term for topic in self.topics for term in topic.terms)


class PackError(ValueError):
    """Why a pack cannot be read, in words."""


@cache
def shipped_packs() -> tuple[Pack, ...]:
    """The packs that come with this release."""
    return tuple(read_pack((PACKS / f"{name}.toml").read_text("utf-8")) for name in SHIPPED)


def read_pack(text: str) -> Pack:
    """A pack from its TOML text.  Raises PackError."""
    try:
        data = tomllib.loads(text)
        name, version = str(data["pack"]), int(data["version"])
        words = {f"@{key}": tuple(value) for key, value in data.get("words", {}).items()}
        topics = tuple(_topic(name, version, given, words) for given in data["topic"])
        return Pack(name, version, data["title_en"], data["title_zh"], topics, sha256(text.encode()).hexdigest())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PackError(f"{type(error).__name__}: {error}") from error


def read_pack_file(path: Path) -> Pack:
    return read_pack(path.read_text("utf-8"))


def _topic(pack: str, version: int, given: Mapping[str, Any], words: Mapping[str, tuple[str, ...]]) -> Topic:
    name, policy = given["name"], given["policy"]
    known = {
        "name", "rule", "title_en", "title_zh", "policy", "strong_says", "weak_says", "on", "licences", "age", "regions",
        "names", "strong", "weak", "label", "unless", "needs", "sound",
    }  # fmt: skip
    if unknown := set(given) - known:
        raise PackError(f"topic {name}: unknown {', '.join(sorted(unknown))}")
    on = _surfaces(given["on"]) if "on" in given else _usual_surfaces(policy)
    terms = tuple(
        _term(f"{pack}.{name}", strength, entry, given, words)
        for strength in ("strong", "weak", "label")
        for entry in given.get(strength, ())
    )
    return Topic(
        pack, version, name, given["rule"], given["title_en"], given["title_zh"], policy,
        given.get("strong_says", "block"), given.get("weak_says", "review"), on, tuple(given.get("licences", ())),
        int(given.get("age", 0)), frozenset(given.get("regions", ())), tuple(given.get("names", ())), terms,
    )  # fmt: skip


def _term(
    topic: str,
    strength: Strength,
    entry: str | Mapping[str, Any],
    given: Mapping[str, Any],
    words: Mapping[str, tuple[str, ...]],
) -> Term:
    own: Mapping[str, Any] = {"t": entry} if isinstance(entry, str) else entry
    if unknown := set(own) - {"t", "unless", "needs", "sound", "hear", "veiled", "aka", "on", "budget"}:
        raise PackError(f"term {own.get('t')}: unknown {', '.join(sorted(unknown))}")
    text = own["t"]
    if not text.strip() or len(text) > LONGEST:
        raise PackError(f"a term has 1 to {LONGEST} characters, not {text!r}")
    return Term(
        text, topic, strength,
        unless=_words((*given.get("unless", ()), *own.get("unless", ())), words),
        needs=_words(own.get("needs", given.get("needs", ())), words),
        sound=own.get("sound", given.get("sound", "near" if sum(map(is_han, text)) >= _HEARD_FROM else "mixed")),
        hear=_words(own.get("hear", ()), words),
        is_veiled_only=bool(own.get("veiled", False)),
        aliases=tuple(own.get("aka", ())),
        on=_surfaces(own["on"]) if "on" in own else None,
        budget=int(own.get("budget", BUDGETS[strength])),
    )  # fmt: skip


def _words(given: Iterable[str], words: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Context words in the folded form in which they are looked for; @name stands for a list of the pack."""
    found: list[str] = []
    for word in given:
        found += words[word] if word.startswith("@") else (word,)
    fold = shades().fold
    return tuple(dict.fromkeys(fold.cast(word) for word in found))


def _surfaces(names: Iterable[str]) -> frozenset[TextSurface]:
    found = {name: surface_of(name) for name in names}
    if unknown := [name for name, surface in found.items() if surface is None]:
        raise PackError(f"no surface is called {', '.join(unknown)}")
    return frozenset(surface for surface in found.values() if surface)


def _usual_surfaces(policy: str) -> frozenset[TextSurface]:
    """Goods that need a licence are judged where they are sold; to praise a wine is no offence."""
    if policy in ("licence", "age"):
        return frozenset({TextSurface.LISTING, TextSurface.AD})
    return PUBLIC


def spellings(term: Term) -> list[tuple[str, bool]]:
    """How a term is written: plainly, by its other names, and with a character in two parts (the latter is a veil)."""
    found = {term.text: False} | dict.fromkeys(term.aliases, True)
    for place, char in enumerate(term.text):
        if char in _SPLIT and len(term.text) > 1:
            found.setdefault(term.text[:place] + _SPLIT[char] + term.text[place + 1 :], True)
    for name, others in _NICKNAMES.items():
        if name in term.text and name != term.text:
            found |= {
                term.text.replace(name, other): True for other in others if term.text.replace(name, other) not in found
            }
    return list(found.items())


def voicings(term: Term) -> list[tuple[str, ...]]:
    """The syllables by which a term may be spoken; a long term also with one syllable cut to its first letter."""
    text = shades().fold.cast(term.text)
    text = "".join(char for char in text if char.isalnum())
    count = sum(map(is_han, text))
    if term.sound == "off" or count < 2:
        return []
    read = readings()
    choices = [read.get(char, (char,)) for char in text]
    if len(choices) > 1 and sum(len(choice) > 1 for choice in choices) > 3:
        choices = [choice[:1] for choice in choices]
    found = list(product(*choices))[:MOST_READINGS]
    if count >= 3:
        usual = found[0]
        for place, char in enumerate(text):
            if is_han(char) and len(usual[place]) > 1:
                found.append((*usual[:place], usual[place][0], *usual[place + 1 :]))
    return list(dict.fromkeys(found))
