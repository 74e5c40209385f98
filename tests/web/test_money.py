"""Pages about money: withdrawing, bank details behind a proof, providers, payouts by two people, reconciliation."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.web.test_buying import checkout_of, hidden
from tests.web.world import ADDRESS, World, browser

from meadow.accounts import services as account_services
from meadow.accounts.queries import Person
from meadow.affiliate import queries as affiliate
from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger.services import Transfer, post
from meadow.payments import queries, services

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_providers(settings: Any) -> None:
    settings.MEADOW = replace(settings.MEADOW, providers="sandbox,sandbox2", payout_approval_minor=50_000)


def inside(who: Person, language: str = "en") -> Client:
    made = browser(language)
    made.force_login(who)
    return made


def mailed() -> str:
    """The code in the newest mail."""
    found = re.search(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", str(mail.outbox[-1].body))
    assert found
    return found[0]


def proved(who: Person) -> Client:
    """Somebody who has just proved that it is they."""
    client = inside(who)
    client.post("/me/prove", {"next": "/me"})
    assert client.post("/me/prove", {"next": "/me", "code": mailed()}).status_code == 302
    return client


def give(world: World, minor: int, party: str = "") -> None:
    account = party or f"creator:{world.creator.pk}"
    post(
        key=f"give:{account}:{minor}", cause=("test", 1), kind="credit",
        transfers=[Transfer("psp:sandbox", f"{account}:available", Money(minor, "CNY"))],
    )  # fmt: skip


def form(**more: str) -> dict[str, str]:
    return {"holder": "Mei Lin", "bank": "Bank of Meadows", "number": "6222 0200 1234", "act": "bank", **more}


def test_a_wrong_code_proves_nothing_and_a_right_one_works_once(world: World) -> None:
    client = inside(world.mei)
    assert "@" in client.get("/me/prove?next=/me/money").content.decode()
    client.post("/me/prove", {"next": "/me/money"})
    wrong = client.post("/me/prove", {"next": "/me/money", "code": "0000-0000"})
    assert (wrong.status_code, "too old" in wrong.content.decode()) == (403, True)
    code = mailed()
    account_services.prove_presence(person_id=world.mei.pk, code=code)
    assert client.post("/me/prove", {"code": code}).status_code == 403
    assert client.post("/me/prove", {"next": "https://evil.example", "code": "x"}).status_code == 422
    with pytest.raises(Refusal, match="code_wrong"):
        account_services.prove_presence(person_id=world.bo.pk, code=code)


def test_d6_bank_details_need_a_proof_and_a_verified_name(world: World) -> None:
    address = f"/me/money/creator/{world.creator.public_id}"
    plain = inside(world.mei)
    assert "/me/prove" in plain.post(address, form())["Location"]
    assert queries.bank_account_of(("creator", world.creator.pk)) is None
    client = proved(world.mei)
    early = client.post(address, form())
    assert (early.status_code, "has not been verified" in early.content.decode()) == (409, True)
    services.note_verified_name(party=("creator", world.creator.pk), name="Mei Lin", source="test")
    other = client.post(address, form(holder="Bo Li"))
    assert (other.status_code, 'aria-describedby="wrong"' in other.content.decode()) == (422, True)
    assert client.post(address, form()).status_code == 302
    page = client.get(address).content.decode()
    assert "…1234" in page
    assert "62220200" not in page
    assert inside(world.bo).get(address).status_code == 404


def test_a_creator_withdraws_and_a_double_tap_pays_once(world: World) -> None:
    give(world, 12_345)
    client, address = inside(world.mei), f"/me/money/creator/{world.creator.public_id}"
    page = client.get(address).content.decode()
    assert 'value="123.45"' in page
    sent = {
        "key": re.findall(r'name="key" value="([^"]+)"', page)[0],
        "amount": "100.00",
        "currency": "CNY",
        "to": "sandbox",
    }
    assert client.post(address, sent).status_code == 302
    client.post(address, sent)
    assert [one.amount_minor for one in queries.payouts_of(("creator", world.creator.pk))] == [10_000]
    much = client.post(address, {**sent, "key": "another", "amount": "100.00"})
    assert much.status_code == 409
    for text in ("1e5", "-1", "ten", "1.234", ""):
        bad = client.post(address, {**sent, "key": "again", "amount": text})
        assert bad.status_code == 422, text
    assert "Paid out" in client.get(address).content.decode()
    zh = inside(world.mei, "zh-hans").get("/me/money").content.decode()
    assert "可提现" in zh


def test_d6_two_people_a_file_and_the_banks_answer(world: World) -> None:
    services.note_verified_name(party=("creator", world.creator.pk), name="Mei Lin", source="test")
    olga = account_services.add_person(email="olga@example.com", name="Olga", locale="en")
    account_services.appoint_operator(person_id=olga.pk, by=SYSTEM)
    mei, otto, second = proved(world.mei), proved(world.otto), proved(olga)
    address = f"/me/money/creator/{world.creator.public_id}"
    mei.post(address, form())
    give(world, 100_000)
    mei.post(address, {"key": "k", "amount": "600.00", "currency": "CNY", "to": "bank"})
    (payout,) = queries.payouts_of(("creator", world.creator.pk))
    assert payout.state == "approving"
    act = {"act": "approve", "id": payout.public_id}
    assert "/me/prove" in inside(world.otto).post("/console/payouts", act)["Location"]
    assert otto.post("/console/payouts", act).status_code == 302
    assert otto.post("/console/payouts", act).status_code == 409
    assert second.post("/console/payouts", act).status_code == 302
    assert otto.post("/console/payouts", {"act": "export", "currency": "CNY"}).status_code == 302
    (batch,) = queries.batches()
    file = otto.get(f"/console/payouts/{batch.public_id}.csv")
    assert payout.public_id in file.content.decode("utf-8-sig")
    assert "/me/prove" in inside(world.otto).get(f"/console/payouts/{batch.public_id}.csv")["Location"]
    answer = f"payout,amount,currency,result,bank_ref\r\n{payout.public_id},600.00,CNY,paid,B1\r\n".encode()
    for wrong in (b"", b"\xff\xfe", answer.replace(b"600.00", b"600.01")):
        sent = SimpleUploadedFile("a.csv", wrong)
        assert otto.post("/console/payouts", {"act": "results", "id": batch.public_id, "file": sent}).status_code == 422
    sent = SimpleUploadedFile("a.csv", answer)
    assert otto.post("/console/payouts", {"act": "results", "id": batch.public_id, "file": sent}).status_code == 302
    assert queries.payout(payout.public_id).state == "paid"
    assert "All accounted for" in otto.get("/console/payouts").content.decode()
    assert inside(world.bo).get("/console/payouts").status_code == 403


def test_an_operator_takes_a_provider_out_and_buyers_are_offered_the_other(world: World) -> None:
    change = {
        "act": "contract",
        "provider": "sandbox",
        "state": "no_new_payments",
        "reason": "Over.",
        "may_refund": "on",
    }
    assert "/me/prove" in inside(world.otto).post("/console/providers", change)["Location"]
    otto = proved(world.otto)
    assert "Open to all" in otto.get("/console/providers").content.decode()
    assert otto.post("/console/providers", change).status_code == 302
    assert "No new payments" in otto.get("/console/providers").content.decode()
    assert otto.post("/console/providers", {**change, "state": "asleep"}).status_code == 422
    assert otto.get("/console/providers?currency=XXX").status_code == 422
    assert "不接新付款" in inside(world.otto, "zh-hans").get("/console/providers").content.decode()
    buyer = inside(world.bo)
    page = buyer.get(checkout_of(buyer, world)).content.decode()
    assert 'value="sandbox2"' in page
    assert 'value="succeed"' not in page


def test_d2_3_a_buyer_whose_provider_is_lost_pays_by_the_other(world: World) -> None:
    buyer = inside(world.bo)
    address = checkout_of(buyer, world)
    page = buyer.get(address).content.decode()
    services.sandbox_outage(provider="sandbox", is_down=True)
    answer = buyer.post(address, {**ADDRESS, **hidden(page), "way": "succeed", "act": "pay"}, follow=True)
    text = answer.content.decode()
    assert "does not answer" in text
    assert 'value="sandbox2"' in text
    where = answer.redirect_chain[-1][0]
    done = buyer.post(where, {"act": "otherwise", "way": "sandbox2"})
    assert "/o/" in done["Location"]
    assert buyer.post(where, {"act": "otherwise", "way": "sandbox2"}).status_code in (302, 404, 409)


def test_d2_6_differences_are_shown_and_closed_with_a_reason(world: World) -> None:
    services.sandbox_script(subject="statement", target="pay_ghost", behaviour="extra")
    services.reconcile(provider="sandbox", day=clock.now().date() - timedelta(days=1))
    otto = inside(world.otto)
    page = otto.get("/console/reconciliation").content.decode()
    assert "Not in our books" in page
    (found,) = queries.differences()
    assert (
        otto.post("/console/reconciliation", {"act": "close", "id": found.public_id, "reason": ""}).status_code == 422
    )
    closing = {"act": "close", "id": found.public_id, "reason": "Their test."}
    assert otto.post("/console/reconciliation", closing).status_code == 302
    assert "Their test." in otto.get("/console/reconciliation").content.decode()
    assert otto.post("/console/reconciliation", {"provider": "sandbox", "day": "soon"}).status_code == 422
    looked = otto.post("/console/reconciliation", {"provider": "sandbox", "day": "2026-01-01"})
    assert looked.status_code == 302


def test_c3_8_two_operators_give_a_debt_up_by_pages_and_one_alone_does_not(world: World) -> None:
    party = f"creator:{world.creator.pk}"
    post(
        key="owes", cause=("test", 1), kind="refund",
        transfers=[Transfer(f"{party}:receivable", "platform:claims", Money(1_800, "CNY"))],
    )  # fmt: skip
    olga = account_services.add_person(email="olga@example.com", name="Olga", locale="zh-hans")
    account_services.appoint_operator(person_id=olga.pk, by=SYSTEM)
    one, two = inside(world.otto), inside(olga, "zh-CN")
    assert "CN¥18.00" in one.get("/console/debts").content.decode()
    debt = {"debt": f"{world.creator.public_id} CNY", "act": "propose"}
    empty = one.post("/console/debts", debt | {"reason": " "})
    assert (empty.status_code, empty.content.decode().count('aria-invalid="true"')) == (422, 1)
    assert one.post("/console/debts", debt | {"reason": "Gone without an address"}).status_code == 302
    page = two.get("/console/debts").content.decode()
    for words in ("欠款方", "同意核销", "Gone without an address", "Otto 于"):
        assert words in page, words
    (made,) = affiliate.write_offs()
    agree = {"id": made.public_id, "act": "approve"}
    assert "somebody else has to agree" in one.get("/console/debts").content.decode()
    assert one.post("/console/debts", agree).status_code == 409
    assert two.post("/console/debts", agree).status_code == 302
    assert affiliate.write_off(made.public_id).state == "posted"
    assert "目前没有欠款" in two.get("/console/debts").content.decode()
    assert inside(world.mei).get("/console/debts").status_code == 403
    assert browser().get("/console/debts").status_code == 302
