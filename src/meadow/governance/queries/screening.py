"""What the packs that ship say of a text, without a database: for the command line and for measuring."""

from meadow.governance.rules.screening import TextHit, TextVerdict, build_screen
from meadow.governance.rules.surfaces import ALIASES, TextSurface, surface_of
from meadow.governance.rules.terms import shipped_packs

__all__ = ["SURFACE_NAMES", "TextHit", "TextVerdict", "screen_text", "surface_of"]

SURFACE_NAMES: tuple[str, ...] = (*ALIASES, *(surface.value for surface in TextSurface))


def screen_text(surface: TextSurface, text: str, *, category: str = "") -> TextVerdict:
    """The verdict by the production function, for a merchant without licences and terms within their budgets."""
    return build_screen(shipped_packs()).judge(surface, text, category=category)
