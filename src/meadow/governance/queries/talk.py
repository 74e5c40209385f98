"""What the words of a message give away: a link, marketing in a service message."""

from meadow.governance.rules import links_in_text
from meadow.governance.rules.screening import build_screen
from meadow.governance.rules.surfaces import TextSurface
from meadow.governance.rules.terms import shipped_packs


def sells(text: str) -> bool:
    """Whether the words of a service message sell something: a coupon, a tempting price, a link."""
    found = build_screen(shipped_packs()).judge(TextSurface.TEMPLATE, text)
    return found.verdict != "allow" or has_link(text)


def has_link(text: str) -> bool:
    """Whether a text holds a link, however it is written."""
    return bool(links_in_text(text))
