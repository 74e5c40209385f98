"""Whether each format is recognised by its content and read as it is meant, well or badly written."""

import codecs
import contextlib
import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.catalog.reading import FIXTURES, NOW, read, told

from meadow.catalog import rules
from meadow.catalog.feeds import Shelf, Terms, assemble, cells, entries_of, html, recognise
from meadow.catalog.feeds.encoding import encoding_of
from meadow.kernel.errors import Refusal

SEEDS = [path.read_bytes() for path in sorted(FIXTURES.iterdir())]


def test_shopify_with_its_older_titles() -> None:
    source, drafts, faults = read(FIXTURES / "shopify_old.csv")
    assert source.format == "shopify_csv"
    assert faults == []
    pot = drafts["hill-teapot"]
    assert pot.description == "Thrown by hand.\n\nHolds 600 ml & a lid."
    assert (pot.vendor, pot.category, pot.tags, pot.options) == ("Kiln Nine", "Teaware", ("tea", "clay", "slow"), ())
    assert pot.skus[0]._asdict() == {
        "row": 2, "code": "POT-1", "barcode": "6901234567892", "option1": "", "option2": "", "option3": "",
        "price_minor": 12_800, "compare_at_minor": 16_000, "left": 12, "is_gift": False, "weight_grams": 740,
        "image_url": "",
    }  # fmt: skip
    coat = drafts["rain-coat"]
    assert coat.options == ("Size", "Colour")
    assert [(sku.option1, sku.option2, sku.left) for sku in coat.skus] == [
        ("S", "Moss", 3), ("S", "Slate", 0), ("M", "Moss", 0),
    ]  # fmt: skip
    assert [picture.url.rsplit("-")[-1] for picture in coat.pictures] == [
        "moss.jpg",
        "slate.jpg",
        "back.jpg",
        "hood.jpg",
    ]
    states = {handle: draft.state for handle, draft in drafts.items()}
    assert (states["winter-sketch"], states["old-mug"], states["hill-teapot"]) == ("draft", "withdrawn", "on_sale")
    assert drafts["drawing-lesson"].skus[0].left is None, "neither tracker nor count: not counted"
    assert drafts["seed-paper"].skus[0].left is None, "sold on when out of stock: not counted"


def test_shopify_with_its_newer_titles() -> None:
    source, drafts, faults = read(FIXTURES / "shopify_new.csv")
    assert (source.format, faults) == ("shopify_csv", [])
    basket = drafts["zhu-bian-lan"]
    assert (basket.title, basket.category, basket.tags) == ("竹编篮", "家居", ("竹", "手工"))
    assert [(sku.option1, sku.price_minor, sku.left, sku.weight_grams) for sku in basket.skus] == [
        ("小", 5_800, 9, 450), ("大", 8_800, 4, 800),
    ]  # fmt: skip
    assert drafts["cu-tao-bei"].options == ()


def test_a_count_without_a_tracker_is_still_a_count() -> None:
    _, drafts, _ = read("Handle,Title,Variant Price,Variant Inventory Tracker,Variant Inventory Qty\npot,Pot,5,,3\n")
    assert drafts["pot"].skus[0].left == 3


def test_woocommerce_with_variations_anywhere_in_the_file() -> None:
    source, drafts, faults = read(FIXTURES / "woocommerce.csv")
    assert source.format == "woocommerce_csv"
    scarf = drafts["scarf"]
    assert scarf.description == "Soft.\n\nWoven in\nthree colours."
    assert (scarf.vendor, scarf.category, scarf.tags) == ("Loom", "Clothing > Scarves", ("wool", "warm"))
    assert [(s.code, s.option1, s.price_minor, s.compare_at_minor, s.left) for s in scarf.skus] == [
        ("scarf-red", "Red", 7_900, 9_900, 4), ("scarf-sage", "Sage", 9_900, None, 0),
    ]  # fmt: skip
    assert len(scarf.pictures) == 3
    assert scarf.skus[0].image_url == "https://pictures.example/scarf-red.jpg"
    bell = drafts["bell"].skus[0]
    assert (bell.price_minor, bell.compare_at_minor, bell.weight_grams) == (6_000, None, 250), "its sale is over"
    assert (drafts["product-30"].state, drafts["product-30"].skus[0].left) == ("draft", None)
    assert told(faults) == [(7, "type", "product_type_unsupported"), (8, "parent", "parent_missing")]


