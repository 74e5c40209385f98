"""How the shopper of the tour reads a page: its form is found in the HTML and sent as a browser without script would."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from meadow.config.trouble import Trouble

# The landing's form carries the signed view under this name; following it is what makes a click.
NONCE = "v"


@dataclass
class Form:
    """A form of a page with its fields as they would be sent unchanged."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(told.get("action", ""))
            self.forms.append(self._open)
        elif tag == "input" and self._open is not None and told.get("name"):
            is_choice = told.get("type") in ("radio", "checkbox")
            if not is_choice or "checked" in told or told["name"] not in self._open.fields:
                self._open.fields[told["name"]] = told.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def buying_form(page: str) -> Form:
    """The form of a landing page that buys."""
    reader = _Forms()
    reader.feed(page)
    for form in reader.forms:
        if form.fields.get(NONCE) and "sku" in form.fields:
            return form
    raise Trouble("The landing page shows no form to buy with: look at what it says instead.")
