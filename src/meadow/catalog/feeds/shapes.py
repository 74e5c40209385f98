"""What passes through the readers and writers of product files: entries of a file, drafts of products, faults of rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from meadow.kernel.errors import Refusal


class Fault(NamedTuple):
    """What is wrong with one row; the code's sentence is in rules.REFUSALS."""

    row: int
    field: str
    code: str
    params: Mapping[str, Any]

    @classmethod
    def of(cls, row: int, name: str, refusal: Refusal) -> "Fault":
        return cls(row, name, refusal.code, refusal.params)


class Picture(NamedTuple):
    url: str
    alt: str = ""
    position: int | None = None


class ProductPart(NamedTuple):
    """What a row says about the product as a whole."""

    title: str
    description: str = ""
    vendor: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    option_names: tuple[str, ...] = ()
    state: str = "on_sale"
    source_url: str = ""


class SkuPart(NamedTuple):
    """What a row says about one SKU; left is None where the stock is not counted.

    choice holds (option name, value); a nameless value belongs to the product's option at its place.
    """

    code: str
    barcode: str
    choice: tuple[tuple[str, str], ...]
    price_minor: int
    compare_at_minor: int | None
    left: int | None
    is_gift: bool
    weight_grams: int | None
    image_url: str


class Entry(NamedTuple):
    """One row of a file; group names the product it belongs to, also another name that other rows may use for it.

    A part that has a fault is left out.
    """

    row: int
    group: str
    product: ProductPart | None
    sku: SkuPart | None
    pictures: tuple[Picture, ...]
    faults: tuple[Fault, ...]
    also: str = ""


class DraftSku(NamedTuple):
    row: int
    code: str
    barcode: str
    option1: str
    option2: str
    option3: str
    price_minor: int
    compare_at_minor: int | None
    left: int | None
    is_gift: bool
    weight_grams: int | None
    image_url: str


class Draft(NamedTuple):
    """A product as a file states it.  is_whole: no row of it was refused, so what it leaves out is gone."""

    row: int
    handle: str
    title: str
    description: str
    vendor: str
    category: str
    tags: tuple[str, ...]
    options: tuple[str, ...]
    state: str
    source_url: str
    skus: tuple[DraftSku, ...]
    pictures: tuple[Picture, ...]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """What a reader must know of the shop: its currency, and the moment at which dated sale prices are judged."""

    currency: str
    now: datetime


class SoldSku(NamedTuple):
    """A SKU as it is written out; feed_id tells it apart in a feed that needs a name for every item."""

    code: str
    barcode: str
    choice: tuple[str, ...]
    price_minor: int
    compare_at_minor: int | None
    left: int | None
    is_gift: bool
    weight_grams: int | None
    image_url: str
    feed_id: str


class SoldProduct(NamedTuple):
    """A product as it is written out; link is its page here."""

    handle: str
    title: str
    description: str
    vendor: str
    category: str
    tags: tuple[str, ...]
    options: tuple[str, ...]
    state: str
    link: str
    skus: tuple[SoldSku, ...]
    pictures: tuple[Picture, ...]
