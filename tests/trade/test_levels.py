"""Are merchants verified as individuals kept to their limits, also by two at once, and free as a business?  D1."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from tests.ledger.test_post import at_once
from tests.trade import bazaar
from tests.trade.bazaar import DAY

from meadow.accounts import queries as accounts
from meadow.accounts.models import Person
from meadow.catalog import queries as catalog
from meadow.catalog import services as shelves
from meadow.kernel import clock, db
from meadow.kernel.audit import SYSTEM
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger.services import Transfer, post
from meadow.payments import queries, services
from meadow.payments.models import Payout

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def low(settings: Any) -> None:
    settings.MEADOW = replace(
        settings.MEADOW, individual_order_minor=15_000, individual_payout_minor=5_000, individual_products=3
    )


def raised(shop: bazaar.Shop) -> None:
    services.admit_merchant(merchant_id=shop.merchant_id, reason="its licence is known", level=1, by=SYSTEM)


def give(shop: bazaar.Shop, minor: int) -> None:
    to = f"merchant:{shop.merchant_id}:available"
    with db.atomic():
        post(
            key=f"give:{shop.merchant_id}", cause=("test", 1), kind="credit",
            transfers=[Transfer("psp:sandbox", to, Money(minor, "CNY"))],
        )  # fmt: skip


def withdraw(shop: bazaar.Shop, key: str, minor: int) -> Payout:
    return services.withdraw(
        key=key, party=("merchant", shop.merchant_id), amount=Money(minor, "CNY"), by=shop.keeper, provider="sandbox"
    )


def test_d1_an_individuals_order_stays_below_the_limit_and_a_business_has_none() -> None:
    shop, buyer = bazaar.shop(), bazaar.person()
    bowl = bazaar.goods(shop)
    bazaar.place((bowl, 1), buyer=buyer)
    with pytest.raises(Refusal) as no:
        bazaar.place((bowl, 2), buyer=buyer)
    assert (no.value.code, no.value.status) == ("order_above_level", 409)
    assert "150.00 CNY" in no.value.text("en")
    assert "企业认证" in no.value.text("zh-hans")
    raised(shop)
    assert bazaar.place((bowl, 2), buyer=buyer).orders[0].total_minor == 21_000


def test_d1_in_a_cart_of_two_shops_the_other_is_sold() -> None:
    low_shop, free_shop, buyer = bazaar.shop(), bazaar.shop("Eve"), bazaar.person()
    raised(free_shop)
    placed = bazaar.place((bazaar.goods(low_shop), 2), (bazaar.goods(free_shop), 2), buyer=buyer)
    assert [order.shop_id for order in placed.orders] == [free_shop.id]
    assert [(each["code"], each["params"]["most"]) for each in placed.refused] == [("order_above_level", "150.00 CNY")]


def test_d1_an_individual_takes_out_so_much_within_24_hours_and_then_again() -> None:
    shop = bazaar.shop()
    give(shop, 20_000)
    start = clock.now()
    with clock.at(start):
        withdraw(shop, "w1", 4_000)
        with pytest.raises(Refusal) as no:
            withdraw(shop, "w2", 1_001)
        assert (no.value.code, no.value.params["left"]) == ("payout_above_level", "10.00 CNY")
        withdraw(shop, "w3", 1_000)
        assert withdraw(shop, "w1", 4_000).state == "paid"  # the same request again is no new one
        limits = queries.limits_of_merchant(shop.merchant_id, ["CNY", "JPY"])
        assert (limits.level, limits.paid_out_minor) == (0, {"CNY": 5_000, "JPY": 0})
    with clock.at(start + DAY):
        withdraw(shop, "w4", 5_000)
        raised(shop)
        withdraw(shop, "w5", 10_000)


@pytest.mark.django_db(transaction=True)
def test_d1_two_payouts_at_once_do_not_pass_the_limit_together() -> None:
    shop = bazaar.shop()
    give(shop, 20_000)
    results = at_once(*(lambda key=key: withdraw(shop, key, 3_000) for key in ("w1", "w2", "w3")))
    assert sorted(each if isinstance(each, str) else "paid" for each in results) == [
        "paid",
        *["payout_above_level"] * 2,
    ]


def test_d1_an_individual_has_so_many_products_on_sale() -> None:
    shop = bazaar.shop()
    bowls = [bazaar.goods(shop) for _ in range(3)]
    new = {"shop_id": shop.id, "skus": [shelves.NewSku(price_minor=100, left=1)], "by": shop.keeper}
    with pytest.raises(Refusal) as no:
        shelves.add_product(title="One more", **new)
    assert (no.value.code, no.value.status, no.value.params) == ("products_above_level", 409, {"most": 3})
    draft = shelves.add_product(title="A draft", on_sale=False, **new)
    with pytest.raises(Refusal, match="products_above_level"):
        shelves.offer_product(product_id=draft.pk, by=shop.keeper)
    shelves.withdraw_product(product_id=bowls[0].product_id, by=shop.keeper)
    shelves.offer_product(product_id=draft.pk, by=shop.keeper)
    file = b"Handle,Title,Variant Price,Variant Inventory Qty\npot,Pot,10,5\n"
    with pytest.raises(Refusal, match="products_above_level"):
        shelves.import_catalog(shop_id=shop.id, file=file, by=shop.keeper)
    assert catalog.on_sale_of_merchant(shop.merchant_id) == 3
    raised(shop)
    shelves.import_catalog(shop_id=shop.id, file=file, by=shop.keeper)
    assert catalog.on_sale_of_merchant(shop.merchant_id) == 4


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en", ("What this level allows", "¥150.00", "0 of 3", "apply for “A business”")),
        ("zh-hans", ("当前级别的限额", "单笔订单上限", "0 / 3", "完成企业认证后即可解除")),
    ],
)
def test_d1_the_merchants_page_shows_the_limits_and_how_they_are_raised(locale: str, words: tuple[str, ...]) -> None:
    shop = bazaar.shop()
    merchant = accounts.require_merchant(shop.merchant_id)
    Person.objects.filter(pk=merchant.owner_id).update(locale=locale)
    client = Client(headers={"accept-language": locale})
    client.force_login(Person.objects.get(pk=merchant.owner_id))
    page = client.get(f"/sell/{merchant.public_id}/payment").content.decode()
    for each in words:
        assert each in page, each
    raised(shop)
    assert words[0] not in client.get(f"/sell/{merchant.public_id}/payment").content.decode()
