"""The inbox, chats and who may reach me, as people see them in both languages."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from tests.web.world import World, browser, settle_down

from meadow.accounts import queries as accounts
from meadow.accounts.models import MerchantStaff
from meadow.governance.services import contact as contacts
from meadow.kernel import clock, sweeps
from meadow.messaging import queries as messages
from meadow.messaging import services as messaging
from meadow.messaging.models import Send

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


def test_a8_4_a_shop_composes_a_message_and_sees_in_counts_whom_it_reaches(world: World, client: Client) -> None:
    merchant, keeper, address = _merchant(world), browser("zh-CN"), "/inbox/sends/new"
    party = ("accounts.merchant", merchant.pk)
    noon = clock.now().replace(hour=4, minute=0) + timedelta(days=1)
    sweeps.advance(noon)
    for person, stances in ((world.bo, ("consent",)), (world.mei, ("consent", "mute")), (world.otto, ("consent",))):
        for stance in stances:
            contacts.set_stance(person_id=person.pk, stance=stance, party=party)
    contacts.set_quiet_hours(person_id=world.otto.pk, start_minute=0, end_minute=1439)
    client.force_login(world.ada)
    keeper.force_login(world.ada)
    assert "Write to many" in client.get("/inbox/sends").content.decode()
    page = keeper.get(address).content.decode()
    assert "免打扰时段" in page
    assert 'value="send"' not in page  # nobody sends before the counts are seen
    words = {"title": "Spring tea", "text": "New leaves.", "who": "all", "once": "o-1", "merchant": merchant.public_id}
    seen = client.post(address, words | {"act": "preview"}).content.decode()
    for label, n in (
        ("People meant", 3),
        ("Reached at once", 1),
        ("Reached after their quiet hours", 1),
        ("Not reached", 1),
    ):
        assert f"<dt>{label}</dt><dd>{n}</dd>" in seen
    assert "the recipient has muted the sender" in seen
    assert "Theirs comes when their quiet hours end" in seen
    assert "对方已静音发送者" in keeper.post(address, words | {"act": "preview"}).content.decode()
    assert not Send.objects.exists()
    named = client.post(
        address, words | {"act": "preview", "who": "named", "people": f"{world.bo.public_id}\nper_nobody"}
    )
    assert "there is no such person" in named.content.decode()
    # What it says is what then happens; pressing twice sends once.
    for _ in range(2):
        assert client.post(address, words | {"act": "send"})["Location"] == "/inbox/sends"
    settle_down(timedelta(minutes=1))
    sent = Send.objects.get()
    report = messages.report_of_send(sent.public_id, person_id=world.ada.pk)
    assert (report.delivered, report.waiting, report.reasons) == (1, 1, {"muted": 1})
    assert "the recipient has muted the sender" in client.get("/inbox/sends").content.decode()
    # What it may not say stands beside the field, and whoever keeps no shop writes to nobody.
    wrong = client.post(address, words | {"act": "send", "text": "加微信 meadow88 转账便宜", "once": "o-2"})
    assert (wrong.status_code, 'id="e_text"' in wrong.content.decode()) == (422, True)
    assert client.post(address, words | {"act": "preview", "who": "named", "people": " "}).status_code == 422
    client.force_login(world.bo)
    assert client.get(address).status_code == 404
    assert client.post(address, words | {"act": "send"}).status_code == 404
    assert Send.objects.count() == 1


def test_a8_7_the_page_says_that_very_many_need_a_second_person_and_whether_there_is_one(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = _merchant(world)
    monkeypatch.setattr(settings, "MEADOW", replace(settings.MEADOW, confirm_audience=1))
    for person in (world.bo, world.mei):
        contacts.set_stance(person_id=person.pk, stance="consent", party=("accounts.merchant", merchant.pk))
    client.force_login(world.ada)
    words = {"title": "Spring tea", "text": "New leaves.", "once": "o-1", "merchant": merchant.public_id}
    seen = client.post("/inbox/sends/new", words | {"act": "preview"}).content.decode()
    assert "Invite a colleague first" in seen
    MerchantStaff.objects.create(merchant=merchant, person=world.otto, role="staff")
    seen = client.post("/inbox/sends/new", words | {"act": "preview"}).content.decode()
    assert "They are told now" in seen
    assert "Ask for the second person" in seen
    client.post("/inbox/sends/new", words | {"act": "send"})
    assert Send.objects.get().state == "unconfirmed"
