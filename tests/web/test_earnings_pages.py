"""A creator's orders and earnings with why me or why not me, and the operators' single-level report, as pages."""

from typing import Any

import pytest
from tests.trade import bazaar
from tests.trade.bazaar import DAY
from tests.web.world import World, browser

from meadow.kernel import clock, outbox
from meadow.trade.services import LineIn

pytestmark = pytest.mark.django_db


def test_the_creator_reads_why_me_and_why_not_me_in_both_languages(world: World) -> None:
    now = clock.now()
    with clock.at(now - 2 * DAY):
        shop, rival = bazaar.shop(), bazaar.creator("Rival")
        bowl = bazaar.goods(shop)
        bazaar.click(world.creator, bowl, person_id=world.bo.pk)
    with clock.at(now - DAY):
        bazaar.paid(bowl, buyer=world.bo.pk)
        bazaar.click(rival, bowl, person_id=world.bo.pk)
        bazaar.paid(bowl, buyer=world.bo.pk)
    outbox.drain_all()
    client, zh = browser(), browser("zh-CN")
    for each in (client, zh):
        each.force_login(world.mei)
    page = client.get("/studio/earnings").content.decode()
    for words in (
        "Why me",
        "Why not me",
        "A newer valid click exists.",
        "Another creator",
        "Rules attribution.2",
        "¥18.00",
    ):
        assert words in page
    for secret in ("Rival", "Bo<", "bo@example.com", "West Lake"):
        assert secret not in page
    page = zh.get("/studio/earnings?days=7").content.decode()
    for words in ("为什么是我", "为什么不是我", "存在更新的有效点击。", "其他达人", "订单与收入"):
        assert words in page
    assert client.get("/studio/earnings?days=8").status_code == 422
    assert client.get("/studio/earnings?after=x").status_code == 422
    assert 'href="/studio/earnings"' in client.get("/studio").content.decode()


def test_c3_3_and_c3_4_one_page_tells_estimates_final_void_and_what_was_taken_back(world: World) -> None:
    with clock.at(clock.now() - 40 * DAY):
        bowl = bazaar.goods(bazaar.shop())

        def buy() -> Any:
            return bazaar.paid(LineIn(bowl.sku_id, 1, bazaar.click(world.creator, bowl)), buyer=world.bo.pk)

        bazaar.refund(bazaar.settled(buy()), 5_000)
        bazaar.refund(buy(), 10_000, 1_000)
    client, zh = browser(), browser("zh-CN")
    for each in (client, zh):
        each.force_login(world.mei)
    assert client.get("/studio/commissions").headers["Location"] == "/studio/earnings"
    assert "Commission taken back" in client.get("/studio/earnings").content.decode()
    page = client.get("/studio/earnings?days=36500").content.decode()
    for words in ("Estimated at payment", "¥18.00", "Final", "Settled", "Everything was refunded", "¥9.00"):
        assert words in page, words
    for place in ("/months", f"/me/money/creator/{world.creator.public_id}"):
        assert place in page
    page = zh.get("/studio/earnings?days=36500").content.decode()
    for words in ("付款预估", "收货前已全额退款", "佣金追回"):
        assert words in page, words


def test_c7_5_the_operator_reads_the_single_level_report(world: World) -> None:
    for language, words in (("en", "Deepest level of compensation"), ("zh-CN", "计酬最深层级")):
        client = browser(language)
        client.force_login(world.otto)
        assert words in client.get("/console/compensation").content.decode()
    stranger = browser()
    stranger.force_login(world.mei)
    assert stranger.get("/console/compensation").status_code == 403
    assert browser().get("/studio/earnings").status_code == 302


def test_c1_8_the_operator_looks_up_who_earns_on_a_line_and_why(world: World) -> None:
    now = clock.now()
    with clock.at(now - 2 * DAY):
        bowl, rival = bazaar.goods(bazaar.shop()), bazaar.creator("Rival")
        bazaar.click(world.creator, bowl, person_id=world.bo.pk)
    with clock.at(now - DAY):
        bazaar.click(rival, bowl, person_id=world.bo.pk)
        order = bazaar.paid(bowl, buyer=world.bo.pk)
    outbox.drain_all()
    client, zh = browser(), browser("zh-CN")
    for each in (client, zh):
        each.force_login(world.otto)
    line = bazaar.goods_line(order).public_id
    for ref in (order.public_id, line):
        page = client.get("/console/attribution", {"ref": ref}).content.decode()
        for words in ("Rival earns.", "Mei &lt;Lin&gt;", "A newer valid click exists.", "Rules attribution.2", "general plan",
                      "the feed", "signed in", "Judged again from its log: the same.", line):  # fmt: skip
            assert words in page, words
    page = zh.get("/console/attribution", {"ref": line}).content.decode()
    for words in ("佣金归 Rival", "通用计划", "登录身份", "存在更新的有效点击。"):
        assert words in page
    assert client.get("/console/attribution", {"ref": "ord_none"}).status_code == 404
    assert client.get("/console/attribution").status_code == 200
    client.force_login(world.mei)
    assert client.get("/console/attribution", {"ref": line}).status_code == 403
