"""The feed, a recommendation, a product, a shop: what they show, what they count, what they never let through."""

import html
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from tests.web.world import REASON, World, browser, settle_down

from meadow.accounts import services as accounts
from meadow.catalog import services as catalog
from meadow.content import services as content
from meadow.governance import services as governance
from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.payments import services as payments
from meadow.sharing.models import Click
from meadow.web.shop import feed

pytestmark = pytest.mark.django_db


def _links(page: str, prefix: str) -> list[str]:
    return [link.replace("&amp;", "&") for link in re.findall(rf'href="({prefix}[^"]*)"', page)]


def test_a_card_shows_reason_product_price_creator_and_label(world: World, client: Client) -> None:
    text = client.get("/").content.decode()
    assert REASON in text
    assert "Mei &lt;Lin&gt;" in text
    assert "<small>CN¥</small>129<small>.00</small>" in text
    assert '<span class="ad"' in text
    assert f"/pictures/{world.flask.public_id}.svg" in text
    assert "+1" in text


def test_a3_3_the_label_goes_where_no_commission_is_paid(world: World, client: Client) -> None:
    merchant = accounts.open_merchant(person_id=world.ada.pk, name="Second Ltd")
    payments.admit_merchant(merchant_id=merchant.pk, reason="known to the operator", by=SYSTEM)
    shop = catalog.open_shop(merchant_id=merchant.pk, name="No plan", currency="CNY")
    plain = catalog.add_product(shop_id=shop.pk, title="Plain bowl", skus=[catalog.NewSku(price_minor=100, left=3)])
    post = content.publish_recommendation(
        creator_id=world.creator.pk, items=[(plain.pk, "I eat my soup from it each evening, nothing more to say.")]
    )
    assert 'class="ad"' not in client.get(f"/p/{post.public_id}").content.decode()
    assert client.get("/").content.decode().count('class="ad"') == 1
    world_post = client.get(f"/p/{world.post.public_id}?ad_label=0").content.decode()
    assert 'class="ad"' in world_post


def test_a3_1_a_new_price_is_on_the_next_page_and_marked(world: World, client: Client) -> None:
    client.get("/")
    catalog.change_price(sku_id=world.sku(world.flask).sku_id, price_minor=11900, by=world.by_ada)
    assert "119<small>.00</small>" in client.get("/").content.decode()
    page = client.get(f"/p/{world.post.public_id}").content.decode()
    assert "Price changed since posted" in page
    assert "CN¥129.00" in page


def test_a3_2_sold_out_is_said_and_cannot_be_bought(world: World, client: Client) -> None:
    sku = world.sku(world.apron)
    catalog.change_stock(sku_id=sku.sku_id, left=0, by=world.by_ada)
    page = client.get(f"/g/{world.apron.public_id}").content.decode()
    assert "Sold out" in page
    assert "Buy now" not in page
    answer = client.post("/buy", {"sku": sku.public_id, "quantity": "1"})
    assert answer.status_code == 409
    assert "Linen apron" in answer.content.decode()


