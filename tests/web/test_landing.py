"""What a share token opens, in whatever way it was brought; and which way it died, when it did."""

import gzip
import re
from datetime import timedelta
from typing import Any

import pytest
import zxingcpp
from django.conf import settings
from django.test import Client
from PIL import Image
from tests.web.world import REASON, World, browser, settle_down

from meadow.accounts.models import Creator
from meadow.catalog import services as catalog
from meadow.content import services as content
from meadow.sharing import services as sharing
from meadow.sharing.models import Click
from meadow.web.templatetags import meadow as tags

pytestmark = pytest.mark.django_db


def _view(text: str) -> str:
    found = re.search(r'name="v" value="([^"]+)"', text)
    assert found
    return found[1]


def test_it_says_who_shared_what_and_why_at_which_price(world: World, client: Client) -> None:
    text = client.get(f"/S/{world.code}").content.decode()
    assert "Mei &lt;Lin&gt;" in text
    assert "shared this with you" in text
    assert REASON in text
    assert "129<small>.00</small>" in text
    assert 'class="ad"' in text
    assert '<meta name="robots" content="noindex">' in text
    assert "Also in this recommendation" in text
    assert "Linen apron" in text


def test_c5_2_open_graph_names_the_product_and_nobody_who_buys(world: World, client: Client) -> None:
    client.force_login(world.bo)
    text = client.get(f"/S/{world.code}").content.decode()
    assert '<meta property="og:title" content="Steel flask &lt;b&gt;500&lt;/b&gt;">' in text
    assert 'property="og:image"' in text
    assert f'property="og:url" content="{settings.MEADOW.base_url}/S/{world.code}"' in text
    assert "bo@example.com" not in text


@pytest.mark.parametrize("form", [str.lower, str.upper, str.swapcase])
@pytest.mark.parametrize("door", ["/S/", "/s/"])
def test_c4_5_the_link_opens_in_any_case(world: World, client: Client, form: Any, door: str) -> None:
    assert client.get(door + form(world.code)).status_code == 200


def test_c4_5_what_chat_apps_glue_to_the_link_does_not_matter(world: World, client: Client) -> None:
    assert client.get(f"/S/{world.code}/").status_code == 200
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in world.code)
    for glued in (f"{world.code}，", f"\u200b{world.code}", wide):
        assert client.get(f"/S/{glued}")["Location"] == f"/S/{world.code}"


def test_c4_1_pasted_in_five_hundred_characters_of_chat_it_opens(world: World, client: Client) -> None:
    forms = world.extra["forms"]
    noise = "哈哈哈 😂 look at this, order 1234567890123 is on its way 📦 ￥notatoken￥ "
    for shape in (forms.text, forms.digits, forms.url, forms.code.lower(), "\u200b".join(forms.code)):
        text = (noise + shape + " " + noise * 9)[:500]
        answer = client.post("/paste", {"text": text})
        assert answer.status_code == 302, shape
        assert answer["Location"] == f"/S/{forms.code}"
    assert client.get("/paste", {"t": forms.text})["Location"] == f"/S/{forms.code}"


def test_c4_3_a_changed_character_is_no_token_and_says_how_to_go_on(world: World, client: Client) -> None:
    last = world.code[-1]
    wrong = world.code[:-1] + ("A" if last != "A" else "B")
    answer = client.post("/paste", {"text": f"￥{wrong}￥"})
    assert answer.status_code == 422
    assert "Copy the whole message again" in answer.content.decode()
    assert wrong in answer.content.decode()
    assert client.get(f"/S/{wrong}").status_code == 404


def test_c4_3_guessing_is_told_to_wait(world: World, client: Client) -> None:
    states = [client.get(f"/S/{'0' * 12}{digit % 10}").status_code for digit in range(70)]
    assert states[0] == 404
    assert states[-1] == 429
    # Who has a token is let in all the same.
    assert client.get(f"/S/{world.code}").status_code == 200


