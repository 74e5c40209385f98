"""Whether files become products: all or the valid rows, twice without a change, back out equal, at any size."""

import csv
import io
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.catalog.conftest import FIXTURES, only_sku

from meadow.catalog import queries, rules, services, tasks
from meadow.catalog.models import Import, ImportChunk, PriceVersion, Product, ProductImage, Shop, Sku
from meadow.catalog.services.imports import intake
from meadow.kernel import clock
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.events import ProductChanged, ProductWithdrawn
from meadow.kernel.models import OutboxEvent

BAD_AND_GOOD = (
    "Handle,Title,Option1 Name,Option1 Value,Variant Price,Variant Inventory Qty\n"
    "pot,Pot,Size,S,10,5\npot,,,M,ten,5\ncup,Cup,,,4,7\nbad,Bad,,,-1,7\n"
)


def csv_of(*rows: str, head: str = "Handle,Title,Variant Price,Variant Inventory Qty") -> bytes:
    return "\n".join([head, *rows]).encode()


def everything() -> list[Any]:
    """All that an import may change, without when it did."""
    return [
        list(Product.objects.order_by("pk").values_list("pk", "handle", "title", "state", "version", "tags")),
        list(Sku.objects.order_by("pk").values()),
        list(PriceVersion.objects.order_by("pk").values()),
        list(ProductImage.objects.order_by("pk").values()),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("shopify_old.csv", ("shopify_csv", 9, 6, 8, 5)),
        ("shopify_new.csv", ("shopify_csv", 3, 2, 3, 1)),
        ("google.tsv", ("google_tsv", 3, 2, 3, 4)),
        ("google_atom.xml", ("google_xml", 1, 1, 1, 1)),
    ],
)
def test_d_files_are_taken_in_and_twice_changes_nothing(shop: Shop, name: str, counts: tuple[Any, ...]) -> None:
    report = services.import_catalog(shop_id=shop.pk, file=FIXTURES / name)
    assert (report.format, report.rows, report.products, report.skus, report.images) == counts
    assert report.rejected == []
    assert report.changed == report.products == Product.objects.count()
    assert (Sku.objects.count(), ProductImage.objects.count()) == counts[3:]
    assert PriceVersion.objects.count() == report.skus
    before, told = everything(), OutboxEvent.objects.count()
    again = services.import_catalog(shop_id=shop.pk, file=FIXTURES / name)
    assert (again.products, again.changed) == (report.products, 0)
    assert everything() == before
    assert OutboxEvent.objects.count() == told


@pytest.mark.django_db
def test_a10_6_mode_all_takes_all_or_nothing(shop: Shop) -> None:
    report = services.import_catalog(shop_id=shop.pk, file=BAD_AND_GOOD.encode(), mode="all")
    assert [(each.row, each.field, each.code) for each in report.rejected] == [
        (3, "price", "price_unreadable"), (5, "price", "price_negative"),
    ]  # fmt: skip
    assert report.rejected[0].message == "“ten” is no price. Write it like 12.50."
    assert "有效价格" in report.rejected[0].message_zh
    assert (report.rows, report.products, report.is_written) == (4, 0, False)
    assert not Product.objects.exists()
    assert Import.objects.get().state == "refused"
    assert report.as_json()["rejected"][1] == {
        "row": 5, "field": "price", "code": "price_negative",
        "message": "The price is below zero. Set one above zero.",
    }  # fmt: skip


@pytest.mark.django_db
def test_a10_6_mode_valid_takes_the_valid_rows(shop: Shop) -> None:
    report = services.import_catalog(shop_id=shop.pk, file=BAD_AND_GOOD.encode(), mode="valid")
    assert (report.products, report.skus, report.rejected_count, report.is_written) == (2, 2, 2, True)
    assert list(Product.objects.order_by("pk").values_list("handle", flat=True)) == ["pot", "cup"]


@pytest.mark.django_db
def test_a_dry_run_tells_and_writes_nothing(shop: Shop) -> None:
    report = services.import_catalog(shop_id=shop.pk, file=BAD_AND_GOOD.encode(), mode="valid", dry_run=True)
    assert (report.products, report.skus, report.rejected_count, report.is_written) == (2, 2, 2, False)
    assert not Product.objects.exists()
    status = queries.import_status(report.import_id, Actor("system"))
    assert (status["state"], status["dry_run"], status["rows"]) == ("done", True, 4)


