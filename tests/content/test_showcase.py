"""Does a showcase keep its order under two hands, lose what ended at once, and never hold more than it may?"""

from dataclasses import replace
from typing import Any

import pytest
from tests.trade import bazaar
from tests.trade.bazaar import Goods, at_once

from meadow.catalog import services as shelves
from meadow.content import queries, services
from meadow.content.models import Recommendation, Showcase, ShowcaseEntry
from meadow.kernel.audit import SYSTEM
from meadow.kernel.errors import Refusal

pytestmark = pytest.mark.django_db

REASON = "Three summers of wear and it still looks new, number {}."


@pytest.fixture
def mei() -> Any:
    return bazaar.creator("Mei")


@pytest.fixture
def goods() -> list[Goods]:
    shop = bazaar.shop()
    return [bazaar.goods(shop) for _ in range(4)]


def recommend(creator: Any, *goods: Goods) -> Recommendation:
    return services.publish_recommendation(
        creator_id=creator.pk, items=[(each.product_id, REASON.format(each.product_id)) for each in goods]
    )


def wall(creator: Any) -> list[int]:
    return [item.card.product_id for item in queries.showcase(creator.pk).items]


def entries(creator: Any) -> list[str]:
    return [item.public_id for item in queries.showcase(creator.pk, for_owner=True).items]


