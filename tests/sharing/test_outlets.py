"""Does each channel get the form that works there, cut to what it takes, and does a flip of the registry reach it?"""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sharing import market

from meadow.kernel import clock, outbox
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.models import OutboxEvent
from meadow.sharing import queries, rules, services
from meadow.sharing.models import OutletChange
from meadow.sharing.rules import Allows, Spoken

NOTHING = Allows(False, False, False)
BOWL = "手工茶碗 柴烧 🍵👨‍👩‍👧‍👦 限量版 " * 4


# The law, without a database.


def test_b6_1_a_form_is_offered_only_where_its_capability_is_on():
    for link in (True, False):
        for text in (True, False):
            for picture in (True, False):
                forms = set(rules.forms_of(Allows(link, text, picture)))
                assert ("link" in forms) == link
                assert ({"text", "digits"} <= forms) == text == bool({"text", "digits"} & forms)
                assert ({"qr", "poster", "card"} <= forms) == picture


def test_c6_1_the_default_falls_back_from_link_to_token_to_picture():
    assert rules.default_of(Allows(True, True, True)) == "link"
    assert rules.default_of(Allows(False, True, True)) == "text"
    assert rules.default_of(Allows(False, False, True)) == "poster"
    assert rules.default_of(NOTHING) is None
    assert rules.default_of(Allows(True, True, True), "card") == "card"
    assert rules.default_of(Allows(True, True, False), "card") == "link"
    assert rules.default_of(Allows(True, True, True), "", paused=["link"]) == "text"
    # Where everything is paused the best is better than nothing.
    assert rules.default_of(Allows(True, False, False), "", paused=["link"]) == "link"


def test_every_tag_is_spelled_and_read_back_and_others_name_nobody():
    seen = set()
    for outlet in range(1, rules.MOST_OUTLETS + 1):
        for form in rules.FORMS:
            tag = rules.tag_of(outlet, form)
            seen.add(tag)
            assert rules.read_tag(tag) == (outlet, form)
            assert rules.tag_from(rules.tag_letters(tag)[1:]) == tag
            assert rules.tag_from(rules.tag_letters(tag)[1:].lower()) == tag
            assert rules.tag_from(rules.tag_digits(tag)[1:]) == tag
    assert len(seen) == rules.MOST_OUTLETS * len(rules.FORMS)
    for spelled in ("", "0", "00", "ZZ", "UU", "999", "x-", "1234", "07", "٠١٢"):
        assert rules.tag_from(spelled) == 0, spelled


def test_a_tag_behind_a_code_or_digits_is_read_and_the_token_is_the_same():
    number = rules.draw_number()
    code, digits = rules.code_of(number), rules.digits_of(number)
    tag = rules.tag_of(9, "qr")
    letters, three = rules.tag_letters(tag), rules.tag_digits(tag)
    for text in (f"￥{code}{letters}￥", f"http://x/S/{code}{letters}?utm_source=a", f"看{code.lower()}{letters.lower()}好",
                 rules.grouped(digits, three), f"$ {digits}{three}"):  # fmt: skip
        assert rules.tagged_in(text) == {number: tag}, text
    for text in (f"￥{code}￥", f"{code}-", f"{code}-ZZ", f"{code}{letters}X", rules.grouped(digits)):
        assert rules.tagged_in(text) == {number: 0}, text
    assert rules.read_code(code + letters) == (number, tag)
    assert rules.read_code(code) == (number, 0)
    assert rules.read_code(code + "-ZZ") == (None, 0)


@pytest.mark.parametrize(
    ("text", "unit", "length"),
    [
        ("茶碗 bowl", "characters", 7), ("茶碗 bowl", "bytes", 11), ("茶碗 bowl", "weighted", 9), ("茶🍵", "utf16", 3),
        ("🍵", "weighted", 2), ("see http://a.b/c", "weighted", 27), ("e\u0301", "characters", 2), ("caf\u00e9", "bytes", 5),
    ],
)  # fmt: skip
def test_b6_4_length_is_counted_as_the_channel_counts(text, unit, length):
    assert rules.length(text, unit) == length


