"""Money, ids, states and refusals: what needs no database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meadow.kernel.errors import Refusal
from meadow.kernel.ids import is_id, new_id
from meadow.kernel.money import Money, allot, decimal_text, exponent, half_even, half_up, parse_decimal
from meadow.kernel.states import Machine


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any))
def test_allotment_loses_nothing_and_is_within_one_unit(total: int, weights: list[int]) -> None:
    parts = allot(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - total * weight) < sum(weights)


def test_allotment_ties_go_by_order() -> None:
    assert allot(2, [1, 1, 1]) == [1, 1, 0]


@pytest.mark.parametrize(
    ("n", "d", "even", "up"), [(5, 2, 2, 3), (7, 2, 4, 4), (1, 3, 0, 0), (2, 3, 1, 1), (0, 9, 0, 0)]
)
def test_rounding_is_exact(n: int, d: int, even: int, up: int) -> None:
    assert (half_even(n, d), half_up(n, d)) == (even, up)


def test_currencies_have_their_exponents_and_do_not_mix() -> None:
    assert [exponent(c) for c in ("JPY", "CNY", "KWD")] == [0, 2, 3]
    assert decimal_text(-5, "CNY") == "-0.05"
    assert decimal_text(5, "JPY") == "5"
    assert parse_decimal("12.5", "KWD") == 12500
    with pytest.raises(ValueError, match="do not mix"):
        Money(1, "CNY") + Money(1, "JPY")
    with pytest.raises(Refusal) as refused:
        Money(1, "XXQ")
    assert refused.value.code == "currency_unknown"


@pytest.mark.parametrize("text", ["1.234", "1e3", "NaN", "", "--1", "1,5", "١"])
def test_amounts_that_are_no_plain_decimals_are_refused(text: str) -> None:
    with pytest.raises(Refusal):
        parse_decimal(text, "CNY")


def test_money_is_never_a_float() -> None:
    with pytest.raises(TypeError):
        Money(1.0, "CNY")  # type: ignore[arg-type]


def test_ids_are_unique_sorted_by_birth_and_recognised() -> None:
    made = [new_id("ord") for _ in range(2000)]
    assert len(set(made)) == 2000
    assert all(is_id(name, "ord") for name in made)
    assert not is_id(made[0], "shp")
    assert not is_id(made[0] + "0", "ord")
    assert made[0][:12] <= made[-1][:12]


def test_a_machine_refuses_what_its_table_does_not_allow() -> None:
    door = Machine("door", "open", {"open": {"shut": "closed"}, "closed": {"burn": "ash"}, "ash": {}}, {"ash"})
    assert door.next("open", "shut") == "closed"
    assert door.sources("burn") == ("closed",)
    with pytest.raises(Refusal) as refused:
        door.next("ash", "shut")
    assert (refused.value.code, refused.value.status) == ("stale_state", 409)


@pytest.mark.parametrize(
    ("table", "ends"),
    [
        ({"a": {"x": "b"}, "b": {}, "c": {}}, {"b", "c"}),
        ({"a": {"x": "b"}, "b": {}}, set()),
        ({"a": {"x": "nowhere"}}, set()),
        ({"a": {}}, {"a", "z"}),
    ],
)
def test_a_machine_with_a_hole_cannot_be_written_down(table: dict[str, dict[str, str]], ends: set[str]) -> None:
    with pytest.raises(ValueError):
        Machine("m", "a", table, ends)


def test_a_refusal_speaks_both_languages_and_survives_missing_parameters() -> None:
    refusal = Refusal("rate_limited", retry_after=7)
    assert "7" in refusal.text("en")
    assert "7" in refusal.text("zh-hans")
    assert "…" in Refusal("rate_limited").text("en")