@pytest.mark.parametrize("name", ["google_rss.xml", "google.tsv"])
def test_google_as_xml_and_as_table(name: str) -> None:
    source, drafts, _ = read(FIXTURES / name)
    assert source.format == ("google_xml" if name.endswith("xml") else "google_tsv")
    lamp = drafts["lamp-1"]
    assert (lamp.title, lamp.vendor, lamp.category) == ("Paper lamp", "Glow", "Home > Lamps")
    assert (lamp.skus[0].price_minor, lamp.skus[0].compare_at_minor, lamp.skus[0].left) == (19_900, 22_000, None)
    assert [picture.url[-10:] for picture in lamp.pictures] == ["e/lamp.jpg", "lamp-2.jpg", "lamp-3.jpg"]
    socks = drafts["sock"]
    assert socks.options == ("Color", "Size")
    assert [(sku.code, sku.option2, sku.left) for sku in socks.skus][1] == ("SOCK-M", "M", 0)


def test_google_rss_in_particular() -> None:
    _, drafts, faults = read(FIXTURES / "google_rss.xml")
    assert drafts["lamp-1"].description == "Light as paper & warm"
    assert drafts["lamp-1"].source_url == "https://shop.example/lamp?a=1&b=2"
    assert drafts["sock"].skus[0].left == 6
    assert told(faults) == [(3, "price", "currency_mismatch")]
    assert faults[0].params == {"currency": "EUR", "other": "CNY"}


def test_google_atom() -> None:
    source, drafts, faults = read(FIXTURES / "google_atom.xml")
    assert (source.format, faults) == ("google_xml", [])
    bowl = drafts["bowl"]
    assert (bowl.title, bowl.description, bowl.source_url) == ("Rice bowl", "For rice", "https://shop.example/bowl")
    assert (bowl.skus[0].barcode, bowl.skus[0].weight_grams) == ("6901234567892", 350)


def test_a_dated_sale_price_counts_while_it_lasts() -> None:
    head = "id\ttitle\tprice\tsale_price\tsale_price_effective_date\n"
    spans = {
        "past": "2026-01-01T00:00+0800/2026-02-01T00:00+0800",
        "now": "2026-05-01T00:00+0800/2026-07-01T00:00+0800",
        "odd": "soon",
        "any": "",
    }
    _, drafts, _ = read(head + "".join(f"{name}\tX {name}\t10\t8\t{span}\n" for name, span in spans.items()))
    prices = {name: drafts[name].skus[0].price_minor for name in spans}
    assert prices == {"past": 1_000, "now": 800, "odd": 1_000, "any": 800}


SIMPLE = "Handle,Title,Variant Price,Tags\n茶壶,紫砂茶壶（小）,128.00,茶 具\n碗,米饭碗，一只,25.00,\n"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-16-le", b""),
        ("gb18030", b""),
        ("utf-32-le", codecs.BOM_UTF32_LE),
    ],
)
def test_encodings_are_found_out(encoding: str, mark: bytes) -> None:
    _, drafts, faults = read(mark + SIMPLE.encode(encoding))
    assert faults == []
    assert drafts["茶壶"].title == "紫砂茶壶（小）"


def test_windows_text_is_not_taken_for_chinese() -> None:
    _, drafts, _ = read("Handle;Title;Variant Price\ncafe;Café crème à emporter;4,50\n".encode("cp1252"), "EUR")
    assert drafts["cafe"].title == "Café crème à emporter"
    assert drafts["cafe"].skus[0].price_minor == 450


def test_rare_characters_of_gb18030() -> None:
    text = SIMPLE.replace("紫砂", "㐀𠀀紫砂")
    assert encoding_of(io.BytesIO(text.encode("gb18030"))) == "gb18030"