def test_the_feed_goes_on_by_a_signed_cursor_to_its_end(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PAGE", 2)
    for number in range(4):
        content.publish_recommendation(
            creator_id=world.creator.pk,
            items=[(world.apron.pk, f"This is my reason number {number} for this apron, and I mean it.")],
        )
    seen: list[str] = []
    address = "/"
    for _ in range(3):
        text = client.get(address).content.decode()
        seen += [link.split("?")[0] for link in _links(text, "/p/")]
        more = re.search(r'rel="next" href="([^"]+)"', text)
        address = "/" + more[1] if more else ""
    assert not address
    assert len(seen) == len(set(seen)) == 5
    assert client.get("/?after=forged").status_code == 422


def test_an_empty_feed_leads_somewhere(client: Client) -> None:
    text = client.get("/").content.decode()
    assert "Nothing is planted yet" in text
    assert 'href="/paste"' in text


def test_the_feed_takes_two_statements_and_two_more_to_know_whom_a_reader_muted(
    world: World, django_assert_num_queries: Any, settings: Any
) -> None:
    # A sandbox reads its test clock besides.
    settings.MEADOW = replace(settings.MEADOW, test_clock=False)
    quiet = Client()
    with django_assert_num_queries(2):
        quiet.get("/")
    quiet.force_login(world.bo)
    with django_assert_num_queries(4):
        quiet.get("/")


def test_titles_reasons_and_names_are_escaped_everywhere(world: World, client: Client) -> None:
    evil = catalog.add_product(
        shop_id=world.shop.pk, title='<script>alert(1)</script>"><img src=x onerror=alert(2)>',
        description="<svg onload=alert(3)>", skus=[catalog.NewSku(price_minor=500, left=3)], by=world.by_ada,
    )  # fmt: skip
    post = content.publish_recommendation(
        creator_id=world.creator.pk, title="<script>alert(4)</script>", text="{{ 7*7 }} <i>x</i>",
        items=[(evil.pk, 'Really good <script>alert(5)</script> and " onmouseover=alert(6) again.')],
    )  # fmt: skip
    for path in ("/", f"/p/{post.public_id}", f"/g/{evil.public_id}?from={post.public_id}", f"/shop/{world.shop.slug}"):
        text = client.get(path).content.decode()
        assert "<script>" not in text, path
        assert "<svg onload" not in text, path
        assert "<img src=x" not in text, path
        assert not re.search(r'"\s*onmouseover', text), path
        assert "49 " not in text, path
    picture = client.get(f"/pictures/{evil.public_id}.svg").content.decode()
    assert "<script" not in picture


def test_a_picture_is_drawn_here_and_kept_for_good(world: World, client: Client) -> None:
    answer = client.get(f"/pictures/{world.flask.public_id}.svg?v=1")
    assert answer["Content-Type"] == "image/svg+xml"
    assert "immutable" in answer["Cache-Control"]
    assert "sandbox" in answer["Content-Security-Policy"]
    assert client.get("/pictures/prd_00000000000000000000.svg").status_code == 404


def test_tapping_a_card_is_a_click_of_the_feed(world: World, client: Client) -> None:
    link = _links(client.get("/").content.decode(), "/p/")[0]
    answer = client.get(link)
    settle_down()
    click = Click.objects.get()
    assert (click.surface, click.creator_id, click.product_id) == ("feed", world.creator.pk, world.flask.pk)
    assert click.carrier == answer.cookies["carrier"].value
    client.get(f"/p/{world.post.public_id}")
    client.get(f"/p/{world.post.public_id}?v=forged")
    assert Click.objects.count() == 1


def test_a_products_link_on_a_post_is_a_click_of_the_post_for_that_product(world: World, client: Client) -> None:
    links = _links(client.get(f"/p/{world.post.public_id}").content.decode(), "/g/")
    page = client.get(next(link for link in links if world.apron.public_id in link)).content.decode()
    click = Click.objects.get()
    assert (click.surface, click.product_id) == ("post", world.apron.pk)
    assert "Washed it thirty times" in page
    assert re.search(r'name="k" value="[\w-]{40,}"', page)


def test_a_prefetch_or_a_bot_is_no_click(world: World, client: Client) -> None:
    link = _links(client.get("/").content.decode(), "/p/")[0]
    client.get(link, headers={"sec-purpose": "prefetch"})
    browser().get(link, headers={"user-agent": "Googlebot/2.1"})
    client.head(link)
    assert not Click.objects.exists()


def test_a3_5_a_post_stays_readable_when_its_product_is_withdrawn(world: World, client: Client) -> None:
    catalog.withdraw_product(product_id=world.flask.pk, by=world.by_ada)
    page = client.get(f"/p/{world.post.public_id}").content.decode()
    assert REASON in page
    assert page.count("See and buy") == 1
    assert "Not for sale any more" in page
    product = client.get(f"/g/{world.flask.public_id}").content.decode()
    assert "Buy now" not in product


@pytest.mark.parametrize("what", ["catalog.product", "catalog.shop", "accounts.merchant"])
def test_g2_2_a_post_about_what_is_stopped_says_so_and_leads_to_no_closed_page(
    world: World, client: Client, what: str
) -> None:
    merchant_id = world.shop.merchant_id
    subject = {"catalog.product": world.flask.pk, "catalog.shop": world.shop.pk, "accounts.merchant": merchant_id}[what]
    now = clock.now()
    made = governance.announce_suspension(
        subject=(what, subject), scope="all", ground="security", reason="Leaking addresses.", rule="operation.safety",
        starts_at=now, review_by=now + timedelta(days=9), by=Actor("person", world.otto.pk),
    )  # fmt: skip
    settle_down()
    client.force_login(world.mei)
    for language, says in (("en", "Not for sale at the moment"), ("zh-CN", "暂不销售")):
        for address in ("/", f"/p/{world.post.public_id}", f"/S/{world.code}"):
            answer = client.get(address, headers={"accept-language": language})
            assert answer.status_code == (410 if "/S/" in address else 200), address
            page = answer.content.decode()
            assert says in page, address
            dead = [link for link in re.findall(r'href="(/(?:g|shop|p)/[^"#]+)"', page)
                    if client.get(html.unescape(link)).status_code == 404]  # fmt: skip
            assert dead == [], address
            assert f"/g/{world.flask.public_id}" not in page, address
    assert REASON in client.get(f"/S/{world.code}").content.decode()
    governance.lift_suspension(suspension_id=made.pk, reason="Mended.", by=Actor("person", world.otto.pk))
    settle_down()
    assert "Buy now" in client.get(f"/S/{world.code}").content.decode()
    assert f"/g/{world.flask.public_id}" in client.get(f"/p/{world.post.public_id}").content.decode()


def test_a_closed_shop_says_so_and_sells_nothing(world: World, client: Client) -> None:
    catalog.close_shop(shop_id=world.shop.pk, by=world.by_ada)
    text = client.get(f"/shop/{world.shop.public_id}").content.decode()
    assert "closed just now" in text
    assert "Buy now" not in client.get(f"/g/{world.flask.public_id}").content.decode()


def test_the_choices_of_a_product_are_radios_with_their_prices(world: World, client: Client) -> None:
    text = client.get(f"/g/{world.flask.public_id}").content.decode()
    assert text.count('type="radio"') == 3
    assert "from " in text
    assert "CN¥139.00" in text
    assert re.search(r'value="sku_\w+" required\s+checked', text)
    assert re.search(r"disabled>.{0,40}Coral", text)
    assert "shipping" in text.lower()


def test_what_is_not_there_is_not_found(world: World, client: Client) -> None:
    for path in (
        "/p/rec_00000000000000000000",
        "/g/prd_00000000000000000000",
        "/shop/nobody",
        "/p/x",
        "/g/" + "x" * 300,
    ):
        assert client.get(path).status_code == 404, path
    draft = catalog.add_product(
        shop_id=world.shop.pk, title="Secret", skus=[catalog.NewSku(price_minor=100)], on_sale=False, by=world.by_ada
    )
    assert client.get(f"/g/{draft.public_id}").status_code == 404
