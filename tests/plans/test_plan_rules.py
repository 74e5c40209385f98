"""Which plan pays, from when on, and which rates are refused: the pure law of plans."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest

from meadow.kernel.errors import Refusal
from meadow.plans import rules
from meadow.plans.rules import Offer, Version

NOW = datetime(2026, 11, 11, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MEI, OTHER = 1, 2
KINDS = {"general": (1, None, None, 100), "marketing": (2, 7, None, 200), "directed": (3, 7, {MEI}, 300),
         "exclusive": (4, 7, {MEI}, 400)}  # fmt: skip


def offer(kind: str, **changes: object) -> Offer:
    plan_id, product_id, creators, rate = KINDS[kind]
    fields = {
        "plan_id": plan_id, "version_id": plan_id * 10, "kind": kind, "rate_bp": rate, "shop_id": 5,
        "product_id": product_id, "creator_ids": None if creators is None else frozenset(creators),
    }  # fmt: skip
    return Offer(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("there", list(product([False, True], repeat=4)))
def test_c2_1_precedence_of_all_16_combinations(there):
    kinds = [
        kind
        for kind, is_there in zip(("general", "marketing", "directed", "exclusive"), there, strict=True)
        if is_there
    ]
    chosen = rules.choose([offer(kind) for kind in kinds], shop_id=5, product_id=7, creator_id=MEI)
    expected = next((kind for kind in ("exclusive", "directed", "marketing", "general") if kind in kinds), None)
    assert (chosen.kind if chosen else None) == expected
    if chosen:
        assert chosen.version_id == offer(chosen.kind).version_id


@pytest.mark.parametrize("there", list(product([False, True], repeat=4)))
def test_c2_1_other_products_of_the_shop_earn_by_the_general_plan_alone(there):
    kinds = [kind for kind, is_there in zip(KINDS, there, strict=True) if is_there]
    offers = [offer(kind, product_id=None if kind == "general" else 8) for kind in kinds]
    chosen = rules.choose(offers, shop_id=5, product_id=8, creator_id=MEI, is_clicked=False)
    assert (chosen.kind if chosen else None) == ("general" if "general" in kinds else None)


def test_c2_5_a_non_member_falls_back_to_the_general_plan():
    chosen = rules.choose([offer("general"), offer("directed")], shop_id=5, product_id=7, creator_id=OTHER)
    assert chosen is not None
    assert chosen.kind == "general"


def test_a_product_exclusive_to_others_pays_nobody_else():
    offers = [offer("general"), offer("marketing"), offer("exclusive")]
    assert rules.choose(offers, shop_id=5, product_id=7, creator_id=OTHER) is None
    assert rules.choose(offers, shop_id=5, product_id=7, creator_id=OTHER, is_clicked=False) is None
    elsewhere = rules.choose(offers, shop_id=5, product_id=9, creator_id=OTHER)
    assert elsewhere is not None
    assert elsewhere.kind == "general"


def test_plans_of_other_shops_and_products_never_pay():
    assert (
        rules.choose(
            [offer("general", shop_id=6), offer("directed", product_id=8)], shop_id=5, product_id=7, creator_id=MEI
        )
        is None
    )


def test_of_two_directed_plans_the_better_paid_one_counts():
    offers = [offer("directed"), offer("directed", plan_id=9, version_id=90, rate_bp=500)]
    chosen = rules.choose(offers, shop_id=5, product_id=7, creator_id=MEI)
    assert chosen is not None
    assert chosen.rate_bp == 500


def test_c2_2_the_version_in_force_is_the_newest_that_took_effect():
    versions = [
        Version(1, 2000, NOW),
        Version(2, 500, NOW + 24 * HOUR),
        Version(3, 300, NOW + 30 * HOUR, is_withdrawn=True),
        Version(4, 2500, NOW + 40 * HOUR),
    ]
    rates = {hours: rules.in_force(versions, NOW + hours * HOUR) for hours in (-1, 0, 23, 24, 30, 39, 40)}
    assert {hours: version.rate_bp if version else None for hours, version in rates.items()} == {
        -1: None, 0: 2000, 23: 2000, 24: 500, 30: 500, 39: 500, 40: 2500,
    }  # fmt: skip


def test_the_start_of_a_plan_is_in_and_its_end_is_out():
    version = Version(1, 2000, NOW, starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)
    seconds = (3599, 3600, 7199, 7200)
    assert [rules.is_running(version, NOW + timedelta(seconds=s)) for s in seconds] == [False, True, True, False]


@pytest.mark.parametrize(
    ("text", "rate_bp"),
    [("20", 2000), ("12.5", 1250), ("0", 0), ("0.01", 1), ("90", 9000), (" 7.25 ", 725), (20, 2000),
     (Decimal("12.50"), 1250), ("3.500", 350)],
)  # fmt: skip
def test_c2_3_rates_in_per_cent_are_read_exactly(text, rate_bp):
    assert rules.rate_from(text) == rate_bp


@pytest.mark.parametrize(
    ("text", "code"),
    [("-1", "rate_out_of_range"), ("90.01", "rate_out_of_range"), ("100", "rate_out_of_range"), ("1.234", "malformed"),
     ("NaN", "malformed"), ("Infinity", "malformed"), ("", "malformed"), ("1e1", "malformed"), ("٣", "malformed"),
     (Decimal("nan"), "malformed"), ("20 %", "malformed"), ("1,5", "malformed")],
)  # fmt: skip
def test_c2_3_other_rates_are_refused(text, code):
    with pytest.raises(Refusal) as refused:
        rules.rate_from(text)
    assert refused.value.code == code


@pytest.mark.parametrize("rate_bp", [-1, 9001, 12.5, True, None])
def test_c2_3_rates_in_basis_points_are_checked_too(rate_bp):
    with pytest.raises(Refusal, match="rate_out_of_range"):
        rules.check_rate(rate_bp)


@pytest.mark.parametrize(("starts", "ends"), [(2, 1), (1, 1), (None, -1), (None, 0), (-5, -1)])
def test_c2_3_an_end_before_the_start_or_the_present_is_refused(starts, ends):
    moments = [None if hours is None else NOW + hours * HOUR for hours in (starts, ends)]
    with pytest.raises(Refusal, match="malformed"):
        rules.check_dates(*moments, NOW)


def test_spans_that_only_touch_are_apart():
    early, late = (None, NOW), (NOW, None)
    assert rules.are_apart(early, late)
    assert rules.are_apart(late, early)
    assert not rules.are_apart((None, None), early)
    assert not rules.are_apart((NOW - HOUR, NOW + HOUR), early)


def test_rates_read_back_without_idle_zeros():
    assert [rules.rate_text(rate) for rate in (0, 1, 1250, 2000, 9000)] == ["0", "0.01", "12.5", "20", "90"]
