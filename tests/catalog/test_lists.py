"""Whether lists go on where they ended, say only what is so, and cost few statements however long they are."""

import json
import re
import xml.dom.minidom

import pytest

from meadow.catalog import queries, services
from meadow.catalog.drawing import drawn_svg
from meadow.catalog.models import Product, Shop
from meadow.catalog.services import NewSku
from meadow.kernel.errors import Refusal


@pytest.fixture
def shelf(shop: Shop) -> list[Product]:
    return [
        services.add_product(shop_id=shop.pk, title=f"Cup {n}", skus=[NewSku(price_minor=100 + n, left=n)])
        for n in range(7)
    ]


@pytest.mark.django_db
def test_pages_follow_each_other_without_gap_or_repeat(shop: Shop, shelf: list[Product]) -> None:
    for shop_id in (shop.pk, None):
        seen: list[int] = []
        cursor = None
        expected = list(Product.objects.order_by("-pk").values_list("pk", flat=True))
        for turn in range(4):
            page = queries.newest_cards(shop_id=shop_id, cursor=cursor, limit=3)
            seen += [card.product_id for card in page.cards]
            cursor = page.next_cursor
            if turn == 0:
                # What comes in meanwhile stands before the first page and shifts nothing.
                services.add_product(shop_id=shop.pk, title=f"New {shop_id}", skus=[NewSku(price_minor=1)])
            if cursor is None:
                break
        assert seen == expected
        assert cursor is None


@pytest.mark.django_db
def test_the_json_list_says_the_same_as_the_cards(shop: Shop, shelf: list[Product]) -> None:
    first = json.loads(queries.product_list_json(shop_id=shop.pk, limit=4))
    second = json.loads(queries.product_list_json(shop_id=shop.pk, limit=4, cursor=first["next_cursor"]))
    assert second["next_cursor"] is None
    cards = queries.newest_cards(shop_id=shop.pk, limit=100).cards
    items = first["items"] + second["items"]
    assert [item["id"] for item in items] == [card.public_id for card in cards]
    for item, card in zip(items, cards, strict=True):
        assert (item["price_minor"], item["left"], item["on_sale"]) == (card.price_minor, card.left, True)
        assert (item["image"], item["currency"], item["shop"]["id"]) == (card.image, "CNY", shop.public_id)
    assert json.loads(queries.product_list_json(shop_id=shop.pk + 1)) == {"items": [], "next_cursor": None}


@pytest.mark.django_db
def test_the_json_page_says_the_same_as_the_page(shop: Shop) -> None:
    product = services.add_product(
        shop_id=shop.pk, title='"Quoted" 茶', options=["Size"], description="a\nb", tags=["x"],
        skus=[NewSku(price_minor=5, left=None, options=("S",)), NewSku(price_minor=6, left=2, options=("M",))],
    )  # fmt: skip
    told = json.loads(queries.product_json(product.public_id))
    page = queries.product_page(product.public_id)
    assert (told["title"], told["description"], told["tags"], told["options"]) == (
        '"Quoted" 茶',
        "a\nb",
        ["x"],
        ["Size"],
    )
    assert [(sku["id"], sku["options"], sku["left"]) for sku in told["skus"]] == [
        (sku.public_id, list(sku.options), sku.left) for sku in page.skus
    ]
    with pytest.raises(Refusal):
        queries.product_json("prd_none")


@pytest.mark.django_db
def test_cursors_and_sizes_cannot_be_bent(shop: Shop, second_shop: Shop, shelf: list[Product]) -> None:
    cursor = queries.newest_cards(shop_id=shop.pk, limit=1).next_cursor
    assert cursor is not None
    for call in (
        lambda: queries.newest_cards(shop_id=second_shop.pk, cursor=cursor),
        lambda: queries.newest_cards(cursor="AAAA"),
        lambda: queries.newest_cards(limit=0),
        lambda: queries.product_list_json(limit=101),
        lambda: queries.products_of_shop(shop.pk, state="odd"),
    ):
        with pytest.raises(Refusal) as refused:
            call()
        assert refused.value.code == "malformed"


@pytest.mark.django_db
def test_who_keeps_the_shop_sees_drafts_too(shop: Shop, shelf: list[Product]) -> None:
    services.add_product(shop_id=shop.pk, title="Draft", skus=[NewSku(price_minor=1)], on_sale=False)
    services.withdraw_product(product_id=shelf[0].pk)
    listed, cursor = queries.products_of_shop(shop.pk, limit=5)
    rest, end = queries.products_of_shop(shop.pk, limit=5, cursor=cursor)
    assert [row.state for row in listed + rest] == ["draft"] + ["on_sale"] * 6 + ["withdrawn"]
    assert end is None
    drafts, _ = queries.products_of_shop(shop.pk, state="draft")
    assert [row.title for row in drafts] == ["Draft"]


def test_drawn_pictures_are_sound_and_always_the_same() -> None:
    for title in ("Clay pot", "茶壶", "<script>&\"'", "", "😀 mug"):
        svg = drawn_svg(title, "prd_1")
        assert svg == drawn_svg(title, "prd_1") != drawn_svg(title, "prd_2")
        xml.dom.minidom.parseString(svg)
        assert "<script" not in svg
        assert not re.search(r"(href|src|url\((?!#)|@import|font-face)", svg), "nothing is fetched from elsewhere"
        assert len(svg) < 4_000


@pytest.mark.django_db
def test_a_picture_by_card_id_and_public_id(shelf: list[Product]) -> None:
    product = shelf[0]
    card = queries.cards([product.pk])[product.pk]
    svg = queries.placeholder_svg(product.public_id)
    assert svg == queries.placeholder_svg(product.pk) == queries.placeholder_svg(card)
    with pytest.raises(Refusal):
        queries.placeholder_svg("prd_none")
