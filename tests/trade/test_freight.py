"""Does a checkout cost what the shop's shipping template says for the place and the weight; are addresses kept well?"""

from functools import partial
from typing import Any

import pytest
from django.test import Client
from tests.trade import bazaar
from tests.trade.bazaar import ADDRESS
from tests.web.world import World, browser, make_world

from meadow.catalog import freight
from meadow.catalog import services as shelves
from meadow.kernel.errors import Refusal
from meadow.trade import queries, services
from meadow.trade.models import SavedAddress

ZHEJIANG = {"countries": ["CN"], "regions": ["浙江"], "first_grams": 1000, "first_minor": 600, "step_grams": 500,
            "step_minor": 100, "free_from_minor": 9900}  # fmt: skip
CHINA = {"countries": ["cn"], "first_grams": 1000, "first_minor": 1000, "step_grams": 1000, "step_minor": 500}
ZONES: list[dict[str, Any]] = [ZHEJIANG, CHINA]


def test_a_fee_is_the_first_grams_and_each_step_begun_and_free_from_an_amount_on() -> None:
    near, far = freight.check_zones(ZONES)
    assert [freight.fee(near, grams, 0) for grams in (0, 1000, 1001, 1500, 1501)] == [600, 600, 700, 700, 800]
    assert freight.fee(near, 9000, 9900) == 0
    assert freight.fee(far, 2001, 10**6) == 2000
    for region in ("浙江", "浙江省", " 浙江 "):
        assert freight.zone_of([near, far], "CN", region) is near
    assert freight.zone_of([near, far], "cn", "广东省") is far
    assert freight.zone_of([near, far], "CN", "") is far
    assert freight.zone_of([near, far], "DE", "Bayern") is None


@pytest.mark.parametrize(
    "wrong",
    [
        "x", [1], [{}], [{"first_grams": 0, "first_minor": 1}], [CHINA | {"countries": ["CHN"]}],
        [CHINA | {"step_grams": 0}], [CHINA | {"first_minor": -1}], [CHINA | {"first_minor": 1.5}],
        [CHINA | {"regions": "all"}], [CHINA | {"regions": [""]}], [CHINA] * 41,
    ],
)  # fmt: skip
def test_a_template_that_makes_no_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(Refusal) as refused:
        freight.check_zones(wrong)
    assert refused.value.code == "malformed"


@pytest.mark.django_db
def test_a_checkout_costs_what_the_template_says_and_asks_again_when_it_is_more_than_shown() -> None:
    shop = bazaar.shop()
    shelves.change_shop(shop_id=shop.id, shipping_zones=ZONES, by=shop.keeper)
    bowl = bazaar.goods(shop, 3_000, weight_grams=800)
    checkout_id = bazaar.checkout((bowl, 2))
    found = queries.checkout(checkout_id)
    assert queries.quote(found).total_minor == {"CNY": 6_800}  # 1,600 g in the first zone
    place = partial(bazaar.place_checkout, checkout_id, buyer=None)
    with pytest.raises(Refusal) as refused:
        place(address=ADDRESS | {"region": "Guangdong"})
    assert (refused.value.code, refused.value.params["total_minor"]) == ("total_changed", 7_500)
    with pytest.raises(Refusal) as refused:
        place(address=ADDRESS | {"country": "DE"})
    assert refused.value.code == "not_delivered"
    placed = place(address=ADDRESS | {"region": "浙江省"})
    assert (placed.orders[0].shipping_minor, placed.orders[0].total_minor) == (800, 6_800)
    again = bazaar.checkout((bowl, 2))
    far = bazaar.place_checkout(again, address=ADDRESS | {"region": "广东"}, total_minor={"CNY": 7_500})
    assert far.orders[0].shipping_minor == 1_500
    shelves.change_shop(shop_id=shop.id, shipping_zones=[], by=shop.keeper)
    assert queries.quote(queries.checkout(bazaar.checkout(bowl))).total_minor == {"CNY": 4_000}


