"""Do posters and cards hold any title without overflow, and does an independent reader read their codes?"""

from datetime import timedelta
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image, ImageChops, ImageDraw
from tests.sharing import market

from meadow.kernel import clock
from meadow.kernel.errors import Refusal
from meadow.sharing import queries, rules, services
from meadow.sharing.drawing import fonts, lines, posters
from meadow.sharing.queries.tokens import qr_code

TITLES = {
    "chinese": "手工柴烧茶碗限量版景德镇匠人制作釉色如雨过天青每一只都不同附木盒与证书送礼自用皆宜的好东西啊真的很值得拥有它哦",
    "latin": "Hand-thrown stoneware tea bowl, celadon glaze, boxed, no. 12",
    "wide": "W" * 60,
    "one word": "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunte",
    "arabic": "إبريق شاي من الفخار المصنوع يدويا مع غطاء من الخشب وعلبة هدية",
    "hebrew": "קערת תה עבודת יד 茶碗 🍵 (מהדורה מוגבלת) עם קופסת עץ ותעודה 12",
    "emoji": "🍵👨‍👩‍👧‍👦🇨🇳👍🏽☂️" * 6,
    "marks": "Z\u0301\u0323a\u0308\u0304l\u0337g\u0330o\u0302" * 8,
    "none": "\U0001234f\U0001301f",
    "empty": "",
}
LONG = {
    "price": "CN¥1,234,567,890.00", "price_as_of": "Price as of September 30, 2026 (Asia/Shanghai)",
    "by": "Recommended by Wolfeschlegelsteinhausenbergerdorff 欧阳上官司马 👩🏽‍🎨", "site": "Meadow 草地商城 " * 5,
    "ad_label": "Ad", "digits": rules.grouped("9" * 21, "-991"),
}  # fmt: skip


def words(title: str, **more: str) -> posters.Words:
    texts = {"price": "¥129.00", "price_as_of": "Price as of November 22, 2026", "by": "Recommended by Mei",
             "site": "Meadow"}  # fmt: skip
    return posters.Words(title, **(texts | more))


def ink(layout: posters.Layout, box: posters.Box, text: str) -> tuple[int, int, int, int] | None:
    """Where ink really is after a text was written into its box."""
    blank = Image.new("RGB", (layout.width, layout.height), posters.PAPER)
    written = blank.copy()
    # What is held back at the edge would be found in no box; only marks upon marks may need that.
    (posters.write if text == TITLES["marks"] else posters.set_down)(written, box, text)
    found: tuple[int, int, int, int] | None = ImageChops.difference(blank, written).getbbox()
    return found


@pytest.mark.parametrize("name", posters.LAYOUTS)
@pytest.mark.parametrize("kind", TITLES)
def test_c5_5_titles_of_sixty_characters_in_any_script_never_leave_their_box(name, kind):
    layout = posters.LAYOUTS[name]
    for box in layout.boxes:
        text = TITLES[kind] if box.name == "title" else LONG[box.name]
        found = ink(layout, box, text)
        if found is None:
            assert kind in ("none", "empty")
            continue
        left, top, right, bottom = found
        assert left >= box.left, (kind, box.name)
        assert right <= box.left + box.width, (kind, box.name)
        assert top >= box.top, (kind, box.name)
        assert bottom <= box.top + box.height, (kind, box.name)


@pytest.mark.parametrize("name", posters.LAYOUTS)
def test_c5_5_nothing_on_a_picture_stands_on_anything_else(name):
    layout = posters.LAYOUTS[name]
    side = layout.qr[2]
    places = [(box.left, box.top, box.left + box.width, box.top + box.height) for box in layout.boxes]
    places += [(layout.qr[0], layout.qr[1], layout.qr[0] + side, layout.qr[1] + side)]
    picture = layout.picture
    places += [(picture[0], picture[1], picture[0] + picture[2], picture[1] + picture[3])]
    for n, one in enumerate(places):
        assert one[2] <= layout.width
        assert one[3] <= layout.height
        for other in places[n + 1 :]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1], (one, other)


def test_c5_5_a_long_title_gets_smaller_before_it_is_cut_and_is_cut_at_a_whole_sign():
    box = next(box for box in posters.POSTER.boxes if box.name == "title")

    def block(title: str) -> lines.Block:
        return lines.set_in(title, width=box.width, height=box.height, most_lines=box.lines, size=box.size,
                            least=box.least, bold=True)  # fmt: skip

    short, sixty, endless = block("Bowl"), block(TITLES["latin"]), block("👨‍👩‍👧‍👦 bowl " * 80)
    assert (short.size, short.is_cut) == (box.size, False)
    assert sixty.size < box.size or len(sixty.lines) > 1
    assert not sixty.is_cut
    assert endless.is_cut
    assert endless.lines[-1].endswith("…")
    assert "👨‍👩‍👧‍👦" in endless.lines[-1] or "bowl" in endless.lines[-1]
    assert "\u200d…" not in endless.lines[-1]


