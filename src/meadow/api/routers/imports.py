"""Operations on product files: take one in, see how far it is, give the catalogue out again."""

import tempfile
from typing import Annotated, Any, BinaryIO, Literal

from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import reverse
from ninja import Query
from pydantic import Field

from meadow.api import limits
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group
from meadow.api.routers.shops import visible_shop
from meadow.catalog import queries, services
from meadow.kernel.errors import Refusal

group = Group("imports")

# A file up to this size may be worked off while the caller waits; larger ones are always left to the worker.
WAIT_BYTES = 4 * 1024 * 1024
PIECE_BYTES = 1 << 18

Mode = Annotated[
    Literal["all", "valid"],
    Query(description="all: one bad row keeps everything out; valid: what is valid comes in."),
]
DryRun = Annotated[bool, Query(description="Only say what would happen.")]
Wait = Annotated[bool, Query(description="Answer when it is done, if the file is small enough; see state.")]


class Rejected(t.Out):
    row: int = Field(examples=[12])
    field: str = Field(examples=["Variant Price"])
    code: str = Field(examples=["price_unreadable"])
    message: str = Field(examples=["Write the price as a plain number."])


class ImportOut(t.Out):
    id: t.ImportId
    shop: t.ShopId
    state: str = Field(description="queued, running, done, refused or failed.", examples=["done"])
    mode: str = Field(examples=["valid"])
    dry_run: bool = Field(examples=[False])
    format: str = Field(examples=["shopify_csv"])
    rows: int = Field(examples=[120])
    rows_done: int = Field(examples=[120])
    products: int = Field(examples=[40])
    skus: int = Field(examples=[110])
    images: int = Field(examples=[55])
    changed: int = Field(examples=[40])
    rejected_count: int = Field(examples=[1])
    rejected: list[Rejected]


@group.post(
    "/shops/{shop}/imports", gives=ImportOut, status=202, scope="catalog", limit="import",
    takes="application/octet-stream",
    refuses=["forbidden", "import_too_large", "import_unreadable", "import_format_unknown", "import_xml_forbidden",
             "products_above_level"],
)  # fmt: skip
def import_products(
    request: HttpRequest, shop: t.ShopId, mode: Mode = "valid", dry_run: DryRun = False, wait: Wait = False
) -> Any:
    """Takes a product file in: Shopify CSV, WooCommerce CSV, Google Merchant XML or TSV, found out by content.

    The file is the body, or the part `file` of a multipart form.  The same file twice changes nothing.
    """
    found = queries.shop(shop)
    by = caller_of(request).within(found.merchant_id)
    with tempfile.TemporaryFile() as file:
        size = _read(request, file)
        if wait and size <= WAIT_BYTES:
            made = services.import_catalog(shop_id=found.shop_id, file=file, mode=mode, dry_run=dry_run, by=by)
            return queries.import_status(made.import_id, by)
        received = services.receive_import(shop_id=found.shop_id, file=file, mode=mode, dry_run=dry_run, by=by)
    return queries.import_status(received.public_id, by)


@group.get("/imports/{import_}", gives=ImportOut, scope="catalog")
def get_import(request: HttpRequest, import_: t.ImportId) -> Any:
    """How far an import is, and what it did."""
    return queries.import_status(import_, caller_of(request).actor)


@group.get("/shops/{shop}/export.csv", scope="catalog", media_type="text/csv")
def export_products(request: HttpRequest, shop: t.ShopId) -> StreamingHttpResponse:
    """All products of a shop as a CSV in Shopify's form, which imports back equal."""
    found = queries.shop(shop)
    caller_of(request).staff_of(found.merchant_id)
    return _file(queries.export_csv(found.shop_id), "text/csv; charset=utf-8", f"{found.slug}.csv")


@group.get("/shops/{shop}/feeds/google.xml", guests=True, media_type="application/xml")
def get_google_feed_xml(request: HttpRequest, shop: t.ShopId) -> StreamingHttpResponse:
    """What is on sale in a shop as a Google Merchant feed, XML."""
    found = visible_shop(request, shop)
    return _file(queries.google_feed(found.shop_id, form="xml", link=_product_page), "application/xml")


@group.get("/shops/{shop}/feeds/google.tsv", guests=True, media_type="text/tab-separated-values")
def get_google_feed_tsv(request: HttpRequest, shop: t.ShopId) -> StreamingHttpResponse:
    """What is on sale in a shop as a Google Merchant feed, TSV."""
    found = visible_shop(request, shop)
    return _file(
        queries.google_feed(found.shop_id, form="tsv", link=_product_page), "text/tab-separated-values; charset=utf-8"
    )


def _product_page(public_id: str) -> str:
    """Where people see a product; the other door's address, known by its name alone."""
    return settings.MEADOW.base_url + reverse("product", args=[public_id])


def _read(request: HttpRequest, into: BinaryIO) -> int:
    """Copies what was sent, in pieces, and says how many bytes it was.  Refuses: body_unreadable, body_too_large."""
    if request.content_type == "multipart/form-data":
        sent = request.FILES.get("file")
        if sent is None:
            raise Refusal("malformed", field="file", why="send the file as the part named file")
        pieces = sent.chunks(PIECE_BYTES)
    else:
        pieces = iter(lambda: request.read(PIECE_BYTES), b"")
    size = 0
    for piece in pieces:
        size += into.write(piece)
        if size > limits.IMPORT_BYTES:
            raise Refusal("body_too_large", limit_bytes=limits.IMPORT_BYTES)
    into.seek(0)
    return size


def _file(pieces: Any, content_type: str, name: str = "") -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type=content_type)
    if name:
        response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
