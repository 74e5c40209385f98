"""How a product comes on sale, changes its price and stock, and goes off sale."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from meadow.catalog import queries, rules
from meadow.catalog.models import FaceChange, PriceVersion, Product, ProductImage, Sku, Suspension
from meadow.catalog.services.room import require_room
from meadow.catalog.services.texts import carry_out, check_listing, listing_words
from meadow.governance.services import TextSurface, judge_words, next_id
from meadow.kernel import audit, clock, db
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic, move
from meadow.kernel.errors import Refusal
from meadow.kernel.events import ProductChanged, ProductWithdrawn
from meadow.kernel.outbox import emit

KEEP_FACE_CHANGES = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class NewSku:
    """One choice of a product's options; left None: the stock is not counted."""

    price_minor: int
    left: int | None = 0
    options: tuple[str, ...] = ()
    code: str = ""
    barcode: str = ""
    compare_at_minor: int | None = None
    is_gift: bool = False
    weight_grams: int | None = None


def add_product(
    *,
    shop_id: int,
    title: str,
    skus: Sequence[NewSku],
    handle: str = "",
    description: str = "",
    options: Sequence[str] = (),
    vendor: str = "",
    category: str = "",
    tags: Sequence[str] = (),
    image_urls: Sequence[str] = (),
    source_url: str = "",
    on_sale: bool = True,
    by: Actor = SYSTEM,
) -> Product:
    """Adds a product with its SKU matrix of at most three options.

    Refuses: not_found, forbidden, handle_taken, title_missing, text_too_long, too_many, skus_missing, option_missing,
    duplicate_choice, price_negative, price_zero, price_above_cap, stock_invalid, url_invalid, text_refused,
    link_blocked, products_above_level.
    """
    names = tuple(_line(name) for name in options)
    rows = [_new_sku(sku, names, place) for place, sku in enumerate(skus, start=1)]
    _check_matrix(rows, names)
    _check_addresses([*image_urls, *filter(None, [source_url])])
    if not rules.tidy_line(title):
        raise Refusal("title_missing")
    choices = [value for row in rows for value in (row.option1, row.option2, row.option3)]
    words = listing_words(_line(title), _text(description), _line(vendor), _tags(tags), choices)
    kept = queries.kept_shop(shop_id, by)
    verdict = check_listing(shop=kept, words=words, category=_line(category), by=by)
    product_id, lowest = next_id("catalog_product"), min((sku.price_minor for sku in skus), default=None)
    heard = judge_words(
        event_type="listing", surface=TextSurface.LISTING, words=words, subject=("catalog.product", product_id),
        actor=("accounts.merchant", kept.merchant_id), verdict=verdict, among="listings",
        more={"category": _line(category)[:200], "price_minor": lowest, "currency": kept.currency},
    )  # fmt: skip
    with atomic():
        shop = queries.kept_shop(shop_id, by)
        own = rules.handle_from(handle or title)
        db.call("SELECT pg_advisory_xact_lock(%s, %s::integer)", [LOCK, shop.pk & 0x7FFFFFFF])
        if Product.objects.filter(shop=shop, handle=own).exists():
            raise Refusal("handle_taken", handle=own)
        product = Product.objects.create(
            pk=product_id, shop=shop, handle=own, title=_line(title), description=_text(description), vendor=_line(vendor),
            category=_line(category), tags=_tags(tags), options=list(names), source_url=source_url,
            state="on_sale" if on_sale else "draft",
        )  # fmt: skip
        for row in rows:
            row.product = product
        made = Sku.objects.bulk_create(rows)
        PriceVersion.objects.bulk_create(_first_price(sku) for sku in made)
        ProductImage.objects.bulk_create(
            ProductImage(product=product, position=place, url=url) for place, url in enumerate(image_urls, start=1)
        )
        audit.record(by, "add_product", ("catalog.product", product.pk), after={"handle": own, "skus": len(made)})
        emit(ProductChanged(product.pk, shop.pk))
        carry_out(product_id=product.pk, merchant_id=shop.merchant_id, verdict=verdict, heard=heard)
        product.refresh_from_db(fields=["state", "version"])
        if product.state == "on_sale":
            require_room(merchant_id=shop.merchant_id, by=by)
    return product


