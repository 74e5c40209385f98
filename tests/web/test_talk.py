"""Comments, pictures and reports as people meet them on pages, in both languages."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from tests.trade import bazaar
from tests.web.world import REASON, World, browser, settle_down

from meadow.accounts import queries as accounts
from meadow.content import services as content
from meadow.content.models import Comment, Picture
from meadow.governance import services as governance
from meadow.governance.models import Case, Report, Violation
from meadow.kernel import clock, sweeps
from meadow.kernel.audit import Actor

pytestmark = pytest.mark.django_db


def _photo() -> bytes:
    target = BytesIO()
    Image.new("RGB", (80, 60), "teal").save(target, "JPEG")
    return target.getvalue()


def test_g6_4_a_comment_is_said_refused_beside_its_field_and_taken_back(world: World, client: Client) -> None:
    address = f"/p/{world.post.public_id}"
    assert "Sign in to comment" in client.get(address).content.decode()
    assert client.post(f"{address}/comment", {"text": "Hello"}).status_code == 401
    client.force_login(world.bo)
    sent = client.post(f"{address}/comment", {"text": "Is it <b>heavy</b>?"})
    assert sent["Location"] == f"{address}#comments"
    page = browser("zh-CN").get(address).content.decode()
    assert "Is it &lt;b&gt;heavy&lt;/b&gt;?" in page
    assert "评论" in page
    refused = client.post(f"{address}/comment", {"text": "call 13800138000"})
    assert refused.status_code == 422
    assert "conduct.diversion" in refused.content.decode()
    assert ">call 13800138000</textarea>" in refused.content.decode()
    made = Comment.objects.get()
    stranger = browser()
    stranger.force_login(world.mei)
    withdraw = f"{address}/comments/{made.public_id}/withdraw"
    assert stranger.post(withdraw).status_code == 404
    client.post(withdraw)
    assert "heavy" not in client.get(address).content.decode()


def test_g1_2_a_posts_picture_is_served_safely_once_it_was_read(world: World, client: Client) -> None:
    picture = content.upload_picture(person_id=world.mei.pk, use="post", raw=_photo())
    post = content.publish_recommendation(
        creator_id=world.creator.pk, items=[(world.apron.pk, "Soft from the first day on, and it stays so.")],
        pictures=[picture.public_id],
    )  # fmt: skip
    address = f"/pictures/{picture.public_id}.webp"
    assert client.get(address).status_code == 404
    assert address not in client.get(f"/p/{post.public_id}").content.decode()
    sweeps.run_due(clock.now())
    assert address in client.get(f"/p/{post.public_id}").content.decode()
    served = client.get(address)
    assert served["Content-Type"] == "image/webp"
    assert served["X-Content-Type-Options"] == "nosniff"
    assert served["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert served["Cache-Control"].startswith("public")
    assert Image.open(BytesIO(served.content)).size == (80, 60)


def test_g8_5_every_item_is_reported_in_two_steps_and_reports_are_one_case(world: World, client: Client) -> None:
    governance.publish_rules()
    said = content.post_comment(recommendation_id=world.post.pk, person_id=world.ada.pk, text="Rubbish.")
    items = {
        f"/p/{world.post.public_id}": [("recommendation", world.post.public_id), ("comment", said.public_id)],
        f"/g/{world.flask.public_id}": [("product", world.flask.public_id)],
        f"/shop/{world.shop.public_id}": [("shop", world.shop.public_id)],
        f"/inbox/reach/person/{world.ada.public_id}": [("person", world.ada.public_id)],
    }
    for number, who in enumerate((world.bo, world.mei)):
        reporter = browser("zh-CN" if number else "en")
        reporter.force_login(who)
        for page, targets in items.items():
            for kind, public_id in targets:
                first_step = f"/report/{kind}/{public_id}"
                if (kind, who) != ("comment", world.ada):
                    assert f'href="{first_step}"' in reporter.get(page).content.decode(), first_step
                shown = reporter.get(first_step).content.decode()
                assert ("举报" if number else "What is wrong?") in shown
                done = reporter.post(first_step, {"rule": "conduct.harassment", "text": "Insults."})
                assert done.status_code == 200, done.content.decode()
    assert Case.objects.filter(kind="report").count() == 5
    assert Report.objects.count() == 10
    assert client.get(f"/report/shop/{world.shop.public_id}").status_code == 302  # to sign in
    client.force_login(world.bo)
    assert client.post(f"/report/shop/{world.shop.public_id}", {"rule": "no.such"}).status_code == 422
    assert client.get("/report/shop/shp_00000000000000000000").status_code == 404
    assert client.get("/report/ledger/1").status_code == 422


def test_g12_5_a_report_of_outside_payment_with_evidence_is_a_case_and_the_buyer_is_told_the_truth(
    world: World, client: Client
) -> None:
    governance.publish_rules()
    merchant = accounts.merchant(world.shop.merchant_id)
    address = f"/report/merchant/{merchant.public_id}?rule=conduct.diversion"
    client.force_login(world.bo)
    assert 'value="conduct.diversion" required checked' in client.get(address).content.decode()
    proof = SimpleUploadedFile("chat.jpg", _photo(), "image/jpeg")
    done = client.post(address, {"rule": "conduct.diversion", "text": "I paid 100 by card.", "evidence": [proof]})
    assert "has no escrow" in done.content.decode()
    assert (
        client.post(
            address, {"rule": "conduct.diversion", "evidence": [SimpleUploadedFile("x.jpg", b"no")]}
        ).status_code
        == 422
    )
    case = Case.objects.get(kind="report")
    (report,) = Report.objects.all()
    picture = Picture.objects.get(use="evidence", target_id=report.pk)
    # Who judges sees the evidence; the shop and the public do not.
    for who, status in ((world.otto, 200), (world.bo, 200), (world.ada, 404), (None, 404)):
        viewer = browser()
        if who is not None:
            viewer.force_login(who)
        seen = viewer.get(f"/pictures/{picture.public_id}.webp")
        assert seen.status_code == status
        assert status == 404 or seen["Cache-Control"] == "private, no-store"
    by = Actor("person", world.otto.pk)
    governance.claim_case(case_id=case.pk, by=by)
    governance.reject_case(
        case_id=case.pk, by=by,
        against=governance.Against(reason="Asked for a bank transfer.", violation="diversion", severity="serious"),
    )  # fmt: skip
    settle_down()
    (violation,) = Violation.objects.all()
    assert (violation.party_kind, violation.party_id, violation.kind) == ("accounts.merchant", merchant.pk, "diversion")


def test_g8_2_mute_and_block_from_where_somebody_is_met_and_own_caps(world: World, client: Client) -> None:
    client.force_login(world.bo)
    said = content.post_comment(recommendation_id=world.post.pk, person_id=world.ada.pk, text="Rubbish.")
    address = f"/p/{world.post.public_id}"
    choose = f"/inbox/reach/person/{world.ada.public_id}"
    assert choose in client.get(address).content.decode()
    assert "Mute" in client.get(choose).content.decode()
    body = {"kind": "person", "party": world.ada.public_id, "stance": "mute"}
    assert "Ada" in client.post("/inbox/reach/change", body, follow=True).content.decode()
    assert said.text not in client.get(address).content.decode()
    client.post("/inbox/reach/change", body | {"end": "1"})
    assert said.text in client.get(address).content.decode()
    assert REASON in client.get("/").content.decode()
    creator = {"kind": "creator", "party": world.creator.public_id, "stance": "mute"}
    client.post("/inbox/reach/change", creator)
    assert REASON not in client.get("/").content.decode()
    assert REASON in browser().get("/").content.decode()
    page = client.post("/inbox/reach/caps", {"day": "0", "month": "1"}, follow=True).content.decode()
    assert '<option value="0" selected>' in page
    assert "Nobody can get more than 2" in page
    assert "无论谁发送" in browser_of(world.bo, "zh-CN").get("/inbox/reach").content.decode()
    assert client.post("/inbox/reach/caps", {"day": "9", "month": "x"}).status_code == 422


def browser_of(who: accounts.Person, language: str) -> Client:
    made = browser(language)
    made.force_login(who)
    return made


def test_g12_4_the_two_sides_of_a_paid_order_exchange_numbers_on_a_page(world: World) -> None:
    order = bazaar.paid(bazaar.goods(bazaar.shop("Cy")), buyer=world.bo.pk)
    keeper = accounts.person(accounts.merchant(order.merchant_id).owner_id)
    address = f"/inbox/orders/{order.public_id}/phone"
    buyer, seller = browser_of(world.bo, "en"), browser_of(keeper, "zh-CN")
    assert "They have not given one" in buyer.get(address).content.decode()
    assert buyer.post(address, {"phone": "13800138000"}).status_code == 302
    assert buyer.post(address, {"phone": "call me"}).status_code == 422
    shown = seller.get(address).content.decode()
    assert "138****8000" in shown
    assert "13800138000" not in shown
    assert "13800138000" in seller.post(address, {"show": "1"}).content.decode()
    assert browser_of(world.mei, "en").get(address).status_code == 404
    assert address in buyer.get(f"/o/{order.public_id}").content.decode()
