"""Which invariants the installation keeps: those of every context, by name."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from django.conf import settings

from meadow.kernel import db


def named() -> dict[str, Callable[[], int]]:
    """Every invariant: name to a function that counts violations."""
    found: dict[str, Callable[[], int]] = {}
    for context in settings.CONTEXTS:
        if find_spec(f"meadow.{context}.queries"):
            found |= getattr(import_module(f"meadow.{context}.queries"), "INVARIANTS", {})
    return found


def run() -> dict[str, int]:
    """Counts the violations of every invariant; all zero on a sound installation.

    All see one moment: what moves between two statements of a check would look like a violation on a busy installation.
    """
    with db.one_moment():
        return {name: check() for name, check in sorted(named().items())}
