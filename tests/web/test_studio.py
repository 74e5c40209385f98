"""Can a creator pick goods, recommend them and sort a showcase by pages alone, and can shoppers keep and find things?"""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from tests.web.world import ADDRESS, SECOND_REASON, World, browser, settle_down

from meadow.affiliate import queries as affiliate
from meadow.content import queries as content
from meadow.content import services as posts
from meadow.kernel import clock, sweeps
from meadow.sharing import services as sharing
from meadow.trade import queries as trade
from meadow.trade import services as buying
from meadow.trade.models import OrderLine

pytestmark = pytest.mark.django_db


@pytest.fixture
def mei(world: World) -> Client:
    settle_down()
    sweeps.run_due(clock.now())
    client = browser()
    client.force_login(world.mei)
    return client


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_goods_are_filtered_and_lead_to_writing_in_one_tap(world: World, mei: Client) -> None:
    page = mei.get("/studio/goods")
    assert page.status_code == 200
    assert "Steel flask &lt;b&gt;500&lt;/b&gt;" in text_of(page)
    assert "You earn CN¥23.22" in text_of(page)  # a tenth of the commission of 20 % of 129 is the platform's
    assert f"/studio/recommend?product={world.apron.public_id}" in text_of(page)
    filtered = text_of(mei.get("/studio/goods", {"earns": "20", "rate": "10%", "left": "5", "standing": "good"}))
    assert "Steel flask" in filtered
    assert "Linen apron" not in filtered
    assert "Nothing fits" in text_of(mei.get("/studio/goods", {"plan": "exclusive"}))
    assert "没有符合条件的商品" in text_of(mei.get("/studio/goods", {"q": "x"}, headers={"accept-language": "zh"}))


def test_a_filter_that_cannot_be_read_is_told_beside_its_field(mei: Client) -> None:
    page = mei.get("/studio/goods", {"earns": "much", "rate": "900", "left": "-3"})
    assert page.status_code == 422
    for name in ("earns", "rate", "left"):
        assert f'id="e_{name}"' in text_of(page)


def test_only_creators_have_a_studio(world: World, client: Client) -> None:
    assert client.get("/studio/goods")["Location"].startswith("/accounts/login")
    client.force_login(world.bo)
    for path in ("/studio", "/studio/goods", f"/studio/recommend?product={world.apron.public_id}", "/studio/showcase"):
        assert client.get(path).status_code == 403, path


def test_a_recommendation_is_written_with_errors_beside_the_reason(world: World, mei: Client) -> None:
    product = world.apron.public_id
    form = text_of(mei.get("/studio/recommend", {"product": [product, "prd_0", product]}))
    assert form.count('name="product"') == 1
    assert "You earn CN¥15.84 (20%)" in form
    short = mei.post("/studio/recommend", {"product": product, f"reason_{product}": "Nice", "title": "Mine"})
    assert short.status_code == 422
    assert f'id="e_{product}"' in text_of(short)
    assert 'value="Mine"' in text_of(short)
    sent = mei.post(
        "/studio/recommend",
        {"product": product, f"reason_{product}": "I wear it every single day.", "showcase": "1"},
    )
    public_id = sent["Location"].rsplit("/", 1)[1]
    assert content.recommendation(public_id).items[0].reason == "I wear it every single day."
    assert [item.card.public_id for item in content.showcase(world.creator.pk).items] == [product]
    assert mei.get("/studio/recommend")["Location"] == "/studio/goods"
    listed = text_of(mei.get("/studio"))
    assert public_id in listed
    assert mei.post(f"/studio/recommendations/{public_id}/end").status_code == 302
    assert content.showcase(world.creator.pk).items == ()


