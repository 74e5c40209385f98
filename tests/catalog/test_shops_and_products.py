"""Whether shops and products do what their keepers say, refuse what may not be, and let decisions pass and go."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from tests.catalog.conftest import only_sku

from meadow.accounts.models import Merchant
from meadow.catalog import queries, rules, services, tasks
from meadow.catalog.models import PriceVersion, Product, Shop, Sku, Suspension
from meadow.catalog.services import NewSku
from meadow.kernel import clock
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.events import DecisionMade, DecisionReversed, Event
from meadow.kernel.models import OutboxEvent
from meadow.kernel.outbox import emit

pytestmark = pytest.mark.django_db


def refused(code: str, call: Callable[[], Any]) -> None:
    with pytest.raises(Refusal) as refusal:
        call()
    assert refusal.value.code == code


def events(kind: type[Event]) -> int:
    return OutboxEvent.objects.filter(kind=kind.__name__).count()


def happen(event: Event, drained: Callable[[], int]) -> None:
    with transaction.atomic():
        emit(event)
    drained()


def state(row: Product | Shop) -> str:
    row.refresh_from_db()
    return row.state


def test_a10_1_a_shop_sells_after_two_calls(merchant: Merchant, keeper: Actor) -> None:
    shop = services.open_shop(merchant_id=merchant.pk, name="Ada's Goods", by=keeper)
    product = services.add_product(
        shop_id=shop.pk, title="Clay teapot", skus=[NewSku(price_minor=10_000, left=3)], by=keeper
    )
    assert shop.currency == "CNY"
    assert shop.slug == "ada-s-goods"
    card = queries.cards([product.pk])[product.pk]
    assert (card.on_sale, card.left, card.price_minor, card.currency) == (True, 3, 10_000, "CNY")


def test_a10_2_matrix_of_three_by_three_keeps_stock_apart(shop: Shop) -> None:
    product = services.add_product(
        shop_id=shop.pk,
        title="Wool jumper",
        options=["Size", "Colour"],
        skus=[
            NewSku(price_minor=20_000 + 100 * n, left=3 * n + m, options=(size, colour))
            for n, size in enumerate("SML")
            for m, colour in enumerate(["red", "blue", "moss"])
        ],
    )
    page = queries.product_page(product.public_id)
    assert [sku.left for sku in page.skus] == list(range(9))
    assert page.skus[4].option_text == "M / blue"
    assert (page.card.price_minor, page.card.price_max_minor, page.card.left) == (20_000, 20_200, 36)


@pytest.mark.parametrize(
    ("sku", "code"),
    [
        (NewSku(price_minor=-1), "price_negative"),
        (NewSku(price_minor=0), "price_zero"),
        (NewSku(price_minor=rules.PRICE_CAP_MINOR + 1), "price_above_cap"),
        (NewSku(price_minor=100, left=-1), "stock_invalid"),
        (NewSku(price_minor=100, options=("",)), "option_missing"),
    ],
)
def test_a10_2_prices_and_stock_that_may_not_be(shop: Shop, sku: NewSku, code: str) -> None:
    options = ["Size"] if sku.options else []
    refused(code, lambda: services.add_product(shop_id=shop.pk, title="Cup", options=options, skus=[sku]))
    assert not Product.objects.exists()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("12.505", "price_decimals"),
        ("twelve", "price_unreadable"),
        ("", "price_missing"),
        ("5 USD", "currency_mismatch"),
    ],
)
def test_a10_2_texts_that_are_no_price(text: str, code: str) -> None:
    refused(code, lambda: queries.price_from_text(text, "CNY"))


def test_a10_2_a_gift_may_be_free(shop: Shop) -> None:
    product = services.add_product(shop_id=shop.pk, title="Sticker", skus=[NewSku(price_minor=0, left=9, is_gift=True)])
    assert queries.cards([product.pk])[product.pk].price_minor == 0
    with pytest.raises(IntegrityError), transaction.atomic():
        Sku.objects.filter(product=product).update(is_gift=False)


def test_a_product_needs_a_title_and_distinct_skus(shop: Shop) -> None:
    one = NewSku(price_minor=100, options=("S",))
    refused("title_missing", lambda: services.add_product(shop_id=shop.pk, title=" \u3000", skus=[one]))
    refused("skus_missing", lambda: services.add_product(shop_id=shop.pk, title="Cup", skus=[]))
    refused(
        "duplicate_choice",
        lambda: services.add_product(shop_id=shop.pk, title="Cup", options=["Size"], skus=[one, one]),
    )
    four = [NewSku(price_minor=1, options=("a", "b", "c", "d"))]
    refused("too_many", lambda: services.add_product(shop_id=shop.pk, title="Cup", options=list("abcd"), skus=four))
    refused(
        "url_invalid",
        lambda: services.add_product(shop_id=shop.pk, title="Cup", skus=[NewSku(1)], source_url="javascript:alert(1)"),
    )


def test_handles_are_unique_in_a_shop(shop: Shop, second_shop: Shop, teapot: Product) -> None:
    again = [NewSku(price_minor=100)]
    refused("handle_taken", lambda: services.add_product(shop_id=shop.pk, title="CLAY  Teapot!", skus=again))
    assert services.add_product(shop_id=second_shop.pk, title="Clay teapot", skus=again).handle == "clay-teapot"


def test_a3_1_a_new_price_shows_at_once_and_keeps_its_history(teapot: Product) -> None:
    sku = only_sku(teapot)
    services.change_price(sku_id=sku.pk, price_minor=8_000, compare_at_minor=10_000)
    services.change_price(sku_id=sku.pk, price_minor=8_000, compare_at_minor=10_000)
    found = queries.skus_for_sale([sku.pk])[sku.pk]
    assert (found.price_minor, found.price_version) == (8_000, 2), "the same price is no new version"
    card = queries.cards([teapot.pk])[teapot.pk]
    assert (card.price_minor, card.compare_at_minor, card.version) == (8_000, 10_000, 2)
    assert list(PriceVersion.objects.order_by("version").values_list("price_minor", flat=True)) == [10_000, 8_000]
    refused("price_zero", lambda: services.change_price(sku_id=sku.pk, price_minor=0))
    services.change_price(sku_id=sku.pk, price_minor=9_000, compare_at_minor=9_000)
    assert queries.cards([teapot.pk])[teapot.pk].compare_at_minor is None, "a former price must be above"


def test_stock_is_set_beside_what_is_promised(teapot: Product) -> None:
    sku = only_sku(teapot)
    services.reserve(lines=[(sku.pk, 4)], cause=("order", 1), expires_at=clock.now() + timedelta(hours=1))
    services.change_stock(sku_id=sku.pk, left=1)
    sku.refresh_from_db()
    assert (sku.stock, sku.reserved) == (5, 4)
    services.change_stock(sku_id=sku.pk, left=None)
    assert queries.skus_for_sale([sku.pk])[sku.pk].left == rules.UNLIMITED_LEFT
    refused("stock_invalid", lambda: services.change_stock(sku_id=sku.pk, left=-1))


def test_what_is_not_yours(shop: Shop, teapot: Product, bo: Actor, keeper: Actor) -> None:
    sku = only_sku(teapot)
    refused("forbidden", lambda: services.change_price(sku_id=sku.pk, price_minor=1, by=bo))
    refused("forbidden", lambda: services.change_stock(sku_id=sku.pk, left=1, by=bo))
    refused("forbidden", lambda: services.withdraw_product(product_id=teapot.pk, by=bo))
    refused("forbidden", lambda: services.close_shop(shop_id=shop.pk, by=bo))
    refused("forbidden", lambda: services.add_product(shop_id=shop.pk, title="X", skus=[NewSku(1)], by=bo))
    refused("forbidden", lambda: services.import_catalog(shop_id=shop.pk, file=b"", by=bo))
    draft = services.add_product(shop_id=shop.pk, title="Draft", skus=[NewSku(1)], on_sale=False, by=keeper)
    refused("not_found", lambda: services.offer_product(product_id=draft.pk, by=bo))
    refused("not_found", lambda: queries.product_page(draft.public_id))
    assert queries.product_page(draft.public_id, keeper=True).state == "draft"
    refused("not_found", lambda: services.open_shop(merchant_id=shop.merchant_id, name="Bo's", by=bo))


def test_a3_5_a_withdrawn_product_stays_readable(teapot: Product) -> None:
    services.withdraw_product(product_id=teapot.pk)
    page = queries.product_page(teapot.public_id)
    assert (page.state, page.card.on_sale) == ("withdrawn", False)
    assert not queries.newest_cards().cards
    refused("stale_state", lambda: services.withdraw_product(product_id=teapot.pk))
    services.offer_product(product_id=teapot.pk)
    assert queries.newest_cards().cards[0].product_id == teapot.pk


def test_a10_5_a_closed_shop_sells_nothing(shop: Shop, teapot: Product) -> None:
    services.close_shop(shop_id=shop.pk)
    assert not queries.cards([teapot.pk])[teapot.pk].on_sale
    assert not queries.newest_cards().cards
    refused("stale_state", lambda: services.close_shop(shop_id=shop.pk))
    services.reopen_shop(shop_id=shop.pk)
    assert queries.cards([teapot.pk])[teapot.pk].on_sale


def test_shops_have_names_of_their_own(merchant: Merchant, shop: Shop) -> None:
    twin = services.open_shop(merchant_id=merchant.pk, name="Ada's Goods", currency="JPY")
    chinese = services.open_shop(merchant_id=merchant.pk, name="阿达的店")
    assert twin.slug != shop.slug
    assert chinese.slug.startswith("shop-")
    assert queries.shop(chinese.slug).shop_id == queries.shop(chinese.public_id).shop_id == chinese.pk
    refused("currency_unknown", lambda: services.open_shop(merchant_id=merchant.pk, name="X", currency="XYZ"))
    refused("malformed", lambda: services.open_shop(merchant_id=merchant.pk, name=" "))
    refused("price_negative", lambda: services.change_shop(shop_id=shop.pk, flat_shipping_minor=-1))
    services.change_shop(shop_id=shop.pk, name="Ada & Co", flat_shipping_minor=0, notice="Closed on Sundays")
    assert queries.shop(shop.pk).notice == "Closed on Sundays"


def test_a_decision_suspends_and_its_reversal_restores(teapot: Product, drained: Callable[[], int]) -> None:
    made = DecisionMade(7, "catalog.product", teapot.pk, "suspend", "goods.restricted", 1, None)
    happen(made, drained)
    happen(made, drained)
    assert state(teapot) == "suspended"
    assert Suspension.objects.get().prior_state == "on_sale"
    refused("not_found", lambda: queries.product_page(teapot.public_id))
    refused("suspended_by_decision", lambda: services.offer_product(product_id=teapot.pk))
    happen(DecisionReversed(7, "catalog.product", teapot.pk, "suspend"), drained)
    assert state(teapot) == "on_sale"


def test_two_suspensions_end_in_any_order(teapot: Product, drained: Callable[[], int]) -> None:
    for decision in (1, 2):
        happen(DecisionMade(decision, "catalog.product", teapot.pk, "suspend", "r", 1, None), drained)
    for decision, after in ((1, "suspended"), (2, "on_sale")):
        happen(DecisionReversed(decision, "catalog.product", teapot.pk, "suspend"), drained)
        assert state(teapot) == after


def test_what_its_keeper_withdrew_meanwhile_stays_withdrawn(teapot: Product, drained: Callable[[], int]) -> None:
    happen(DecisionMade(1, "catalog.product", teapot.pk, "suspend", "r", 1, None), drained)
    services.withdraw_product(product_id=teapot.pk)
    happen(DecisionMade(2, "catalog.product", teapot.pk, "suspend", "r", 1, None), drained)
    happen(DecisionReversed(2, "catalog.product", teapot.pk, "suspend"), drained)
    assert state(teapot) == "suspended"
    happen(DecisionReversed(1, "catalog.product", teapot.pk, "suspend"), drained)
    assert state(teapot) == "withdrawn"


def test_a_restoring_decision_and_its_reversal(shop: Shop, drained: Callable[[], int]) -> None:
    happen(DecisionMade(1, "catalog.shop", shop.pk, "suspend", "r", 1, None), drained)
    assert state(shop) == "suspended"
    refused("suspended_by_decision", lambda: services.reopen_shop(shop_id=shop.pk))
    happen(DecisionMade(2, "catalog.shop", shop.pk, "restore", "r", 1, None), drained)
    assert state(shop) == "open"
    happen(DecisionReversed(2, "catalog.shop", shop.pk, "restore"), drained)
    assert state(shop) == "suspended"


def test_a_suspended_merchant_sells_nothing(shop: Shop, second_shop: Shop, drained: Callable[[], int]) -> None:
    services.close_shop(shop_id=second_shop.pk)
    happen(DecisionMade(1, "accounts.merchant", shop.merchant_id, "suspend", "r", 1, None), drained)
    assert (state(shop), state(second_shop)) == ("suspended", "suspended")
    happen(DecisionMade(2, "accounts.merchant", shop.merchant_id, "restore", "r", 1, None), drained)
    assert (state(shop), state(second_shop)) == ("open", "closed")


def test_g2_a_suspension_with_an_end_ends_by_itself(teapot: Product, drained: Callable[[], int]) -> None:
    end = clock.now() + timedelta(days=7)
    happen(DecisionMade(1, "catalog.product", teapot.pk, "suspend", "r", 1, end.isoformat()), drained)
    assert tasks.end_suspensions(10, end - timedelta(seconds=1)) == 0
    assert tasks.end_suspensions(10, end) == 1
    assert state(teapot) == "on_sale"
    assert Suspension.objects.get().lifted_at == end


def test_every_pair_of_state_and_event_is_decided() -> None:
    for machine, restorable in ((rules.SHOP, ("open", "closed")), (rules.PRODUCT, ("draft", "on_sale", "withdrawn"))):
        for event in machine.events:
            for source in machine.states:
                if source in machine.sources(event):
                    assert machine.next(source, event) in machine.states
                else:
                    with pytest.raises(Refusal):
                        machine.next(source, event)
        assert set(machine.sources("suspend")) == set(machine.states)
        assert {machine.next("suspended", f"restore_{name}") for name in restorable} == set(restorable)


def test_pages_and_lists_take_few_statements(shop: Shop, teapot: Product) -> None:
    for reads, call in (
        (2, lambda: queries.product_page(teapot.public_id)),
        (1, lambda: queries.newest_cards(shop_id=shop.pk)),
        (1, lambda: queries.product_list_json()),
        (1, lambda: queries.cards([teapot.pk])),
        (1, lambda: queries.skus_for_sale([only_sku(teapot).pk])),
    ):
        call()
        with CaptureQueriesContext(connection) as statements:
            call()
        # The last one looks its SKU up first.
        assert len(statements) <= reads + (1 if call.__code__.co_names.count("only_sku") else 0)
