"""Whether what is written out is safe to open in a spreadsheet and reads back as what it was."""

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.catalog.reading import read

from meadow.catalog import rules
from meadow.catalog.feeds import Draft, Picture, SoldProduct, SoldSku, cells, google_tsv, google_xml, html, shopify_csv


@pytest.mark.parametrize(
    "cell", ["=1+1", "+86", "@SUM(A1)", "-x", "\t=1", "＝1", "'=1", "''-x", "=cmd|' /C calc'!A0", "-1+1"]
)
def test_cells_that_a_spreadsheet_would_run_are_shielded(cell: str) -> None:
    assert cells.shielded(cell) == f"'{cell}"
    assert cells.unshielded(cells.shielded(cell)) == cell


@pytest.mark.parametrize("cell", ["-5", "-12.50", "plain", "", "'quoted'", "a=b", "1-2"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert cells.shielded(cell) == cell
    assert cells.unshielded(cell) == cell


@given(st.text(max_size=30))
def test_shielding_loses_nothing(cell: str) -> None:
    assert cells.unshielded(cells.shielded(cell)) == cell


@given(st.text(alphabet="ab \n<>&;#'\"/p\\br!-=", max_size=60))
@settings(max_examples=500)
def test_descriptions_survive_html_and_loose_text(source: str) -> None:
    text = rules.tidy_text(source)
    assert html.text_of_html(html.html_of_text(text)) == text
    assert html.text_of_either(html.either_of_text(text)) == text


@given(st.lists(st.text(alphabet="ab,\\: '=", min_size=1, max_size=8)))
def test_lists_in_one_cell_lose_nothing(parts: list[str]) -> None:
    tidy = [text for part in parts if (text := rules.tidy_line(part))]
    assert cells.listed(cells.joined(tidy)) == tidy


def sold(draft: Draft) -> SoldProduct:
    """A draft as the shop would write it out."""
    skus = tuple(
        SoldSku(
            sku.code, sku.barcode, (sku.option1, sku.option2, sku.option3)[: len(draft.options)], sku.price_minor,
            sku.compare_at_minor, sku.left, sku.is_gift, sku.weight_grams, sku.image_url,
            sku.code or f"{draft.handle}~{place}",
        )
        for place, sku in enumerate(draft.skus, start=1)
    )  # fmt: skip
    return SoldProduct(
        draft.handle, draft.title, draft.description, draft.vendor, draft.category, draft.tags, draft.options,
        draft.state, "https://meadow.example/p/1", skus, draft.pictures,
    )  # fmt: skip


line = st.text(
    alphabet=st.one_of(st.sampled_from("aB1 ,;:|\\'\"=+-@<>&#茶。\t\n"), st.characters(exclude_categories=["C"])),
    max_size=14,
).map(rules.tidy_line)
word = line.filter(lambda text: bool(rules.handle_from(text)))
picture = st.integers(1, 6).map(lambda n: Picture(f"https://pictures.example/{n},a.jpg"))
sku = st.builds(
    SoldSku,
    code=line,
    barcode=st.sampled_from(["", "6901234567892"]),
    choice=st.just(()),
    price_minor=st.integers(1, 10**7),
    compare_at_minor=st.none(),
    left=st.one_of(st.none(), st.integers(0, 99)),
    is_gift=st.just(False),
    weight_grams=st.one_of(st.none(), st.integers(1, 5000)),
    image_url=st.just(""),
    feed_id=st.just(""),
)


@st.composite
def products(draw: st.DrawFn) -> list[SoldProduct]:
    found = []
    for n in range(draw(st.integers(1, 3))):
        handle = f"{rules.handle_from(draw(word))}-{n}"
        names = tuple(draw(st.lists(word, max_size=3, unique_by=str.lower)))
        choices = draw(st.lists(st.tuples(*(word for _ in names)), min_size=1, max_size=4 if names else 1, unique=True))
        pictures = tuple(
            each._replace(position=place)
            for place, each in enumerate(draw(st.lists(picture, max_size=4, unique_by=lambda p: p.url)), start=1)
        )
        skus = []
        for place, choice in enumerate(choices, start=1):
            made: SoldSku = draw(sku)
            above = draw(st.one_of(st.none(), st.integers(1, 500)))
            own = draw(st.sampled_from([each.url for each in pictures])) if pictures and draw(st.booleans()) else ""
            skus.append(
                made._replace(
                    choice=choice, image_url=own, feed_id=f"{handle}~{place}",
                    compare_at_minor=None if above is None else made.price_minor + above,
                )
            )  # fmt: skip
        tags = tuple(draw(st.lists(word, max_size=3, unique=True)))
        text = rules.tidy_text(draw(st.text(alphabet="ab <>&\n;p/茶", max_size=40)))
        found.append(
            SoldProduct(
                handle,
                draw(word),
                text,
                draw(line),
                draw(line),
                tags,
                names,
                "on_sale",
                "https://meadow.example/p/1",
                tuple(skus),
                pictures,
            )  # fmt: skip
        )
    return found


def joined(pieces: Iterator[bytes]) -> bytes:
    return b"".join(pieces)


@given(products())
@settings(max_examples=150, deadline=None)
def test_a_shopify_file_reads_back_equal(given_products: list[SoldProduct]) -> None:
    first = joined(shopify_csv(iter(given_products), "CNY"))
    _, drafts, faults = read(first)
    assert faults == []
    assert joined(shopify_csv((sold(draft) for draft in drafts.values()), "CNY")) == first
    assert [draft.title for draft in drafts.values()] == [product.title for product in given_products]
    assert [draft.options for draft in drafts.values()] == [product.options for product in given_products]
    assert [draft.description for draft in drafts.values()] == [product.description for product in given_products]


@given(products())
@settings(max_examples=150, deadline=None)
def test_google_feeds_read_back_equal(given_products: list[SoldProduct]) -> None:
    for write in (
        lambda found: joined(google_xml(found, "CNY", title="Ada's", link="https://meadow.example")),
        lambda found: joined(google_tsv(found, "CNY")),
    ):
        first = write(iter(given_products))
        _, drafts, faults = read(first)
        assert faults == []
        assert write(sold(draft) for draft in drafts.values()) == first
        assert [draft.title for draft in drafts.values()] == [product.title for product in given_products]
        assert [draft.description for draft in drafts.values()] == [product.description for product in given_products]


def one(**changes: object) -> SoldProduct:
    plain = SoldSku("POT", "", (), 12_850, None, 3, False, None, "", "POT")
    product = SoldProduct(
        "pot", "=HYPERLINK(1)", "", "", "", (), (), "on_sale", "https://meadow.example/p/1", (plain,), ()
    )
    return product._replace(**changes)


def test_the_csv_is_as_spreadsheets_and_rfc_4180_want_it() -> None:
    text = joined(shopify_csv(iter([one(description='a "b"\nc')]), "CNY"))
    assert text.startswith(b"\xef\xbb\xbfHandle,Title,")
    assert text.count(b"\r\n") == 2
    row = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))[0]
    assert row["Title"] == "'=HYPERLINK(1)"
    assert row["Body (HTML)"] == 'a "b"<br>\nc'
    assert (row["Variant Price"], row["Variant Inventory Qty"], row["Status"]) == ("128.50", "3", "active")


