"""How the catalog's tests read a file without a database."""

import io
from datetime import UTC, datetime
from pathlib import Path

from meadow.catalog.feeds import Draft, Fault, Shelf, Source, Terms, assemble, entries_of, recognise

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIXTURES = Path(__file__).parent / "fixtures"


def read(content: bytes | str | Path, currency: str = "CNY") -> tuple[Source, dict[str, Draft], list[Fault]]:
    """(what kind it is, drafts by handle, faults) of a file."""
    if isinstance(content, Path):
        content = content.read_bytes()
    file = io.BytesIO(content.encode() if isinstance(content, str) else content)
    source = recognise(file)
    drafts: dict[str, Draft] = {}
    faults: list[Fault] = []
    with Shelf() as shelf:
        for _ in shelf.lay(entries_of(file, source, Terms(currency, NOW))):
            pass
        for group in shelf.groups():
            draft, found = assemble(group)
            faults += found
            if draft:
                drafts[draft.handle] = draft
    return source, drafts, faults


def told(faults: list[Fault]) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.field, fault.code) for fault in faults]
