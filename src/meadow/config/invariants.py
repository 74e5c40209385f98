"""Which invariants the installation keeps: those of every context, by name."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from django.conf import settings


def named() -> dict[str, Callable[[], int]]:
    """Every invariant: name to a function that counts violations."""
    found: dict[str, Callable[[], int]] = {}
    for context in settings.CONTEXTS:
        if find_spec(f"meadow.{context}.queries"):
            found |= getattr(import_module(f"meadow.{context}.queries"), "INVARIANTS", {})
    return found


def run() -> dict[str, int]:
    """Counts the violations of every invariant; all zero on a sound installation."""
    return {name: check() for name, check in sorted(named().items())}
