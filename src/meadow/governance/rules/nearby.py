"""What stands around a find: the words that excuse a term, and those without which it does not count."""

from dataclasses import dataclass

from meadow.governance.rules.shadow import Shade

NEARBY = 16  # so many characters on each side are context
_ADJACENT = 3  # "<word" and ">word" may have so many characters between them and the term


@dataclass(frozen=True, slots=True)
class Around:
    """A find in its folded context."""

    before: str
    own: str
    after: str

    def excused_by(self, word: str) -> bool:
        """A word that contains the term excuses it only where it covers it: no `大麻烦` makes `大麻` harmless."""
        if word[0] in "<>":
            return self.has(word)
        around, place = self.before + self.own + self.after, 0
        if self.own not in word:
            return word in around
        begin, end = len(self.before), len(self.before) + len(self.own)
        while (place := around.find(word, place)) >= 0:
            if place <= begin and place + len(word) >= end:
                return True
            place += 1
        return False

    def has(self, word: str) -> bool:
        """Whether a word stands nearby: anywhere, or directly before (<) or after (>) the find."""
        if word[0] == "<":
            return word[1:] in self.before[-len(word) + 1 - _ADJACENT :]
        if word[0] == ">":
            return word[1:] in self.after[: len(word) - 1 + _ADJACENT]
        return word in self.before or word in self.after


def around(text: str, first: int, behind: int, fold: Shade) -> Around:
    return Around(
        fold.cast(text[max(0, first - NEARBY) : first]),
        fold.cast(text[first:behind]),
        fold.cast(text[behind : behind + NEARBY]),
    )