def test_c4_4_expired_revoked_and_suspended_each_say_which(world: World, client: Client) -> None:
    address = f"/S/{world.code}"
    Creator.objects.update(state="suspended")
    answer = client.get(address)
    assert answer.status_code == 410
    assert "suspended" in answer.content.decode()
    Creator.objects.update(state="active")
    sharing.block_token(token_id=world.token.pk, decision_id=1)
    assert "blocked for breaking the rules" in client.get(address).content.decode()
    sharing.unblock_token(token_id=world.token.pk)
    settle_down(timedelta(days=61))
    text = client.get(address).content.decode()
    assert "expired" in text
    assert f"/shop/{world.shop.public_id}" in text
    assert f"/g/{world.flask.public_id}" in text
    fresh = sharing.mint_token(
        creator_id=world.creator.pk, target_kind="catalog.product", target_id=world.apron.pk, shop_id=world.shop.pk,
        product_id=world.apron.pk,
    )  # fmt: skip
    from meadow.sharing import queries

    code = queries.forms(fresh, creator_name="Mei").code
    sharing.revoke_token(token_id=fresh.pk, creator_id=world.creator.pk)
    assert "took this share token back" in client.get(f"/S/{code}").content.decode()
    assert "已被分享者收回" in browser("zh-CN").get(f"/S/{code}").content.decode()


def test_c4_4_a_withdrawn_product_is_said_and_leads_to_the_shop(world: World, client: Client) -> None:
    catalog.withdraw_product(product_id=world.flask.pk, by=world.by_ada)
    answer = client.get(f"/S/{world.code}")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Not for sale any more" in text
    assert f"/shop/{world.shop.public_id}" in text
    assert "Buy now" not in text


def test_a_token_of_an_ended_post_still_sells_and_of_a_product_without_reason_too(world: World, client: Client) -> None:
    content.end_recommendation(recommendation_id=world.post.pk, creator_id=world.creator.pk)
    assert "Buy now" in client.get(f"/S/{world.code}").content.decode()
    token = sharing.mint_token(
        creator_id=world.creator.pk, target_kind="catalog.product", target_id=world.apron.pk, shop_id=world.shop.pk,
        product_id=world.apron.pk,
    )  # fmt: skip
    from meadow.sharing import queries

    text = client.get(f"/S/{queries.forms(token, creator_name='Mei').code}").content.decode()
    assert "Linen apron" in text
    assert 'class="ad"' in text
    assert "Buy now" in text


def test_a_token_of_a_shop_leads_into_it_and_its_shelf_carries_the_click(world: World, client: Client) -> None:
    token = sharing.mint_token(
        creator_id=world.creator.pk, target_kind="catalog.shop", target_id=world.shop.pk, shop_id=world.shop.pk
    )
    from meadow.sharing import queries

    answer = client.get(f"/S/{queries.forms(token, creator_name='Mei', title='Green Ear').code}")
    shelf = client.get(answer["Location"]).content.decode()
    assert Click.objects.get().creator_id == world.creator.pk
    assert re.search(r'/g/prd_\w+\?k=[\w-]{40,}"', shelf)


def test_18_a_look_that_the_browser_vouches_for_is_a_click_and_others_are_not(world: World) -> None:
    address = f"/S/{world.code}"
    browser().head(address)
    browser().get(address, headers={"sec-purpose": "prefetch"})
    browser().get(address, headers={"sec-fetch-dest": "iframe"})
    browser().get(address, headers={"user-agent": "facebookexternalhit/1.1"})
    Client().get(address)
    assert not Click.objects.exists()
    answer = browser().get(address)
    click = Click.objects.get()
    assert click.token_id == world.token.pk
    assert answer.cookies["carrier"].value == click.carrier