def test_xml_in_gb18030_and_utf16() -> None:
    xml = (FIXTURES / "google_rss.xml").read_text("utf-8")
    for encoding in ("GB2312", "GB18030"):
        declared = xml.replace('encoding="UTF-8"', f'encoding="{encoding}"').encode("gb18030")
        assert read(declared)[1]["sock"].title == "羊毛袜"
    assert read(xml.replace("UTF-8", "UTF-16").encode("utf-16"))[1]["sock"].title == "羊毛袜"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_out(delimiter: str) -> None:
    text = f"sep={delimiter}\n" + SIMPLE.replace(",", delimiter)
    assert read(text)[1]["碗"].title == "米饭碗，一只"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "import_unreadable"),
        (b"  \n \n", "import_unreadable"),
        (b"just some words\nand more\n", "import_format_unknown"),
        (b"name,email\nAda,ada@example.com\n", "import_format_unknown"),
        (b"<html><body>no feed</body></html>", "import_format_unknown"),
        (b"%PDF-1.7\n\xff\xfe\x00\x81", "import_unreadable"),
        (b"PK\x03\x04" + b"\x00" * 40, "import_format_unknown"),
        (b'<rss xmlns:g="http://base.google.com/ns/1.0"><channel><item>', "import_unreadable"),
        (b'<?xml version="1.0" encoding="x-none"?><rss/>', "import_unreadable"),
        (b'Handle,Title,Variant Price\na,"' + b"x" * 300_000, "import_unreadable"),
        (b'<!DOCTYPE rss [<!ENTITY a "b">]><rss><channel/></rss>', "import_xml_forbidden"),
        (
            b'<?xml version="1.0"?><!DOCTYPE rss SYSTEM "file:///etc/passwd"><rss><channel/></rss>',
            "import_xml_forbidden",
        ),
        (
            b'<!DOCTYPE z [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
            b"<rss><channel><item><title>&b;</title></item></channel></rss>",
            "import_xml_forbidden",
        ),
        (b"<rss>" + b"<a>" * 60 + b"</a>" * 60 + b"</rss>", "import_unreadable"),
        (b"<rss><channel><item><title>" + b"x" * 300_000 + b"</title></item></channel></rss>", "import_unreadable"),
    ],
)
def test_files_that_are_no_catalogue(content: bytes, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(content)
    assert refused.value.code == code


def test_a10_6_every_bad_row_is_named() -> None:
    header = (
        "Handle,Title,Published,Option1 Name,Option1 Value,Variant SKU,Variant Grams,Variant Inventory Qty,"
        "Variant Price,Image Src,Gift Card,Variant Image\n"
    )
    rows = [
        "a,Fine,true,Size,S,,,1,10,,,",
        "a,,,,M,,,1,ten,,,",
        "a,,,,L,,,1,-5,,,",
        "a,,,,XL,,,1,0,,,",
        "a,,,,XXL,,,1,10.555,,,",
        "a,,,,S,,,1,11,,,",
        "a,,,,,X-1,,1,11,,,",
        "b,Bad count,true,,,,,many,10,,,",
        "c,Bad weight,true,,,,heavy,1,10,,,",
        "d,Bad picture,true,,,,,1,10,javascript:alert(1),,",
        "e,Gift card,true,,,,,1,10,,true,",
        ",,true,,,,,1,10,,,",
        "f,Too dear,true,,,,,1,99999999999,,,",
        "g,Wide,true,,,,,1,10,,,,surplus",
        "h,,true,,,,,1,10,,,",
        f"i,{'long' * 100},true,,,,,1,10,,,",
        "j,No price,true,,,,,1,,,,",
    ]
    _, drafts, faults = read(header + "\n".join(rows))
    assert told(sorted(faults)) == [
        (3, "price", "price_unreadable"),
        (4, "price", "price_negative"),
        (5, "price", "price_zero"),
        (6, "price", "price_decimals"),
        (7, "option", "duplicate_choice"),
        (8, "option", "option_missing"),
        (9, "quantity", "stock_invalid"),
        (10, "weight", "weight_invalid"),
        (11, "image", "url_invalid"),
        (12, "gift_card", "gift_card"),
        (14, "price", "price_above_cap"),
        (15, "", "row_too_wide"),
        (16, "title", "title_missing"),
        (17, "title", "text_too_long"),
        (18, "price", "price_missing"),
    ]
    assert [sku.option1 for sku in drafts["a"].skus] == ["S"]
    assert not drafts["a"].is_whole
    for fault in faults:
        said = rules.REFUSALS.get(fault.code)
        assert said is None or (said.en and said.zh)


def test_a_first_row_without_a_product_is_named() -> None:
    _, drafts, faults = read("Handle,Title,Variant Price\n,,5\n,Named by its title,6\n")
    assert told(faults) == [(2, "handle", "handle_missing")]
    assert list(drafts) == ["named-by-its-title"]


def test_limits_of_one_product() -> None:
    many = "".join(f"a,{'A' if n == 0 else ''},Size,{n},1\n" for n in range(rules.LIMITS["skus"] + 1))
    _, drafts, faults = read("Handle,Title,Option1 Name,Option1 Value,Variant Price\n" + many)
    assert (drafts, told(faults)) == ({}, [(2, "skus", "too_many")])


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("12.50", 1250), ("1,299.00", 129_900), ("1.299,00", 129_900), ("12,50", 1250), ("￥１２", 1200), ("5.", 500),
        ("15.00 CNY", 1500), ("cny 15", 1500), ("9.990", 999), ("1 299,50", 129_950), ("35元", 3500), (".5", 50),
        ("-3", -300), ("1,299", 129_900), ("12,5", 1250), ("0", 0),
    ],
)  # fmt: skip
def test_prices_as_people_write_them(text: str, minor: int) -> None:
    assert rules.price_from_text(text, "CNY") == minor