@pytest.mark.django_db
def test_addresses_are_their_owners_alone_and_one_is_the_first_choice() -> None:
    bo, eve = bazaar.person(), bazaar.person("Eve")
    first = services.save_address(person_id=bo, address=ADDRESS)
    second = services.save_address(person_id=bo, address=ADDRESS | {"city": "Suzhou"}, is_default=True)
    assert [one.pk for one in queries.addresses_of(bo)] == [second.pk, first.pk]
    assert SavedAddress.objects.filter(person_id=bo, is_default=True).count() == 1
    for act in (
        lambda: queries.address_of_person(first.public_id, person_id=eve),
        lambda: services.drop_address(person_id=eve, address_id=first.public_id),
        lambda: services.save_address(person_id=eve, address=ADDRESS, address_id=first.public_id),
    ):
        with pytest.raises(Refusal) as refused:
            act()
        assert refused.value.code == "not_found"
    with pytest.raises(Refusal) as refused:
        services.save_address(person_id=bo, address=ADDRESS | {"phone": "no"})
    assert refused.value.code == "address_refused"
    services.drop_address(person_id=bo, address_id=second.public_id)
    assert [(one.pk, one.is_default) for one in queries.addresses_of(bo)] == [(first.pk, True)]
    for _ in range(19):
        services.save_address(person_id=bo, address=ADDRESS)
    with pytest.raises(Refusal) as refused:
        services.save_address(person_id=bo, address=ADDRESS)
    assert refused.value.code == "addresses_full"


@pytest.mark.django_db
def test_kept_addresses_are_exported_and_erased_and_orders_keep_theirs() -> None:
    bo, eve = bazaar.person(), bazaar.person("Eve")
    order = bazaar.place(bazaar.goods(bazaar.shop()), buyer=bo).orders[0]
    for person_id in (bo, bo, eve):
        services.save_address(person_id=person_id, address=ADDRESS)
    told = queries.export_addresses(bo)
    assert [(each["city"], each["is_default"]) for each in told] == [(ADDRESS["city"], True), (ADDRESS["city"], False)]
    assert (services.erase_addresses(person_id=bo), services.erase_addresses(person_id=bo)) == (2, 0)
    assert (queries.export_addresses(bo), len(queries.addresses_of(eve))) == ([], 1)
    assert bazaar.again(order).address["city"] == bazaar.ADDRESS["city"]


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.mark.django_db
def test_a_kept_address_fills_in_the_checkout(world: World) -> None:
    client: Client = browser()
    client.force_login(world.bo)
    form = {"name": "Bo", "phone": "13800138000", "country": "CN", "city": "杭州市", "line1": "Tea Lane 5"}
    assert client.post("/me/addresses", form | {"phone": "x"}).status_code == 422
    assert client.post("/me/addresses", form).status_code == 302
    client.post("/me/addresses", form | {"line1": "Salt Lane 6"})
    page = client.get("/me/addresses").content.decode()
    assert "Tea Lane 5" in page
    assert "First choice" in page
    sku = world.sku(world.apron).public_id
    where = client.post("/buy", {"sku": sku, "quantity": "1"})["Location"]
    assert 'value="Tea Lane 5"' in client.get(where).content.decode()
    other = SavedAddress.objects.latest("pk").public_id
    assert 'value="Salt Lane 6"' in client.get(f"{where.partition('?')[0]}?address={other}").content.decode()
    client.post("/me/addresses", {"act": "drop", "address": other})
    assert "Salt Lane" not in client.get("/me/addresses").content.decode()
    assert "我的地址" in _zh(world).get("/me/addresses").content.decode()


def _zh(world: World) -> Client:
    world.mei.locale = "zh-hans"
    world.mei.save(update_fields=["locale"])
    client = browser("zh-CN")
    client.force_login(world.mei)
    return client
