"""How a row's faults are gathered while it is read, so that one report names them all."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from meadow.catalog import rules
from meadow.catalog.feeds import cells
from meadow.catalog.feeds.shapes import Entry, Fault, Picture, ProductPart, SkuPart, Terms
from meadow.kernel.errors import Refusal

T = TypeVar("T")


class Faults:
    """The faults of one row; each reader returns something harmless after a fault, so that reading goes on."""

    def __init__(self, row: int, found: Sequence[Fault] = ()) -> None:
        self.row = row
        self.found = list(found)

    def add(self, column: str, code: str, **params: Any) -> None:
        self.found.append(Fault(self.row, column, code, params))

    def take(self, column: str, read: Callable[[str], T], cell: str, otherwise: T) -> T:
        """What `read` makes of a cell; what it refuses becomes a fault of the column."""
        try:
            return read(cell)
        except Refusal as refusal:
            self.found.append(Fault(self.row, column, refusal.code, refusal.params))
            return otherwise

    def line(self, column: str, cell: str) -> str:
        return self.take(column, cells.line, cell, "") if cell else ""

    def price(self, column: str, cell: str, terms: Terms, *, is_gift: bool = False) -> int:
        """A price that may be, in minor units."""

        def read(text: str) -> int:
            minor = rules.price_from_text(text, terms.currency)
            if fault := rules.price_fault(minor, is_gift=is_gift):
                raise fault
            return minor

        return self.take(column, read, cell, 0)

    def former_price(self, column: str, cell: str, terms: Terms) -> int | None:
        """An optional price; zero says that there is none."""
        if not cell:
            return None
        return self.take(column, lambda text: rules.price_from_text(text, terms.currency), cell, 0) or None

    def picture(self, column: str, cell: str, alt: str = "", position: int | None = None) -> tuple[Picture, ...]:
        """One picture, or none for an empty cell."""
        url = self.address(column, cell)
        return (Picture(url, rules.tidy_line(alt)[: rules.LIMITS["url_chars"]], position),) if url else ()

    def address(self, column: str, cell: str) -> str:
        """An optional http(s) address."""
        if cell and not rules.is_web_address(cell):
            self.add(column, "url_invalid")
            return ""
        return cell

    def entry(
        self, group: str, product: ProductPart | None, sku: SkuPart | None, pictures: tuple[Picture, ...]
    ) -> Entry:
        """The row as far as it holds: with a fault its SKU and pictures stay out, its product's text may stay."""
        if self.found:
            sku, pictures = None, ()
        return Entry(self.row, group, product, sku, pictures, tuple(self.found))
