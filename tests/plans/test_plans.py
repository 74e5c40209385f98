"""Commission plans on real PostgreSQL: notice of a cut, members, conflicts, and whose plans they are."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from tests.sharing import market

from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM
from meadow.kernel.errors import Refusal
from meadow.plans import queries, rules, services
from meadow.plans.models import Plan, PlanVersion

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 11, 12, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def rate(product_id: int, creator_id: int, at: datetime) -> tuple[str, int] | None:
    found = queries.plan_for(product_id=product_id, creator_id=creator_id, at=at)
    return None if found is None else (found.kind, found.rate_bp)


def test_c2_2_a_cut_counts_24_hours_later_and_a_raise_at_once():
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop)
    with clock.at(NOW):
        plan = services.set_general_plan(shop_id=shop.id, rate_bp=2000, by=shop.keeper)
    with clock.at(NOW + DAY):
        services.set_general_plan(shop_id=shop.id, rate_bp=500, by=shop.keeper)
        assert queries.summary(plan.pk).next_rate_bp == 500
    assert rate(bowl, mei.pk, NOW + DAY) == ("general", 2000)
    assert rate(bowl, mei.pk, NOW + 2 * DAY - SECOND) == ("general", 2000)
    assert rate(bowl, mei.pk, NOW + 2 * DAY) == ("general", 500)
    with clock.at(NOW + 3 * DAY):
        services.set_general_plan(shop_id=shop.id, rate_bp=2500, by=shop.keeper)
    assert rate(bowl, mei.pk, NOW + 3 * DAY - SECOND) == ("general", 500)
    assert rate(bowl, mei.pk, NOW + 3 * DAY) == ("general", 2500)
    assert rate(bowl, mei.pk, NOW - SECOND) is None


def test_c2_2_a_later_announcement_replaces_one_that_is_not_yet_in_effect():
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop)
    with clock.at(NOW):
        services.set_general_plan(shop_id=shop.id, rate_bp=2000, by=shop.keeper)
        services.set_general_plan(shop_id=shop.id, rate_bp=500, by=shop.keeper)
    with clock.at(NOW + DAY / 2):
        services.set_general_plan(shop_id=shop.id, rate_bp=1000, by=shop.keeper)
    assert rate(bowl, mei.pk, NOW + DAY) == ("general", 2000)
    assert rate(bowl, mei.pk, NOW + 1.5 * DAY) == ("general", 1000)
    with clock.at(NOW + DAY / 2):
        services.set_general_plan(shop_id=shop.id, rate_bp=2000, by=shop.keeper)
    assert rate(bowl, mei.pk, NOW + 9 * DAY) == ("general", 2000)


def test_c2_2_the_same_rate_again_changes_nothing():
    shop = market.shop()
    for _ in range(2):
        plan = services.set_general_plan(shop_id=shop.id, rate_bp=2000, by=shop.keeper)
    assert PlanVersion.objects.filter(plan=plan).count() == 1


def test_c2_3_and_c2_4_rates_that_cannot_be_are_refused(monkeypatch):
    shop = market.shop()
    with pytest.raises(Refusal, match="rate_out_of_range"):
        services.set_general_plan(shop_id=shop.id, rate_bp=9001, by=shop.keeper)
    monkeypatch.setitem(rules.LIMITS, "rate_cap_bp", 10_000)
    services.set_general_plan(shop_id=shop.id, rate_bp=9500, by=shop.keeper)
    with pytest.raises(Refusal, match="fees_exceed_goods"):
        services.set_general_plan(shop_id=shop.id, rate_bp=9501, by=shop.keeper)


def test_directed_plan_pays_its_members_and_c2_5_others_fall_back_to_general():
    shop, mei, li = market.shop(), market.creator("Mei"), market.creator("Li")
    bowl, cup = market.product(shop), market.product(shop)
    with clock.at(NOW):
        services.set_general_plan(shop_id=shop.id, rate_bp=1000, by=shop.keeper)
        services.create_directed_plan(
            shop_id=shop.id, product_ids=[bowl], rate_bp=3000, creator_ids=[mei.pk], by=shop.keeper
        )
    assert rate(bowl, mei.pk, NOW) == ("directed", 3000)
    assert rate(bowl, li.pk, NOW) == ("general", 1000)
    assert rate(cup, mei.pk, NOW) == ("general", 1000)
    other = queries.plan_for(product_id=bowl, creator_id=mei.pk, at=NOW, is_clicked=False)
    assert other is not None
    assert other.kind == "general"


def test_a_member_leaves_after_24_hours_of_notice_and_may_be_asked_back():
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop)
    with clock.at(NOW):
        plan = services.create_directed_plan(
            shop_id=shop.id, product_ids=[bowl], rate_bp=3000, creator_ids=[mei.pk], by=shop.keeper
        )
        services.remove_member(plan_id=plan.pk, creator_id=mei.pk, by=shop.keeper)
    assert rate(bowl, mei.pk, NOW + DAY - SECOND) == ("directed", 3000)
    assert rate(bowl, mei.pk, NOW + DAY) is None
    with clock.at(NOW + 2 * DAY):
        services.add_members(plan_id=plan.pk, creator_ids=[mei.pk], by=shop.keeper)
    assert rate(bowl, mei.pk, NOW + 2 * DAY) == ("directed", 3000)


def test_a_plan_ends_after_24_hours_of_notice_and_a_general_one_can_live_again():
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop)
    with clock.at(NOW):
        plan = services.set_general_plan(shop_id=shop.id, rate_bp=2000, by=shop.keeper)
        services.end_plan(plan_id=plan.pk, by=shop.keeper)
    assert rate(bowl, mei.pk, NOW + DAY - SECOND) == ("general", 2000)
    assert rate(bowl, mei.pk, NOW + DAY) is None
    with clock.at(NOW + 2 * DAY):
        assert queries.summary(plan.pk).state == "ended"
        with pytest.raises(Refusal, match="plan_ended"):
            services.end_plan(plan_id=plan.pk, by=shop.keeper)
        services.set_general_plan(shop_id=shop.id, rate_bp=500, by=shop.keeper)
    assert rate(bowl, mei.pk, NOW + 2 * DAY) == ("general", 500)
    assert Plan.objects.filter(shop_id=shop.id).count() == 1


def test_a_cut_of_a_plan_that_was_to_end_leaves_no_gap():
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop)
    with clock.at(NOW):
        plan = services.set_general_plan(shop_id=shop.id, rate_bp=2000, by=shop.keeper)
        services.end_plan(plan_id=plan.pk, by=shop.keeper)
    with clock.at(NOW + DAY / 2):
        services.set_general_plan(shop_id=shop.id, rate_bp=500, by=shop.keeper)
    assert rate(bowl, mei.pk, NOW + 1.5 * DAY - SECOND) == ("general", 2000)
    assert rate(bowl, mei.pk, NOW + 1.5 * DAY) == ("general", 500)


def test_a_marketing_plan_is_open_to_all_between_its_dates():
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop)
    with clock.at(NOW):
        plan = services.create_marketing_plan(
            shop_id=shop.id,
            product_ids=[bowl],
            rate_bp=1500,
            starts_at=NOW + DAY,
            ends_at=NOW + 2 * DAY,
            by=shop.keeper,
        )
        assert queries.summary(plan.pk).state == "scheduled"
        with pytest.raises(Refusal, match="plan_is_open"):
            services.add_members(plan_id=plan.pk, creator_ids=[mei.pk], by=shop.keeper)
    moments = (NOW, NOW + DAY, NOW + 2 * DAY - SECOND, NOW + 2 * DAY)
    assert [rate(bowl, mei.pk, at) for at in moments] == [None, ("marketing", 1500), ("marketing", 1500), None]


def test_a_plan_that_never_started_ends_without_ever_paying():
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop)
    with clock.at(NOW):
        plan = services.create_marketing_plan(
            shop_id=shop.id, product_ids=[bowl], rate_bp=1500, starts_at=NOW + 5 * DAY, by=shop.keeper
        )
        services.end_plan(plan_id=plan.pk, by=shop.keeper)
    assert [rate(bowl, mei.pk, NOW + days * DAY) for days in (0, 1, 5, 6)] == [None] * 4


def test_c2_6_an_exclusive_plan_on_a_product_with_a_live_general_plan_is_a_conflict():
    shop, mei, li = market.shop(), market.creator("Mei"), market.creator("Li")
    bowl, cup = market.product(shop), market.product(shop)
    exclusive = {"shop_id": shop.id, "product_ids": [bowl], "rate_bp": 4000, "creator_ids": [mei.pk], "by": shop.keeper}
    with clock.at(NOW):
        plan = services.set_general_plan(shop_id=shop.id, rate_bp=1000, by=shop.keeper)
        with pytest.raises(Refusal) as refused:
            services.create_exclusive_plan(**exclusive)
        assert (refused.value.code, refused.value.status) == ("plan_conflict", 409)
        services.end_plan(plan_id=plan.pk, by=shop.keeper)
        services.create_exclusive_plan(**exclusive, starts_at=NOW + DAY)
        with pytest.raises(Refusal, match="plan_conflict"):
            services.create_marketing_plan(shop_id=shop.id, product_ids=[bowl, cup], rate_bp=500, by=shop.keeper)
    assert rate(bowl, mei.pk, NOW + 3 * DAY) == ("exclusive", 4000)
    assert rate(bowl, li.pk, NOW + 3 * DAY) is None


def test_c2_6_a_general_plan_neither_begins_nor_lives_on_while_an_exclusive_one_runs_or_will():
    shop, mei, li = market.shop(), market.creator("Mei"), market.creator("Li")
    bowl, cup = market.product(shop), market.product(shop)

    def general(shop_: Any = shop) -> Any:
        return services.set_general_plan(shop_id=shop_.id, rate_bp=1000, by=shop_.keeper)

    def refused(verb: Any, **given: Any) -> None:
        with pytest.raises(Refusal) as no:
            verb(**given)
        assert (no.value.code, no.value.status, no.value.params["kind"]) == ("plan_conflict", 409, "exclusive")

    exclusive = {"product_ids": [bowl], "rate_bp": 4000, "creator_ids": [mei.pk]}
    with clock.at(NOW):
        plan = general()
        services.end_plan(plan_id=plan.pk, by=shop.keeper)
        only = services.create_exclusive_plan(shop_id=shop.id, by=shop.keeper, **exclusive, starts_at=NOW + DAY)
        refused(general)  # it would take its end back
        refused(services.change_rate, plan_id=plan.pk, rate_bp=2000, by=shop.keeper)
        other = market.shop(name="Eve's", keeper="Eve")
        theirs = exclusive | {"product_ids": [market.product(other)]}
        services.create_exclusive_plan(shop_id=other.id, by=other.keeper, **theirs)
        refused(lambda: general(other))  # it would be the shop's first
        assert not [one for one in queries.plans_of_shop(other.id) if one.kind == "general"]
    with clock.at(NOW + 2 * DAY):
        refused(general)
        services.end_plan(plan_id=only.pk, by=shop.keeper)
    with clock.at(NOW + 3 * DAY):
        general()
        assert rate(bowl, li.pk, NOW + 3 * DAY) == rate(cup, li.pk, NOW + 3 * DAY) == ("general", 1000)


def test_c2_7_another_merchants_plans_are_not_there():
    ada, eve = market.shop(keeper="Ada"), market.shop(name="Eve's", keeper="Eve")
    mei = market.creator()
    plan = services.set_general_plan(shop_id=ada.id, rate_bp=2000, by=ada.keeper)
    for verb, more in (
        (services.change_rate, {"rate_bp": 100}),
        (services.end_plan, {}),
        (services.add_members, {"creator_ids": [mei.pk]}),
        (services.remove_member, {"creator_id": mei.pk}),
    ):
        with pytest.raises(Refusal) as refused:
            verb(plan_id=plan.pk, by=eve.keeper, **more)
        assert refused.value.status == 404
    with pytest.raises(Refusal) as refused:
        services.set_general_plan(shop_id=ada.id, rate_bp=100, by=eve.keeper)
    assert refused.value.status in (403, 404)
    with pytest.raises(Refusal, match="not_found"):
        services.create_directed_plan(
            shop_id=eve.id, product_ids=[market.product(ada)], rate_bp=100, creator_ids=[mei.pk], by=eve.keeper
        )
    assert queries.plans_of_shop(ada.id)[0].rate_bp == 2000


def test_members_and_products_must_exist_and_be_few():
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop)
    make = {"shop_id": shop.id, "rate_bp": 100, "by": SYSTEM}
    for products, creators, code in (
        ([], [mei.pk], "malformed"),
        (list(range(1, 22)), [mei.pk], "malformed"),
        ([bowl], [], "malformed"),
        ([bowl], list(range(1, 32)), "malformed"),
        ([bowl], [mei.pk + 1000], "not_found"),
        ([bowl + 1000], [mei.pk], "not_found"),
    ):
        with pytest.raises(Refusal, match=code):
            services.create_directed_plan(product_ids=products, creator_ids=creators, **make)
    assert not Plan.objects.exists()


def test_offers_of_many_shops_come_in_one_statement(django_assert_num_queries):
    shops, mei = [market.shop(), market.shop(keeper="Eve")], market.creator()
    products = [market.product(shop) for shop in shops]
    with clock.at(NOW):
        for shop, product in zip(shops, products, strict=True):
            services.set_general_plan(shop_id=shop.id, rate_bp=1000, by=shop.keeper)
            services.create_directed_plan(
                shop_id=shop.id, product_ids=[product], rate_bp=2000, creator_ids=[mei.pk], by=shop.keeper
            )
    with django_assert_num_queries(1):
        offers = queries.plans_for_shops(
            shop_ids=[shop.id for shop in shops], product_ids=products, creator_ids=[mei.pk, 999_999], at=NOW
        )
    assert [(offer.kind, offer.shop_id, offer.product_id, offer.creator_ids) for offer in offers] == [
        ("general", shops[0].id, None, None),
        ("directed", shops[0].id, products[0], frozenset({mei.pk})),
        ("general", shops[1].id, None, None),
        ("directed", shops[1].id, products[1], frozenset({mei.pk})),
    ]


def test_the_sql_function_agrees_with_the_rules_on_who_is_paid():
    shop, mei, li = market.shop(), market.creator("Mei"), market.creator("Li")
    bowl, cup = market.product(shop), market.product(shop)
    with clock.at(NOW):
        services.create_directed_plan(
            shop_id=shop.id, product_ids=[bowl], rate_bp=2000, creator_ids=[mei.pk], by=shop.keeper
        )
        services.create_marketing_plan(
            shop_id=shop.id, product_ids=[cup], rate_bp=0, starts_at=NOW + DAY, by=shop.keeper
        )
    for at in (NOW - SECOND, NOW, NOW + DAY):
        pairs = [(product, shop.id, creator.pk) for product in (bowl, cup) for creator in (mei, li)]
        by_rules = {
            (product, shop_id, creator) for product, shop_id, creator in pairs
            if (chosen := queries.plan_for(product_id=product, creator_id=creator, at=at)) and chosen.rate_bp
        }  # fmt: skip
        assert queries.pairs_with_commission(pairs, at) == by_rules
    assert queries.has_commission([bowl, cup], NOW) == {bowl}
    assert queries.pairs_with_commission([]) == set()


def test_a_preview_is_the_settlement_itself():
    shown = queries.preview(goods_minor=10_000, rate_bp=2000)
    assert (shown.merchant, shown.creator, shown.platform) == (7500, 1800, 700)
    with pytest.raises(Refusal, match="rate_out_of_range"):
        queries.preview(goods_minor=10_000, rate_bp=9500)


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_become_two_versions_of_one_plan():
    shop = market.shop()
    start, failures = Barrier(2), []

    def change(rate_bp: int) -> None:
        try:
            start.wait(timeout=10)
            services.set_general_plan(shop_id=shop.id, rate_bp=rate_bp, by=shop.keeper)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=change, args=(rate_bp,)) for rate_bp in (1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    plan = Plan.objects.get(shop_id=shop.id)
    assert list(PlanVersion.objects.filter(plan=plan).order_by("version").values_list("version", flat=True)) == [1, 2]