@pytest.mark.parametrize("text", ["1,29,9", "1.2.3", "12-", "NaN", "Infinity", "1e3", "٣x", "12 50", "--3"])
def test_prices_that_are_not_guessed_at(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        rules.price_from_text(text, "CNY")
    assert refused.value.code == "price_unreadable"


def test_currencies_without_and_with_three_decimals() -> None:
    assert rules.price_from_text("1200", "JPY") == 1200
    assert rules.price_from_text("1.234", "KWD") == 1234
    with pytest.raises(Refusal):
        rules.price_from_text("12.5", "JPY")


@pytest.mark.parametrize(
    ("cell", "grams"),
    [("", None), ("0", None), ("740", 740), ("0.5 kg", 500), ("1,5kg", 1500), ("1 lb", 454), ("２克", 2)],
)
def test_weights(cell: str, grams: int | None) -> None:
    assert cells.grams(cell) == grams


@pytest.mark.parametrize("piece", ["<!--", "<!", "</", "<a b='", "&#", "<script>", "<a ", " \n", "x<!--x", "'\""])
def test_hostile_html_costs_no_more_than_other(piece: str) -> None:
    """A parser that takes quadratic time would need minutes for this."""
    hostile = ("<p>" + piece * 200_000)[:199_000]
    for read_text in (html.text_of_html, html.text_of_either):
        with contextlib.suppress(Refusal):
            read_text(hostile)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_file_does_worse_than_being_refused(data: st.DataObject) -> None:
    """Fixtures with pieces cut out, doubled and overwritten at random, and plain noise."""
    content = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.integers(0, 60)))
        content[start:end] = data.draw(st.one_of(st.binary(max_size=12), st.just(bytes(content[start:end]) * 2)))
    with contextlib.suppress(Refusal):
        _, drafts, faults = read(bytes(content))
        for fault in faults:
            assert fault.row >= 1
        for draft in drafts.values():
            assert draft.title
            assert draft.handle
            assert "\x00" not in "".join([draft.title, draft.description, *(p.url for p in draft.pictures)])
            assert len(draft.skus) >= 1
            assert all(0 <= sku.price_minor <= rules.PRICE_CAP_MINOR for sku in draft.skus)


def test_memory_stays_bounded_while_a_file_grows() -> None:
    """Beside the file itself there is room for a batch of its rows, not for all."""
    text = "<p>" + "words " * 40 + "</p>"
    rows = (f"p{n // 2},{'Product' if n % 2 == 0 else ''},{text},Size,{n % 2},5\n" for n in range(12_000))
    file = io.BytesIO(("Handle,Title,Body (HTML),Option1 Name,Option1 Value,Variant Price\n" + "".join(rows)).encode())
    size = len(file.getbuffer())
    tracemalloc.start()
    source = recognise(file)
    with Shelf() as shelf:
        for _ in shelf.lay(entries_of(file, source, Terms("CNY", NOW))):
            pass
        found = sum(1 for group in shelf.groups() if assemble(group)[0])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == 6_000
    assert peak < size


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain\nover two lines", "plain over two lines"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("a<br>b<br/>c<br><br>d", "a\nb\nc\n\nd"),
        ("<div>\n <p>a</p>\n <p>b</p>\n</div>c", "a\n\nb\n\nc"),
        ("x &lt;b&gt; &amp; y", "x <b> & y"),
        ("<style>p{}</style><p onclick=alert(1)>hi</p><!-- c -->", "hi"),
        ("2 < 3 and 5 > 4", "2 < 3 and 5 > 4"),
        ("<img src=x onerror=alert(1)>text", "text"),
        ("tail <b", "tail <b"),
    ],
)
def test_html_becomes_text(source: str, text: str) -> None:
    assert html.text_of_html(source) == text
