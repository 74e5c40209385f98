"""Product-link patterns: what they may say, and that matching them never searches."""

import timeit

import pytest

from meadow.governance.rules import PatternError, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "segments", "values", "found"),
    [
        ("shop.example.com/item/{digits}.html", ["item", "12.html"], {}, ["", "12"]),
        ("shop.example.com/item/{digits}.html", ["item", "x.html"], {}, None),
        ("shop.example.com/item/{digits}.html", ["item", ".html"], {}, None),
        ("shop.example.com/item/{digits}.html", ["item", "12.html", "x"], {}, None),
        ("shop.example.com/a{id}a", ["aa"], {}, None),
        ("shop.example.com/a{id}a", ["aaa"], {}, ["a"]),
        ("shop.example.com/{slug}", ["绿茶-2026"], {}, ["绿茶-2026"]),
        ("shop.example.com/{slug}", ["a b"], {}, None),
        ("shop.example.com/{slug}", [".."], {}, None),
        ("shop.example.com/i?id={digits}&k={id}", ["i"], {"id": ["1"], "k": ["z"]}, ["", "1", "z"]),
        ("shop.example.com/i?id={digits}", ["i"], {"id": ["1", "1"]}, None),
        ("shop.example.com/i?id={digits}", ["i"], {}, None),
        ("https://shop.example.com/p/{id}/", ["p", "x"], {}, ["", "x"]),
        ("shop.example.com/?id={digits}", [], {"id": ["1"]}, ["1"]),
    ],
)
def test_a_pattern_fits_whole_or_not_at_all(
    pattern: str, segments: list[str], values: dict[str, list[str]], found: list[str] | None
) -> None:
    assert compile_pattern(pattern).match(segments, values) == found


@pytest.mark.parametrize(
    "pattern",
    [
        "", "shop.example.com", "shop.example.com/", "shop.example.com/about", "com/{id}", "*.com/{id}", "*.co.uk/{id}",
        "*.*.example.com/{id}", "localhost/{id}", "127.0.0.1/{id}", "shop.example.com/{any}", "shop.example.com/{id}{id}",
        "shop.example.com/{id", "shop.example.com/(a+)+{id}", "shop.example.com/*/{id}", "shop.example.com//{id}",
        "shop.example.com/../{id}", "shop.example.com/%2e/{id}", "shop.example.com/i?{id}", "user@shop.example.com/{id}",
        "shop.example.com:8080/{id}", "ftp://shop.example.com/{id}", "shop.example.com/" + "{id}/" * 13,
        "shop.example.com/" + "a" * 300 + "{id}", "{id}.example.com/x", "shop.exam\u200bple.com/{id}",
    ],
)  # fmt: skip
def test_what_could_be_misread_or_let_in_too_much_is_no_pattern(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


def test_a_pattern_takes_time_in_proportion_to_the_address() -> None:
    pattern = compile_pattern("shop.example.com/a{id}a/b{slug}b?x={id}")
    segments, values = ["a" * 2000, "b" * 2000], {"x": ["a" * 2000]}
    assert min(timeit.repeat(lambda: pattern.match(segments, values), number=100, repeat=3)) / 100 < 0.001
