"""Do creators find the goods they look for, at what they would really earn, and does the table keep up with events?"""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.trade import bazaar
from tests.trade.bazaar import DAY, Goods, Shop

from meadow.catalog import services as shelves
from meadow.discovery import handlers, queries, services
from meadow.discovery.models import Goods as Row
from meadow.discovery.models import Stale
from meadow.discovery.queries import Wish
from meadow.discovery.rules import words_asked, words_of
from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.errors import Refusal
from meadow.kernel.events import DecisionReversed, PlanChanged, ProductChanged
from meadow.ledger.queries import split
from meadow.plans import queries as plans_queries
from meadow.plans import services as plans

pytestmark = pytest.mark.django_db


def settle() -> None:
    outbox.drain_all()
    sweeps.run_due(clock.now())


def picked(creator: Any, **wish: Any) -> list[int]:
    return [card.product_id for card in queries.pick(creator.pk, Wish(**wish)).cards]


@pytest.fixture
def mei() -> Any:
    return bazaar.creator("Mei")


@pytest.fixture
def shop() -> Shop:
    return bazaar.shop(rate_bp=2000)


@pytest.fixture
def bowl(shop: Shop) -> Goods:
    return bazaar.goods(shop, price=10_000, left=10)


def test_a_creator_sees_what_one_sale_would_bring_in_money_and_percent(mei: Any, bowl: Goods) -> None:
    settle()
    (card,) = queries.pick(mei.pk, Wish()).cards
    assert (card.product_id, card.rate_bp, card.plan_kind) == (bowl.product_id, 2000, "general")
    assert card.earns_minor == split(10_000, 2000).creator == 1800
    assert (card.price_minor, card.left, card.standing, card.image[:9]) == (10_000, 10, "good", "/pictures")


def test_filters_by_money_percent_stock_plan_shop_price_category_and_text(mei: Any, shop: Shop, bowl: Goods) -> None:
    other = bazaar.shop("Wen", rate_bp=500)
    new = [shelves.NewSku(price_minor=50_000, left=3)]
    lamp = shelves.add_product(shop_id=other.id, title="竹编台灯 Bamboo Lamp", category="Home > Light", skus=new).pk
    plain = bazaar.shop("Eve", rate_bp=None)
    spoon = bazaar.goods(plain, price=900, left=0).product_id
    settle()
    assert picked(mei) == [lamp, bowl.product_id]  # 2250 before 1800
    assert picked(mei, sort="rate") == [bowl.product_id, lamp]
    assert picked(mei, sort="cheapest") == [bowl.product_id, lamp]
    assert picked(mei, sort="newest") == [lamp, bowl.product_id]
    assert picked(mei, least_earns_minor=2000) == [lamp]
    assert picked(mei, most_earns_minor=2000) == [bowl.product_id]
    assert picked(mei, least_rate_bp=600) == [bowl.product_id]
    assert picked(mei, least_left=5) == [bowl.product_id]
    assert picked(mei, shop_id=other.id) == [lamp]
    assert picked(mei, most_price_minor=20_000) == [bowl.product_id]
    assert picked(mei, currency="EUR") == []
    assert picked(mei, category="Home > Light") == [lamp]
    assert picked(mei, plan="marketing") == []
    assert picked(mei, plan="none") == []
    assert picked(mei, plan="none", least_left=0) == [spoon]
    for found in ("台灯", "竹编台灯", "bamboo", "LAMP 台", "ｌａｍｐ"):
        assert picked(mei, text=found) == [lamp], found
    for not_found in ("灯台", "bamboo bowl", "amp"):
        assert picked(mei, text=not_found) == [], not_found
    assert queries.categories() == ["Home > Light"]


