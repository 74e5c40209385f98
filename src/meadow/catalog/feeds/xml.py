"""How the items of a feed in XML are read: pushed through a parser in pieces, without entities, in bounded memory."""

from collections.abc import Iterator
from typing import BinaryIO
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler, feature_namespaces
from xml.sax.xmlreader import AttributesNSImpl

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import create_parser

from meadow.catalog import rules
from meadow.catalog.feeds.encoding import texts
from meadow.catalog.feeds.google import ALIASES, GOOGLE, Item
from meadow.kernel.errors import Refusal

_ITEMS = {"item", "entry"}
_DETAIL = ("section_name", "attribute_name", "attribute_value")
_DEPTH = 40


def items_of_xml(file: BinaryIO, encoding: str) -> Iterator[Item]:
    """The items of an RSS 2.0 or Atom feed.  Refuses: import_unreadable, import_xml_forbidden."""
    parser = create_parser(forbid_dtd=True, forbid_entities=True, forbid_external=True)
    parser.setFeature(feature_namespaces, True)
    handler = _Items()
    parser.setContentHandler(handler)
    try:
        for text in texts(file, encoding):
            # What the file declares as its encoding is void here: the text is decoded already.
            parser.feed(text)
            yield from handler.taken()
        parser.close()
    except DefusedXmlException:
        raise Refusal("import_xml_forbidden") from None
    except SAXParseException as error:
        why = f"line {error.getLineNumber()}: {error.getMessage()}"
        raise Refusal("import_unreadable", why=why) from None
    yield from handler.taken()


class _Items(ContentHandler):
    """Keeps the item that is open and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self._done: list[Item] = []
        self._path: list[str] = []
        self._item_depth = 0
        self._row = 0
        self._text: list[str] = []
        self._chars = 0
        self._values: dict[str, str] = {}
        self._pictures: list[str] = []
        self._details: list[tuple[str, str, str]] = []
        self._detail: dict[str, str] = {}

    def taken(self) -> list[Item]:
        done, self._done = self._done, []
        return done

    def startElementNS(self, name: tuple[str | None, str], _qname: str | None, attrs: AttributesNSImpl) -> None:
        self._path.append(name[1])
        if len(self._path) > _DEPTH:
            raise Refusal("import_unreadable", why="its elements are nested too deep")
        self._text, self._chars = [], 0
        if not self._item_depth:
            if name[1] in _ITEMS:
                self._item_depth, self._row = len(self._path), self._row + 1
                self._values, self._pictures, self._details = {}, [], []
        elif name[1] == "link" and (href := attrs.get((None, "href"))):
            self._values.setdefault("link", href.strip())
        elif name[1] == "product_detail":
            self._detail = {}

    def characters(self, content: str) -> None:
        if not self._item_depth:
            return
        self._chars += len(content)
        if self._chars > rules.LIMITS["import_cell_chars"]:
            raise Refusal("import_unreadable", why=f"item {self._row} holds a text that is too long")
        self._text.append(content)

    def endElementNS(self, name: tuple[str | None, str], _qname: str | None) -> None:
        depth = len(self._path)
        self._path.pop()
        if not self._item_depth:
            return
        text, self._text, self._chars = "".join(self._text).strip(), [], 0
        if depth == self._item_depth:
            self._item_depth = 0
            self._done.append(Item(self._row, self._values, self._pictures, self._details))
        elif depth == self._item_depth + 1:
            self._field(name, text)
        elif name[1] in _DETAIL:
            self._detail[name[1]] = text

    def _field(self, name: tuple[str | None, str], text: str) -> None:
        """An item's own field; one in Google's name space beats a plain one such as the title of RSS."""
        space, column = name
        if column == "product_detail":
            section, attribute, value = (self._detail.get(part, "") for part in _DETAIL)
            if len(self._details) < rules.LIMITS["options"] * 20:
                self._details.append((section, attribute, value))
        elif column == "additional_image_link" and text:
            if len(self._pictures) < rules.LIMITS["images"]:
                self._pictures.append(text)
        elif text:
            column = _COLUMNS.get(column.replace("_", " ").lower(), "")
            if column and (space == GOOGLE or column not in self._values):
                self._values[column] = text


_COLUMNS = {spelling: column for column, spellings in ALIASES.items() for spelling in spellings} | {
    "summary": "description",
    "content": "description",
}
