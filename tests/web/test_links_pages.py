"""The pages about links: where one leads, why one was blocked, and the policy that operators edit."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from tests.web.world import World, browser

from meadow.content import services as content
from meadow.governance import queries, services
from meadow.governance.models import Appeal, Partner
from meadow.kernel.audit import SYSTEM
from meadow.kernel.errors import Refusal
from meadow.trade.models import Order

pytestmark = pytest.mark.django_db
PAGE = "https://item.example.org/item/7?a=1"
FORM = {
    "act": "add", "name": "Example Mall", "hosts": "item.example.org", "patterns": "item.example.org/item/{digits}",
    "contract": "2026-17", "contact": "care@example.org",
}  # fmt: skip


@pytest.fixture
def partner(world: World) -> Partner:
    return services.add_partner(
        name="Example Mall", hosts=["item.example.org"], product_patterns=["item.example.org/item/{digits}"],
        contract="2026-17", after_sale_contact="care@example.org", by=SYSTEM,
    )  # fmt: skip


def post_with(world: World, text: str) -> Any:
    return content.publish_recommendation(
        creator_id=world.creator.pk, items=[(world.apron.pk, "It hangs in my kitchen every day and still looks new.")],
        text=text,
    )  # fmt: skip


def link_in(page: str) -> str:
    found = re.search(r'href="(/out\?[^"]+)"', page)
    assert found, page
    return unescape(found[1])


def test_g1_3_a_posts_link_leads_by_a_page_that_warns_once_the_partner_is_gone(
    world: World, client: Client, partner: Partner
) -> None:
    post = post_with(world, f"See <b>{PAGE}</b> and read on.")
    page = client.get(f"/p/{post.public_id}").content.decode()
    assert "See &lt;b&gt;<a href=" in page
    address = link_in(page)
    followed = client.get(address)
    assert (followed.status_code, followed["Location"], followed["Referrer-Policy"]) == (302, PAGE, "no-referrer")
    orders = list(Order.objects.values_list("state"))
    services.end_partner(partner_id=partner.pk, reason="contract over", by=SYSTEM)
    # The page that somebody still has open leads to a warning too, and new posts are refused at once.
    warned = client.get(address)
    assert warned.status_code == 200
    assert "Example Mall is a partner no longer" in warned.content.decode()
    assert f'href="{PAGE}" rel="nofollow' in warned.content.decode()
    assert "已不再是合作方" in browser("zh-CN").get(address).content.decode()
    assert "Leads outside" in client.get(f"/p/{post.public_id}").content.decode()
    with pytest.raises(Refusal, match="link_blocked"):
        post_with(world, PAGE)
    assert list(Order.objects.values_list("state")) == orders
    services.bar_host(host="example.org", reason="Phishing since yesterday.", by=SYSTEM)
    stopped = client.get(address)
    assert (stopped.status_code, "Phishing since yesterday." in stopped.content.decode()) == (403, True)
    assert "/out?" not in client.get(f"/p/{post.public_id}").content.decode()


@pytest.mark.parametrize("to", ["", "x", "https://evil.com", "eyJ1IjoiaHR0cHM6Ly9ldmlsLmNvbSIsInMiOiJwb3N0In0"])
def test_g1_this_site_leads_nobody_out_for_others(client: Client, db: None, to: str) -> None:
    assert client.get("/out", {"to": to}).status_code == 404


def test_g1_4_the_blocked_page_shows_rule_and_appeal_to_its_owner_alone(world: World, client: Client) -> None:
    with pytest.raises(Refusal) as caught:
        post_with(world, "look at https://meadow-login.example.com@evil.org/a")
    address = "/links/blocked/" + caught.value.params["decision"]
    assert caught.value.params["appeal"].endswith(address)
    client.force_login(world.mei)
    page = client.get(address).content.decode()
    assert "link.plain v1" in page
    assert "A name stands before the host" in page
    assert "域名前带有用户名" in _as(world.mei, "zh-CN").get(address).content.decode()
    for who in (world.bo, world.ada):
        assert _as(who).get(address).status_code == 404
    assert _as(world.otto).get(address).status_code == 200
    action = re.search(r'action="(/me/limits/[^"]+/appeal)"', page)
    assert action
    assert client.post(action[1], {"text": "It is my own site."}).status_code == 302
    assert Appeal.objects.get().decision.public_id == caught.value.params["decision"]
    assert "Your appeal" in client.get(address).content.decode()


def test_g1_the_operator_edits_the_policy_and_tries_addresses(world: World) -> None:
    client, zh = _as(world.otto), _as(world.otto, "zh-CN")
    assert "There is no partner yet" in client.get("/console/links").content.decode()
    assert "暂无合作方" in zh.get("/console/links").content.decode()
    assert client.post("/console/links", FORM).status_code == 302
    which = Partner.objects.get().public_id
    assert client.post("/console/links", {**FORM, "act": "set", "surface": "chat", "verdict": "block", "reason": "spam",
                                          "partner": ""}).status_code == 302  # fmt: skip
    assert (
        client.post("/console/links", {"act": "bar", "host": "evil.org", "reason": "Never ships."}).status_code == 302
    )
    page = client.get("/console/links", {"url": "https://www.evil.org/x", "where": "chat"}).content.decode()
    for words in ("Example Mall", "care@example.org", "evil.org", "Never ships.", "conduct.evasion v"):
        assert words in page
    assert queries.judge_link("https://example.com", "chat").verdict == "block"
    bar = queries.barred_hosts()[0].public_id
    assert client.post("/console/links", {"act": "lift", "bar": bar, "reason": "sold"}).status_code == 302
    assert client.post("/console/links", {"act": "end", "partner": which, "reason": "over"}).status_code == 302
    assert "ended" in client.get("/console/links").content.decode()


def test_g1_the_operator_edits_renews_and_ends_a_partner_on_its_page(world: World, partner: Partner) -> None:
    client, path = _as(world.otto), f"/console/links/partners/{partner.public_id}"
    assert path in client.get("/console/links").content.decode()
    form = {
        "act": "change", "name": "Example Mall", "hosts": "item.example.org", "version": "1", "reason": "moved",
        "product_patterns": "item.example.org/goods/{digits}", "contract": "2026-17", "contract_until": "2099-12-31",
        "after_sale_contact": "desk@example.org",
    }  # fmt: skip
    assert client.post(path, form).status_code == 302
    assert queries.judge_link("https://item.example.org/goods/7", "post").verdict == "allow"
    page = client.get(path).content.decode()
    for words in ("Dec 31, 2099", "care@example.org → desk@example.org", "moved", "Partner changed"):
        assert words in page
    assert "合同有效期至" in _as(world.otto, "zh-CN").get(path).content.decode()
    # A stale form, a wrong pattern and a day gone by come back with what was typed.
    for wrong, status in (
        ({}, 409),
        ({"version": "2", "product_patterns": "x"}, 422),
        ({"version": "2", "contract_until": "2020-01-01"}, 422),
        ({"version": "2", "contract_until": "soon"}, 422),
    ):
        answer = client.post(path, {**form, "name": "Other Mall", **wrong})
        assert (answer.status_code, 'value="Other Mall"' in answer.content.decode()) == (status, True), wrong
    assert client.post(path, {"act": "end", "reason": "over"}).status_code == 302
    assert "Ended" in client.get(path).content.decode()
    assert client.post(path, {"act": "renew", "contract": "2027-3", "reason": "again"}).status_code == 302
    assert queries.judge_link("https://item.example.org/goods/7", "post").verdict == "allow"
    assert _as(world.mei).get(path).status_code == 403
    assert client.get("/console/links/partners/prt_x").status_code == 404


@pytest.mark.parametrize(
    ("form", "status", "told"),
    [
        ({**FORM, "patterns": "item.example.org"}, 422, "whole site"),
        ({**FORM, "contract": ""}, 422, "contract"),
        ({"act": "bar", "host": "com", "reason": "x"}, 422, "registered"),
        ({"act": "set", "surface": "chat", "verdict": "allow", "reason": "x"}, 422, "warn, block"),
        ({"act": "nothing"}, 422, "set, add"),
        ({"act": "end", "partner": "prt_x", "reason": "x"}, 404, ""),
    ],
)
def test_g1_a_wrong_form_comes_back_with_what_was_typed(
    world: World, form: dict[str, str], status: int, told: str
) -> None:
    answer = _as(world.otto).post("/console/links", form)
    assert answer.status_code == status
    assert told in answer.content.decode()
    if form["act"] == "add":
        assert 'value="Example Mall"' in answer.content.decode()


def test_g1_the_policy_page_is_the_operators(world: World, client: Client) -> None:
    assert client.get("/console/links").status_code == 302
    assert _as(world.mei).get("/console/links").status_code == 403
    assert _as(world.mei).post("/console/links", FORM).status_code == 403
    assert not Partner.objects.exists()


def _as(who: Any, language: str = "en") -> Client:
    client = browser(language)
    client.force_login(who)
    return client
