"""What a message is made of: the same words in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """A message in both languages."""

    title_en: str
    title_zh: str
    text_en: str
    text_zh: str

    def filled(self, **values: str) -> "Words":
        filled = [each.format_map(values) for each in (self.title_en, self.title_zh, self.text_en, self.text_zh)]
        return Words(*filled)
