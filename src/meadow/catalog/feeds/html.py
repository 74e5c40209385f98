"""How a description crosses between a file's HTML and our plain text, without loss there and back."""

import re
from html import escape, unescape

from meadow.catalog import rules
from meadow.kernel.errors import Refusal

_BLOCKS = {"p", "div", "ul", "ol", "li", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "section"}
_PARAGRAPHS = {"p", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6"}
_SILENT = {"script", "style", "template", "noscript", "iframe", "object", "head", "title"}
_MARKUP = re.compile(r"</?[a-z][a-z0-9]{0,10}(?:\s[^<>]*+)?/?>|<!--|&(?:#\d+|#x[0-9a-f]+|[a-z][a-z0-9]{1,30});", re.I)
# Nothing here looks past the next "<", or twice at the same place, so hostile text costs no more than other text:
# the parsers of the standard library take quadratic time over a page of unclosed comments.
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(?P<end>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9]*+)(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*+>"
    r"|<[!?/][^<>]*+>"
    r"|(?P<reference>&#?[a-zA-Z0-9]{1,32};)"
    r"|(?P<text>[^<&]++|[<&])",
    re.DOTALL,
)


def text_of_html(html: str) -> str:
    """The plain text that a browser would show; scripts, styles and tags are gone.  Refuses: text_too_long."""
    if not _MARKUP.search(html):
        return _fitting(html.replace("\n", " ").replace("\r", " "))
    return _fitting("".join(_shown(html)))


def text_of_either(text: str) -> str:
    """The same for a format that allows plain text and HTML: without markup, line ends are meant.

    Refuses: text_too_long.
    """
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


def _shown(html: str) -> list[str]:
    """What is shown, in pieces; white space in the source counts as one space, blocks stand on lines of their own."""
    parts: list[str] = []
    silent = 0
    for token in _TOKEN.finditer(html):
        tag = (token["tag"] or "").lower()
        if tag in _SILENT:
            silent = max(0, silent - 1) if token["end"] else silent + 1
        elif silent:
            continue
        elif tag:
            _break(parts, tag, is_end=bool(token["end"]))
        elif token["reference"]:
            parts.append(unescape(token["reference"]))
        elif token["text"]:
            text = " ".join(f".{token['text']}.".split())[1:-1]
            if text.strip() or (parts and parts[-1] != "\n"):
                parts.append(text)
    return parts


def _break(parts: list[str], tag: str, *, is_end: bool) -> None:
    """Every <br> is a new line; paragraphs want a blank line between them, other blocks only a new one."""
    if tag == "br":
        parts += [] if is_end else ["\n"]
    elif tag in _BLOCKS:
        ends = 0
        for part in reversed(parts[-2:]):
            if part != "\n":
                break
            ends += 1
        parts += ["\n"] * ((2 if tag in _PARAGRAPHS else 1) - ends)
