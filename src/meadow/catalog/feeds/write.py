"""How products are written out so that Shopify, Google Merchant and this house read them back."""

import csv
import io
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from meadow.catalog.feeds import google
from meadow.catalog.feeds.cells import escaped, joined, shielded
from meadow.catalog.feeds.html import either_of_text, html_of_text
from meadow.catalog.feeds.shapes import Picture, SoldProduct, SoldSku
from meadow.catalog.rules import cut
from meadow.kernel.money import decimal_text

BOM = "\ufeff"
SHOPIFY_HEADER = (
    "Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published",
    "Option1 Name", "Option1 Value", "Option2 Name", "Option2 Value", "Option3 Name", "Option3 Value",
    "Variant SKU", "Variant Grams", "Variant Inventory Tracker", "Variant Inventory Qty", "Variant Inventory Policy",
    "Variant Fulfillment Service", "Variant Requires Shipping", "Variant Taxable", "Variant Price",
    "Variant Compare At Price", "Variant Barcode", "Image Src", "Image Position", "Image Alt Text",
    "Gift Card", "Variant Image", "Status", "Variant Gift",
)  # fmt: skip
_STATUS = {"on_sale": "active", "withdrawn": "archived"}
GOOGLE_HEADER = (
    "id", "title", "description", "link", "image_link", "additional_image_link", "availability", "price", "sale_price",
    "condition", "brand", "gtin", "product_type", "item_group_id", "shipping_weight", "sell_on_google_quantity",
    "product_detail",
)  # fmt: skip
GOOGLE_ID_CHARS = 50


def shopify_csv(products: Iterable[SoldProduct], currency: str) -> Iterator[bytes]:
    """A CSV in Shopify's form: UTF-8 with a mark for spreadsheets, RFC 4180, one product a piece."""
    yield (BOM + _lines([SHOPIFY_HEADER], "excel")).encode()
    for product in products:
        yield _lines(_shopify_rows(product, currency), "excel").encode()


def _shopify_rows(product: SoldProduct, currency: str) -> list[tuple[str, ...]]:
    rows = []
    for n in range(max(len(product.skus), len(product.pictures))):
        sku = product.skus[n] if n < len(product.skus) else None
        picture = product.pictures[n] if n < len(product.pictures) else Picture("")
        rows.append(
            (product.handle, *_shopify_head(product, is_first=n == 0))
            + _shopify_options(product, sku, is_first=n == 0)
            + _shopify_sku(sku, currency)
            + (picture.url, str(n + 1) if picture.url else "", picture.alt, "FALSE" if n == 0 else "")
            + (sku.image_url if sku else "", _STATUS.get(product.state, "draft") if n == 0 else "")
            + ("TRUE" if sku and sku.is_gift else "",)
        )
    return rows


def _shopify_head(product: SoldProduct, *, is_first: bool) -> tuple[str, ...]:
    if not is_first:
        return ("",) * 6
    published = "TRUE" if product.state == "on_sale" else "FALSE"
    description = html_of_text(product.description)
    return (product.title, description, product.vendor, product.category, joined(product.tags), published)


def _shopify_options(product: SoldProduct, sku: SoldSku | None, *, is_first: bool) -> tuple[str, ...]:
    cells: list[str] = []
    names, choice = (
        (product.options, sku.choice if sku else ()) if product.options else (("Title",), ("Default Title",))
    )
    for n in range(3):
        cells.append(names[n] if is_first and n < len(names) else "")
        cells.append(choice[n] if sku and n < len(choice) else "")
    return tuple(cells)


def _shopify_sku(sku: SoldSku | None, currency: str) -> tuple[str, ...]:
    if sku is None:
        return ("",) * 11
    former = "" if sku.compare_at_minor is None else decimal_text(sku.compare_at_minor, currency)
    counted = ("", "", "continue") if sku.left is None else ("shopify", str(sku.left), "deny")
    weight = "" if sku.weight_grams is None else str(sku.weight_grams)
    # Shopify does not take a file without the three that follow.
    asked = ("manual", "TRUE", "TRUE")
    return (sku.code, weight, *counted, *asked, decimal_text(sku.price_minor, currency), former, sku.barcode)


