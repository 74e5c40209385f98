"""Do the quick ways of judging a text find what the plain ones do?"""

import re
from contextlib import suppress
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meadow.governance.rules import addresses, carried, contacts, links, text
from meadow.governance.rules.addresses import Address, Disguise, read_address
from meadow.governance.rules.carried import TooDeep
from meadow.governance.rules.matcher import Matcher
from meadow.governance.rules.shadow import Trail, shades
from meadow.governance.rules.surfaces import PUBLIC
from meadow.governance.rules.terms import Term, Topic

HOSTS = (
    "weimai.cn",
    "item.taobao.com.",
    "a..b",
    "1.2.3.4",
    "co.uk",
    "0x7f.1",
    "-a.com",
    "meadow.example.net",
    "x_y.com",
)
URLS = st.builds(
    "{}://{}{}".format,
    st.sampled_from(["https", "http"]),
    st.sampled_from(HOSTS),
    st.text("/?#&=;.:@%-_aZ09(茶\\ ", max_size=24),
)
VALUES = st.text("aIZf09-_.:/=%+", max_size=24) | st.text("Ifa0Z", max_size=16)


def _read(url: str) -> Address | str:
    try:
        return read_address(url, "https://meadow.example.net/")
    except Disguise as disguise:
        return f"{disguise.code} {disguise.host}"


@given(URLS)
def test_an_ordinary_address_is_read_as_any_other(url: str) -> None:
    # With a blank before it, an address is no ordinary one.
    assert addresses._ORDINARY.match(f" {url}") is None
    assert _read(url) == _read(f" {url}")


@given(st.text("/.%2eE-_aZ0~茶\\\t", max_size=16).map(lambda rest: f"/{rest}"))
def test_a_plain_path_has_the_parts_of_any_path(path: str) -> None:
    parts = path[1:].split("/")
    parts = parts[:-1] if parts[-1] == "" else parts
    plain = [unquote(part, errors="replace") for part in parts]
    is_odd = any(part in ("", ".", "..") or links._PATH_TRICK.search(part) for part in plain)
    found = links._segments(path)
    assert found == (None if is_odd else plain) or "\ufffd" in "".join(plain)


def _carried(text: str, *, bare_hosts: bool) -> list[str]:
    found = []
    with suppress(TooDeep):
        found += carried._round_by_round(text, bare_hosts)
    return found


def _tidy(text: str, *, bare_hosts: bool) -> list[str]:
    found = []
    with suppress(TooDeep):
        found += carried.carried_addresses(text, bare_hosts=bare_hosts)
    return found


@given(VALUES, st.booleans())
@settings(max_examples=300)
def test_a_value_that_is_not_looked_into_carries_nothing(value: str, bare_hosts: bool) -> None:
    assert _tidy(value, bare_hosts=bare_hosts) == _carried(value, bare_hosts=bare_hosts)


@given(st.lists(VALUES, max_size=4).map("&".join) | st.text("a9.=&;-", max_size=24))
@settings(max_examples=300)
def test_a_query_that_is_not_looked_into_carries_nothing(query: str) -> None:
    if carried._PLAIN_QUERY.match(query):
        assert all(
            not _carried(part, bare_hosts=True) for pair in re.split("[&;]", query) for part in pair.split("=", 1)
        )


def test_a_long_query_is_seen_through_at_once() -> None:
    # A pattern that could read each number in two ways would try them all.
    assert not carried._PLAIN_QUERY.match("&".join(["1=2"] * 600) + "!")


@given(st.binary(min_size=6, max_size=24) | st.text("ab/:.e", min_size=6, max_size=24).map(str.encode))
def test_no_encoded_text_is_taken_for_a_word(raw: bytes) -> None:
    import base64

    for written in (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode().rstrip("=")):
        is_text = raw.isascii() and raw.decode("ascii").isprintable()
        assert bool(carried._BASE64.match(written)) or not is_text


# What was searched for before the signs were: a word that ends at one of them, or two slashes.
_WORDS = re.compile(rf"[{text._LETTERS}/](?:(?<!/)(?<![{text._LETTERS}]{{2}})[{text._LETTERS}]*+(?=[.:+\-]\S)|(?<=/)/)")


def _word_by_word(plain: str) -> list[tuple[int, int]]:
    found, at = [], 0
    while run := _WORDS.search(plain, at):
        start, at = run.span()
        while start < at:
            if match := text._LINK.match(plain, start):
                found.append(match.span())
            start = match.end() if match else start + 1
            if start > at:
                rest = text._REST.match(plain, start)
                at = rest.end() if rest else start
            inner = text._HTTP.search(plain, start, at)
            start = inner.start() if inner else at
    return found


@given(
    st.lists(
        st.sampled_from(["http", "s", "://", "/", ".", ":", "-", "+", " ", "a", "evil", "com", "茶", "İ", "1", "@"])
    ).map("".join)
)
@settings(max_examples=400)
def test_addresses_are_found_by_their_signs_as_by_their_words(plain: str) -> None:
    assert [match.span() for match in text._matches(plain)] == _word_by_word(plain)