def change_price(*, sku_id: int, price_minor: int, compare_at_minor: int | None = None, by: Actor = SYSTEM) -> Sku:
    """A new price from now on, with a new version that checkouts must confirm; the same price changes nothing.

    Refuses: not_found, forbidden, price_negative, price_zero, price_above_cap.
    """
    with atomic():
        sku = queries.kept_sku(sku_id, by)
        if fault := rules.price_fault(price_minor, is_gift=sku.is_gift):
            raise fault
        former = rules.worthwhile_compare_at(price_minor, compare_at_minor)
        changed = db.one(
            "UPDATE catalog_sku SET price_minor = %s, compare_at_minor = %s, price_version = price_version + 1 "
            "WHERE id = %s AND (price_minor, compare_at_minor) IS DISTINCT FROM (%s::bigint, %s::bigint) "
            "RETURNING price_version",
            [price_minor, former, sku.pk, price_minor, former],
        )
        if changed is None:
            return sku
        before = {"price_minor": sku.price_minor, "version": sku.price_version}
        sku.price_minor, sku.compare_at_minor = price_minor, former
        sku.price_version = changed["price_version"]
        PriceVersion.objects.create(
            sku=sku, version=sku.price_version, price_minor=price_minor, compare_at_minor=former, since=clock.now()
        )
        after = {"price_minor": price_minor, "version": sku.price_version}
        audit.record(by, "change_price", ("catalog.sku", sku.pk), before=before, after=after)
        _touch(sku.product)
    return sku


def limit_per_buyer(*, sku_id: int, most: int | None, by: Actor = SYSTEM) -> Sku:
    """How many of a SKU one buyer may have, in all their orders; None: as many as there are.

    Refuses: not_found, forbidden, quantity_invalid.
    """
    if most is not None and not 1 <= most <= rules.STOCK_CAP:
        raise Refusal("quantity_invalid")
    with atomic():
        sku = queries.kept_sku(sku_id, by)
        before = {"most": sku.buyer_limit}
        sku.buyer_limit = most
        Sku.objects.filter(pk=sku.pk).update(buyer_limit=most)
        audit.record(by, "limit_per_buyer", ("catalog.sku", sku.pk), before=before, after={"most": most})
        _touch(sku.product)
    return sku


def change_stock(*, sku_id: int, left: int | None, by: Actor = SYSTEM) -> Sku:
    """Sets how many are left for sale, beside those promised to orders; None: not counted any more.

    Refuses: not_found, forbidden, stock_invalid.
    """
    if left is not None and not 0 <= left <= rules.STOCK_CAP:
        raise Refusal("stock_invalid", value=str(left), cap=rules.STOCK_CAP)
    with atomic():
        sku = queries.kept_sku(sku_id, by)
        row = db.one(
            "UPDATE catalog_sku SET is_unlimited = %s::integer IS NULL, "
            "stock = CASE WHEN %s::integer IS NULL THEN stock ELSE %s::integer + reserved END "
            "WHERE id = %s RETURNING stock, reserved, is_unlimited",
            [left, left, left, sku.pk],
        )
        assert row is not None
        before = None if sku.is_unlimited else sku.stock - sku.reserved
        sku.stock, sku.reserved, sku.is_unlimited = row["stock"], row["reserved"], row["is_unlimited"]
        audit.record(by, "change_stock", ("catalog.sku", sku.pk), before={"left": before}, after={"left": left})
        emit(ProductChanged(sku.product_id, sku.product.shop_id))
    return sku


def offer_product(*, product_id: int, by: Actor = SYSTEM) -> Product:
    """Puts a draft or withdrawn product on sale.

    Refuses: not_found, forbidden, stale_state, suspended_by_decision, products_above_level.
    """
    with atomic():
        product = queries.kept_product(product_id, by, lock=True)
        if Suspension.objects.filter(subject_kind="product", subject_id=product.pk, lifted_at__isnull=True).exists():
            raise Refusal("suspended_by_decision")
        _move(product, "offer", by)
        _touch(product)
        require_room(merchant_id=product.shop.merchant_id, by=by)
    return product