@given(st.text(max_size=60), st.integers(0, 60), st.sampled_from(rules.UNITS))
def test_b6_4_what_is_shortened_fits_and_tears_no_sign(text, most, unit):
    short = rules.shorten(text, most, unit)
    assert rules.length(short, unit) <= most
    if short and short != text:
        assert short.endswith("…")
        whole = rules.clusters(text)
        kept = short[:-1]
        assert any("".join(whole[:n]).rstrip() == kept for n in range(len(whole) + 1))


def test_b6_4_signs_of_several_characters_stay_whole():
    assert rules.clusters("a👨‍👩‍👧‍👦e\u0301🇨🇳🇩🇪👍🏽☂️") == ["a", "👨‍👩‍👧‍👦", "e\u0301", "🇨🇳", "🇩🇪", "👍🏽", "☂️"]
    family = "👨‍👩‍👧‍👦"
    assert rules.shorten(family * 2, len(family) + 2) == family + "…"
    assert rules.shorten(family * 2, len(family)) == ""


@pytest.mark.parametrize("unit", rules.UNITS)
@pytest.mark.parametrize("most", [40, 70, 140, 280, 1000])
def test_b6_4_messages_fit_and_never_lose_the_way_in(unit, most):
    number = rules.draw_number()
    code, url = rules.code_of(number) + "-4B", "https://shop.example/S/" + rules.code_of(number) + "-4B"
    allows = Allows(True, True, True, may_induce=True, max_len=most, unit=unit)
    for language in ("zh-hans", "en"):
        spoken = Spoken(BOWL, "梅 Mei", "Meadow", language, is_ad=True)
        for text in (rules.text_message(code, spoken, allows), rules.link_message(url, spoken, allows)):
            if text is None:
                assert most == 40
                continue
            assert rules.length(text, unit) <= most
            assert rules.numbers_in(text) == [number]
            assert ("广告" if language == "zh-hans" else "Ad") in text


def test_a_title_or_name_with_a_token_of_its_own_never_stands_before_ours():
    mine, other = rules.draw_number(), rules.draw_number()
    title = f"bowl ￥{rules.code_of(other)}￥"
    free = Allows(True, True, True)
    for language in ("zh", "en"):
        spoken = Spoken(title, "Mei", "Meadow", language)
        assert rules.numbers_in(rules.link_message(f"http://x/S/{rules.code_of(mine)}", spoken, free)) == [mine]
        assert rules.numbers_in(rules.text_message(rules.code_of(mine), spoken, free))[0] == mine


def test_wording_that_urges_is_used_only_where_it_is_tolerated():
    spoken = Spoken("Bowl", "Mei", "Meadow", "zh")
    assert "复制" in rules.text_message("C", spoken, Allows(False, True, False, may_induce=True))
    assert "复制" not in rules.text_message("C", spoken, Allows(False, True, False))


# The registry, on PostgreSQL.


@pytest.fixture
def otto(db):
    from meadow.accounts import services as accounts

    person_id = market.person("Otto")
    accounts.claim_operator(code=accounts.issue_operator_code(), person_id=person_id)
    return Actor("person", person_id)


@pytest.fixture
def token(db):
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop, title="Tea bowl 茶碗")
    return services.mint_token(
        creator_id=mei.pk, target_kind="catalog.product", target_id=bowl, shop_id=shop.id, product_id=bowl
    )


def material(token, code: str, **more) -> queries.Material:
    return queries.material(token, queries.outlet(code), language="en", creator_name="Mei", is_ad=False, **more)


def test_the_outlets_ship_as_data_with_names_in_both_languages(db):
    shipped = {outlet.code: outlet for outlet in queries.outlets()}
    assert {"wechat_moments", "wechat_group", "qq", "weibo", "xiaohongshu", "douyin", "x", "telegram", "mail",
            "print"} <= set(shipped)  # fmt: skip
    assert shipped["wechat_moments"].name("zh-hans") == "朋友圈"
    assert all(outlet.default in outlet.forms for outlet in shipped.values())
    for each in rules.SHIPPED:
        rules.check_outlet(each.code, each.tag, each.allows, each.default_form)


def test_b6_1_no_bare_link_where_links_do_not_work(token):
    for outlet in queries.outlets():
        made = material(token, outlet.code)
        assert made.default == made.pieces[0].form == outlet.default
        for piece in made.pieces:
            assert bool(piece.text) != bool(piece.picture)
            if not outlet.allows.clickable_link:
                assert "http" not in piece.text
                assert "/S/" not in piece.text
            if not outlet.allows.text_token:
                assert "￥" not in piece.text
            if outlet.allows.max_len and piece.text:
                assert rules.length(piece.text, outlet.allows.unit) <= outlet.allows.max_len


