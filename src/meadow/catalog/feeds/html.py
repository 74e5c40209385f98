"""How a description crosses between a file's HTML and our plain text, without loss there and back."""

import re
from html import escape, unescape
from html.parser import HTMLParser

from meadow.catalog import rules
from meadow.kernel.errors import Refusal

_BLOCKS = {"p", "div", "ul", "ol", "li", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "section"}
_PARAGRAPHS = {"p", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6"}
_SILENT = {"script", "style", "template", "noscript", "iframe", "object", "head", "title"}
_MARKUP = re.compile(
    r"</?(?:[a-z][a-z0-9]{0,10})(?:\s[^<>]*)?/?>|<!--|&(?:#\d+|#x[0-9a-f]+|[a-z][a-z0-9]{1,30});", re.I
)


def text_of_html(html: str) -> str:
    """The plain text that a browser would show; scripts, styles and tags are gone.  Refuses: text_too_long."""
    if not _MARKUP.search(html):
        return _fitting(html.replace("\n", " ").replace("\r", " "))
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return _fitting("".join(reader.parts))


def text_of_either(text: str) -> str:
    """The same for a format that allows plain text and HTML: without markup, line ends are meant.  Refuses: text_too_long."""
    return text_of_html(text) if _MARKUP.search(text) else _fitting(text)


def html_of_text(text: str) -> str:
    """HTML that `text_of_html` reads back as this text."""
    return escape(text, quote=False).replace("\n", "<br>\n")


def either_of_text(text: str) -> str:
    """What `text_of_either` reads back as this text: the text itself, unless it looks like markup."""
    return html_of_text(text) if _MARKUP.search(text) else text


def _fitting(text: str) -> str:
    tidy = rules.tidy_text(text)
    if len(tidy) > rules.LIMITS["description_chars"]:
        raise Refusal("text_too_long", limit=rules.LIMITS["description_chars"])
    return tidy


class _Reader(HTMLParser):
    """Collects text; white space in the source counts as one space, and blocks begin new lines."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        else:
            self._break(tag)

    def handle_startendtag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag != "br":
            self._break(tag)

    def _break(self, tag: str) -> None:
        """Every <br> is a new line; blocks want to stand on lines of their own, paragraphs with a blank one between."""
        if self._silent:
            return
        if tag == "br":
            self.parts.append("\n")
        elif tag in _BLOCKS:
            ends = 0
            for part in reversed(self.parts[-2:]):
                if part != "\n":
                    break
                ends += 1
            self.parts += ["\n"] * ((2 if tag in _PARAGRAPHS else 1) - ends)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            text = " ".join(f".{data}.".split())[1:-1]
            if text.strip() or (self.parts and self.parts[-1] != "\n"):
                self.parts.append(text)

    def handle_entityref(self, name: str) -> None:
        self._show(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._show(f"&#{name};")

    def _show(self, reference: str) -> None:
        if not self._silent:
            self.parts.append(unescape(reference))