def refused(code: str, verb: Any, **given: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        verb(**given)
    assert caught.value.code == code
    return caught.value


def test_the_newest_comes_on_top_and_keeps_reason_and_label(mei: Any, goods: list[Goods]) -> None:
    post = recommend(mei, *goods[:3])
    services.add_to_showcase(creator_id=mei.pk, recommendation_id=post.pk, product_id=goods[0].product_id)
    again = services.add_to_showcase(creator_id=mei.pk, recommendation_id=post.pk, product_id=goods[0].product_id)
    assert entries(mei) == [again.public_id]
    assert services.show_whole_recommendation(creator_id=mei.pk, recommendation_id=post.pk) == 2
    assert wall(mei) == [goods[1].product_id, goods[2].product_id, goods[0].product_id]
    item = queries.showcase(mei.pk).items[-1]
    assert (item.reason, item.ad_label, item.state) == (REASON.format(goods[0].product_id), True, "on_sale")


@pytest.mark.django_db(transaction=True)
def test_a4_1_of_two_who_sort_at_once_one_is_told(mei: Any, goods: list[Goods]) -> None:
    post = recommend(mei, *goods)
    services.show_whole_recommendation(creator_id=mei.pk, recommendation_id=post.pk)
    before, version = entries(mei), queries.showcase(mei.pk).version
    orders = [before[::-1], [before[2], before[0], before[1], before[3]]]
    answers = at_once(
        [
            lambda order=order: services.reorder_showcase(creator_id=mei.pk, entries=order, version=version)  # type: ignore[misc]
            for order in orders
        ]
    )
    assert sorted(answer if isinstance(answer, str) else "sorted" for answer in answers) == [
        "showcase_changed", "sorted",
    ]  # fmt: skip
    winner = next(n for n, answer in enumerate(answers) if isinstance(answer, Showcase))
    assert entries(mei) == orders[winner]
    stale = refused("showcase_changed", services.reorder_showcase, creator_id=mei.pk, entries=before, version=version)
    assert stale.status == 409
    assert stale.params["version"] == version + 1
    services.reorder_showcase(creator_id=mei.pk, entries=before[-1:], version=version + 1)
    assert entries(mei)[0] == before[-1]  # who is not named follows as it stood


def test_a4_2_what_is_taken_down_vanishes_at_once_and_returns_with_its_place(mei: Any, goods: list[Goods]) -> None:
    post = recommend(mei, *goods[:2])
    services.show_whole_recommendation(creator_id=mei.pk, recommendation_id=post.pk)
    other = recommend(mei, goods[2])
    services.show_whole_recommendation(creator_id=mei.pk, recommendation_id=other.pk)
    shelves.withdraw_product(product_id=goods[0].product_id, by=goods[0].shop.keeper)
    assert wall(mei) == [goods[2].product_id, goods[1].product_id]
    hidden = [item for item in queries.showcase(mei.pk, for_owner=True).items if not item.is_shown]
    assert [(item.card.product_id, item.state) for item in hidden] == [(goods[0].product_id, "withdrawn")]
    services.stop(subject_kind="content.recommendation", subject_id=other.pk, decision_id=1, until=None)
    assert wall(mei) == [goods[1].product_id]
    services.undo_decision(decision_id=1, subject_kind="content.recommendation", subject_id=other.pk)
    assert wall(mei) == [goods[2].product_id, goods[1].product_id]
    bazaar.paid((goods[1], 10))
    assert [item.state for item in queries.showcase(mei.pk).items] == ["on_sale", "sold_out"]


def test_a4_3_who_buys_from_a_showcase_buys_through_its_creator_and_the_last_click_wins(
    mei: Any, goods: list[Goods]
) -> None:
    from meadow.sharing import services as sharing
    from meadow.sharing.services import Origin

    lin, bo = bazaar.creator("Lin"), bazaar.person()
    for creator in (mei, lin):
        post = recommend(creator, goods[0]) if creator is mei else _in_other_words(lin, goods[0])
        services.show_whole_recommendation(creator_id=creator.pk, recommendation_id=post.pk)

    def tap(creator: Any) -> None:
        item = queries.showcase(creator.pk).items[0]
        origin = Origin(creator.pk, item.card.shop_id, item.card.product_id, "showcase")
        view = sharing.open_view(origin=origin, method="GET", headers=bazaar.BROWSER, person_id=bo)
        assert sharing.click_from_view(view=view.text, method="GET", headers=bazaar.BROWSER, person_id=bo)
        sharing.flush_clicks()

    tap(mei)
    assert bazaar.goods_line(bazaar.paid(goods[0], buyer=bo)).creator_id == mei.pk
    tap(lin)
    line = bazaar.goods_line(bazaar.paid(goods[0], buyer=bo))
    assert line.creator_id == lin.pk
    from meadow.affiliate import queries as affiliate

    assert [step.surface for step in affiliate.trail(line.pk).steps] == ["showcase", "showcase"]


def _in_other_words(creator: Any, of: Goods) -> Recommendation:
    return services.publish_recommendation(
        creator_id=creator.pk, items=[(of.product_id, "A bowl that I would buy again any day.")]
    )


def test_a4_4_a_full_showcase_takes_no_more_but_drops_what_left_the_shelf(
    mei: Any, goods: list[Goods], settings: Any
) -> None:
    settings.MEADOW = replace(settings.MEADOW, showcase_items=3)
    post = recommend(mei, *goods[:3])
    services.show_whole_recommendation(creator_id=mei.pk, recommendation_id=post.pk)
    more = recommend(mei, goods[3])
    given = {"creator_id": mei.pk, "recommendation_id": more.pk, "product_id": goods[3].product_id}
    full = refused("showcase_full", services.add_to_showcase, **given)
    assert (full.status, full.params["most"]) == (409, 3)
    shelves.withdraw_product(product_id=goods[0].product_id, by=SYSTEM)
    services.add_to_showcase(**given)
    assert len(entries(mei)) == 3
    assert wall(mei)[0] == goods[3].product_id


@pytest.mark.django_db(transaction=True)
def test_a4_4_the_last_place_goes_to_one_of_two(mei: Any, goods: list[Goods], settings: Any) -> None:
    settings.MEADOW = replace(settings.MEADOW, showcase_items=1)
    post = recommend(mei, *goods[:2])
    answers = at_once(
        [
            lambda each=each: services.add_to_showcase(  # type: ignore[misc]
                creator_id=mei.pk, recommendation_id=post.pk, product_id=each.product_id
            )
            for each in goods[:2]
        ]
    )
    assert [answer for answer in answers if answer == "showcase_full"] == ["showcase_full"]
    assert ShowcaseEntry.objects.count() == 1


def test_a4_5_an_ended_recommendation_leaves_and_a_removed_entry_leaves_the_post(mei: Any, goods: list[Goods]) -> None:
    post, other = recommend(mei, goods[0]), recommend(mei, goods[1])
    for each in (post, other):
        services.show_whole_recommendation(creator_id=mei.pk, recommendation_id=each.pk)
    services.end_recommendation(recommendation_id=post.pk, creator_id=mei.pk)
    assert wall(mei) == [goods[1].product_id]
    assert ShowcaseEntry.objects.count() == 1
    services.remove_from_showcase(creator_id=mei.pk, entry=entries(mei)[0])
    assert wall(mei) == []
    assert queries.recommendation(other.pk).state == "published"


def test_tabs_come_from_the_products_categories(mei: Any) -> None:
    shop = bazaar.shop()
    new = [shelves.NewSku(price_minor=1000, left=1)]
    made = [
        shelves.add_product(shop_id=shop.id, title=f"Thing {n}", category=category, skus=new).pk
        for n, category in enumerate(["Home > Light", "Home > Sleep", "厨房/茶具", ""])
    ]
    post = services.publish_recommendation(
        creator_id=mei.pk, items=[(product, REASON.format(product)) for product in made]
    )
    services.show_whole_recommendation(creator_id=mei.pk, recommendation_id=post.pk)
    seen = queries.showcase(mei.pk)
    assert seen.tabs == (("Home", 2), ("厨房", 1))
    assert [item.card.product_id for item in queries.shown_items(seen, "Home")] == made[:2]


def test_nobody_touches_anothers_showcase(mei: Any, goods: list[Goods]) -> None:
    lin = bazaar.creator("Lin")
    post = recommend(mei, goods[0])
    services.show_whole_recommendation(creator_id=mei.pk, recommendation_id=post.pk)
    mine = entries(mei)
    refused("not_found", services.remove_from_showcase, creator_id=lin.pk, entry=mine[0])
    refused("not_found", services.reorder_showcase, creator_id=lin.pk, entries=mine, version=1)
    refused(
        "not_found", services.add_to_showcase, creator_id=lin.pk, recommendation_id=post.pk,
        product_id=goods[0].product_id,
    )  # fmt: skip
    assert services.show_whole_recommendation(creator_id=lin.pk, recommendation_id=post.pk) == 0
    refused("malformed", services.reorder_showcase, creator_id=mei.pk, entries=mine * 2, version=2)
    assert entries(mei) == mine