def withdraw_product(*, product_id: int, by: Actor = SYSTEM) -> Product:
    """Takes a product off sale; what is ordered is unharmed, posts stay readable.  Refuses: not_found, forbidden, stale_state."""
    with atomic():
        product = queries.kept_product(product_id, by, lock=True)
        _move(product, "withdraw", by)
        # A suspension that ends later must not put it back on sale.
        Suspension.objects.filter(subject_kind="product", subject_id=product.pk, lifted_at__isnull=True).update(
            prior_state="withdrawn"
        )
        _touch(product)
        emit(ProductWithdrawn(product.pk, product.shop_id))
    return product


# One writer of handles per shop at a time: adding and importing take this advisory lock with the shop's id.
LOCK = 0x0CA7


def _move(product: Product, event: str, by: Actor) -> None:
    before = product.state
    after = move(product, rules.PRODUCT, event)
    audit.record(
        by, f"{event}_product", ("catalog.product", product.pk), before={"state": before}, after={"state": after}
    )


def _touch(product: Product) -> None:
    """Its version tells caches that something visible has changed."""
    db.execute(
        "UPDATE catalog_product SET version = version + 1, changed_at = %s WHERE id = %s", [clock.now(), product.pk]
    )
    emit(ProductChanged(product.pk, product.shop_id))


def _first_price(sku: Sku) -> PriceVersion:
    return PriceVersion(
        sku=sku, version=sku.price_version, price_minor=sku.price_minor, compare_at_minor=sku.compare_at_minor
    )


def _new_sku(sku: NewSku, names: tuple[str, ...], place: int) -> Sku:
    if fault := rules.price_fault(sku.price_minor, is_gift=sku.is_gift):
        raise fault
    if sku.left is not None and not 0 <= sku.left <= rules.STOCK_CAP:
        raise Refusal("stock_invalid", value=str(sku.left), cap=rules.STOCK_CAP)
    values = [_line(value) for value in sku.options]
    for n, name in enumerate(names):
        if n >= len(values) or not values[n]:
            raise Refusal("option_missing", option=name)
    padded = [*values[: len(names)], "", "", ""]
    return Sku(
        position=place, code=_line(sku.code), barcode=_line(sku.barcode), option1=padded[0], option2=padded[1],
        option3=padded[2], price_minor=sku.price_minor, is_gift=sku.is_gift, weight_grams=sku.weight_grams,
        compare_at_minor=rules.worthwhile_compare_at(sku.price_minor, sku.compare_at_minor),
        stock=sku.left or 0, is_unlimited=sku.left is None,
    )  # fmt: skip


def _check_matrix(rows: Sequence[Sku], names: tuple[str, ...]) -> None:
    if not rows:
        raise Refusal("skus_missing")
    for count, what in ((len(names), "options"), (len(rows), "skus")):
        if count > rules.LIMITS[what]:
            raise Refusal("too_many", limit=rules.LIMITS[what])
    seen = set()
    for row in rows:
        choice = (row.option1, row.option2, row.option3)
        if choice in seen:
            raise Refusal("duplicate_choice", choice=" / ".join(filter(None, choice)) or "-")
        seen.add(choice)


def _check_addresses(addresses: Sequence[str]) -> None:
    if len(addresses) > rules.LIMITS["images"]:
        raise Refusal("too_many", limit=rules.LIMITS["images"])
    if not all(rules.is_web_address(address) for address in addresses):
        raise Refusal("url_invalid")


def _line(text: str) -> str:
    tidy = rules.tidy_line(text)
    if len(tidy) > rules.LIMITS["line_chars"]:
        raise Refusal("text_too_long", limit=rules.LIMITS["line_chars"])
    return tidy


def _text(text: str) -> str:
    tidy = rules.tidy_text(text)
    if len(tidy) > rules.LIMITS["description_chars"]:
        raise Refusal("text_too_long", limit=rules.LIMITS["description_chars"])
    return tidy


def _tags(tags: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(filter(None, (_line(tag) for tag in tags))))
    if len(found) > rules.LIMITS["tags"]:
        raise Refusal("too_many", limit=rules.LIMITS["tags"])
    return found


def forget_face_changes() -> int:
    """Drops marks of changes that everybody who looks for them has seen; the worker calls it now and then."""
    return FaceChange.objects.filter(at__lt=clock.machine_now() - KEEP_FACE_CHANGES).delete()[0]
