"""Merchants' applications over the API: by themselves to live, documents to reviewers only, others' are not found."""

from io import BytesIO

import pytest
from PIL import Image, ImageDraw
from tests.api.client import Api

from meadow.config.tour.onboarding import VALUES

pytestmark = pytest.mark.django_db


def started(ada: Api, level: int = 0) -> tuple[str, str]:
    merchant = ada.post("merchants", {"name": "Linen & Co"}).json["id"]
    reply = ada.post(f"merchants/{merchant}/applications", {"level": level})
    assert reply.status == 201
    return merchant, f"applications/{reply.json['id']}"


def picture() -> bytes:
    drawn, into = Image.new("RGB", (400, 300), "white"), BytesIO()
    ImageDraw.Draw(drawn).rectangle((20, 20, 200, 150), fill="black")
    drawn.save(into, "JPEG")
    return into.getvalue()


def test_d1_1_an_individual_goes_live_in_five_calls(ada: Api, mei: Api) -> None:
    merchant, path = started(ada)
    assert "legal_name" in ada.get(path).json["asked"]
    reply = ada.post(f"{path}/submit", {"values": VALUES})
    assert (reply.status, reply.json["state"]) == (200, "account_need_verify")
    assert reply.json["values"]["bank_number"] == "…1234"
    sent = {each["kind"]: each["content"] for each in ada.get(f"sandbox/{path}/sent").json}
    for kind, content in sent.items():
        assert ada.post(f"{path}/{kind}/answer", {"answer": content}).status == 200
    assert ada.post(f"{path}/sign", {"agreement": "of yesterday"}).json["code"] == "agreement_changed"
    assert ada.post(f"{path}/sign", {"agreement": "merchant-1"}).json["state"] == "finish"
    assert ada.get(f"merchants/{merchant}/applications").json[0]["state"] == "finish"
    for nosy in (mei.get(path), mei.get(f"sandbox/{path}/sent"), mei.post(f"{path}/submit", {"values": {}})):
        assert nosy.status == 404


def test_d1_2_a_no_is_told_field_by_field_in_both_languages(ada: Api) -> None:
    _, path = started(ada)
    reply = ada.post(f"{path}/submit", {"values": VALUES | {"id_expires_on": "2020-01-01"}})
    assert (reply.json["state"], reply.json["asked"]) == ("rejected", ["id_expires_on"])
    assert reply.json["reasons"][0]["code"] == "expired"
    assert "有效" in reply.json["reasons"][0]["zh"]
    assert ada.post(f"{path}/submit", {"values": {"no_such": "x"}}).status == 422


def test_d1_7_a_document_is_seen_by_reviewers_only_and_each_look_is_listed(ada: Api, otto: Api) -> None:
    _, path = started(ada, level=1)
    assert ada.send("POST", f"{path}/licence_picture/pictures", b"<svg/>", {}, content_type="image/png").status == 422
    sent = ada.send("POST", f"{path}/licence_picture/pictures", picture(), {}, content_type="application/octet-stream")
    assert (sent.status, sent.json["documents"]) == (201, ["licence_picture"])
    document = otto.get(f"{path}/review").json["pictures"][0]["id"]
    assert ada.get(f"documents/{document}").status in (403, 404)
    assert otto.get(f"documents/{document}").status == 200
    assert [view["document"] for view in otto.get(f"{path}/review").json["views"]] == [document]
    assert ada.get(f"{path}/review").status == 403


def test_d1_5_nobody_can_buy_from_a_merchant_that_is_not_live(ada: Api, otto: Api, anyone: Api) -> None:
    merchant = ada.post("merchants", {"name": "Linen & Co"}).json["id"]
    shop = ada.post(f"merchants/{merchant}/shops", {"name": "Linen", "currency": "CNY"}).json["id"]
    product = ada.post(f"shops/{shop}/products", {"title": "Shirt", "skus": [{"price_minor": 10_000, "left": 5}]})
    assert product.status == 201
    lines = {"lines": [{"sku": product.json["skus"][0]["id"], "quantity": 1}]}
    refused = anyone.post("checkouts", lines)
    assert (refused.status, refused.json["code"]) == (409, "merchant_not_live")
    assert otto.post(f"merchants/{merchant}/admit", {"reason": "known to us"}).status == 201
    assert anyone.post("checkouts", lines).status == 201
