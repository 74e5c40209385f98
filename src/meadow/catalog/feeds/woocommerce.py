"""How a WooCommerce product CSV is read: simple products, and variable ones with their variations."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from meadow.catalog import rules
from meadow.catalog.feeds import cells, html
from meadow.catalog.feeds.reading import Faults
from meadow.catalog.feeds.shapes import Entry, Picture, ProductPart, SkuPart, Terms
from meadow.catalog.feeds.table import Record, width_faults

NAME = "woocommerce_csv"
ATTRIBUTES = range(1, 21)
ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("id",),
    "type": ("type", "类型"),
    "code": ("sku", "货号"),
    "barcode": ("gtin, upc, ean, or isbn", "gtin"),
    "title": ("name", "名称"),
    "published": ("published", "已发布"),
    "short": ("short description", "简短描述", "简短说明"),
    "description": ("description", "描述"),
    "sale_from": ("date sale price starts", "促销开始日期"),
    "sale_to": ("date sale price ends", "促销结束日期"),
    "in_stock": ("in stock?", "有货?", "有货？"),
    "quantity": ("stock", "库存"),
    "backorders": ("backorders allowed?", "允许缺货下单?"),
    "weight_kg": ("weight (kg)", "weight", "重量 (kg)", "重量(kg)"),
    "weight_g": ("weight (g)", "重量 (g)"),
    "weight_lbs": ("weight (lbs)",),
    "weight_oz": ("weight (oz)",),
    "sale_price": ("sale price", "促销价格", "促销价"),
    "price": ("regular price", "常规售价", "常规价格"),
    "categories": ("categories", "分类"),
    "tags": ("tags", "标签"),
    "images": ("images", "图片"),
    "parent": ("parent", "父级"),
    "brands": ("brands", "品牌"),
    **{f"name{n}": (f"attribute {n} name", f"属性 {n} 名称") for n in ATTRIBUTES},
    **{f"value{n}": (f"attribute {n} value(s)", f"属性 {n} 值") for n in ATTRIBUTES},
}
_SIMPLE = {"simple", "virtual", "downloadable", ""}


def entries(records: Iterable[Record], terms: Terms) -> Iterator[Entry]:
    """The rows of a file; variations belong to the product that their parent cell names by SKU or "id:N"."""
    for record in records:
        faults = Faults(record.row, width_faults(record))
        kinds = {kind.strip().lower() for kind in record["type"].split(",")}
        if "variation" in kinds:
            yield _variation(record, terms, faults)
        elif "variable" in kinds or kinds <= _SIMPLE:
            yield _whole(record, terms, faults, has_sku="variable" not in kinds)
        else:
            faults.add("type", "product_type_unsupported", value=", ".join(sorted(kinds - _SIMPLE)))
            yield faults.entry(_group(record), None, None, ())


def _group(record: Record) -> str:
    if record["code"]:
        return rules.handle_from(record["code"])
    return _group_of_id(record["id"]) if record["id"] else rules.handle_from(record["title"])


def _group_of_id(number: str) -> str:
    return rules.handle_from(f"product {number}")


def _whole(record: Record, terms: Terms, faults: Faults, *, has_sku: bool) -> Entry:
    group = _group(record)
    if not group:
        faults.add("title", "handle_missing")
    sku = _sku(record, terms, faults, ()) if has_sku else None
    entry = faults.entry(group, _product(record, faults), sku, _pictures(record, faults))
    by_id = _group_of_id(record["id"]) if record["id"] and record["code"] else ""
    return entry._replace(also=by_id)


def _variation(record: Record, terms: Terms, faults: Faults) -> Entry:
    parent = record["parent"]
    by_id = _BY_ID.match(parent)
    group = _group_of_id(by_id[1]) if by_id else rules.handle_from(parent)
    if not group:
        faults.add("parent", "parent_missing", value="")
    choice = tuple(
        (faults.line(f"name{n}", record[f"name{n}"]), faults.line(f"value{n}", record[f"value{n}"]))
        for n in ATTRIBUTES
        if record[f"name{n}"]
    )
    if cells.said_yes(record["published"]) is False or record["published"] == "-1":
        return faults.entry(group, None, None, ())
    pictures = _pictures(record, faults)[:1]
    sku = _sku(record, terms, faults, choice)
    if pictures:
        sku = sku._replace(image_url=pictures[0].url)
    return faults.entry(group, None, sku, pictures)


_BY_ID = re.compile(r"id:\s*(\d+)\Z", re.IGNORECASE)


def _product(record: Record, faults: Faults) -> ProductPart | None:
    sound = len(faults.found)
    title = faults.line("title", record["title"])
    if not title:
        faults.add("title", "title_missing")
    text = "<br><br>".join(part for part in (_breaks(record["short"]), _breaks(record["description"])) if part)
    categories = cells.listed(record["categories"])
    part = ProductPart(
        title=title,
        description=faults.take("description", html.text_of_html, text, ""),
        vendor=faults.line("brands", (cells.listed(record["brands"]) or [""])[0]),
        category=faults.line("categories", categories[0] if categories else ""),
        tags=faults.take("tags", cells.tags, record["tags"], ()),
        state="on_sale" if cells.said_yes(record["published"] or "1") else "draft",
    )
    return part if len(faults.found) == sound else None


def _breaks(text: str) -> str:
    """WooCommerce writes line ends as a backslash and an n."""
    return text.replace("\\n", "<br>")


def _sku(record: Record, terms: Terms, faults: Faults, choice: tuple[tuple[str, str], ...]) -> SkuPart:
    regular = faults.price("price", record["price"], terms)
    sale = faults.former_price("sale_price", record["sale_price"], terms)
    price, former = regular, None
    if sale and 0 < sale < regular and _is_on(record, terms.now):
        price, former = sale, regular
    return SkuPart(
        code=faults.line("code", record["code"]),
        barcode=faults.line("barcode", record["barcode"]),
        choice=choice,
        price_minor=price,
        compare_at_minor=rules.worthwhile_compare_at(price, former),
        left=_left(record, faults),
        is_gift=False,
        weight_grams=_weight(record, faults),
        image_url="",
    )


def _is_on(record: Record, now: datetime) -> bool:
    """Sale prices may be dated by day; the days are the shop's, and the difference of zones is not known."""
    today = now.date().isoformat()
    return (not record["sale_from"] or record["sale_from"][:10] <= today) and (
        not record["sale_to"] or today <= record["sale_to"][:10]
    )


def _left(record: Record, faults: Faults) -> int | None:
    if cells.said_yes(record["backorders"]):
        return None
    if record["quantity"] and record["quantity"].lower() != "parent":
        return faults.take("quantity", cells.stock, record["quantity"], 0)
    return 0 if cells.said_yes(record["in_stock"]) is False else None


def _weight(record: Record, faults: Faults) -> int | None:
    for unit in ("kg", "g", "lbs", "oz"):
        if cell := record[f"weight_{unit}"]:
            return faults.take("weight", lambda text, unit=unit: cells.grams(text, unit), cell, None)  # type: ignore[misc]
    return None


def _pictures(record: Record, faults: Faults) -> tuple[Picture, ...]:
    found: tuple[Picture, ...] = ()
    for url in cells.listed(record["images"]):
        found += faults.picture("images", url)
    return found