@pytest.mark.parametrize("scheme", ["https://a", "HTTPſ://a", "http:// a", "http//a", "httpss://a", "hTTp://a", "http"])
def test_a_scheme_is_odd_unless_it_is_plainly_written(scheme: str) -> None:
    is_plain = re.match(r"https?://(?!\s)", scheme, re.I)
    assert bool(text._ODD_HTTP.match(scheme)) is not bool(is_plain)


@given(st.lists(st.sampled_from(["http", "HTTP", "s", "S", "ſ", ":", "//", "://", " ", "İ", "a"])).map("".join))
def test_no_odd_scheme_is_passed_over(plain: str) -> None:
    assert text._MAY_BE_ODD.search(plain.lower()) or not text._ODD_HTTP.search(plain)


@given(
    st.lists(st.sampled_from(["evil", " ", "-", ".", "d", "D0T", "Dot", "点", "[", ",c", "&#", "%2", "\\."])).map(
        "".join
    )
)
@settings(max_examples=300)
def test_a_dot_is_looked_for_as_a_word_only_where_one_stands(folded: str) -> None:
    plain = folded.lower()
    if "dot" not in plain and "d0t" not in plain:
        signs = {found.start() for found in text._MAY_BE_POINTED.finditer(folded)}
        every = {found.start() for found in text._MAY_BE_DOTTED.finditer(folded)}
        assert signs <= every
        assert not any(_spelled_at(folded, place) for place in every - signs)


def _spelled_at(folded: str, place: int) -> re.Match[str] | None:
    return text._SPELLED_DOT.match(folded, len(folded[:place].rstrip()))


def test_the_list_of_white_space_is_complete() -> None:
    listed = re.compile(f"[{text._SPACE}]")
    every = "".join(map(chr, range(0x110000)))
    assert listed.findall(every) == re.findall(r"\s", every)


@given(
    st.lists(
        st.sampled_from(
            ["evil", "com", "a", " ", "\t", ".", "。", "点", "dot", "[.]", ",", "-", "*", "&#46;", "%2e", "茶", "\\."]
        )
    ).map("".join)
)
@settings(max_examples=300)
def test_spelled_dots_are_found_by_their_signs_as_at_every_place(folded: str) -> None:
    every: list[tuple[int, int, str]] = []
    for place in range(len(folded)):
        if (dot := text._SPELLED_DOT.match(folded, place)) and (not every or every[-1][1] <= dot.start()):
            every.append((*dot.span(), "."))
    assert text._dotted(folded) == every


def test_layers_over_the_folded_one_are_those_of_the_text_itself() -> None:
    cast = shades()
    every = [chr(code) for code in (*range(0x20100), *range(0xE0000, 0xE0200))]
    for shade in (cast.squeeze, cast.sound):
        assert [shade.over(cast.fold.cast(char)) for char in every] == [shade.cast(char) for char in every]


@given(st.text("aA，㎏…\u200b茶🐧李😀", min_size=1, max_size=12))
def test_the_way_back_is_the_same_where_every_character_has_one_of_its_own(raw: str) -> None:
    fold = shades().fold
    trail, places = Trail(raw, fold), [n for n, char in enumerate(raw) for _ in fold.char(char)]
    for place, origin in enumerate(places):
        assert trail.span(place, place + 1) == (origin, origin + 1)


TERMS = tuple(Term(word, "a.b") for word in ("茶", "(茶)", "茶杯", "茶-杯", "v:", "a b", "ab", "aba", "(ab", "l1"))
TOPIC = Topic("a", 1, "b", "goods.prohibited", "T", "题", "forbidden", "block", "review", PUBLIC, terms=TERMS)
MATCHER = Matcher([TOPIC])


@given(st.text("茶杯()-v: ab l1i", max_size=16))
@settings(max_examples=300)
def test_what_stands_in_a_text_is_found_by_its_letters(folded: str) -> None:
    plain, parted = MATCHER._written(folded)
    found = {(start, end) for end, start in plain}
    words = {term.text for term in TERMS}
    assert found == {(at, at + len(word)) for word in words for at in range(len(folded)) if folded.startswith(word, at)}
    # What is left out of the second look is a row of letters, which is no disguise.
    squeezed = shades().squeeze.over(folded)
    every = {
        (written.letters, start, end)
        for place, start, end in MATCHER._squeezed.find(squeezed)
        for written in MATCHER._squeezed.owners(place)
    }
    kept = [place for place, char in enumerate(folded) if shades().squeeze.char(char)]
    in_a_row = {one for one in every if folded.startswith(one[0], kept[one[1]])}
    assert {(written.letters, start, end) for written, start, end in parted} == every - in_a_row


_ANY_RUN = re.compile(rf"[{contacts._DIGIT}li](?<![a-z][li])(?:[\W_]{{0,3}}[{contacts._DIGIT}oil]){{6,}}")


@given(st.text("0一oila -.茶", max_size=24))
@settings(max_examples=300)
def test_a_number_begins_at_its_first_digit(folded: str) -> None:
    assert [m.span() for m in contacts._RUN.finditer(folded)] == [m.span() for m in _ANY_RUN.finditer(folded)]


@given(st.lists(st.sampled_from(["one", "two", "six", "oh", "a", " ", "-", "_"]), max_size=20).map("".join))
def test_seven_numbers_in_words_hold_two_in_a_row(folded: str) -> None:
    assert contacts._TWO_WORDS.search(folded) or not contacts._WORDS.search(folded)
