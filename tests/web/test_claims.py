"""The pages after a sale: can a buyer, a seller and an operator do everything there, in both languages?"""

import re
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from tests.web.test_buying import checkout_of, place
from tests.web.world import World, browser, settle_down

from meadow.kernel import clock
from meadow.trade.models import Claim, Dispute, Order, Refund

pytestmark = pytest.mark.django_db


def bought(client: Client, world: World) -> tuple[str, Order]:
    answer = place(client, checkout_of(client, world))
    assert answer.status_code == 302, answer.content
    return str(answer["Location"]), Order.objects.latest("pk")


def signed(person: object, language: str = "en") -> Client:
    client = browser(language)
    client.force_login(person)  # type: ignore[arg-type]
    return client


def photo() -> SimpleUploadedFile:
    buffer = BytesIO()
    Image.new("RGB", (64, 48), "teal").save(buffer, "PNG")
    return SimpleUploadedFile("crack.png", buffer.getvalue(), "image/png")


def claim_address(client: Client, address: str) -> str:
    found = re.search(r'href="([^"]+/claims/new\?line=[^"]+)"', client.get(address).content.decode())
    assert found
    return found[1]


def opened(client: Client, address: str, **more: object) -> str:
    where = claim_address(client, address)
    line = where.partition("line=")[2]
    form = {"line": line, "kind": "return_refund", "reason": "damaged", "amount": "88.00", "text": "Torn."} | more
    answer = client.post(where.partition("?")[0], form)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def test_a_guest_opens_a_claim_with_pictures_and_both_sides_go_through_it(world: World, client: Client) -> None:
    address, order = bought(client, world)
    world.ship(order.pk)
    settle_down()
    claim_page = opened(client, address, pictures=photo())
    page = client.get(claim_page).content.decode()
    for expected in (
        "Return and refund",
        "With the shop",
        "Torn.",
        "Without an answer it has agreed",
        "/evidence/evd_",
    ):
        assert expected in page
    picture = re.search(r'src="([^"]+/evidence/evd_[^"]+)"', page)
    assert picture
    shown = client.get(picture[1])
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/webp")
    assert browser().get(picture[1].replace(order.public_id, "forged")).status_code == 200
    assert "The time stands still" in client.get(address).content.decode()
    assert "confirm receipt</button>" not in client.get(address).content.decode()
    claim = Claim.objects.get()
    ada = signed(world.ada)
    assert "Torn." in ada.get(f"/claims/{claim.public_id}").content.decode()
    assert claim.public_id in ada.get("/sold/claims").content.decode()
    ada.post(f"/claims/{claim.public_id}", {"act": "agree", "return_to": "Ada, Tea Road 7"})
    page = client.get(claim_page).content.decode()
    assert "Ada, Tea Road 7" in page
    assert client.post(claim_page, {"act": "send_back", "carrier": "", "number": ""}).status_code == 422
    assert client.post(claim_page, {"act": "send_back", "carrier": "SF", "number": "SF9"}).status_code == 302
    assert "SF9" in ada.get(f"/claims/{claim.public_id}").content.decode()
    ada.post(f"/claims/{claim.public_id}", {"act": "accept"})
    settle_down(timedelta(minutes=5))
    page = client.get(claim_page).content.decode()
    assert "This claim is over." in page
    assert Refund.objects.get(order=order).state == "completed"


def test_the_form_of_a_claim_says_beside_the_field_what_is_wrong(world: World, client: Client) -> None:
    address, order = bought(client, world)
    where = claim_address(client, address)
    line = where.partition("line=")[2]
    page = client.get(where).content.decode()
    assert 'value="88"' in page or 'value="88.00"' in page
    assert "Return and refund" not in page  # nothing was sent yet
    good = {"line": line, "kind": "refund_only", "reason": "damaged", "amount": "88"}
    for field, value, status in (("amount", "a lot", 422), ("amount", "88.01", 409), ("amount", "0.001", 422)):
        answer = client.post(where.partition("?")[0], good | {field: value})
        assert answer.status_code == status
        assert f'id="e_{field}"' in answer.content.decode()
    answer = client.post(where.partition("?")[0], good | {"reason": "other", "text": ""})
    assert 'id="e_text"' in answer.content.decode()
    assert client.get(where.replace(line, "lin_00000000000000000000")).status_code == 404
    assert Claim.objects.count() == 0
    bad = SimpleUploadedFile("x.png", b"<svg onload=alert(1)>", "image/png")
    made = client.post(where.partition("?")[0], good | {"pictures": bad})
    assert made.status_code in (302, 422)


