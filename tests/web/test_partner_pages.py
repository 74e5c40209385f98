"""Tokens that lead to a partner's page: made on the share page, opened on a landing that says one leaves, followed out."""

import re
from html import unescape

import pytest
from tests.web.test_share import as_person, page
from tests.web.world import World, browser

from meadow.governance import services as governance
from meadow.governance.models import Partner
from meadow.kernel.audit import SYSTEM, Actor
from meadow.sharing import queries, services
from meadow.sharing.models import Click, PartnerPage, ShareToken

pytestmark = pytest.mark.django_db
PAGE = "https://item.example.org/item/7?a=1"


@pytest.fixture
def partner(world: World) -> Partner:
    return governance.add_partner(
        name="Example Mall", hosts=["item.example.org"], product_patterns=["item.example.org/item/{digits}"],
        contract="2026-17", after_sale_contact="care@example.org", by=SYSTEM,
    )  # fmt: skip


@pytest.fixture
def code(world: World, partner: Partner) -> str:
    return queries.code_of(services.mint_partner_token(creator_id=world.creator.pk, url=PAGE).number)


def way_out(text: str) -> str:
    found = re.search(r'<a [^>]*href="(/out\?[^"]+)" rel="nofollow noopener sponsored"', text)
    assert found, text
    return unescape(found[1])


def test_c5_1_a_partners_page_is_shared_and_opens_by_a_landing_that_never_sends_on_by_itself(
    world: World, partner: Partner
) -> None:
    mei = as_person(world.mei)
    assert "Example Mall" in page(mei, "/share")
    made = mei.post("/share/page", {"url": " HTTPS://ITEM.example.org:443/item/7?a=1 "})
    assert made.status_code == 302, made.content.decode()
    token = ShareToken.objects.get(target_kind=queries.PARTNER_PAGE)
    assert PartnerPage.objects.get(pk=token.target_id).url == PAGE
    own = page(mei, made["Location"])
    assert PAGE in own
    assert own.count("[Ad]") >= 2
    assert "/poster.png" not in own
    assert PAGE in page(mei, "/share")
    # Somebody opens it: told who shared it, whose page it is, that it is an ad and outside; nothing moves by itself.
    code = queries.code_of(token.number)
    for language, told in (("en", "outside of this site"), ("zh-CN", "该网站不属于本站")):
        answer = browser(language).get(f"/S/{code}")
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "Refresh" not in answer
        assert "http-equiv" not in text
        for part in (told, "Example Mall", "Mei &lt;Lin&gt;", "care@example.org", 'class="ad"', "og:image"):
            assert part in text
        assert PAGE not in re.findall(r'href="([^"]+)"', text)


def test_c5_1_following_a_partners_page_is_a_click_of_the_creator_and_leads_only_there(world: World, code: str) -> None:
    # A browser that vouches for nobody: it counts once it is followed.
    shy = browser()
    plain = {"headers": {"sec-fetch-site": "cross-site", "sec-fetch-user": ""}}
    text = shy.get(f"/S/{code}", **plain).content.decode()
    assert not Click.objects.exists()
    followed = shy.get(way_out(text))
    assert (followed.status_code, followed["Location"]) == (302, PAGE)
    click = Click.objects.get()
    assert (click.creator_id, click.shop_id, click.product_id) == (world.creator.pk, None, None)
    shy.get(way_out(text))
    assert Click.objects.count() == 1
    # It never earns here, and a checkout that carries it goes on as organic.
    facts = queries.read_view(re.search(r"[?&]v=([^&]+)", way_out(text))[1])  # type: ignore[index]
    assert facts is not None
    assert facts.origin.shop_id is None
    report = queries.token_clicks(world.creator.pk, facts.viewed_at)
    assert [(row.token_id, row.clicks) for row in report] == [(click.token_id, 1)]
    assert shy.get("/out?to=eyJ1IjoiaHR0cHM6Ly9ldmlsLmNvbSJ9.x").status_code == 404


def test_c4_6_no_token_for_an_address_that_the_policy_does_not_allow(world: World, partner: Partner) -> None:
    mei = as_person(world.mei)
    for url, why in (
        ("https://evil.com/item/7", "/links/blocked/"), ("http://item.example.org/item/7", "https"),
        ("https://item.example.org/about", "/links/blocked/"), ("javascript:alert(1)", "/links/blocked/"),
        ("http://testserver/g/1", ""), ("", ""),
    ):  # fmt: skip
        answer = mei.post("/share/page", {"url": url})
        assert answer.status_code == 422, url
        text = answer.content.decode()
        assert 'id="url_wrong"' in text
        assert why in text
    assert not ShareToken.objects.filter(target_kind=queries.PARTNER_PAGE).exists()
    by = Actor("person", world.otto.pk)
    governance.set_link_policy(surface="post", verdict="warn", partner_id=partner.pk, reason="complaints", by=by)
    assert mei.post("/share/page", {"url": PAGE}).status_code == 422


def test_g1_3_a_partner_that_ended_is_said_on_the_landing_with_its_rule(
    world: World, partner: Partner, code: str
) -> None:
    shopper = browser()
    text = shopper.get(f"/S/{code}").content.decode()
    governance.end_partner(partner_id=partner.pk, reason="contract over", by=SYSTEM)
    gone = shopper.get(f"/S/{code}")
    told = gone.content.decode()
    assert gone.status_code == 410
    for part in ("may not be shared any more", "Example Mall", "link.partners v", "no escrow"):
        assert part in told
    assert "不再允许分享" in browser("zh-CN").get(f"/S/{code}").content.decode()
    # The way out that somebody still has open warns, and nobody gets a click or a token of their own by it any more.
    before = Click.objects.count()
    assert shopper.get(way_out(text)).status_code == 200
    assert shopper.get(way_out(told)).status_code == 200
    assert Click.objects.count() == before
    convert = as_person(world.mei).post("/share/convert", {"text": f"￥{code}￥"}, follow=True)
    assert "partner" in convert.content.decode().lower()
    # A barred host is not led to at all.
    governance.bar_host(host="item.example.org", reason="fraud", reason_zh="欺诈", by=SYSTEM)
    barred = shopper.get(f"/S/{code}")
    assert barred.status_code == 410
    assert "/out?" not in barred.content.decode()


def test_g1_3_what_an_operator_blocks_for_a_partner_degrades_to_a_warning_where_it_stands(
    world: World, partner: Partner, code: str
) -> None:
    by = Actor("person", world.otto.pk)
    governance.set_link_policy(surface="post", verdict="block", partner_id=partner.pk, reason="complaints", by=by)
    assert browser().get(f"/S/{code}").status_code == 410
    assert queries.landing(code).problem == "page_withdrawn"  # type: ignore[union-attr]