@pytest.mark.parametrize(
    "wish",
    [
        {"sort": "id; DROP"}, {"plan": "x"}, {"standing": "best"}, {"currency": "XXQ"}, {"text": "x" * 101},
        {"least_rate_bp": 2, "most_rate_bp": 1}, {"least_price_minor": -1}, {"least_earns_minor": True},
    ],
)  # fmt: skip
def test_a_wish_that_makes_no_sense_is_malformed(mei: Any, wish: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        queries.pick(mei.pk, Wish(**wish))
    assert refused.value.code == "malformed"


def test_pages_go_on_where_the_last_one_ended_and_take_one_statement(mei: Any, shop: Shop) -> None:
    made = [bazaar.goods(shop, price=1000 * (n % 3 + 1)).product_id for n in range(7)]
    settle()
    for sort in queries.SORTS:
        seen: list[int] = []
        cursor = None
        while True:
            with CaptureQueriesContext(
                connection,
            ) as asked:
                page = queries.pick(mei.pk, Wish(sort=sort), cursor=cursor, limit=3)
            assert len(asked) == 1
            seen += [card.product_id for card in page.cards]
            if (cursor := page.next_cursor) is None:
                break
        assert sorted(seen) == made, sort
    first = queries.pick(mei.pk, Wish(sort="rate"), limit=3).next_cursor
    with pytest.raises(Refusal):
        queries.pick(mei.pk, Wish(sort="earns"), cursor=first)


def test_invited_creators_see_their_own_rate_and_nobody_else_does(mei: Any, shop: Shop, bowl: Goods) -> None:
    lin = bazaar.creator("Lin")
    plans.create_directed_plan(
        shop_id=shop.id, product_ids=[bowl.product_id], rate_bp=4000, creator_ids=[lin.pk], by=shop.keeper
    )
    cup = bazaar.goods(shop)
    settle()
    assert {card.rate_bp for card in queries.pick(mei.pk, Wish()).cards} == {2000}
    found = {card.product_id: card for card in queries.pick(lin.pk, Wish()).cards}
    assert (found[bowl.product_id].rate_bp, found[bowl.product_id].plan_kind) == (4000, "directed")
    assert found[cup.product_id].rate_bp == 2000
    assert picked(lin, plan="directed") == [bowl.product_id]
    assert picked(mei, plan="directed") == []


def test_a_product_exclusive_to_somebody_pays_nobody_else(mei: Any) -> None:
    lin, zoe = bazaar.creator("Lin"), bazaar.shop("Zoe", rate_bp=None)
    vase = bazaar.goods(zoe)
    plans.create_exclusive_plan(
        shop_id=zoe.id, product_ids=[vase.product_id], rate_bp=3000, creator_ids=[lin.pk], by=zoe.keeper
    )
    settle()
    assert picked(lin, plan="exclusive") == [vase.product_id]
    assert picked(mei) == []
    assert picked(mei, plan="none") == [vase.product_id]


def test_the_table_follows_prices_plans_stock_orders_and_withdrawals(mei: Any, shop: Shop, bowl: Goods) -> None:
    def card() -> queries.GoodsCard:
        settle()
        return queries.pick(mei.pk, Wish(least_left=0)).cards[0]

    shelves.change_price(sku_id=bowl.sku_id, price_minor=20_000, by=shop.keeper)
    assert (card().price_minor, card().earns_minor) == (20_000, 3600)
    plans.set_general_plan(shop_id=shop.id, rate_bp=3000, by=shop.keeper)
    assert card().rate_bp == 3000
    placed = bazaar.place((bowl, 4), buyer=bazaar.person())
    assert card().left == 6
    from meadow.trade import services as trade

    trade.cancel_order(order_id=placed.orders[0].pk, by=bazaar.actor(placed.orders[0].buyer_id))
    assert card().left == 10
    shelves.withdraw_product(product_id=bowl.product_id, by=shop.keeper)
    settle()
    assert picked(mei, least_left=0) == []


def test_a_cut_shows_when_its_notice_has_run_out_and_not_before(mei: Any, shop: Shop, bowl: Goods) -> None:
    settle()
    plans.set_general_plan(shop_id=shop.id, rate_bp=500, by=shop.keeper)
    settle()
    assert queries.pick(mei.pk, Wish()).cards[0].rate_bp == 2000
    sweeps.advance(clock.now() + timedelta(hours=23))
    assert queries.pick(mei.pk, Wish()).cards[0].rate_bp == 2000
    sweeps.advance(clock.now() + timedelta(hours=1, seconds=1))
    assert queries.pick(mei.pk, Wish()).cards[0].rate_bp == 500


def test_a_shops_standing_filters_and_fades(mei: Any, shop: Shop, bowl: Goods, monkeypatch: pytest.MonkeyPatch) -> None:
    from meadow.governance import queries as governance

    settle()
    assert picked(mei, standing="good") == [bowl.product_id]
    counted = {"points": 1000}
    monkeypatch.setattr(governance, "points_of_many", lambda kind, ids, at: dict.fromkeys(ids, counted["points"]))
    services.mark_stale([bowl.product_id])
    settle()
    assert picked(mei, standing="good") == []
    assert picked(mei, standing="noted") == [bowl.product_id]
    counted["points"] = 0
    sweeps.advance(clock.now() + DAY + timedelta(seconds=1))
    assert picked(mei, standing="good") == [bowl.product_id]


def test_rebuilding_gives_the_same_table_and_repeats_write_nothing(mei: Any, shop: Shop, bowl: Goods) -> None:
    settle()
    before = list(Row.objects.values())
    assert services.rebuild_goods() == 1
    settle()
    assert list(Row.objects.values()) == before
    Row.objects.all().delete()
    services.rebuild_goods()
    settle()
    hidden = {"id", "refreshed_at"}
    again = [{k: v for k, v in row.items() if k not in hidden} for row in Row.objects.values()]
    assert again == [{k: v for k, v in row.items() if k not in hidden} for row in before]
    assert not Stale.objects.exists()


def test_upkeep_is_set_based(mei: Any, shop: Shop) -> None:
    for _ in range(2):
        bazaar.goods(shop)
    settle()

    def statements() -> int:
        services.rebuild_goods()
        with CaptureQueriesContext(connection) as asked:
            services.refresh_due(until=clock.now())
        return len(asked)

    few = statements()
    for _ in range(20):
        bazaar.goods(shop)
    settle()
    assert statements() <= few + 1


def test_words_of_both_kinds_of_script() -> None:
    assert words_of(["Steel 保温杯"]) == ["steel", "保", "温", "杯", "保温", "温杯"]
    assert words_asked("保温杯 STEEL") == ["保温", "温杯", "steel"]
    assert words_asked("杯") == ["杯"]


def test_the_statements_of_a_change_do_not_grow_with_products_merchants_or_plans() -> None:
    """Fifty changes of fifty products cost what five do, also where each is another merchant's."""

    def cost(number: int) -> int:
        goods = [bazaar.goods(bazaar.shop(f"Keeper{number}x{n}")) for n in range(number)]
        settle()
        wanted = [ProductChanged(one.product_id, one.shop.id) for one in goods]
        changed = [PlanChanged(plans_queries.plans_of_shop(one.shop.id)[0].plan_id, one.shop.id) for one in goods]
        judged = [DecisionReversed(n, "catalog.product", one.product_id, "suspend") for n, one in enumerate(goods, 1)]
        with CaptureQueriesContext(connection) as asked:
            handlers.on_product(wanted)
            handlers.on_plan(changed)
            handlers.on_decision(judged)
            assert services.refresh_due(until=clock.now()) == number
        return len(asked)

    assert cost(12) == cost(3)
    assert cost(4) <= 30