@pytest.mark.django_db
def test_a_second_file_updates_prices_and_stock(shop: Shop) -> None:
    services.import_catalog(shop_id=shop.pk, file=csv_of("pot,Pot,10,5", "cup,Cup,4,7", "jar,Jar,3,1"))
    OutboxEvent.objects.all().delete()
    report = services.import_catalog(shop_id=shop.pk, file=csv_of("pot,Pot,12,5", "cup,Cup,4,9", "jar,Jar,3,1"))
    assert report.changed == 2
    pot, cup, jar = Product.objects.order_by("pk")
    assert (only_sku(pot).price_minor, only_sku(pot).price_version, pot.version) == (1_200, 2, 2)
    assert (only_sku(cup).stock, only_sku(cup).price_version, cup.version) == (9, 1, 1)
    assert jar.version == 1
    assert OutboxEvent.objects.filter(kind=ProductChanged.__name__).count() == 2


@pytest.mark.django_db
def test_a_files_count_stands_beside_what_is_promised(shop: Shop) -> None:
    services.import_catalog(shop_id=shop.pk, file=csv_of("pot,Pot,10,5"))
    sku = Sku.objects.get()
    services.reserve(lines=[(sku.pk, 4)], cause=("order", 1), expires_at=clock.now() + timedelta(hours=1))
    services.import_catalog(shop_id=shop.pk, file=csv_of("pot,Pot,10,0"))
    sku.refresh_from_db()
    assert (sku.stock, sku.reserved) == (4, 4)


@pytest.mark.django_db
def test_skus_that_a_file_leaves_out_are_retired_and_come_back(shop: Shop) -> None:
    head = "Handle,Title,Option1 Name,Option1 Value,Variant Price"
    both = csv_of("pot,Pot,Size,S,10", "pot,,,M,11", head=head)
    services.import_catalog(shop_id=shop.pk, file=both)
    services.import_catalog(shop_id=shop.pk, file=csv_of("pot,Pot,Size,S,10", head=head))
    large = Sku.objects.get(option1="M")
    assert large.is_retired
    assert not queries.skus_for_sale([large.pk])[large.pk].on_sale
    services.import_catalog(shop_id=shop.pk, file=both)
    assert not Sku.objects.get(option1="M").is_retired
    broken = csv_of("pot,Pot,Size,S,10", "pot,,,M,eleven", head=head)
    services.import_catalog(shop_id=shop.pk, file=broken, mode="valid")
    assert not Sku.objects.get(option1="M").is_retired, "a refused row says nothing about its SKU"


@pytest.mark.django_db
def test_states_follow_the_file_but_not_over_a_withdrawal(shop: Shop) -> None:
    head = "Handle,Title,Variant Price,Status"
    services.import_catalog(shop_id=shop.pk, file=csv_of("pot,Pot,10,draft", head=head))
    pot = Product.objects.get()
    assert pot.state == "draft"
    services.import_catalog(shop_id=shop.pk, file=csv_of("pot,Pot,10,active", head=head))
    pot.refresh_from_db()
    assert pot.state == "on_sale"
    services.withdraw_product(product_id=pot.pk)
    assert services.import_catalog(shop_id=shop.pk, file=csv_of("pot,Pot,10,active", head=head)).changed == 0
    pot.refresh_from_db()
    assert pot.state == "withdrawn"
    services.offer_product(product_id=pot.pk)
    services.import_catalog(shop_id=shop.pk, file=csv_of("pot,Pot,10,archived", head=head))
    assert OutboxEvent.objects.filter(kind=ProductWithdrawn.__name__).count() == 2


