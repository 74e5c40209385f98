"""Is the attribution of an order line what the rules say, without a database?"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meadow.affiliate.rules import (
    COMMISSION,
    SAYS,
    VOID_REASONS,
    WINDOW,
    Candidate,
    Decision,
    Line,
    Offer,
    attribute,
    log_of,
    replay,
)

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP, OTHER_SHOP = 1, 2
X, Y = 11, 12
MEI, LIN = 101, 102

GENERAL = Offer(1, 10, "general", 1000, SHOP, None, None)


def click(number: int, creator: int, at: datetime, **changes: object) -> Candidate:
    plain = Candidate(
        click_id=f"clk_{number:03}",
        creator_id=creator,
        shop_id=SHOP,
        product_id=X,
        clicked_at=at,
        surface="landing",
        carried_by="carrier",
        is_token_valid=True,
        is_creator_active=True,
        is_buyer=False,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def decide(
    *clicks: Candidate, at: datetime, product: int = X, shop: int = SHOP, offers: tuple[Offer, ...] = (GENERAL,)
) -> Decision:
    return attribute([Line(1, shop, product)], clicks, offers, at)[0]


def test_c1_1_last_click_wins_and_window_of_fifteen_days_counts_equality() -> None:
    first, second = click(1, MEI, T0), click(2, LIN, T0 + timedelta(days=3))
    assert decide(first, second, at=T0 + timedelta(days=10)).creator_id == LIN
    assert decide(first, at=T0 + WINDOW - timedelta(seconds=1)).creator_id == MEI
    assert decide(first, at=T0 + WINDOW).creator_id == MEI
    late = decide(first, at=T0 + WINDOW + timedelta(seconds=1))
    assert (late.creator_id, late.reason) == (None, "too_old")


def test_c1_2_other_product_of_the_shop_earns_the_general_rate_and_other_shops_earn_nothing() -> None:
    directed = Offer(2, 20, "directed", 3000, SHOP, Y, frozenset({MEI}))
    chosen = decide(click(1, MEI, T0), at=T0, product=Y, offers=(GENERAL, directed))
    assert (chosen.creator_id, chosen.rate_bp, chosen.rule) == (MEI, 1000, "same_shop")
    elsewhere = decide(click(1, MEI, T0), at=T0, shop=OTHER_SHOP)
    assert (elsewhere.creator_id, elsewhere.reason, elsewhere.verdicts) == (None, "no_click", ())


@pytest.mark.parametrize(
    ("fault", "reason"),
    [({"is_creator_active": False}, "creator_inactive"), ({"is_token_valid": False}, "token_invalid")],
)
def test_c1_3_invalid_click_does_not_win_and_the_previous_valid_one_does(fault: dict[str, bool], reason: str) -> None:
    valid, invalid = click(1, MEI, T0), click(2, LIN, T0 + timedelta(days=1), **fault)
    chosen = decide(valid, invalid, at=T0 + timedelta(days=2))
    assert chosen.creator_id == MEI
    assert [v.verdict for v in chosen.verdicts] == [reason, "won"]
    assert decide(invalid, at=T0 + timedelta(days=2)).reason == reason


def test_c1_3_click_for_a_removed_plan_does_not_win_and_the_previous_valid_one_does() -> None:
    directed = Offer(2, 20, "directed", 3000, SHOP, X, frozenset({MEI}))
    clicks = click(1, MEI, T0), click(2, LIN, T0 + timedelta(days=1))
    chosen = decide(*clicks, at=T0 + timedelta(days=2), offers=(directed,))
    assert (chosen.creator_id, chosen.rate_bp) == (MEI, 3000)
    assert decide(*clicks, at=T0 + timedelta(days=2), offers=()).reason == "no_plan"


def test_c2_1_precedence_among_plans_that_include_the_creator() -> None:
    kinds = {
        "exclusive": Offer(4, 40, "exclusive", 500, SHOP, X, frozenset({MEI})),
        "directed": Offer(2, 20, "directed", 3000, SHOP, X, frozenset({MEI})),
        "marketing": Offer(3, 30, "marketing", 4000, SHOP, X, None),
        "general": GENERAL,
    }
    order = list(kinds)
    for number in range(1, 16):
        present = [kind for bit, kind in enumerate(order) if number >> bit & 1]
        offers = tuple(kinds[kind] for kind in present)
        chosen = decide(click(1, MEI, T0), at=T0, offers=offers)
        assert chosen.plan_kind == present[0], present
        assert chosen.plan_version_id == kinds[present[0]].version_id
    assert decide(click(1, MEI, T0), at=T0, offers=()).creator_id is None


def test_c2_5_non_member_of_a_directed_plan_falls_back_to_the_general_one() -> None:
    directed = Offer(2, 20, "directed", 3000, SHOP, X, frozenset({MEI}))
    chosen = decide(click(1, LIN, T0), at=T0, offers=(GENERAL, directed))
    assert (chosen.creator_id, chosen.plan_kind) == (LIN, "general")


@pytest.mark.parametrize("clicked", [X, Y])
def test_product_exclusive_to_another_creator_pays_nobody_else(clicked: int) -> None:
    exclusive = Offer(4, 40, "exclusive", 5000, SHOP, X, frozenset({MEI}))
    chosen = decide(click(1, LIN, T0, product_id=clicked), at=T0, offers=(GENERAL, exclusive))
    assert (chosen.creator_id, chosen.reason) == (None, "exclusive_other")


def test_own_purchase_earns_nothing_and_no_older_click_earns_instead() -> None:
    older, own = click(1, LIN, T0), click(2, MEI, T0 + timedelta(days=1), is_buyer=True)
    chosen = decide(older, own, at=T0 + timedelta(days=2))
    assert (chosen.creator_id, chosen.reason, chosen.click_id) == (None, "self_purchase", "clk_002")
    assert [v.verdict for v in chosen.verdicts] == ["self_purchase", "older"]


def test_own_click_that_is_not_the_newest_does_not_matter() -> None:
    own, newer = click(1, MEI, T0, is_buyer=True), click(2, LIN, T0 + timedelta(days=1))
    assert decide(own, newer, at=T0 + timedelta(days=2)).creator_id == LIN


def test_click_after_the_order_does_not_count() -> None:
    assert decide(click(1, MEI, T0 + timedelta(seconds=1)), at=T0).reason == "after_order"


def test_each_line_is_decided_for_itself() -> None:
    clicks = [click(1, MEI, T0), click(2, LIN, T0, shop_id=OTHER_SHOP, product_id=21)]
    other_general = Offer(9, 90, "general", 700, OTHER_SHOP, None, None)
    lines = [Line(1, SHOP, X), Line(2, OTHER_SHOP, 21), Line(3, 3, 31)]
    decisions = attribute(lines, clicks, [GENERAL, other_general], T0)
    assert [(d.line_id, d.creator_id, d.rate_bp) for d in decisions] == [(1, MEI, 1000), (2, LIN, 700), (3, None, 0)]


moments = st.integers(min_value=-20 * 86400, max_value=86400).map(lambda s: T0 + timedelta(seconds=s))
candidates = st.builds(
    Candidate,
    click_id=st.integers(0, 50).map(lambda n: f"clk_{n:03}"),
    creator_id=st.integers(101, 104),
    shop_id=st.integers(1, 2),
    product_id=st.one_of(st.none(), st.integers(11, 13)),
    clicked_at=moments,
    surface=st.sampled_from(["landing", "feed", "qr"]),
    carried_by=st.sampled_from(["person", "carrier", "cart"]),
    is_token_valid=st.booleans(),
    is_creator_active=st.booleans(),
    is_buyer=st.booleans(),
)
clicks_strategy = st.lists(candidates, max_size=8, unique_by=lambda candidate: candidate.click_id)
offers_strategy = st.builds(
    Offer,
    plan_id=st.integers(1, 5),
    version_id=st.integers(10, 99),
    kind=st.sampled_from(["exclusive", "directed", "marketing", "general"]),
    rate_bp=st.integers(0, 9000),
    shop_id=st.integers(1, 2),
    product_id=st.one_of(st.none(), st.integers(11, 13)),
    creator_ids=st.one_of(st.none(), st.frozensets(st.integers(101, 104), max_size=3)),
)


@given(clicks_strategy, st.lists(offers_strategy, max_size=6), st.integers(11, 13))
def test_c7_1_nobody_but_the_owner_of_a_click_in_the_shop_is_ever_named(
    clicks: list[Candidate], offers: list[Offer], product: int
) -> None:
    chosen = attribute([Line(1, SHOP, product)], clicks, offers, T0)[0]
    owners = {c.click_id + str(c.creator_id) for c in clicks if c.shop_id == SHOP}
    if chosen.creator_id is not None:
        assert f"{chosen.click_id}{chosen.creator_id}" in owners
        assert chosen.plan_version_id in {o.version_id for o in offers}
    else:
        assert (chosen.rate_bp, chosen.plan_version_id) == (0, None)


@given(clicks_strategy, st.lists(offers_strategy, max_size=6), st.integers(11, 13))
def test_c1_8_decision_is_reproducible_from_its_log(clicks: list[Candidate], offers: list[Offer], product: int) -> None:
    line = Line(7, SHOP, product)
    log = json.loads(json.dumps(log_of(line, clicks, offers, T0)))
    assert replay(log) == attribute([line], clicks, offers, T0)[0]


def test_every_reason_verdict_and_state_has_words_in_both_languages() -> None:
    spoken = {*VOID_REASONS, "won", "older", "newest_valid_click", "no_click", "self_purchase", "too_old"}
    spoken |= {"after_order", "token_invalid", "creator_inactive", "exclusive_other", "no_plan"}
    assert spoken <= set(SAYS)
    assert all(en.strip() and zh.strip() for en, zh in SAYS.values())
    assert COMMISSION.sources("reduce") == ("estimated_at_payment", "estimated_at_receipt", "final")
