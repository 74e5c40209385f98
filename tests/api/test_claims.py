"""Can both sides and the operator do everything about a claim over the API?"""

from typing import Any

import pytest
from tests.api.client import Api
from tests.stories.house import House

from meadow.kernel import outbox
from meadow.trade.models import Order

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: Any) -> House:
    return House.build()


@pytest.fixture
def bo(house: House) -> Api:
    return house.person("Bo")


@pytest.fixture
def order(house: House, bo: Api) -> dict[str, Any]:
    placed = house.place(house.checkout(house.product(), by=bo), by=bo).json
    assert house.pay(placed["payments"][0]["id"]).status < 300
    outbox.drain_all()
    return dict(bo.get(f"orders/{placed['orders'][0]['id']}").json)


def line_of(order: dict[str, Any]) -> str:
    return str(next(line["id"] for line in order["lines"] if line["kind"] == "goods"))


def test_a_claim_from_its_opening_to_a_ruling(house: House, bo: Api, order: dict[str, Any]) -> None:
    house.ship(order)
    body = {"line": line_of(order), "kind": "refund_only", "reason": "damaged", "amount_minor": 4000, "text": "Torn."}
    made = bo.post(f"orders/{order['id']}/claims", body, key="c1")
    assert made.status == 201, made.body
    assert (made.json["state"], made.json["turn"], made.json["may"]) == ("asked", "merchant", ["evidence", "withdraw"])
    again = bo.post(f"orders/{order['id']}/claims", body, key="c1")
    assert again.json["id"] == made.json["id"]
    assert bo.post(f"orders/{order['id']}/claims", body).code == "claim_open"
    claim = f"claims/{made.json['id']}"
    assert bo.get(f"orders/{order['id']}").json["escrow"] == "paused"
    assert house.ada.get(claim).json["risk_score"] is None
    assert house.otto.get(claim).json["risk_score"] == 0
    assert house.mei.get(claim).status == 404
    assert bo.post(f"{claim}/agree", {}).status in (403, 404)
    merchant = Order.objects.get(public_id=order["id"]).merchant.public_id
    listed = house.ada.get(f"merchants/{merchant}/claims?open=true").json["items"]
    assert [row["id"] for row in listed] == [made.json["id"]]
    refused = house.ada.post(f"{claim}/refuse", {"reason": "It was whole."})
    assert refused.json["state"] == "refused"
    disputed = bo.post(f"{claim}/dispute", {"text": "Look."}).json
    dispute = disputed["disputes"][0]["id"]
    ruling = {"outcome": "refund", "buyer_minor": 2500, "reason_code": "shared_fault", "text": "Half."}
    assert house.otto.post(f"operator/disputes/{dispute}/ruling", ruling).code == "evidence_awaited"
    assert bo.post(f"{claim}/evidence", {"text": "See the seam."}).status == 201
    assert house.ada.post(f"{claim}/evidence", {"text": "See the parcel."}).status == 201
    assert [row["id"] for row in house.otto.get("operator/disputes").json] == [dispute]
    assert house.ada.post(f"operator/disputes/{dispute}/ruling", ruling).status == 403
    done = house.otto.post(f"operator/disputes/{dispute}/ruling", ruling)
    assert (done.status, done.json["state"], done.json["buyer_minor"]) == (200, "ruled", 2500)
    outbox.drain_all()
    final = bo.get(claim).json
    assert (final["state"], final["may"]) == ("refunded", [])
    assert bo.get(f"orders/{order['id']}").json["refunded_minor"] == 2500
    assert [row["id"] for row in bo.get("claims").json["items"]] == [made.json["id"]]
    assert house.otto.get("operator/claims?state=refunded").json["items"][0]["id"] == made.json["id"]


def test_evidence_pictures_are_drawn_anew_and_shown_to_the_parties_alone(
    house: House, bo: Api, order: dict[str, Any]
) -> None:
    from io import BytesIO

    from PIL import Image

    body = {"line": line_of(order), "kind": "refund_only", "reason": "late"}
    claim = bo.post(f"orders/{order['id']}/claims", body).json["id"]
    buffer = BytesIO()
    Image.new("RGB", (40, 30), "red").save(buffer, "JPEG")
    sent = bo.send("POST", f"claims/{claim}/pictures", buffer.getvalue(), {}, "image/jpeg")
    assert sent.status == 201, sent.body
    where = sent.json["evidence"][0]["picture"]
    assert house.ada.get(where).headers["content-type"] == "image/webp"
    assert house.mei.get(where).status == 404
    assert Api().get(where).status == 401
    bad = bo.send("POST", f"claims/{claim}/pictures", b"<svg onload=alert(1)>", {}, "image/png")
    assert bad.code == "picture_unreadable"


def test_timers_over_the_api(house: House, bo: Api, order: dict[str, Any]) -> None:
    address = f"orders/{order['id']}"
    assert bo.post(f"{address}/extend", {"days": 3}).code == "stale_state"
    house.ship(order)
    parcel = bo.get(address).json["parcels"][0]["id"]
    assert bo.post(f"{address}/extend", {"days": 3}).status == 200
    assert bo.post(f"{address}/extend", {"days": 3}).code == "extension_used"
    assert house.ada.post(f"{address}/extend", {"days": 4}).code == "extension_refused"
    assert house.ada.post(f"{address}/extend", {"days": 10}).status == 200
    assert house.ada.post(f"{address}/remind", {}).status == 200
    assert house.ada.post(f"{address}/remind", {}).code == "reminded_already"
    fixed = {"carrier": "YTO", "number": "YT1"}
    assert house.ada.post(f"{address}/parcels/{parcel}/correct", fixed).status == 200
    assert house.ada.post(f"{address}/parcels/{parcel}/correct", fixed).code == "corrected_already"
    assert bo.post(f"{address}/parcels/{parcel}/correct", fixed).status in (403, 404)


def test_freezes_and_doubts_over_the_api(house: House, bo: Api, order: dict[str, Any]) -> None:
    made = house.otto.post(f"operator/orders/{order['id']}/freeze", {"reason_code": "authority"})
    assert (made.status, made.json["state"]) == (201, "active")
    assert house.ada.post(f"operator/orders/{order['id']}/freeze", {"reason_code": "authority"}).status == 403
    assert [row["id"] for row in house.otto.get("operator/freezes").json] == [made.json["id"]]
    ended = house.otto.post(f"operator/freezes/{made.json['id']}/end", {"reason": "Cleared."})
    assert ended.json["state"] == "ended"
    parcel = {"kind": "express", "carrier": "SF", "number": "0000000000"}
    assert house.ada.post(f"orders/{order['id']}/ship", {"parcels": [parcel]}).status == 200
    outbox.drain_all()
    assert [row["order"] for row in house.otto.get("operator/doubts").json] == [order["id"]]
    assert house.otto.post(f"operator/doubts/{order['id']}/clear", {"reason": "Seen."}).status == 200
    assert Order.objects.get(public_id=order["id"]).auto_confirm_due_at is not None