def test_c5_4_without_cookies_the_forms_nonce_becomes_the_click(world: World) -> None:
    text = Client().get(f"/S/{world.code}").content.decode()
    assert not Click.objects.exists()
    sku = world.sku(world.flask).public_id
    answer = Client().post("/buy", {"sku": sku, "quantity": "1", "v": _view(text)})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/checkout/")
    assert Click.objects.get().product_id == world.flask.pk
    Client().post("/buy", {"sku": sku, "quantity": "1", "v": _view(text)})
    assert Click.objects.count() == 1


def test_c5_3_a_query_that_others_added_changes_nothing(world: World) -> None:
    for query in ("?utm_source=wx&utm_source=wx", "?from=groupmessage&isappinstalled=0", "?v=x&k=y&c=z"):
        answer = browser().get(f"/S/{world.code}{query}")
        assert answer.status_code == 200
        assert _view(answer.content.decode())
    # Where a page of ours leads on, the campaign's names come along, doubled or not; nothing else does.
    glued = browser().get(f"/S/{world.code}，?utm_source=wx&next=/x&utm_source=b&spm=1.2&v=z")
    assert glued["Location"] == f"/S/{world.code}?utm_source=wx&utm_source=b&spm=1.2"


@pytest.mark.parametrize("query", ["", "?utm_source=wx&utm_source=wx&from=x", "?from=x&utm_medium=y&utm_source=wx"])
def test_c5_3_stripped_doubled_or_reordered_the_link_still_attributes(world: World, query: str) -> None:
    shopper = browser()
    page = shopper.get(f"/S/{world.code}{query}").content.decode()
    form = {"v": _view(page), "sku": world.sku(world.flask).public_id, "quantity": "1"}
    assert shopper.post("/buy", form).status_code == 302
    click = Click.objects.get()
    assert (click.creator_id, click.token_id) == (world.creator.pk, world.token.pk)


@pytest.mark.parametrize(
    "query",
    ["?next=https://evil.example/", "?url=//evil.example", "?return_url=https://evil.example", "?t=x&u=http://e"],
)
def test_c5_1_a_short_link_leads_nowhere_but_to_our_own_pages(world: World, client: Client, query: str) -> None:
    shop = sharing.mint_token(
        creator_id=world.creator.pk, target_kind="catalog.shop", target_id=world.shop.pk, shop_id=world.shop.pk
    )
    from meadow.sharing import queries

    for path in (
        f"/S/{world.code}，{query}",
        f"/S/{queries.code_of(shop.number)}{query}",
        f"/s/{world.code.lower()}{query}",
    ):
        answer = client.get(path)
        assert "evil" not in answer.get("Location", "")
        assert answer.get("Location", "/").startswith("/")
        assert not answer.get("Location", "/").startswith("//")
        assert answer.status_code in (200, 302)
    for address in ("https://evil.example", "//evil.example", "javascript:alert(1)"):
        assert client.get(f"/S/{address}").status_code == 404
        assert (
            client.post("/paste", {"text": f"{address} {world.code}", "next": address})["Location"]
            == f"/S/{world.code}"
        )


def test_c4_2_the_qr_code_reads_back_to_the_landing(world: World, client: Client) -> None:
    from io import BytesIO

    picture = client.get(f"/q/{world.code}.png")
    read = zxingcpp.read_barcodes(Image.open(BytesIO(picture.content)))
    assert read[0].text.lower() == f"{settings.MEADOW.base_url}/S/{world.code}".lower()
    drawn = client.get(f"/q/{world.code}.svg")
    assert drawn["Content-Type"] == "image/svg+xml"
    assert drawn.content.startswith(b"<svg xmlns=")
    assert client.get("/q/0000000000000.svg").status_code == 404


def test_a6_6_the_landing_weighs_at_most_thirty_kilobytes_before_pictures(world: World, client: Client) -> None:
    page = client.get(f"/S/{world.code}").content
    files = [(tags._STATIC / name).read_bytes() for name in ("meadow.css", "icons.svg", "mark.svg")]
    weight = sum(len(gzip.compress(data)) for data in [page, *files])
    assert weight <= 30_000, weight