def test_a4_1_the_showcase_is_sorted_by_numbers_and_a_stale_page_is_told(world: World, mei: Client) -> None:
    assert mei.post("/studio/showcase/add", {"recommendation": world.post.public_id}).status_code == 302
    page = text_of(mei.get("/studio/showcase"))
    names, version = re.findall(r'name="(place_\w+)"', page), re.findall(r'name="version" value="(\d+)"', page)[0]
    sent = {"version": version, names[0]: "9", names[1]: "1"}
    assert mei.post("/studio/showcase/change", sent).status_code == 302
    assert [item.card.public_id for item in content.showcase(world.creator.pk).items] == [
        world.apron.public_id, world.flask.public_id,
    ]  # fmt: skip
    stale = mei.post("/studio/showcase/change", sent)
    assert stale.status_code == 409
    assert "changed meanwhile" in text_of(stale)
    assert mei.post("/studio/showcase/change", {**sent, "remove": names[0][6:]}).status_code == 302
    assert len(content.showcase(world.creator.pk).items) == 1
    assert mei.post("/studio/showcase/change", {"version": "x"}).status_code == 422


def test_a4_3_a_tap_in_a_showcase_is_a_click_of_its_creator(world: World, mei: Client, client: Client) -> None:
    posts.show_whole_recommendation(creator_id=world.creator.pk, recommendation_id=world.post.pk)
    wall = client.get(f"/c/{world.creator.public_id}")
    assert "Mei &lt;Lin&gt;" in text_of(wall)
    assert SECOND_REASON in text_of(wall)
    assert 'class="ad"' in text_of(wall)
    link = re.findall(rf'href="(/g/{world.apron.public_id}[^"]*)"', text_of(wall))[0].replace("&amp;", "&")
    page = client.get(link)
    click = re.findall(r'name="k" value="([^"]*)"', text_of(page))[0]
    assert click
    assert parse_qs(urlsplit(link).query)["from"] == [world.post.public_id]
    sku = world.sku(world.apron)
    bought = client.post("/buy", {"sku": sku.public_id, "quantity": "1", "k": click})
    token = bought["Location"].rsplit("/", 1)[1]
    opened = trade.checkout_by_token(token)
    buying.place_orders(checkout_id=opened.pk, address=ADDRESS, contact={"email": "x@example.com"})
    sharing.flush_clicks()
    line = OrderLine.objects.get(kind="goods")
    assert line.creator_id == world.creator.pk
    assert affiliate.trail(line.pk).steps[0].surface == "showcase"


def test_a4_2_an_ended_post_is_gone_from_the_wall_at_once(world: World, client: Client) -> None:
    posts.show_whole_recommendation(creator_id=world.creator.pk, recommendation_id=world.post.pk)
    posts.end_recommendation(recommendation_id=world.post.pk, creator_id=world.creator.pk)
    wall = client.get(f"/c/{world.creator.public_id}", headers={"accept-language": "zh"})
    assert wall.status_code == 200
    assert "暂无展示" in text_of(wall)
    assert client.get("/c/cre_00000000000000000000").status_code == 404


def test_favourites_work_without_an_account_and_follow_at_sign_in(world: World, client: Client) -> None:
    product = text_of(client.get(f"/g/{world.flask.public_id}"))
    assert 'formaction="/favourites/keep"' in product
    assert client.post("/favourites/keep", {"product": world.flask.public_id})["Location"] == "/favourites"
    listed = text_of(client.get("/favourites"))
    assert "Steel flask" in listed
    assert "Sign in" in listed
    assert "Steel flask" not in text_of(browser().get("/favourites"))
    client.post("/accounts/login/", {"login": "bo@example.com", "password": "a long password"})
    mine = text_of(client.get("/favourites"))
    assert "Tell me when it gets cheaper" in mine
    client.post("/favourites/change", {"product": world.flask.public_id, "tell": "1"})
    assert "Stop telling me of lower prices" in text_of(client.get("/favourites"))
    client.post("/favourites/change", {"product": world.flask.public_id, "drop": "1"})
    assert trade.favourites_of(person_id=world.bo.pk)[0] == []
    assert client.post("/favourites/change", {"product": world.flask.public_id, "drop": "1"}).status_code == 404
