"""A creator's shares and the operator's channels, as pages in both languages."""

import re
from datetime import timedelta
from io import BytesIO

import pytest
import zxingcpp
from django.conf import settings
from django.test import Client
from PIL import Image
from tests.web.world import World, browser, settle_down

from meadow.accounts import services as accounts
from meadow.catalog import services as catalog
from meadow.kernel import clock
from meadow.kernel.audit import Actor
from meadow.sharing import queries
from meadow.sharing import services as sharing
from meadow.sharing.models import ChannelAlarm, Click, Reach, ShareToken

pytestmark = pytest.mark.django_db


def as_person(person: object, language: str = "en") -> Client:
    client = browser(language)
    client.force_login(person)
    return client


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


def test_in_one_tap_from_a_product_everything_for_the_channel_at_hand(world: World) -> None:
    mei = as_person(world.mei)
    assert "Share this" in page(mei, f"/g/{world.apron.public_id}")
    assert world.apron.public_id in page(mei, f"/share?product={world.apron.public_id}")
    answer = mei.post("/share/new", {"product": world.apron.public_id})
    assert answer.status_code == 302
    token = ShareToken.objects.exclude(pk=world.token.pk).get()
    code = queries.code_of(token.number)
    text = page(mei, answer["Location"])
    forms = queries.forms(token, language="en", creator_name=world.creator.name)
    for part in (forms.digits, forms.url, f"/q/{code}.svg", f"/q/{code}.png", f"/q/{code}/poster.png", "WeChat chat"):
        assert part in text
    # Where links cannot be tapped none is handed out; where only pictures get through, pictures are.
    moments = page(mei, f"{answer['Location']}?to=wechat_moments")
    section = moments[moments.index("For WeChat Moments") : moments.index("Every form")]
    assert re.search(rf'src="/q/{code}-\w\w/poster\.png"', section)
    assert "/S/" not in section
    assert "朋友圈" in page(as_person(world.mei, "zh-CN"), answer["Location"])
    # A commission is paid for it, so whatever is handed out says what it is.
    assert text.count("[Ad]") >= 2
    # The same thing shared from a recommendation names it.
    mei.post("/share/new", {"product": world.apron.public_id, "recommendation": world.post.public_id})
    assert ShareToken.objects.filter(target_kind="content.recommendation", product=world.apron).exists()
    for path, sent in (("/share/new", {"product": "prd_none"}), ("/share/convert", {"text": "nothing"})):
        assert mei.post(path, sent).status_code in (302, 404)


def test_shares_are_a_creators_own(world: World) -> None:
    bo, mei = as_person(world.bo), as_person(world.mei)
    path = f"/share/{world.token.public_id}"
    assert bo.get(path).status_code == 403
    li = accounts.approve_creator(
        creator_id=accounts.apply_as_creator(person_id=world.bo.pk, name="Bo").pk, by=Actor("person", world.otto.pk)
    )
    assert li.pk
    assert bo.get(path).status_code == 404
    assert bo.post(f"{path}/revoke").status_code == 404
    assert browser().get("/share").status_code == 302
    assert "Steel flask" in page(mei, "/share")


def test_c4_7_what_another_shared_becomes_ones_own_token_and_theirs_stays(world: World) -> None:
    accounts.approve_creator(
        creator_id=accounts.apply_as_creator(person_id=world.bo.pk, name="Bo").pk, by=Actor("person", world.otto.pk)
    )
    bo = as_person(world.bo)
    answer = bo.post("/share/convert", {"text": world.extra["forms"].text})
    assert answer.status_code == 302
    own = ShareToken.objects.exclude(pk=world.token.pk).get()
    assert own.public_id in answer["Location"]
    assert (own.target_id, own.product_id) == (world.token.target_id, world.token.product_id)
    theirs = queries.landing(world.code)
    assert theirs is not None
    assert theirs.creator_id == world.creator.pk
    both = f"{queries.code_of(own.number)} {world.code}"
    assert sharing.resolve(text=both, callers=[]).token_id == own.pk
    assert "shared this with you" in page(browser(), f"/S/{queries.code_of(own.number)}")


def test_a_token_is_taken_back_and_says_so(world: World) -> None:
    mei = as_person(world.mei)
    mei.post(f"/share/{world.token.public_id}/revoke")
    text = page(mei, f"/share/{world.token.public_id}")
    assert "Taken back" in text
    assert "Every form" in text
    assert mei.post(f"/share/{world.token.public_id}/revoke").status_code == 409
    assert browser().get(f"/q/{world.code}/poster.png").status_code == 410


def test_posters_and_tagged_codes_lead_to_the_token_and_name_their_channel(world: World) -> None:
    weibo = queries.outlet("weibo")
    made = queries.material(world.token, weibo, language="en", creator_name="Mei", is_ad=True)
    for piece in made.pieces:
        if not piece.picture:
            continue
        answer = browser().get(piece.picture)
        assert answer["Content-Type"] == "image/png"
        read = zxingcpp.read_barcodes(Image.open(BytesIO(answer.content)))
        found = sharing.resolve(text=read[0].text, callers=[])
        assert (found.token_id, queries.channel_of(found.tag, {weibo.tag: "weibo"})) == (
            world.token.pk, ("weibo", piece.form)
        )  # fmt: skip
    tagged = f"{world.code}-{made.pieces[0].text.rpartition('-')[2][:2]}"
    assert browser().post("/paste", {"text": f"look ￥{tagged}￥"})["Location"] == f"/S/{tagged}"
    assert browser().get(f"/S/{tagged}").status_code == 200
    assert Click.objects.get().tag > 0
    assert browser().get(f"/q/{world.code}/smoke.png").status_code == 404
    assert browser().get("/q/0000000000000/poster.png").status_code == 404