def test_every_form_of_every_channel_resolves_to_one_record_and_names_its_channel(token):
    for outlet in queries.outlets():
        for piece in material(token, outlet.code).pieces:
            spoken = piece.text or piece.picture
            found = services.resolve(text=spoken, callers=[])
            assert found.token_id == token.pk
            assert queries.channel_of(found.tag, queries.channel_names()) == (outlet.code, piece.form)


def test_b6_2_c6_1_a_flip_changes_the_next_share_tells_creators_and_old_ones_still_resolve(token, otto):
    before = material(token, "qq")
    assert before.default == "link"
    outbox.drain_all()
    changed = services.change_outlet(code="qq", changes={"clickable_link": False}, by=otto)
    assert (changed.default, changed.version) == ("text", 2)
    after = material(token, "qq")
    assert after.default == "text"
    assert after.piece("link") is None
    assert "http" not in "".join(piece.text for piece in after.pieces)
    told = OutboxEvent.objects.get(kind="OutletChanged").body
    assert (told["form_before"], told["form"]) == ("link", "text")
    (news,) = queries.outlet_news()
    assert (news.outlet.code, news.form_before, news.form_after, news.by_id) == ("qq", "link", "text", otto.person_id)
    for piece in before.pieces:
        assert services.resolve(text=piece.text or piece.picture, callers=[]).is_live
    assert services.change_outlet(code="qq", changes={"text_token": False}, by=otto).default == "poster"
    assert services.change_outlet(code="qq", changes={"default_form": "card"}, by=otto).default == "card"
    services.change_outlet(code="qq", changes={"picture": False}, by=otto)
    with pytest.raises(Refusal, match="outlet_closed"):
        material(token, "qq")


def test_the_news_is_of_the_last_days_and_of_another_default_only(token, otto):
    services.change_outlet(code="qq", changes={"max_len": 500}, by=otto)
    assert queries.outlet_news() == []
    assert len(queries.outlet_changes("qq")) == 1
    services.change_outlet(code="qq", changes={"clickable_link": False}, by=otto)
    assert len(queries.outlet_news()) == 1
    with clock.at(clock.now() + timedelta(days=15)):
        assert queries.outlet_news() == []


def test_the_registry_is_the_operators_and_refuses_what_makes_no_sense(otto):
    mei = Actor("person", market.person("Mei"))
    new = {"code": "mastodon", "name_en": "Mastodon", "name_zh": "Mastodon", "allows": Allows(True, True, True)}
    with pytest.raises(Refusal, match="forbidden"):
        services.add_outlet(**new, by=mei)
    with pytest.raises(Refusal, match="forbidden"):
        services.change_outlet(code="qq", changes={}, by=mei)
    made = services.add_outlet(**new, by=otto)
    assert made.tag == max(each.tag for each in rules.SHIPPED) + 1
    assert queries.outlet("mastodon").default == "link"
    with pytest.raises(Refusal, match="outlet_exists"):
        services.add_outlet(**new, by=otto)
    bad = [{"default_form": "smoke"}, {"unit": "yards"}, {"max_len": 3}, {"name_en": " "}, {"code": "other"}]
    for changes in bad:
        with pytest.raises(Refusal, match="malformed"):
            services.change_outlet(code="mastodon", changes=changes, by=otto)
    for code in ("organic", "1x", "X", ""):
        with pytest.raises(Refusal, match="malformed"):
            services.add_outlet(**(new | {"code": code}), by=otto)
    with pytest.raises(Refusal, match="stale_state"):
        services.change_outlet(code="mastodon", changes={"picture": False}, version=9, by=otto)
    with pytest.raises(Refusal, match="not_found"):
        services.change_outlet(code="nowhere", changes={"picture": False}, by=otto)
    services.change_outlet(code="mastodon", changes={"is_retired": True}, by=otto)
    with pytest.raises(Refusal, match="not_found"):
        queries.outlet("mastodon")
    # What came by it keeps its name.
    assert queries.channel_names()[made.tag] == "mastodon"
    assert OutletChange.objects.filter(outlet__code="mastodon").exists()