def test_who_is_no_party_sees_nothing_of_a_claim(world: World, client: Client) -> None:
    client.force_login(world.bo)
    address, order = bought(client, world)
    claim_page = opened(client, address, kind="refund_only", pictures=photo())
    claim = Claim.objects.get()
    picture = re.search(r'src="([^"]+/evidence/evd_[^"]+)"', client.get(claim_page).content.decode())
    assert picture
    mei = signed(world.mei)
    assert mei.get(claim_page).status_code == 404
    assert mei.get(f"/claims/{claim.public_id}").status_code == 404
    assert mei.post(f"/claims/{claim.public_id}", {"act": "agree"}).status_code == 404
    assert mei.get("/evidence/" + picture[1].rpartition("/")[2]).status_code == 404
    assert mei.get(f"/sold/{order.public_id}").status_code == 404
    assert mei.get("/console/claims").status_code == 403
    assert mei.get("/sold/claims").status_code == 200
    # The buyer cannot answer for the seller by sending the seller's form.
    assert client.post(claim_page, {"act": "agree"}).status_code == 403
    assert client.post(claim_page, {"act": "nonsense"}).status_code == 422
    assert client.get(f"/claims/{claim.public_id}")["Location"] == claim_page
    assert signed(world.ada).get("/evidence/" + picture[1].rpartition("/")[2]).status_code == 200


def test_d4_4_the_operator_sees_each_dispute_with_its_clock_and_rules_it(world: World, client: Client) -> None:
    client.force_login(world.bo)
    address, order = bought(client, world)
    world.ship(order.pk)
    claim_page = opened(client, address)
    ada, otto, claim = signed(world.ada), signed(world.otto), Claim.objects.get()
    ada.post(f"/claims/{claim.public_id}", {"act": "refuse", "text": "It was whole."})
    assert "It was whole." in client.get(claim_page).content.decode()
    client.post(claim_page, {"act": "dispute", "text": "See the seam."})
    dispute = Dispute.objects.get()
    ruling = {"act": "rule", "outcome": "refund", "amount": "30", "reason_code": "shared_fault", "text": "Both a bit."}
    assert otto.post(f"/console/disputes/{dispute.public_id}", ruling).status_code == 409
    ada.post(f"/claims/{claim.public_id}", {"act": "evidence", "text": "A photograph of the parcel."})
    client.post(claim_page, {"act": "evidence", "text": "The seam."})
    desk = otto.get("/console/claims").content.decode()
    assert "Linen apron" in desk
    assert "ruling until" in desk
    assert "Ruling" in otto.get(f"/claims/{claim.public_id}").content.decode()
    assert ada.post(f"/console/disputes/{dispute.public_id}", ruling).status_code == 403
    assert otto.post(f"/console/disputes/{dispute.public_id}", ruling).status_code == 302
    settle_down(timedelta(minutes=5))
    order.refresh_from_db()
    assert order.refunded_minor == 3000
    assert "Both a bit." in client.get(claim_page).content.decode()


def test_the_operator_freezes_and_releases_an_order_from_the_page(world: World, client: Client) -> None:
    address, order = bought(client, world)
    opened(client, address, kind="refund_only")
    otto, claim = signed(world.otto), Claim.objects.get()
    assert "Freeze the order" in otto.get(f"/claims/{claim.public_id}").content.decode()
    freezing = {"act": "freeze", "reason_code": "authority", "text": "Letter of today."}
    assert signed(world.ada).post(f"/console/freezes/{order.public_id}", freezing).status_code == 403
    assert otto.post(f"/console/freezes/{order.public_id}", freezing).status_code == 302
    page = otto.get("/console/claims").content.decode()
    assert "Letter of today." in page
    freeze = re.search(r"/console/freezes/(frz_\w+)", page)
    assert freeze
    assert otto.post(f"/console/freezes/{freeze[1]}", {"act": "end", "text": "Cleared."}).status_code == 302
    assert "No order is frozen" in otto.get("/console/claims").content.decode()


