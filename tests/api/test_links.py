"""The link policy over the API: who may edit it, and what holds afterwards."""

import pytest
from tests.api.client import Api
from tests.stories.house import done

from meadow.governance import services

pytestmark = pytest.mark.django_db
PARTNER = {
    "name": "Example Mall", "hosts": ["item.example.org"], "product_patterns": ["item.example.org/item/{digits}"],
    "contract": "2026-17", "after_sale_contact": "care@example.org",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _rules(db: None) -> None:
    services.publish_rules()


def test_g1_policy_partners_and_bars_by_api(otto: Api, mei: Api, anyone: Api) -> None:
    partner = done(otto.post("partners", PARTNER))["id"]
    for caller in (mei, anyone):
        assert caller.put("link-policy/chat", {"verdict": "block", "reason": "x"}).status in (401, 403)
        assert caller.post("barred-hosts", {"host": "evil.org", "reason": "x"}).status in (401, 403)
    assert otto.put("link-policy/chat", {"verdict": "allow", "reason": "x"}).code == "malformed"
    assert otto.put("link-policy/moon", {"verdict": "warn", "reason": "x"}).code == "malformed"
    done(otto.put("link-policy/post", {"verdict": "warn", "reason": "a trial", "partner": partner}))
    policy = {row["surface"]: row for row in done(anyone.get("link-policy"))}
    assert policy["post"]["partners"] == [{"partner": partner, "name": "Example Mall", "verdict": "warn"}]
    url = {"url": "https://item.example.org/item/7", "surface": "post"}
    assert done(mei.post("links/check", url))["verdict"] == "warn"
    bar = done(otto.post("barred-hosts", {"host": "evil.org", "reason": "Never ships."}))
    assert otto.post("barred-hosts", {"host": "evil.org", "reason": "x"}).code == "barred_already"
    assert done(mei.post("links/check", {"url": "https://www.evil.org", "surface": "chat"}))["verdict"] == "block"
    assert done(otto.post(f"barred-hosts/{bar['id']}/lift", {"reason": "sold"}))["lifted_at"]
    # What only operators see, each change by its version, and all of them on record.
    assert "contract" not in done(anyone.get("partners"))[0]
    assert mei.get(f"partners/{partner}").status in (401, 403)
    assert done(otto.get(f"partners/{partner}"))["version"] == 1
    change = {"after_sale_contact": "desk@example.org", "reason": "moved", "version": 1}
    assert done(otto.patch(f"partners/{partner}", change))["after_sale_contact"] == "desk@example.org"
    assert otto.patch(f"partners/{partner}", change).code == "stale_state"
    assert otto.patch(f"partners/{partner}", {"contract_until": "2020-01-01T00:00:00", "reason": "x"}).status == 422
    assert mei.patch(f"partners/{partner}", change).status in (401, 403)
    assert done(otto.post(f"partners/{partner}/end", {"reason": "over"}))["active"] is False
    renewal = {"contract": "2027-3", "contract_until": "2099-01-01T00:00:00Z", "reason": "made up"}
    assert done(otto.post(f"partners/{partner}/renew", renewal))["active"] is True
    assert [row["verb"] for row in done(otto.get(f"partners/{partner}/changes"))] == [
        "renew_partner", "end_partner", "change_partner", "add_partner",
    ]  # fmt: skip
    assert done(otto.post(f"partners/{partner}/end", {"reason": "over"}))["active"] is False
    assert done(mei.post("links/check", url))["code"] == "partner_ended"
    assert otto.put("link-policy/post", {"verdict": "warn", "reason": "x", "partner": partner}).code == "partner_ended"
    assert [row["verb"] for row in done(otto.get("link-policy/changes"))] == [
        "end_partner", "renew_partner", "end_partner", "change_partner", "lift_bar", "bar_host", "set_link_policy",
        "add_partner",
    ]  # fmt: skip


def test_g1_5_evasion_is_flagged_by_api(otto: Api, mei: Api) -> None:
    creator = done(mei.post("creators", {"name": "Mei"}))["id"]
    body = {
        "kind": "creator",
        "id": creator,
        "hosts": ["evil.org"],
        "reason": "Five accounts.",
        "reason_zh": "多账号。",
    }
    assert mei.post("link-evasions", body).code in ("scope_missing", "forbidden")
    made = done(otto.post("link-evasions", body))
    assert made["points"] == 48000
    assert [row["host"] for row in done(otto.get("barred-hosts"))] == ["evil.org"]
    assert otto.post("link-evasions", {**body, "id": "cre_00000000000000000000"}).status == 404
