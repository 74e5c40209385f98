"""How Chinese characters are read: their syllables without tones, from a table that ships with the rules."""

from functools import cache, lru_cache
from pathlib import Path

PACKS = Path(__file__).resolve().parents[1] / "packs"


@cache
def readings() -> dict[str, tuple[str, ...]]:
    """Character -> its syllables, the usual one first.  Simplified characters only: texts are simplified before."""
    usual: dict[str, str] = {}
    others: dict[str, list[str]] = {}
    for line in (PACKS / "sounds.tsv").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        syllable, first, rest = (*line.split("\t"), "", "")[:3]
        usual |= dict.fromkeys(first, syllable)
        for char in rest:
            others.setdefault(char, []).append(syllable)
    return {char: (syllable, *others.get(char, ())) for char, syllable in usual.items()}


@cache
def _syllables() -> frozenset[str]:
    return frozenset(syllable for read in readings().values() for syllable in read)


@lru_cache(maxsize=16_384)
def is_spoken(letters: str) -> bool:
    """Whether Latin letters can be read as Chinese syllables, or as the first letter of one."""
    if len(letters) == 1:
        return letters in "bpmfdtnlgkhjqxrzcsyw"
    known = _syllables()
    ends = {0}
    for end in range(1, len(letters) + 1):
        if any(letters[start:end] in known for start in ends if end - start <= 6):
            ends.add(end)
    return len(letters) in ends
