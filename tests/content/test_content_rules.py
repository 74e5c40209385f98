"""What is a reason of one's own, and what is none."""

import pytest

from meadow.content import rules
from meadow.kernel.errors import Refusal


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("", "reason_blank"),
        (" \t\n ", "reason_blank"),
        ("\u3000\u200b\u3164", "reason_blank"),
        ("nice bowl", "reason_too_short"),
        ("n i c e \u200b b", "reason_too_short"),
        ("a" + " " * 40 + "b", "reason_too_short"),
        ("x" * 501, "malformed"),
        ("ten characters\x00", "malformed"),
        ("ten characters\ud800", "malformed"),
    ],
)
def test_a3_4_each_fault_of_a_reason_has_its_own_code(reason, code):
    with pytest.raises(Refusal) as refused:
        rules.check_reason(reason)
    assert refused.value.code == code


@pytest.mark.parametrize("reason", ["exactly 10", "  exactly 10  ", "这只碗我每天都在用呢", "x" * 500])
def test_a3_1_ten_characters_are_a_reason(reason):
    assert rules.check_reason(reason) == reason.strip()


def test_a3_4_a_copy_is_known_however_it_is_spaced_cased_or_widened():
    digest = rules.reason_digest("I use this bowl every day")
    for copy in ("i  use this BOWL\nevery day ", "I use this\u200b bowl every day", "Ｉ use this bowl every day"):
        assert rules.reason_digest(copy) == digest
    assert rules.reason_digest("I use this bowl every week") != digest


def test_an_excerpt_is_one_line_and_short():
    assert rules.excerpt("a\n b") == "a b"
    assert len(rules.excerpt("字" * 500)) == rules.LIMITS["excerpt_characters"]
