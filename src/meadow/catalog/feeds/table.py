"""How a delimited file becomes records: which delimiter, which columns, one record at a time in bounded memory."""

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from meadow.catalog import rules
from meadow.catalog.feeds.cells import unshielded
from meadow.catalog.feeds.shapes import Fault
from meadow.kernel.errors import Refusal

DELIMITERS = (",", "\t", ";", "|")
# One unclosed quote would otherwise swallow the rest of the file into one cell.
csv.field_size_limit(rules.LIMITS["import_cell_chars"])


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its number as a spreadsheet shows it, and its cells by the names of the format's columns."""

    row: int
    cells: Mapping[str, str]
    is_too_wide: bool

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def any(self, *columns: str) -> bool:
        return any(self.cells.get(column) for column in columns)


def head_rows(text: str, delimiter: str, most: int = 2) -> list[list[str]]:
    """The first records of a text under a delimiter; none if it cannot be read so."""
    found: list[list[str]] = []
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(cell.strip() for cell in cells):
                found.append(cells)
            if len(found) == most:
                break
    except csv.Error:
        pass
    return found


def is_separator_line(cells: Sequence[str]) -> bool:
    """Excel writes "sep=;" as a first line."""
    return bool(cells) and cells[0].strip().lower().startswith("sep=")


def plain_header(cell: str) -> str:
    """A column's title in lower case with single spaces, in which all spellings are compared."""
    text = unicodedata.normalize("NFKC", cell).replace("\ufeff", "").replace("_", " ").lower()
    return " ".join(text.split())


def columns_of(header: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> dict[int, str]:
    """Which cell holds which column of a format; the first of two alike counts."""
    names = {alias: column for column, spellings in aliases.items() for alias in spellings}
    columns: dict[int, str] = {}
    for place, cell in enumerate(header):
        column = names.get(plain_header(cell))
        if column is not None and column not in columns.values():
            columns[place] = column
    return columns


def records(file: BinaryIO, encoding: str, delimiter: str, aliases: Mapping[str, Sequence[str]]) -> Iterator[Record]:
    """The records of a file from its start.  Refuses: import_unreadable."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    columns: dict[int, str] | None = None
    width, row = 0, 0
    try:
        for row, cells in enumerate(csv.reader(text, delimiter=delimiter), start=1):
            if len(cells) > rules.LIMITS["import_columns"]:
                raise Refusal("import_unreadable", why=f"row {row} has {len(cells)} cells")
            if not any(cells) or not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                if not is_separator_line(cells):
                    columns, width = columns_of(cells, aliases), len(cells)
                continue
            too_wide = len(cells) > width and any(cell.strip() for cell in cells[width:])
            filled = {
                name: unshielded(cell)
                for place, name in columns.items()
                if place < len(cells) and (cell := cells[place].strip())
            }
            yield Record(row, filled, too_wide)
    except csv.Error as error:
        raise Refusal("import_unreadable", why=f"row {row + 1}: {error}") from None
    finally:
        text.detach()


def width_faults(record: Record) -> list[Fault]:
    return [Fault(record.row, "", "row_too_wide", {})] if record.is_too_wide else []