@pytest.mark.django_db
def test_22_remote_pictures_and_source_are_kept_but_never_shown(shop: Shop) -> None:
    services.import_catalog(shop_id=shop.pk, file=FIXTURES / "google_atom.xml")
    product = Product.objects.get()
    assert product.source_url == "https://shop.example/bowl"
    page = queries.product_page(product.public_id)
    assert page.remote_images == 1
    shown = repr(page) + queries.product_list_json().decode() + queries.product_json(product.public_id).decode()
    assert "example" not in shown
    assert page.card.image == f"/pictures/{product.public_id}.svg?v=1"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["shopify_old.csv", "shopify_new.csv", "google_rss.xml", "woocommerce.csv", "google.tsv"]
)
def test_what_is_exported_imports_back_equal(shop: Shop, second_shop: Shop, name: str) -> None:
    services.import_catalog(shop_id=shop.pk, file=FIXTURES / name, mode="valid")

    def link(_public_id: str) -> str:
        return "https://meadow.example/p"

    for export in (
        lambda shop_id: queries.export_csv(shop_id),
        lambda shop_id: queries.google_feed(shop_id, link=link),
        lambda shop_id: queries.google_feed(shop_id, form="tsv", link=link),
    ):
        first = b"".join(export(shop.pk)).replace(shop.name.encode(), second_shop.name.encode())
        report = services.import_catalog(shop_id=second_shop.pk, file=first)
        assert report.rejected == []
        assert b"".join(export(second_shop.pk)) == first
        _empty(second_shop)


def _empty(shop: Shop) -> None:
    PriceVersion.objects.filter(sku__product__shop=shop).delete()
    Sku.objects.filter(product__shop=shop).delete()
    ProductImage.objects.filter(product__shop=shop).delete()
    Product.objects.filter(shop=shop).delete()


@pytest.mark.django_db
def test_files_that_are_none_are_refused_and_recorded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for content, code in ((b"hello", "import_format_unknown"), (b"", "import_unreadable")):
        with pytest.raises(Refusal) as refused:
            services.import_catalog(shop_id=shop.pk, file=content)
        assert refused.value.code == code
        assert Import.objects.latest("pk").state == "refused"
        assert Import.objects.latest("pk").rejected[0]["code"] == code
    monkeypatch.setitem(rules.LIMITS, "import_bytes", 4)
    with pytest.raises(Refusal) as large:
        services.import_catalog(shop_id=shop.pk, file=b"hello")
    assert large.value.code == "import_too_large"
    with pytest.raises(Refusal):
        services.import_catalog(shop_id=shop.pk, file=b"", mode="some")  # type: ignore[arg-type]


@pytest.mark.django_db(transaction=True)
def test_a_worker_takes_in_what_was_received(shop: Shop, keeper: Actor, bo: Actor) -> None:
    received = services.receive_import(shop_id=shop.pk, file=FIXTURES / "shopify_old.csv", by=keeper)
    assert queries.import_status(received.public_id, keeper)["state"] == "queued"
    with pytest.raises(Refusal):
        queries.import_status(received.public_id, bo)
    assert queries.next_import() is not None
    assert tasks.run_imports(10, clock.now()) == 1
    assert tasks.run_imports(10, clock.now()) == 0
    status = queries.import_status(received.public_id, keeper)
    assert (status["state"], status["products"], status["rows"], status["rows_done"]) == ("done", 6, 9, 9)
    assert not ImportChunk.objects.exists()
    assert queries.next_import() is None


@pytest.mark.django_db(transaction=True)
def test_an_import_whose_worker_died_is_taken_over(shop: Shop) -> None:
    received = services.receive_import(shop_id=shop.pk, file=FIXTURES / "shopify_old.csv")
    Import.objects.filter(pk=received.pk).update(state="running", touched_at=clock.machine_now())
    assert services.run_import(import_id=received.pk) is None, "its worker may still live"
    long_ago = clock.machine_now() - 2 * rules.IMPORT_LEASE
    Import.objects.filter(pk=received.pk).update(touched_at=long_ago)
    report = services.run_import(import_id=received.pk)
    assert report is not None
    assert report.products == 6


@pytest.mark.django_db(transaction=True)
def test_a_bad_file_of_a_worker_is_recorded(shop: Shop) -> None:
    received = services.receive_import(shop_id=shop.pk, file=b"no catalogue at all")
    assert tasks.run_imports(10, clock.now()) == 0
    received.refresh_from_db()
    assert (received.state, received.rejected[0]["code"]) == ("refused", "import_format_unknown")


