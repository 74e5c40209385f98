"""How Chinese characters are read: their syllables without tones, from a table that ships with the rules."""

from functools import cache
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
