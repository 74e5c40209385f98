"""Whether the sample is whole, sound, made once, and shown to nobody who does not have it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from meadow.accounts import queries as accounts
from meadow.catalog import queries as catalog
from meadow.config import sample
from meadow.config.sample_goods import SHOPS
from meadow.config.sample_posts import PEOPLE, POSTS
from meadow.content import queries as content
from meadow.kernel import clock
from meadow.plans import queries as plans


@pytest.mark.django_db
def test_the_sample_is_whole_and_made_once() -> None:
    assert sample.sign_ins() == []
    told: list[str] = []
    made = sample.load(progress=told.append)
    assert made["is_new"]
    assert (made["shops"], made["products"], made["recommendations"]) == (6, 270, len(POSTS))
    assert len(told) == len(SHOPS) + 2
    again = sample.load()
    assert again == {"sign_ins": made["sign_ins"], "is_new": False}
    assert get_user_model().objects.count() == len(PEOPLE)
    assert len(made["sign_ins"]) == 6
    json.dumps(made)


@pytest.mark.django_db
def test_ada_keeps_a_shop_mei_creates_bo_buys_otto_operates() -> None:
    sample.load()
    known = {person["name"]: person for person in sample.sign_ins()}
    for person in ("Ada", "Mei", "Bo", "Otto"):
        email, password = known[person]["email"], known[person]["password"]
        assert get_user_model().objects.get(email=email).check_password(password)
    ids = {name: get_user_model().objects.get(email=known[name]["email"]).pk for name in known}
    assert [shop.name for shop in catalog.shops_of_merchants([accounts.merchants_of(ids["Ada"])[0].merchant_id])] == [
        "Ada's Kiln"
    ]
    assert accounts.creator_of(ids["Mei"]) is not None
    assert accounts.is_operator(ids["Otto"])
    assert not accounts.merchants_of(ids["Bo"])


@pytest.mark.django_db
def test_passwords_differ_between_installations(settings: Any) -> None:
    here = sample._password("ada")
    settings.SECRET_KEY = "another installation"
    assert sample._password("ada") != here


@pytest.mark.django_db
def test_goods_are_drawn_in_both_languages_and_every_state_is_seen() -> None:
    sample.load()
    cards, cursor = [], None
    while True:
        page = catalog.newest_cards(cursor=cursor, limit=100)
        cards += page.cards
        if (cursor := page.next_cursor) is None:
            break
    assert len(cards) == 270
    assert len({card.title for card in cards}) == 270
    assert any(card.is_sold_out for card in cards)
    assert any(card.compare_at_minor for card in cards)
    assert any(card.price_max_minor > card.price_minor for card in cards)
    chinese = [card for card in cards if not card.title.isascii()]
    assert len(chinese) == 135
    drawn = [card for card in cards if "<text" not in catalog.placeholder_svg(card)]
    assert len(drawn) > 220, "most are sketched, the others show their initial"
    assert all(catalog.product_page(card.product_id).remote_images == 0 for card in cards[:5])


@pytest.mark.django_db
def test_posts_have_an_age_a_label_and_live_prices() -> None:
    sample.load()
    cards = content.feed_page(limit=20).cards
    assert len(cards) == len(POSTS)
    for shown in (content.recommendation(card["id"]) for card in cards):
        assert shown.ad_label, "every shop of the sample has a commission plan"
        assert all(item.reason and item.price_minor == item.price_at_post_minor for item in shown.items)
    ages = [content.recommendation(card["id"]).published_at for card in cards]
    assert ages == sorted(ages, reverse=True)
    assert clock.now() - ages[-1] > timedelta(days=2)
    assert plans.plan_for(
        product_id=catalog.ids_by_handle(catalog.shop("ada-s-kiln").shop_id, ["ada-1-1"])["ada-1-1"],
        creator_id=_creator("mei"), at=clock.now(),
    ).rate_bp == 2500  # fmt: skip


def _creator(key: str) -> int:
    creator = accounts.creator_of(get_user_model().objects.get(email=f"{key}@example.com").pk)
    assert creator is not None
    return creator.pk