@pytest.mark.django_db(transaction=True)
def test_the_same_file_twice_at_once(shop: Shop, at_once: Callable[..., list[Any]]) -> None:
    file = (FIXTURES / "shopify_old.csv").read_bytes()
    reports = at_once(*(lambda: services.import_catalog(shop_id=shop.pk, file=file, mode="valid") for _ in range(4)))
    assert sorted(report.changed for report in reports) == [0, 0, 0, 6]
    assert Product.objects.count() == 6


@pytest.mark.django_db(transaction=True)
def test_importing_while_selling_neither_oversells_nor_deadlocks(shop: Shop, at_once: Callable[..., list[Any]]) -> None:
    files = [csv_of(*(f"p{n},P {n},{price},100" for n in range(40))) for price in (10, 11)]
    services.import_catalog(shop_id=shop.pk, file=files[0])
    skus = list(Sku.objects.order_by("pk").values_list("pk", flat=True))
    due = clock.now() + timedelta(hours=1)

    def sell(order: int) -> None:
        lines = [(sku, 1) for sku in (skus if order % 2 else reversed(skus))]
        services.reserve(lines=lines, cause=("order", order), expires_at=due)
        services.take(cause=("order", order))

    calls: list[Callable[[], Any]] = [lambda order=order: sell(order) for order in range(6)]
    calls += [lambda file=file: services.import_catalog(shop_id=shop.pk, file=file, mode="valid") for file in files * 2]
    outcomes = at_once(*calls)
    assert outcomes[:6] == [None] * 6


def large_file(rows: int) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(
        [
            "Handle",
            "Title",
            "Body (HTML)",
            "Option1 Name",
            "Option1 Value",
            "Variant SKU",
            "Variant Inventory Qty",
            "Variant Price",
        ]
    )
    for n in range(rows):
        product, size = divmod(n, 5)
        title = f"Product {product}" if size == 0 else ""
        writer.writerow(
            [f"product-{product}", title, "<p>Some text.</p>", "Size", "SMLXZ"[size], f"S{n}", n % 50, "9.90"]
        )
    return text.getvalue().encode()


@pytest.mark.django_db
def test_long_imports_tell_how_far_they_are(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake._Teller, "EVERY", timedelta(0))
    monkeypatch.setitem(rules.LIMITS, "import_chunk_products", 50)
    monkeypatch.setattr("meadow.catalog.feeds.shelf.BATCH", 100)
    heard: list[tuple[str, int, int]] = []
    report = services.import_catalog(
        shop_id=shop.pk, file=large_file(1_000), mode="valid", progress=lambda *told: heard.append(told)
    )
    assert (report.rows, report.products, report.skus) == (1_000, 200, 1_000)
    assert [done for phase, done, _ in heard if phase == "reading"][:3] == [100, 200, 300]
    assert [(done, of) for phase, done, of in heard if phase == "writing"] == [
        (250, 1_000), (500, 1_000), (750, 1_000), (1_000, 1_000),
    ]  # fmt: skip


@pytest.mark.django_db
def test_errors_beyond_the_limit_are_counted_only(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rules.LIMITS, "import_errors_kept", 10)
    report = services.import_catalog(shop_id=shop.pk, file=csv_of(*(f"p{n},P,0,1" for n in range(25))), mode="valid")
    assert (len(report.rejected), report.rejected_count) == (10, 25)


def catalogues() -> Iterator[Path]:
    checkout = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("MEADOW_CATALOGS", checkout.parent / "shared" / "data" / "catalogs"))
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.is_file())


@pytest.mark.skipif(not list(catalogues()), reason="no real catalogues beside the checkout (MEADOW_CATALOGS)")
@pytest.mark.django_db
@pytest.mark.parametrize("file", list(catalogues()), ids=lambda path: path.name)
def test_real_catalogues_are_taken_in(shop: Shop, file: Path) -> None:
    report = services.import_catalog(shop_id=shop.pk, file=file)
    assert report.rejected == []
    assert report.rows >= report.skus >= report.products >= 10
    assert report.images >= report.products
    assert Product.objects.filter(state="on_sale").count() == report.products
    assert services.import_catalog(shop_id=shop.pk, file=file).changed == 0
    assert len(queries.newest_cards(shop_id=shop.pk).cards) == min(20, report.products)