def test_c6_1_links_blocked_flips_what_is_handed_out_at_once_and_creators_are_told(world: World) -> None:
    otto, mei = as_person(world.otto), as_person(world.mei)
    material = queries.material(world.token, queries.outlet("qq"), language="en", creator_name="Mei", is_ad=False)
    link = material.pieces[0].text
    assert browser().get(link[link.index("/S/") :]).status_code == 200
    settle_down()
    before = clock.now()
    assert otto.post("/channels/qq/block-links").status_code == 302
    share = page(mei, f"/share/{world.token.public_id}?to=qq")
    section = share[share.index("For QQ") : share.index("Every form")]
    assert clock.now() - before < timedelta(seconds=60)
    assert "/S/" not in section
    assert "￥" in section
    assert "QQ hands out another form now" in page(mei, "/share")
    settle_down()
    inbox = page(mei, "/inbox")
    assert "QQ: share another form now" in inbox
    assert "QQ：请改用其他分享形式" in page(as_person(world.mei, "zh-CN"), "/inbox")
    # Bo never shared there; what was shared before still opens.
    assert "share another form" not in page(as_person(world.bo), "/inbox")
    assert browser().get(link[link.index("/S/") :]).status_code == 200
    assert mei.post("/channels/qq/block-links").status_code == 403
    assert mei.get("/channels").status_code == 403


def test_the_operator_edits_a_channel_and_what_is_wrong_stands_there(world: World) -> None:
    otto = as_person(world.otto)
    assert "微信群" in page(as_person(world.otto, "zh-CN"), "/channels")
    text = page(otto, "/channels/weibo")
    version = re.search(r'name="version" value="(\d+)"', text)
    assert version
    good = {
        "version": version[1], "name_en": "Weibo", "name_zh": "微博", "text_token": "on", "picture": "on",
        "switches_itself": "on", "max_len": "140", "unit": "weighted", "default_form": "text",
    }  # fmt: skip
    for wrong in ({"max_len": "3"}, {"max_len": "x"}, {"name_en": " "}, {"default_form": "link"}, {"unit": "yards"}):
        answer = otto.post("/channels/weibo", good | wrong)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.content.decode()
    assert otto.post("/channels/weibo", good)["Location"] == "/channels/weibo"
    now = queries.outlet("weibo")
    assert (now.allows.clickable_link, now.allows.max_len, now.default, now.is_retired) == (False, 140, "text", False)
    # Somebody else has changed it meanwhile.
    assert otto.post("/channels/weibo", good).status_code == 422
    made = otto.post("/channels/new", good | {"code": "mastodon", "name_en": "Mastodon", "name_zh": "Mastodon"})
    assert made["Location"] == "/channels/mastodon"
    assert otto.post("/channels/new", good | {"code": "mastodon"}).status_code == 422
    assert "Mastodon" in page(otto, "/channels")


def test_several_creators_who_report_raise_the_alarm_and_the_operator_closes_it(world: World) -> None:
    otto, mei = as_person(world.otto), as_person(world.mei)
    path = f"/share/{world.token.public_id}/report"
    for _ in range(3):  # one voice, however often it is raised
        assert mei.post(path, {"outlet": "qq", "form": "link", "note": "a warning page"}).status_code == 302
    assert not ChannelAlarm.objects.exists()
    for name in ("Li", "Wu"):
        someone = accounts.add_person(email=f"{name}@example.com", name=name, locale="en")
        applied = accounts.apply_as_creator(person_id=someone.pk, name=name)
        other = accounts.approve_creator(creator_id=applied.pk, by=Actor("person", world.otto.pk))
        sharing.report_block(creator_id=other.pk, code="qq", form="link")
    alarm = ChannelAlarm.objects.get()
    assert (alarm.cause, alarm.observed, alarm.switched_to) == ("reports", 3, "text")
    settle_down()
    assert "Creators report that QQ blocks" in page(otto, "/inbox")
    text = page(otto, "/channels")
    assert "3 creators say that it does not get through" in text
    assert "a warning page" in text
    assert otto.post(f"/channels/alarms/{alarm.public_id}/close").status_code == 302
    assert queries.outlet("qq").default == "link"
    assert otto.post(f"/channels/alarms/{alarm.public_id}/close").status_code == 409
    # The same voices do not raise it again on the same day.
    sharing.report_block(creator_id=world.creator.pk, code="qq", form="link")
    assert queries.outlet("qq").default == "link"
    assert mei.post(path, {"outlet": "qq", "form": "smoke"}).status_code == 422


def test_c5_6_the_link_of_deleted_content_is_410_with_alternatives(world: World) -> None:
    from meadow.content.models import Recommendation

    Recommendation.objects.filter(pk=world.post.pk).update(state="taken_down")
    for language, also in (("en", "Also in this shop"), ("zh-CN", "本店其他商品")):
        answer = browser(language).get(f"/S/{world.code}")
        text = answer.content.decode()
        assert answer.status_code == 410
        assert also in text
        assert f"/g/{world.apron.public_id}" in text
        assert f"/shop/{world.shop.public_id}" in text
    catalog.withdraw_product(product_id=world.apron.pk, by=world.by_ada)
    assert "Also in this shop" not in browser().get(f"/S/{world.code}").content.decode()


def test_reach_and_sales_show_on_the_channels_page(world: World) -> None:
    tag = (queries.outlet("weibo").tag << 3) | 0
    now = clock.now()
    Reach.objects.create(slot=now - timedelta(minutes=30), tag=tag, resolves=12, clicks=7)
    text = page(as_person(world.otto), "/channels")
    assert "<td>12</td><td>7</td>" in text
    assert settings.MEADOW.site_name in text
