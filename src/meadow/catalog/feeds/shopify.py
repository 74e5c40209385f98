"""How a Shopify product CSV is read, with its older and its newer column titles."""

from collections.abc import Iterable, Iterator

from meadow.catalog import rules
from meadow.catalog.feeds import cells, html
from meadow.catalog.feeds.reading import Faults
from meadow.catalog.feeds.shapes import Entry, ProductPart, SkuPart, Terms
from meadow.catalog.feeds.table import Record, width_faults

NAME = "shopify_csv"
ALIASES: dict[str, tuple[str, ...]] = {
    "handle": ("handle", "url handle"),
    "title": ("title",),
    "description": ("body (html)", "body html", "body", "description"),
    "vendor": ("vendor",),
    "category": ("product category", "standard product type", "standardized product type"),
    "type": ("type", "custom product type"),
    "tags": ("tags",),
    "published": ("published", "published on online store"),
    "status": ("status",),
    "name1": ("option1 name",),
    "value1": ("option1 value",),
    "name2": ("option2 name",),
    "value2": ("option2 value",),
    "name3": ("option3 name",),
    "value3": ("option3 value",),
    "code": ("variant sku", "sku"),
    "weight": ("variant grams", "weight value (grams)"),
    "tracker": ("variant inventory tracker", "inventory tracker"),
    "quantity": ("variant inventory qty", "inventory quantity", "variant inventory quantity"),
    "policy": ("variant inventory policy", "continue selling when out of stock"),
    "price": ("variant price", "price"),
    "compare_at": ("variant compare at price", "variant compare-at price", "compare-at price", "compare at price"),
    "barcode": ("variant barcode", "barcode"),
    "image": ("image src", "product image url", "image source"),
    "image_position": ("image position",),
    "image_alt": ("image alt text",),
    "sku_image": ("variant image", "variant image url"),
    "gift_card": ("gift card",),
    "gift": ("variant gift",),
}
DEFAULT_NAME, DEFAULT_VALUE = "Title", "Default Title"


def entries(records: Iterable[Record], terms: Terms) -> Iterator[Entry]:
    """The rows of a file.  A row without handle and title goes on with the product before it."""
    before = ""
    for record in records:
        named = record["handle"] or record["title"]
        group = rules.handle_from(named) if named else before
        before = group
        faults = Faults(record.row, width_faults(record))
        if not group:
            faults.add("handle", "handle_missing")
        product = _product(record, faults) if record["title"] else None
        sku = None
        if record.any("title", "price", "code", "value1", "barcode"):
            sku = _sku(record, terms, faults)
        place = record["image_position"]
        position = int(place) if place.isdecimal() and len(place) < 6 else None
        pictures = faults.picture("image", record["image"], record["image_alt"], position)
        yield faults.entry(group, product, sku, pictures)


def _product(record: Record, faults: Faults) -> ProductPart | None:
    if cells.said_yes(record["gift_card"]):
        faults.add("gift_card", "gift_card")
        return None
    sound = len(faults.found)
    part = ProductPart(
        title=faults.line("title", record["title"]),
        description=faults.take("description", html.text_of_html, record["description"], ""),
        vendor=faults.line("vendor", record["vendor"]),
        category=faults.line("category", record["type"] or record["category"]),
        tags=faults.take("tags", cells.tags, record["tags"], ()),
        option_names=tuple(faults.line(f"name{n}", record[f"name{n}"]) for n in (1, 2, 3)),
        state=_state(record),
    )
    return part if len(faults.found) == sound else None


def _state(record: Record) -> str:
    status = record["status"].lower()
    if status == "archived":
        return "withdrawn"
    if status == "draft" or cells.said_yes(record["published"]) is False:
        return "draft"
    return "on_sale"


def _sku(record: Record, terms: Terms, faults: Faults) -> SkuPart:
    is_gift = bool(cells.said_yes(record["gift"]))
    price = faults.price("price", record["price"], terms, is_gift=is_gift)
    former = faults.former_price("compare_at", record["compare_at"], terms)
    return SkuPart(
        code=faults.line("code", record["code"]),
        barcode=faults.line("barcode", record["barcode"]),
        choice=tuple(("", faults.line(f"value{n}", record[f"value{n}"])) for n in (1, 2, 3)),
        price_minor=price,
        compare_at_minor=rules.worthwhile_compare_at(price, former),
        left=_left(record, faults),
        is_gift=is_gift,
        weight_grams=faults.take("weight", cells.grams, record["weight"], None),
        image_url=faults.address("sku_image", record["sku_image"]),
    )


def _left(record: Record, faults: Faults) -> int | None:
    """Overselling allowed, or neither tracker nor count: not counted.  A count without tracker is still a count."""
    if cells.said_yes(record["policy"]):
        return None
    if record["quantity"]:
        return faults.take("quantity", cells.stock, record["quantity"], 0)
    return 0 if record["tracker"] else None
