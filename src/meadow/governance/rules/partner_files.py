"""Which partners a file names: rows of name, host and product-link pattern, as operators keep them in a spreadsheet."""

import csv
from collections.abc import Iterable

from meadow.governance.rules.links import PartnerPages
from meadow.governance.rules.patterns import PatternError, clean_host, compile_pattern

_HEAD = "name"


class PartnerFileError(ValueError):
    """What is wrong with a file of partners, in one sentence that names the line."""


def read_partner_file(lines: Iterable[str]) -> tuple[PartnerPages, ...]:
    """The partners of a CSV file: name, host, product-link pattern; one row for each pattern, a head line if you like.

    A pattern may leave its host out: /item/{digits} stands for that page of the row's host, and * for any one part.
    Raises PartnerFileError.
    """
    rows = csv.reader(lines)
    found: dict[str, tuple[list[str], list[str]]] = {}
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not any(cells) or (rows.line_num == 1 and cells[0].lower() == _HEAD):
                continue
            if len(cells) != 3 or not all(cells):
                raise PartnerFileError(f"Line {rows.line_num} needs three cells: name, host, product-link pattern.")
            name, host, pattern = cells
            try:
                host, pattern = clean_host(host.removeprefix("*.")), _pattern(host, pattern)
                page = compile_pattern(pattern)
                if page.host != host:
                    raise PatternError("its host is not the row's")
            except PatternError as error:
                raise PartnerFileError(f"Line {rows.line_num}, {pattern!r}: {error}.") from None
            hosts, patterns = found.setdefault(name, ([], []))
            hosts.append(host)
            patterns.append(pattern)
    except csv.Error as error:
        raise PartnerFileError(f"Line {rows.line_num} is no CSV: {error}.") from None
    return tuple(
        PartnerPages(name, name, tuple(dict.fromkeys(hosts)), tuple(patterns))
        for name, (hosts, patterns) in found.items()
    )


def _pattern(host: str, pattern: str) -> str:
    if pattern.startswith("/") and not pattern.startswith("//"):
        pattern = host + pattern
    head, slash, rest = pattern.removeprefix("https://").removeprefix("http://").partition("/")
    return head + slash + rest.replace("*", "{slug}")
