"""Are the translations ready?  Compiles them from the checkout, without the gettext programs."""

from __future__ import annotations

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE = Path(__file__).resolve().parents[1]


def compile_messages(source: Path = SOURCE) -> int:
    """Makes each `.mo` that is missing or older than its `.po`; how many were made."""
    made = 0
    for catalogue in sorted(source.rglob("locale/*/LC_MESSAGES/*.po")):
        compiled = catalogue.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime_ns >= catalogue.stat().st_mtime_ns:
            continue
        scratch = compiled.with_suffix(f".{os.getpid()}")
        with catalogue.open("rb") as read, scratch.open("wb") as write:
            write_mo(write, read_po(read, locale=catalogue.parts[-3]))
        # Renamed when whole: another process may be reading the old one now.
        scratch.replace(compiled)
        made += 1
    return made
