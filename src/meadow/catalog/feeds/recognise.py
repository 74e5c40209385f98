"""Which kind of product file this is, found out by its content and never by its name."""

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple

from meadow.catalog.feeds import google, shopify, woocommerce
from meadow.catalog.feeds.encoding import BLOCK, encoding_of
from meadow.catalog.feeds.shapes import Entry, Terms
from meadow.catalog.feeds.table import DELIMITERS, columns_of, head_rows, is_separator_line, records
from meadow.catalog.feeds.xml import items_of_xml
from meadow.kernel.errors import Refusal


class Source(NamedTuple):
    format: str
    encoding: str
    delimiter: str = ""


_TABLES: dict[str, tuple[Mapping[str, Sequence[str]], Sequence[frozenset[str]]]] = {
    shopify.NAME: (shopify.ALIASES, (frozenset({"title", "handle"}), frozenset({"title", "price"}))),
    woocommerce.NAME: (woocommerce.ALIASES, (frozenset({"title", "price"}), frozenset({"title", "type", "code"}))),
    google.TABLE_NAME: (google.ALIASES, (frozenset({"id", "title", "price"}),)),
}


def recognise(file: BinaryIO) -> Source:
    """The kind of a seekable file.  Refuses: import_format_unknown, import_unreadable."""
    encoding = encoding_of(file)
    file.seek(0)
    head = file.read(BLOCK).decode(encoding, errors="ignore").lstrip("\ufeff")
    file.seek(0)
    if not head.strip():
        raise Refusal("import_unreadable", why="it is empty")
    if head.lstrip().startswith("<"):
        if any(mark in head for mark in ("<rss", "<feed", "<rdf", "<channel", ":feed", "<!DOCTYPE", "<!ENTITY")):
            return Source(google.XML_NAME, encoding)
        raise Refusal("import_format_unknown")
    best: tuple[int, Source] | None = None
    for delimiter in DELIMITERS:
        found = head_rows(head, delimiter)
        header = next((cells for cells in found if not is_separator_line(cells)), [])
        for name, (aliases, anchors) in _TABLES.items():
            known = set(columns_of(header, aliases).values())
            if any(anchor <= known for anchor in anchors) and (best is None or len(known) > best[0]):
                best = (len(known), Source(name, encoding, delimiter))
    if best is None:
        raise Refusal("import_format_unknown")
    return best[1]


def entries_of(file: BinaryIO, source: Source, terms: Terms) -> Iterator[Entry]:
    """The rows of a recognised file, from its start.  Refuses: import_unreadable, import_xml_forbidden."""
    if source.format == google.XML_NAME:
        return google.entries(items_of_xml(file, source.encoding), terms)
    aliases = _TABLES[source.format][0]
    found = records(file, source.encoding, source.delimiter, aliases)
    if source.format == shopify.NAME:
        return shopify.entries(found, terms)
    if source.format == woocommerce.NAME:
        return woocommerce.entries(found, terms)
    return google.entries(google.items_of_table(found), terms)
