"""Can people be reached over the API only as they wish, and do both sides see what was said and why not?"""

from datetime import timedelta
from typing import Any

import pytest
from tests.api.client import Api

from meadow.kernel import clock, sweeps
from meadow.messaging import services as messaging

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant(ada: Api) -> str:
    return str(ada.post("merchants", {"name": "Linen & Co"}).json["id"])


def test_g8_3_and_g12_3_a_chat_between_a_buyer_and_a_merchant(ada: Api, mei: Api, otto: Api, merchant: str) -> None:
    first = mei.post(f"merchants/{merchant}/chat", {"text": "Is the shirt warm?"})
    assert first.status == 201, first.body
    chat = first.json["id"]
    again = mei.post(f"merchants/{merchant}/chat", {"text": "Hello?"})
    assert (again.status, again.json["code"]) == (409, "wait_for_answer")
    said = ada.post(f"chats/{chat}/answers", {"text": "加微信 meadow_fan88 转账便宜 20"})
    assert said.status == 201, said.body
    warnings = [line["warning"] for line in mei.get(f"chats/{chat}").json["lines"]]
    assert warnings[0] is None
    assert "escrow" in warnings[1]
    assert [one["side"] for one in ada.get("me/chats").json] == ["merchant"]
    assert otto.get(f"chats/{chat}").status == 404
    assert mei.post(f"chats/{chat}/answers", {"text": "Me too"}).status == 404


def test_a8_4_consent_send_report_and_reasons(ada: Api, mei: Api, otto: Api, merchant: str, anyone: Api) -> None:
    noon = clock.now().replace(hour=4) + timedelta(days=1)
    sweeps.advance(noon)
    me = mei.get("me").json["id"]
    assert mei.put(f"me/reach/consent/{merchant}", {}).json["stances"][0]["stance"] == "consent"
    body: dict[str, Any] = {"client_msg_id": "s-1", "title": "New linen", "text": "Here.", "audience": [me]}
    words = {name: value for name, value in body.items() if name != "client_msg_id"}
    before = ada.post(f"merchants/{merchant}/send-previews", words).json
    assert before["counted"] == before["now"] + before["waiting"] + before["skipped"] == before["audience"]
    assert mei.post(f"merchants/{merchant}/send-previews", words).status == 404
    sent = ada.post(f"merchants/{merchant}/sends", body)
    assert sent.status == 201, sent.body
    assert mei.post(f"merchants/{merchant}/sends", body).status == 404
    assert ada.post(f"merchants/{merchant}/sends", body).json["id"] == sent.json["id"]
    sweeps.advance(clock.now() + timedelta(minutes=1))
    report = ada.get(f"sends/{sent.json['id']}").json
    assert (report["delivered"], report["skipped"], report["audience"]) == (1, 0, 1)
    assert otto.get(f"sends/{sent.json['id']}").status == 404
    inbox = mei.get("me/inbox").json
    assert [one["title"] for one in inbox["items"]] == ["New linen"]
    assert mei.post(f"me/inbox/{inbox['items'][0]['id']}/read").status == 204
    assert ada.post(f"me/inbox/{inbox['items'][0]['id']}/read").status == 404
    from meadow.accounts import queries as accounts

    link = messaging.unsubscribe_address(accounts.person_by_public_id(me).pk, accounts.merchant(merchant).pk)
    for _ in range(2):
        assert anyone.post(f"unsubscribe/{link.rsplit('/', 1)[-1]}").status == 204
    ada.post(f"merchants/{merchant}/sends", {**body, "client_msg_id": "s-2"})
    sweeps.advance(clock.now() + timedelta(minutes=1))
    reach = mei.put("me/quiet-hours", {"start_minute": 0, "end_minute": 0}).json
    assert reach["stances"] == []
    assert [one["reason"] for one in reach["received"]] == ["no_consent", ""]
    assert reach["quiet_from"] == reach["quiet_until"] == 0