def test_c5_5_lines_break_where_the_script_allows():
    broken = lines.set_in("茶碗，很好（真的）很好", width=5 * 40, most_lines=9, size=40, least=40).lines
    assert "".join(broken) == "茶碗，很好（真的）很好"
    assert not any(line[0] in "，）" or line[-1] == "（" for line in broken)
    english = lines.set_in("one two three four", width=220, most_lines=9, size=40, least=40).lines
    assert " ".join(english) == "one two three four"


def test_c5_5_right_to_left_text_stands_in_reading_order():
    assert lines.is_right_to_left("12 תה")
    assert not lines.is_right_to_left("Tea תה")
    runs = lines.runs_of("תה 茶碗 12 חם", bold=False)
    assert [run.text.strip() for run in runs if run.text.strip()] == ["חם", "茶碗", "12", "תה"]
    mixed = lines.runs_of("Tea תה 茶", bold=False)
    assert [run.text.strip() for run in mixed if run.text.strip()] == ["Tea", "תה", "茶"]


def test_what_no_font_has_is_left_out_and_never_boxed():
    assert fonts.drawable("茶\U0001234f碗") == "茶碗"
    assert fonts.has_chinese()
    only_latin = fonts.Face("")
    assert fonts._has(only_latin, "A")
    assert not fonts._has(only_latin, "茶")


@pytest.fixture
def token(db):
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop, title="茶碗 tea bowl 🍵", price_minor=12_900)
    return services.mint_token(
        creator_id=mei.pk, target_kind="catalog.product", target_id=bowl, shop_id=shop.id, product_id=bowl,
        is_poster=True,
    )  # fmt: skip


def found(token, form: str = "poster") -> queries.Resolved:
    code = rules.code_of(token.number) + rules.tag_letters(rules.tag_of(13, form))
    resolved = queries.landing(code)
    assert resolved is not None
    return resolved


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("name", queries.PICTURES)
def test_c4_2_a_posters_code_is_read_by_another_decoder_small_and_partly_covered(token, name, language):
    resolved = found(token)
    picture = Image.open(BytesIO(queries.share_picture(resolved, name, language=language))).convert("L")
    layout = posters.LAYOUTS[name]
    assert picture.size == (layout.width, layout.height)
    url = queries.address_of(resolved.tagged_code).upper()
    for share in (1.0, 0.6):
        small = picture.resize((round(layout.width * share), round(layout.height * share)))
        assert [read.text for read in zxingcpp.read_barcodes(small)] == [url]
    left, top, side = layout.qr
    code = picture.crop((left, top, left + side, top + side)).resize((200, 200))
    assert [read.text for read in zxingcpp.read_barcodes(code)] == [url]
    # A sticker on 15 % of the symbol, clear of the finders.
    modules = qr_code(queries.address_of(resolved.tagged_code)).symbol_size(border=0)[0]
    symbol = 200 * modules / (modules + 8)
    half = round(0.15**0.5 * symbol / 2)
    ImageDraw.Draw(code).rectangle((100 - half, 100 - half, 100 + half, 100 + half), fill=255)
    assert [read.text for read in zxingcpp.read_barcodes(code)] == [url]
    assert services.resolve(text=url, callers=[]).token_id == token.pk


def test_c5_1_the_price_is_of_a_day_and_the_picture_is_drawn_once(token, monkeypatch):
    drawn = []
    monkeypatch.setattr(posters, "png", lambda name, words, matrix, seed: drawn.append(words) or b"png")
    resolved = found(token)
    for _ in range(3):
        queries.share_picture(resolved, "square", language="en")
    (first,) = drawn
    assert (first.price, first.digits[0]) == ("CN¥129.00", "￥")
    assert str(clock.now().year) in first.price_as_of
    assert first.ad_label == ""
    with clock.at(clock.now() + timedelta(days=2)):
        queries.share_picture(resolved, "square", language="en")
        queries.share_picture(resolved, "square", language="zh-hans")
    assert len({(each.price_as_of) for each in drawn}) == 3
    with pytest.raises(Refusal, match="not_found"):
        queries.share_picture(resolved, "billboard", language="en")
    services.revoke_token(token_id=token.pk, creator_id=token.creator_id)
    with pytest.raises(Refusal, match="token_revoked"):
        queries.share_picture(found(token), "poster", language="en")