def test_states_and_gifts_survive_the_csv() -> None:
    free = SoldSku("", "", (), 0, None, None, True, None, "", "")
    for state in ("on_sale", "draft", "withdrawn"):
        _, drafts, faults = read(joined(shopify_csv(iter([one(state=state, skus=(free,))]), "CNY")))
        assert faults == []
        assert drafts["pot"].state == state
        assert (drafts["pot"].skus[0].is_gift, drafts["pot"].skus[0].left) == (True, None)


def test_a_feed_leaves_out_what_is_not_for_sale() -> None:
    free = SoldSku("", "", (), 0, None, None, True, None, "", "F")
    for product in (one(state="draft"), one(skus=(free,))):
        assert b"<item>" not in joined(google_xml(iter([product]), "CNY", title="", link=""))


def test_long_names_fit_the_feed_and_stay_apart() -> None:
    skus = [SoldSku("", "", (), 100, None, 1, False, None, "", "x" * 60 + end) for end in "ab"]
    found = [one(handle="h" * 80 + end, skus=(sku,)) for end, sku in zip("ab", skus, strict=True)]
    text = joined(google_tsv(iter(found), "CNY")).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline=""), dialect="excel-tab"))
    assert all(len(row["id"]) <= 50 and len(row["item_group_id"]) <= 50 for row in rows)
    assert rows[0]["id"] != rows[1]["id"]
    assert rows[0]["item_group_id"] != rows[1]["item_group_id"]
