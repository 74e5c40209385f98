"""Can comments, pictures and reports be made over the API, each by who may, and are contact figures public?"""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from tests.api.client import Api
from tests.web.world import World, make_world

from meadow.governance import services as governance
from meadow.kernel import clock, sweeps

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    governance.publish_rules()
    return make_world()


def _photo() -> bytes:
    target = BytesIO()
    Image.new("RGB", (80, 60), "teal").save(target, "PNG")
    return target.getvalue()


def _upload(who: Api, use: str) -> Any:
    return who.send("POST", f"pictures?use={use}", _photo(), {}, content_type="application/octet-stream")


def test_g6_4_comments_by_api(world: World, person: Any, anyone: Api) -> None:
    cy, dee = person("Cy"), person("Dee")
    address = f"recommendations/{world.post.public_id}/comments"
    said = cy.post(address, {"text": "Is it heavy?"})
    assert said.status == 201, said.body
    assert said.json["is_mine"] is True
    assert anyone.post(address, {"text": "Me too"}).status == 401
    refused = cy.post(address, {"text": "加微信 meadow_fan88"})
    assert (refused.status, refused.code) == (422, "text_refused")
    assert [one["text"] for one in anyone.get(address).json["items"]] == ["Is it heavy?"]
    assert dee.put(f"me/reach/mute/{said.json['author']}", {}).status == 200
    assert dee.get(address).json["items"] == []
    assert dee.delete(f"comments/{said.json['id']}").status == 404
    assert cy.delete(f"comments/{said.json['id']}").status == 204
    assert anyone.get(address).json["items"] == []


def test_g12_5_g8_5_pictures_and_reports_with_evidence_by_api(
    world: World, person: Any, anyone: Api, otto_key: Api
) -> None:
    cy = person("Cy")
    sent = _upload(cy, "evidence")
    assert sent.status == 201, sent.body
    picture = sent.json["id"]
    assert cy.get(f"pictures/{picture}").json["state"] == "waiting"
    assert anyone.get(f"pictures/{picture}").status == 401
    sweeps.run_due(clock.now())
    assert [one["state"] for one in cy.get("me/pictures").json] == ["shown"]
    body = {
        "kind": "shop", "id": world.shop.public_id, "rule": "conduct.diversion", "text": "Pay by card.",
        "evidence": [picture],
    }  # fmt: skip
    filed = cy.post("reports", body)
    assert filed.status == 201, filed.body
    assert "no escrow" in filed.json["advice"]
    assert filed.json["evidence"] == [picture]
    assert cy.post("reports", body).code == "picture_taken"
    assert anyone.get(f"pictures/{picture}/content").status == 404
    cases = otto_key.get("cases").json
    assert [one["target"]["kind"] for one in cases] == ["shop"]
    assert otto_key.get(f"cases/{cases[0]['id']}").json["reports"][0]["evidence"] == [picture]
    assert otto_key.get(f"pictures/{picture}/content").headers["content-type"] == "image/webp"
    bad = cy.send("POST", "pictures", b"<svg/>", {}, content_type="image/svg+xml")
    assert (bad.status, bad.code) == (422, "picture_unreadable")
    assert cy.send("POST", "pictures", b"x" * 12_000_000, {}, content_type="image/png").status == 413


def test_g8_6_the_figures_of_commercial_contacts_are_public_and_never_above_the_ceiling(anyone: Api, db: Any) -> None:
    found = anyone.get("figures/contacts").json
    assert found == {"p99": 0, "most": 0, "ceiling": 2, "days": 30}


@pytest.fixture
def otto_key(world: World) -> Api:
    from meadow.accounts import services as accounts

    return Api(accounts.create_api_key(person_id=world.otto.pk, name="desk", scopes=["operate"])[1])
