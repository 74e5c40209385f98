"""Proofs, providers, bank details, payouts and another way to pay over the API: who may what, and what each says."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.core import mail
from tests.api.client import Api
from tests.stories.house import ADDRESS, CONTACT, House, done

from meadow.accounts import queries as accounts
from meadow.kernel import clock
from meadow.kernel.money import Money
from meadow.ledger.services import Transfer, post
from meadow.payments import services

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_providers(settings: Any) -> None:
    settings.MEADOW = replace(settings.MEADOW, providers="sandbox,sandbox2", payout_approval_minor=50_000)


def proof_of(caller: Api) -> dict[str, str]:
    """The header that proves that it is they."""
    done(caller.post("me/proofs"))
    code = re.search(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", str(mail.outbox[-1].body))
    assert code
    return {"Meadow-Proof": done(caller.post("me/proofs/confirm", {"code": code[0]}))["proof"]}


def put(caller: Api, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
    return caller.send("PUT", path, body, headers or {})


def test_a_proof_is_its_persons_own_and_forged_ones_are_none(otto: Api, mei: Api) -> None:
    change = {"currency": "CNY", "state": "no_new_merchants"}
    assert put(otto, "providers/sandbox/contract", change).code == "step_up_required"
    assert otto.post("me/proofs/confirm", {"code": "0000-0000"}).code == "code_wrong"
    theirs = proof_of(mei)
    assert put(otto, "providers/sandbox/contract", change, theirs).code == "step_up_required"
    for text in ("x", "", "A" * 400):
        assert put(otto, "providers/sandbox/contract", change, {"Meadow-Proof": text}).code == "step_up_required"
    mine = proof_of(otto)
    assert done(put(otto, "providers/sandbox/contract", change, mine))["state"] == "no_new_merchants"
    assert put(mei, "providers/sandbox/contract", change, theirs).status == 403


def test_a_proof_ends_after_ten_minutes(otto: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, later = proof_of(otto), clock.machine_now().timestamp() + 601
    moment = clock.machine_now().fromtimestamp(later, clock.machine_now().tzinfo)
    monkeypatch.setattr(clock, "machine_now", lambda: moment)
    assert put(otto, "provider-order", {"currency": "CNY", "providers": ["sandbox2", "sandbox"]}, mine).status == 403


def test_the_operator_orders_providers_and_sees_their_health(otto: Api, mei: Api) -> None:
    mine = proof_of(otto)
    found = done(put(otto, "provider-order", {"currency": "CNY", "providers": ["sandbox2", "sandbox"]}, mine))
    assert [one["provider"] for one in found] == ["sandbox2", "sandbox"]
    assert put(otto, "provider-order", {"currency": "CNY", "providers": ["sandbox"]}, mine).status == 422
    done(otto.post("sandbox/outage", {"provider": "sandbox", "is_down": True}))
    (lost,) = [one for one in done(otto.post("providers/probe")) if one["provider"] == "sandbox"]
    assert lost["failures"] == 1
    for path in ("providers", "refused-notices", "reconciliations", "differences", "chargebacks", "payout-queue"):
        assert otto.get(path).status == 200, path
        assert mei.get(path).status == 403, path


def test_bank_details_and_a_payout_to_the_bank(otto: Api, mei: Api) -> None:
    creator = done(mei.post("creators", {"name": "Mei"}))["id"]
    done(otto.post(f"creators/{creator}/approve"))
    details = {"holder": "Mei Lin", "bank": "Bank of Meadows", "number": "6222 0200 1234"}
    path, mine, ottos = f"bank-accounts/creator/{creator}", proof_of(mei), proof_of(otto)
    assert mei.get(path).status == 404
    assert put(mei, path, details).code == "step_up_required"
    assert put(mei, path, details, mine).code == "identity_unverified"
    name = {"name": "Mei Lin", "source": "passport"}
    assert put(mei, f"verified-names/creator/{creator}", name, mine).status == 403
    assert put(otto, f"verified-names/creator/{creator}", name, ottos).status == 204
    assert done(put(mei, path, details, mine))["tail"] == "1234"
    assert put(otto, path, details, ottos).status == 404
    party_id = accounts.creator(creator).pk
    post(
        key="give", cause=("test", 1), kind="credit",
        transfers=[Transfer("psp:sandbox", f"creator:{party_id}:available", Money(60_000, "CNY"))],
    )  # fmt: skip
    wanted = {"kind": "creator", "id": creator, "amount_minor": 60_000, "currency": "CNY", "provider": "bank"}
    assert mei.post("payouts", wanted).code == "step_up_required"
    payout = done(mei.post("payouts", wanted, **mine))
    assert payout["state"] == "approving"
    waiting = done(otto.get("payout-queue"))
    assert [(one["id"], one["approvals"]) for one in waiting] == [(payout["id"], 0)]
    assert otto.post(f"payout-queue/{payout['id']}/approve").code == "step_up_required"
    assert done(otto.post(f"payout-queue/{payout['id']}/approve", **ottos))["approvals"] == 1
    assert otto.post(f"payout-queue/{payout['id']}/approve", **ottos).code == "second_person_needed"
    assert otto.post("payout-batches", {"currency": "CNY"}, **ottos).code == "nothing_to_export"
    called = otto.post(f"payout-queue/{payout['id']}/refuse", {"reason": "Asked by phone."}, **ottos)
    assert done(called)["state"] == "failed"
    small = done(mei.post("payouts", {**wanted, "amount_minor": 10_000}, **mine))
    batch = done(otto.post("payout-batches", {"currency": "CNY"}, **ottos))
    assert otto.get(f"payout-batches/{batch['id']}/file").code == "step_up_required"
    assert small["id"] in otto.get(f"payout-batches/{batch['id']}/file", **ottos).body.decode("utf-8-sig")
    answer = f"payout,amount,currency,result\n{small['id']},100.00,CNY,paid\n"
    results = f"payout-batches/{batch['id']}/result-files"
    assert otto.client.post(f"/api/v1/{results}", answer, "text/csv").status_code == 401
    sent = otto.client.post(
        f"/api/v1/{results}", answer, "text/csv", headers={"Authorization": f"Bearer {otto.secret}", **ottos}
    )
    assert sent.json() == {"paid": 1, "failed": 0, "repeated": 0}
    report = done(otto.get(f"payout-batches/{batch['id']}"))
    assert (report["paid_minor"], report["is_reconciled"]) == (10_000, True)


def test_d2_3_a_guest_pays_by_the_other_provider() -> None:
    house, anyone = House.build(), Api()
    line = {"sku": house.product()["skus"][0]["id"], "quantity": 1}
    checkout = done(anyone.post("checkouts", {"lines": [line]}))["id"]
    ways = done(anyone.get(f"checkouts/{checkout}/ways-to-pay"))
    assert [(one["provider"], one["why_not"]) for one in ways["CNY"]] == [("sandbox", ""), ("sandbox2", "")]
    placed = done(anyone.post(f"checkouts/{checkout}/place", {"address": ADDRESS, "contact": CONTACT}))
    payment, link = placed["payments"][0]["id"], placed["orders"][0]["link"]
    assert anyone.post(f"payments/{payment}/otherwise", {"provider": "sandbox2"}).status == 401
    services.sandbox_outage(provider="sandbox", is_down=True)
    assert anyone.post(f"payments/{payment}/sandbox-pay", {}).code == "provider_down"
    other = done(anyone.post(f"payments/{payment}/otherwise?link={link}", {"provider": "sandbox2"}))
    done(anyone.post(f"payments/{other['id']}/sandbox-pay", {}))
    assert done(anyone.get(f"payments/{other['id']}?link={link}"))["state"] == "succeeded"
    assert done(anyone.get(f"payments/{payment}?link={link}"))["state"] == "closed"
