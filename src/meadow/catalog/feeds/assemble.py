"""How the rows of one product become a draft of it, or a list of what is wrong with them."""

from collections.abc import Sequence

from meadow.catalog import rules
from meadow.catalog.feeds.shapes import Draft, DraftSku, Entry, Fault, Picture, ProductPart, SkuPart

# A product of one SKU has no option; Shopify writes that as an option "Title" with this value.
_NO_OPTION = (("", "Default Title"), ("Title", "Default Title"))


def assemble(entries: Sequence[Entry]) -> tuple[Draft | None, list[Fault]]:
    """The draft as far as the rows are sound, and the faults of the others."""
    faults = [fault for entry in entries for fault in entry.faults]
    head = next((entry for entry in entries if entry.product), None)
    if head is None or head.product is None:
        if not faults and any(entry.sku or entry.pictures for entry in entries):
            faults.append(_headless(entries[0]))
        return None, faults
    names = _option_names(head.product, entries)
    skus = _skus(entries, names, faults)
    if not skus:
        if not faults:
            faults.append(Fault(head.row, "price", "skus_missing", {}))
        return None, faults
    pictures = _pictures(entries, skus)
    for what, count in (("skus", len(skus)), ("images", len(pictures)), ("options", len(names))):
        if count > rules.LIMITS[what]:
            return None, [*faults, Fault(head.row, what, "too_many", {"limit": rules.LIMITS[what]})]
    part = head.product
    draft = Draft(
        head.row, head.group, part.title, part.description, part.vendor, part.category, part.tags,
        names, part.state, part.source_url, tuple(skus), pictures, not faults,
    )  # fmt: skip
    return draft, faults


def _headless(entry: Entry) -> Fault:
    """SKUs or pictures without any row that tells what the product is."""
    if entry.sku and any(name for name, _ in entry.sku.choice):
        return Fault(entry.row, "parent", "parent_missing", {"value": entry.group})
    return Fault(entry.row, "title", "title_missing", {})


def _option_names(part: ProductPart, entries: Sequence[Entry]) -> tuple[str, ...]:
    """What the SKUs differ in: the product's own list, else every name that a SKU mentions, as far as it matters."""
    parts = [entry.sku for entry in entries if entry.sku]
    if any(part.option_names):
        names = [name for name in part.option_names if name]
        choices = {pair for sku in parts for pair in sku.choice if pair[1]}
        return () if len(names) == 1 and choices <= set(_NO_OPTION) else tuple(names)
    mentioned = dict.fromkeys(name for sku in parts for name, value in sku.choice if name and value)
    names = list(mentioned)
    if len(names) > rules.LIMITS["options"]:
        values = {name: {_value(sku, name, 0) for sku in parts} for name in names}
        names = [name for name in names if len(values[name]) > 1]
    return tuple(names)


def _value(sku: SkuPart, name: str, place: int) -> str:
    for own, value in sku.choice:
        if own == name:
            return value
    nameless = [value for own, value in sku.choice if not own]
    return nameless[place] if place < len(nameless) else ""


def _skus(entries: Sequence[Entry], names: tuple[str, ...], faults: list[Fault]) -> list[DraftSku]:
    """The SKUs that say all their options and repeat no other's; the rest become faults."""
    found: dict[tuple[str, str, str], DraftSku] = {}
    for entry in entries:
        part = entry.sku
        if part is None:
            continue
        values = [_value(part, name, place) for place, name in enumerate(names)]
        if "" in values:
            missing = names[values.index("")]
            faults.append(Fault(entry.row, "option", "option_missing", {"option": missing}))
            continue
        padded = (*values, "", "", "")[: max(3, len(values))]
        choice = (padded[0], padded[1], padded[2])
        if choice in found:
            shown = " / ".join(values) or part.code or "-"
            faults.append(Fault(entry.row, "option", "duplicate_choice", {"choice": shown}))
            continue
        found[choice] = DraftSku(
            entry.row, part.code, part.barcode, *choice, part.price_minor, part.compare_at_minor,
            part.left, part.is_gift, part.weight_grams, part.image_url,
        )  # fmt: skip
    return list(found.values())


def _pictures(entries: Sequence[Entry], skus: Sequence[DraftSku]) -> tuple[Picture, ...]:
    """Each address once, by the positions the file gives, else in its order; the SKUs' own pictures come last."""
    placed: dict[str, Picture] = {}
    for entry in entries:
        for picture in entry.pictures:
            placed.setdefault(picture.url, picture)
    for sku in skus:
        if sku.image_url:
            placed.setdefault(sku.image_url, Picture(sku.image_url))
    last = len(placed) + 10**6
    ordered = sorted(placed.values(), key=lambda picture: picture.position or last)
    return tuple(Picture(picture.url, picture.alt, n) for n, picture in enumerate(ordered, start=1))
