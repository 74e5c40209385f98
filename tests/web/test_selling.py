"""Selling here by pages: open a merchant, apply, prove, agree; a no beside its field; reviewers and nobody else see pictures."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, ImageDraw

from meadow.accounts import services as account_services
from meadow.accounts.models import Merchant, Person
from meadow.config.tour.onboarding import VALUES
from meadow.kernel.audit import SYSTEM
from meadow.payments import queries
from meadow.payments.models import TwinMessage

pytestmark = pytest.mark.django_db


def signed_in(name: str, *, locale: str = "en") -> Client:
    person = account_services.add_person(
        email=f"{name.lower()}@example.com", name=name, locale=locale, password="a long password"
    )
    client = Client(headers={"accept-language": locale})
    client.force_login(person)
    return client


def merchant_of(client: Client, name: str = "Linen & Co") -> Merchant:
    reply = client.post("/sell", {"name": name, "kind": "individual"})
    assert reply.status_code == 302
    return Merchant.objects.get(name=name)


def picture() -> SimpleUploadedFile:
    drawn, into = Image.new("RGB", (400, 300), "white"), BytesIO()
    ImageDraw.Draw(drawn).rectangle((20, 20, 200, 150), fill="black")
    drawn.save(into, "JPEG")
    return SimpleUploadedFile("licence.jpg", into.getvalue(), "image/jpeg")


@pytest.mark.parametrize(("locale", "words"), [("en", "You can be paid"), ("zh-hans", "可以收款")])
def test_d1_1_an_individual_applies_by_pages_alone(locale: str, words: str) -> None:
    ada = signed_in("Ada", locale=locale)
    page = f"/sell/{merchant_of(ada).public_id}/payment"
    assert ada.post(page, {"act": "start", "level": "0"}).status_code == 302
    assert ada.post(page, {"act": "submit", **VALUES}).status_code == 302
    shown = ada.get(page).content.decode()
    for message in TwinMessage.objects.all():
        assert message.content in shown
        ada.post(page, {"act": message.kind, "answer": message.content})
    assert ada.post(page, {"act": "sign", "agreement": "merchant-1"}).status_code == 302
    assert queries.not_live([Merchant.objects.get().pk]) == set()
    assert words in ada.get("/sell").content.decode()


def test_d1_2_what_is_wrong_stands_beside_its_field_and_alone() -> None:
    ada = signed_in("Ada")
    page = f"/sell/{merchant_of(ada).public_id}/payment"
    ada.post(page, {"act": "start", "level": "0"})
    ada.post(page, {"act": "submit", **VALUES, "id_expires_on": "2020-01-01"})
    shown = ada.get(page).content.decode()
    assert 'aria-describedby="wrong_id_expires_on"' in shown
    assert "This has expired" in shown
    assert 'name="phone"' not in shown
    assert VALUES["id_number"] not in shown


def test_a_wrong_answer_is_told_and_a_stranger_sees_nothing() -> None:
    ada, mei = signed_in("Ada"), signed_in("Mei")
    page = f"/sell/{merchant_of(ada).public_id}/payment"
    ada.post(page, {"act": "start", "level": "0"})
    ada.post(page, {"act": "submit", **VALUES})
    reply = ada.post(page, {"act": "bank", "answer": "0"})
    assert (reply.status_code, "2 more tries" in reply.content.decode()) == (422, True)
    for act in ({"act": "nonsense"}, {"act": "start", "level": "seven"}):
        assert ada.post(page, act).status_code in (409, 422)
    assert mei.get(page).status_code == 404
    assert Client().get(page).status_code == 302


def test_d1_7_and_d1_8_a_reviewer_sees_the_picture_and_the_look_is_listed() -> None:
    ada, otto = signed_in("Ada"), signed_in("Otto")
    account_services.appoint_operator(person_id=Person.objects.get(email="otto@example.com").pk, by=SYSTEM)
    page = f"/sell/{merchant_of(ada).public_id}/payment"
    ada.post(page, {"act": "start", "level": "1"})
    company = {"company_name": "Linen & Co", "licence_kind": "cn_uscc", "licence_number": "91110108MA01ABCD71"}
    ada.post(page, {"act": "submit", **VALUES, **company, "licence_picture": picture()})
    row = queries.applications_of(Merchant.objects.get().pk)[0]
    assert row.state == "account_need_verify"
    document = queries.documents_of(row)[0].public_id
    assert ada.get(f"/console/documents/{document}.webp").status_code in (403, 404)
    assert otto.get(f"/console/documents/{document}.webp").status_code == 200
    assert document in otto.get(f"/console/applications/{row.public_id}").content.decode()
    assert otto.get("/console/applications").status_code == 200
    refused = otto.post(f"/console/applications/{row.public_id}", {"act": "approve"})
    assert refused.status_code == 409
    admitted = otto.post("/console/applications", {"merchant": row.merchant.public_id, "reason": "known here"})
    assert admitted.status_code == 302
    assert queries.not_live([row.merchant_id]) == set()
