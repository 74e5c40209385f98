"""How an item of a Google Merchant feed is read, whether it came as XML (RSS 2.0 or Atom) or as a table (TSV)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from meadow.catalog import rules
from meadow.catalog.feeds import cells, html
from meadow.catalog.feeds.reading import Faults
from meadow.catalog.feeds.shapes import Entry, Fault, Picture, ProductPart, SkuPart, Terms
from meadow.catalog.feeds.table import Record, width_faults

GOOGLE = "http://base.google.com/ns/1.0"
XML_NAME, TABLE_NAME = "google_xml", "google_tsv"
ALIASES: dict[str, tuple[str, ...]] = {
    column: (column.replace("_", " "), f"g:{column.replace('_', ' ')}", *more)
    for column, more in {
        "id": ("item id",),
        "title": (),
        "description": (),
        "link": (),
        "image_link": (),
        "additional_image_link": (),
        "availability": (),
        "price": (),
        "sale_price": (),
        "sale_price_effective_date": (),
        "brand": (),
        "gtin": (),
        "product_type": (),
        "google_product_category": (),
        "item_group_id": (),
        "color": ("colour",),
        "size": (),
        "material": (),
        "pattern": (),
        "shipping_weight": (),
        "sell_on_google_quantity": ("quantity", "quantity to sell on facebook", "inventory"),
        "product_detail": (),
    }.items()
}
# How this house writes option names that the format has no attribute for: a product detail of this section.
OPTION_SECTION = "Option"
CHOICES = ("color", "size", "material", "pattern")
MOST_EXTRA_PICTURES = 10


class Item(NamedTuple):
    """An item of either form: single values, links, and product details (section, name, value)."""

    row: int
    values: Mapping[str, str]
    extra_pictures: Sequence[str]
    details: Sequence[tuple[str, str, str]]
    faults: Sequence[Fault] = ()


def items_of_table(records: Iterable[Record]) -> Iterator[Item]:
    """The rows of a table; links and details are lists within one cell."""
    for record in records:
        yield Item(
            record.row,
            record.cells,
            cells.listed(record["additional_image_link"]),
            [_detail(part) for part in cells.parts(record["product_detail"], ",")],
            width_faults(record),
        )


def _detail(part: str) -> tuple[str, str, str]:
    section, name, value = (*(cells.unescaped(text) for text in cells.parts(part, ":", 2)), "", "")[:3]
    return section, name, value


def entries(items: Iterable[Item], terms: Terms) -> Iterator[Entry]:
    """The items of a feed; those of one item_group_id are the SKUs of one product."""
    for item in items:
        faults = Faults(item.row, item.faults)
        named = item.values.get("item_group_id") or item.values.get("id") or item.values.get("title", "")
        group = rules.handle_from(named)
        if not group:
            faults.add("id", "handle_missing")
        product = _product(item.values, faults)
        sku = _sku(item, terms, faults)
        pictures: tuple[Picture, ...] = faults.picture("image_link", item.values.get("image_link", ""))
        for url in item.extra_pictures:
            pictures += faults.picture("additional_image_link", url)
        yield faults.entry(group, product, sku, pictures)


def _product(values: Mapping[str, str], faults: Faults) -> ProductPart | None:
    sound = len(faults.found)
    title = faults.line("title", values.get("title", ""))
    if not title:
        faults.add("title", "title_missing")
    part = ProductPart(
        title=title,
        description=faults.take("description", html.text_of_either, values.get("description", ""), ""),
        vendor=faults.line("brand", values.get("brand", "")),
        category=faults.line("product_type", values.get("product_type") or values.get("google_product_category", "")),
        source_url=faults.address("link", values.get("link", "")),
    )
    return part if len(faults.found) == sound else None


def _sku(item: Item, terms: Terms, faults: Faults) -> SkuPart:
    values = item.values
    regular = faults.price("price", values.get("price", ""), terms)
    sale = faults.former_price("sale_price", values.get("sale_price", ""), terms)
    price, former = regular, None
    if sale and 0 < sale < regular and _is_on(values.get("sale_price_effective_date", ""), terms.now):
        price, former = sale, regular
    return SkuPart(
        code=faults.line("id", values.get("id", "")),
        barcode=faults.line("gtin", values.get("gtin", "")),
        choice=_choice(item, faults),
        price_minor=price,
        compare_at_minor=rules.worthwhile_compare_at(price, former),
        left=_left(values, faults),
        is_gift=False,
        weight_grams=faults.take("shipping_weight", cells.grams, values.get("shipping_weight", ""), None),
        image_url=values.get("image_link", ""),
    )


def _choice(item: Item, faults: Faults) -> tuple[tuple[str, str], ...]:
    own = [(name, value) for section, name, value in item.details if section == OPTION_SECTION and name]
    if not own and item.values.get("item_group_id"):
        own = [(name.capitalize(), item.values[name]) for name in CHOICES if item.values.get(name)]
    return tuple((faults.line("product_detail", name), faults.line(name.lower(), value)) for name, value in own)


def _is_on(span: str, now: datetime) -> bool:
    """Whether a span "from/to" of ISO moments holds now; none given holds always, an unreadable one never."""
    if not span:
        return True
    try:
        start, end = (datetime.fromisoformat(part.strip()) for part in span.split("/"))
        return start <= now <= end
    except (ValueError, TypeError):
        return False


def _left(values: Mapping[str, str], faults: Faults) -> int | None:
    """Without a count, what is in stock is not counted; what must be waited for is not for sale yet."""
    availability = values.get("availability", "").lower().replace("_", " ").strip()
    if availability not in {"", "in stock", "available for order", "instock"}:
        return 0
    quantity = values.get("sell_on_google_quantity", "")
    return faults.take("sell_on_google_quantity", cells.stock, quantity, 0) if quantity else None
