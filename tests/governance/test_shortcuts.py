"""Do the quick ways of judging a text find what the plain ones do?"""

import re
from contextlib import suppress
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meadow.governance.rules import addresses, carried, links, text
from meadow.governance.rules.addresses import Address, Disguise, read_address
from meadow.governance.rules.carried import TooDeep

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


def test_the_list_of_white_space_is_complete() -> None:
    listed = re.compile(f"[{text._SPACE}]")
    every = "".join(map(chr, range(0x110000)))
    assert listed.findall(every) == re.findall(r"\s", every)