def test_a_large_freeze_waits_for_somebody_else_and_doubtful_tracking_names_its_number(
    world: World, client: Client, settings: Any
) -> None:
    settings.MEADOW = replace(settings.MEADOW, ruling_approval_minor=1)
    _address, order = bought(client, world)
    world.ship(order.pk)
    Order.objects.filter(pk=order.pk).update(flagged_at=clock.now(), paused_at=clock.now())
    otto = signed(world.otto)
    otto.post(f"/console/freezes/{order.public_id}", {"act": "freeze", "reason_code": "authority", "text": "Letter."})
    page = otto.get("/console/claims").content.decode()
    for words in ("You proposed it: somebody else has to agree.", "Green Ear · CN¥", "<h3>SF SF123456789</h3>"):
        assert words in page, words
    assert 'value="approve"' not in page
    assert not re.search(r"\d:\d\d:\d\d", page)  # times are told to the minute


def test_a_seller_sends_corrects_extends_and_reminds_from_the_page(world: World, client: Client) -> None:
    address, order = bought(client, world)
    ada = signed(world.ada)
    assert order.public_id in ada.get("/sold").content.decode()
    sale = f"/sold/{order.public_id}"
    refused = ada.post(sale, {"act": "send", "kind": "express", "carrier": "", "number": "1"})
    assert refused.status_code == 422
    ada.post(sale, {"act": "send", "kind": "express", "carrier": "SF", "number": "SF55"})
    settle_down()
    page = ada.get(sale).content.decode()
    assert "SF SF55" in page
    assert "counts as received on" in page
    parcel = re.search(r'name="parcel" value="(pcl_\w+)"', page)
    assert parcel
    ada.post(sale, {"act": "correct", "parcel": parcel[1], "carrier": "YTO", "number": "YT1"})
    before = Order.objects.get(pk=order.pk).auto_confirm_due_at
    assert ada.post(sale, {"act": "extend", "days": "4"}).status_code == 422
    ada.post(sale, {"act": "extend", "days": "7"})
    ada.post(sale, {"act": "remind"})
    order.refresh_from_db()
    assert before is not None
    assert order.auto_confirm_due_at == before + timedelta(days=7)
    assert order.reminded_at is not None
    assert "YTO YT1" in client.get(address).content.decode()
    assert client.post(f"{address}/extend").status_code == 302
    order.refresh_from_db()
    assert order.auto_confirm_due_at == before + timedelta(days=10)
    assert "Three more days" not in client.get(address).content.decode()


def test_pages_after_a_sale_speak_chinese(world: World) -> None:
    client = browser("zh-CN")
    address, order = bought(client, world)
    world.ship(order.pk)
    page = client.get(address).content.decode()
    assert "退款／退货／换货" in page
    assert "申请售后" in client.get(claim_address(client, address)).content.decode()
    claim_page = opened(client, address)
    assert "退货退款" in client.get(claim_page).content.decode()
    world.ada.locale = world.otto.locale = "zh-hans"
    world.ada.save(update_fields=["locale"])
    world.otto.save(update_fields=["locale"])
    claim = Claim.objects.get()
    assert "您的处理" in signed(world.ada, "zh-CN").get(f"/claims/{claim.public_id}").content.decode()
    assert "售后与纠纷" in signed(world.otto, "zh-CN").get("/console/claims").content.decode()
    assert "我售出的" in signed(world.ada, "zh-CN").get("/sold").content.decode()


def test_a_seller_says_what_sending_costs_by_region_and_weight(world: World) -> None:
    ada = signed(world.ada)
    row = {"shop": world.shop.public_id, "countries": "CN", "regions": "浙江 上海", "first_grams": "1000"}
    row |= {"first_minor": "6", "step_grams": "500", "step_minor": "1.50", "free_from_minor": ""}
    assert ada.post("/sold/shipping", row | {"first_minor": "a lot"}).status_code == 422
    assert ada.post("/sold/shipping", row | {"first_grams": "x"}).status_code == 422
    assert ada.post("/sold/shipping", row).status_code == 302
    world.shop.refresh_from_db()
    (zone,) = world.shop.shipping_zones
    assert (zone["first_minor"], zone["step_minor"], zone["regions"]) == (600, 150, ["上海", "浙江"])
    assert 'value="1.50"' in ada.get("/sold/shipping").content.decode()
    assert signed(world.mei).post("/sold/shipping", row).status_code == 404
