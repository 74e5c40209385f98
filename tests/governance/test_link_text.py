"""Addresses in texts: found with hidden, full-width and spelled-out characters, and not where there are none."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meadow.governance.rules import build_allowlist, decide_link, links_in_text, text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("看 https://item.taobao.com/item.htm?id=1 很好", ["https://item.taobao.com/item.htm?id=1"]),
        ("看https://item.taobao.com/item.htm?id=1很好", ["https://item.taobao.com/item.htm?id=1很好"]),
        ("看https://evil.com/x，很好。", ["https://evil.com/x"]),
        ("（见 https://evil.com/x）", ["https://evil.com/x"]),
        ("(see https://evil.com/x).", ["https://evil.com/x"]),
        ("https://evil.com/a_(b)", ["https://evil.com/a_(b)"]),
        ("Is it https://evil.com/x?", ["https://evil.com/x"]),
        ("two https://a.com/1 and http://b.com/2!", ["https://a.com/1", "http://b.com/2"]),
        ("wordhttps://evil.com/x", ["wordhttps://evil.com/x"]),
        ("averyveryverylongwordhttps://evil.com/x", ["https://evil.com/x"]),
        ("HTTPS://EVIL.COM", ["HTTPS://EVIL.COM"]),
        ("https:\\\\evil.com", ["https:\\\\evil.com"]),
        ("bare evil.com here", ["evil.com"]),
        ("bare evil.com/path?x=1 here", ["evil.com/path?x=1"]),
        ("加evil.com看", ["evil.com"]),
        ("-evil.com", ["evil.com"]),
        ("_evil.com_", ["evil.com"]),
        ("sub.evil.co.uk:8080/x", ["sub.evil.co.uk:8080/x"]),
        ("protocol-relative //evil.com/x", ["//evil.com/x"]),
        ("javascript:alert(1)", ["javascript:alert(1)"]),
        ("data:text/html,hello", ["data:text/html,hello"]),
        ("http://2130706433/", ["http://2130706433/"]),
        ("taobao.com@evil.com/x", ["taobao.com@evil.com/x"]),
        ("myapp://open/x", ["myapp://open/x"]),
        ("xn--80aac5cct.com", ["xn--80aac5cct.com"]),
        ("https://таобао.com/x", ["https://таобао.com/x"]),
    ],
)
def test_plain_addresses_are_found_whole(text: str, found: list[str]) -> None:
    assert [link.raw for link in links_in_text(text)] == found


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("看 ev\u200bil.com", "evil.com"),
        ("ht\u200btps://evil.com/x", "https://evil.com/x"),
        ("https://e\u00advil.com", "https://evil.com"),
        ("h\u2060ttps:/\ufeff/evil.com", "https://evil.com"),
        ("ｈｔｔｐｓ：／／ｅｖｉｌ．ｃｏｍ／ｘ", "https://evil.com/x"),
        ("ｅｖｉｌ．ｃｏｍ", "evil.com"),
        ("evil。com", "evil.com"),
        ("evil｡com", "evil.com"),
        ("evil点com", "evil.com"),
        ("evil 点 com", "evil.com"),
        ("evil點com", "evil.com"),
        ("evil[.]com", "evil.com"),
        ("evil(dot)com", "evil.com"),
        ("evil （点） com/x", "evil.com/x"),
        ("www点evil点com", "www.evil.com"),
        ("e\u3164vil.com", "evil.com"),
    ],
)
def test_g1_2_disguised_addresses_are_found_marked_and_never_allowed(text: str, plain: str) -> None:
    (link,) = links_in_text(text)
    assert (link.plain, link.is_disguised) == (plain, True)
    assert text[link.start : link.end] == link.raw
    assert decide_link(link.raw, "post", build_allowlist(())).verdict == "block"


@given(st.text(max_size=400))
def test_offsets_always_point_at_what_was_found(text: str) -> None:
    for link in links_in_text(text):
        assert text[link.start : link.end] == link.raw
        assert link.raw


@pytest.mark.parametrize(
    "filler", ["a", "a.", "a.b.", "1.", "http:", "://", "a@", "evil 点 ", "(", "evil.com ", "\u200b", "a-", "//a", " "]
)
def test_no_text_takes_long(filler: str) -> None:
    text = (filler * 20_000)[:20_000]
    started = time.perf_counter()
    links_in_text(text)
    assert time.perf_counter() - started < 1.5


BITS = (
    "a", "Z", "9", "\u0130", " ", "\n", ".", "。", "点", " dot ", "[.]", "（点）", "·", "😀", ",com", "、cn", "%2e", "&#46;", "&period;",
    "\\.", "-点-", "~d0t~", "com", "evil", "e v i l . c o m", "h-t-t-p", "https", "://", " : / / ", "www", "中", "/", "_", "*",
)  # fmt: skip


@given(st.lists(st.sampled_from(BITS), max_size=14).map("".join))
def test_the_quick_searches_miss_nothing_that_the_thorough_ones_find(folded: str) -> None:
    def before_space(place: int) -> int:
        return len(folded[:place].rstrip())

    spelled = {
        before_space(place)
        for place in range(1, len(folded))
        if (dot := text._SPELLED_DOT.match(folded, place)) and dot.end() > place
    }
    assert spelled <= {before_space(found.start()) for found in text._MAY_BE_DOTTED.finditer(folded)}
    if text._SPELLED_OUT.search(folded):
        assert text._MAY_BE_SPELLED_OUT.search(folded)
    plain = "".join("" if text._is_dropped(char) else text._folded(char) for char in folded)
    if plain != folded:
        assert text._changed().search(folded)