def google_tsv(products: Iterable[SoldProduct], currency: str) -> Iterator[bytes]:
    """A Google Merchant feed as a table."""
    yield _lines([GOOGLE_HEADER], "excel-tab").encode()
    for product in products:
        rows = []
        for item, extra, details in _google_items(product, currency):
            shown = ",".join(":".join(escaped(part) for part in each) for each in details)
            cells = item | {"additional_image_link": joined(extra), "product_detail": shown}
            rows.append(tuple(cells.get(column, "") for column in GOOGLE_HEADER))
        yield _lines(rows, "excel-tab").encode()


def google_xml(products: Iterable[SoldProduct], currency: str, *, title: str, link: str) -> Iterator[bytes]:
    """A Google Merchant feed as RSS 2.0."""
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:g="{google.GOOGLE}">\n<channel>\n'
        f"<title>{escape(title)}</title>\n<link>{escape(link)}</link>\n<description>{escape(title)}</description>\n"
    ).encode()
    for product in products:
        yield "".join(
            f"<item>\n{_xml_fields(item, extra, details)}</item>\n"
            for item, extra, details in _google_items(product, currency)
        ).encode()
    yield b"</channel>\n</rss>\n"


def _xml_fields(item: dict[str, str], extra: list[str], details: list[tuple[str, str, str]]) -> str:
    lines = [f"<g:{name}>{escape(value)}</g:{name}>\n" for name, value in item.items() if value]
    lines += [f"<g:additional_image_link>{escape(url)}</g:additional_image_link>\n" for url in extra]
    for section, name, value in details:
        lines.append(
            f"<g:product_detail><g:section_name>{escape(section)}</g:section_name>"
            f"<g:attribute_name>{escape(name)}</g:attribute_name>"
            f"<g:attribute_value>{escape(value)}</g:attribute_value></g:product_detail>\n"
        )
    return "".join(lines)


def _google_items(
    product: SoldProduct, currency: str
) -> Iterator[tuple[dict[str, str], list[str], list[tuple[str, str, str]]]]:
    """(fields, further pictures, details) of each SKU that a feed may hold: what is free of charge it may not."""
    if product.state != "on_sale":
        return
    for sku in product.skus:
        if sku.price_minor == 0:
            continue
        own, extra = _google_pictures(product, sku)
        former = sku.compare_at_minor
        item = {
            "id": cut(sku.feed_id, GOOGLE_ID_CHARS),
            "title": product.title,
            "description": either_of_text(product.description),
            "link": product.link,
            "image_link": own,
            "availability": "out_of_stock" if sku.left == 0 else "in_stock",
            "price": f"{decimal_text(sku.price_minor if former is None else former, currency)} {currency}",
            "sale_price": "" if former is None else f"{decimal_text(sku.price_minor, currency)} {currency}",
            "condition": "new",
            "brand": product.vendor,
            "gtin": sku.barcode,
            "product_type": product.category,
            "item_group_id": cut(product.handle, GOOGLE_ID_CHARS),
            "shipping_weight": "" if sku.weight_grams is None else f"{sku.weight_grams} g",
            "sell_on_google_quantity": "" if sku.left is None else str(sku.left),
        }
        pairs = zip(product.options, sku.choice, strict=False)
        yield item, extra, [(google.OPTION_SECTION, name, value) for name, value in pairs]


def _google_pictures(product: SoldProduct, sku: SoldSku) -> tuple[str, list[str]]:
    """The SKU's picture and the others in the circle that begins after it, so that their order survives the feed."""
    urls = [picture.url for picture in product.pictures]
    if not urls:
        return sku.image_url, []
    start = urls.index(sku.image_url) if sku.image_url in urls else 0
    circle = urls[start:] + urls[:start]
    return circle[0], circle[1 : 1 + google.MOST_EXTRA_PICTURES]


def _lines(rows: Iterable[tuple[str, ...]], dialect: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, dialect=dialect).writerows([shielded(cell) for cell in row] for row in rows)
    return text.getvalue()
