"""The inbox, chats and who may reach me, as people see them in both languages."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from tests.web.world import World, browser, settle_down

from meadow.accounts import queries as accounts
from meadow.kernel import clock, sweeps
from meadow.messaging import services as messaging

pytestmark = pytest.mark.django_db


def _merchant(world: World) -> accounts.Merchant:
    return accounts.merchant(world.shop.merchant_id)


def test_g8_3_g12_3_a_chat_with_its_warning_and_nobody_else(world: World, client: Client) -> None:
    merchant, keeper = _merchant(world), browser("zh-CN")
    client.force_login(world.bo)
    keeper.force_login(world.ada)
    assert "without a link" in client.get(f"/inbox/write/{merchant.public_id}").content.decode()
    sent = client.post(f"/inbox/write/{merchant.public_id}", {"text": "Is it <b>warm</b>?"})
    address = sent["Location"]
    assert "Is it &lt;b&gt;warm&lt;/b&gt;?" in client.get(address).content.decode()
    assert keeper.post(address, {"text": "加微信 meadow_fan88 转账便宜 20"}).status_code == 302
    assert "no escrow protects" in client.get(address).content.decode()
    assert "站外付款没有担保交易" in keeper.get(address).content.decode()
    assert merchant.name in client.get("/inbox/chats").content.decode()
    for who in (world.otto, world.mei):
        stranger = browser()
        stranger.force_login(who)
        assert stranger.get(address).status_code == 404


def test_a8_4_consent_contact_page_and_one_tap_unsubscribe_without_sign_in(world: World, client: Client) -> None:
    merchant = _merchant(world)
    client.force_login(world.bo)
    sweeps.advance(clock.now().replace(hour=4) + timedelta(days=1))
    agreed = client.post("/inbox/reach/change", {"merchant": merchant.public_id, "stance": "consent"}, follow=True)
    assert "You agreed to marketing" in agreed.content.decode()
    for number in range(2):
        messaging.send_marketing(
            merchant_id=merchant.pk, client_msg_id=f"s-{number}", title="Spring tea", text="New leaves.",
            audience=[world.bo.public_id], by=world.by_ada,
        )  # fmt: skip
        settle_down(timedelta(minutes=1))
    assert "Spring tea" in client.get("/inbox").content.decode()
    page = client.get("/inbox/reach").content.decode()
    assert "the channel&#x27;s message of today is used up" in page
    link = next(m for m in mail.outbox if m.subject == "Spring tea").extra_headers["List-Unsubscribe"].strip("<>")
    path = "/inbox/stop/" + link.rsplit("/", 1)[-1]
    for language, words in (("en", "You are unsubscribed"), ("zh-CN", "已退订")):
        stranger = browser(language)
        assert words in stranger.get(path).content.decode()
        assert stranger.post(path).status_code == 200
    assert "You agreed to marketing" not in client.get("/inbox/reach").content.decode()
    assert client.post("/inbox/reach/quiet", {"start": "21:00", "end": "09:30"}).status_code == 302
    assert 'value="09:30"' in client.get("/inbox/reach").content.decode()
    assert client.post("/inbox/reach/quiet", {"start": "x", "end": "99:99"}).status_code == 422
    assert Client().get("/inbox/reach").status_code in (302, 401)
