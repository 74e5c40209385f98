"""The rulebook, detectors, suspensions, appeals and the queue over the API: who may what, and what each says."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.api.client import Api
from tests.stories.house import House, done

from meadow.accounts import services as accounts
from meadow.accounts.queries import Person
from meadow.governance import services
from meadow.kernel import clock, outbox
from meadow.kernel.audit import SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _rules(db: Any) -> None:
    services.publish_rules()


@pytest.fixture
def olga(person: Callable[..., Api], otto: Api) -> Api:
    """A second operator: her key was made before she became one, so she gets another."""
    person("Olga")
    found = Person.objects.get(email="olga@example.com")
    accounts.appoint_operator(person_id=found.pk, by=SYSTEM)
    _, secret = accounts.create_api_key(person_id=found.pk, name="olga", scopes=["operate", "catalog", "buy"])
    return Api(secret)


def day(days: float) -> str:
    return (clock.now() + timedelta(days=days)).isoformat()


def shop_of(ada: Api) -> tuple[str, str]:
    merchant = done(ada.post("merchants", {"name": "Linen & Co"}))["id"]
    return merchant, done(ada.post(f"merchants/{merchant}/shops", {"name": "Linen", "currency": "CNY"}))["id"]


def suspension_of(shop: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "shop", "id": shop, "scope": "new", "ground": "security", "reason": "Addresses leaked.",
        "reason_zh": "地址泄露。", "rule": "operation.safety", "starts_at": day(0), "review_by": day(10), **more,
    }  # fmt: skip


def test_g9_4_the_rulebook_is_one_document_for_machines_in_both_languages(anyone: Api) -> None:
    book = done(anyone.get("rulebook"))
    assert book["format"] == "meadow.rulebook/1"
    fraud = next(rule for rule in book["rules"] if rule["id"] == "conduct.fraud")
    assert (fraud["version"], fraud["in_force"], fraud["title"]["zh"]) == (1, True, "禁止欺诈")
    assert book["penalties"]["steps"]
    before = done(anyone.get(f"rulebook?at={day(-30).replace('+', '%2B')}"))
    assert not any(rule["in_force"] for rule in before["rules"])
    assert anyone.get("rulebook?at=yesterday").status == 422
    assert done(anyone.get("rules/conduct.fraud/1"))["text"]["en"].startswith("Nobody deceives")
    for nowhere in ("rules/no.such", "rules/conduct.fraud/9"):
        assert anyone.get(nowhere).status == 404


def test_g9_2_a_rule_is_drafted_commented_published_with_notice_and_stays_readable(
    anyone: Api, otto: Api, mei: Api
) -> None:
    words = {
        "title_en": "No invented reviews", "title_zh": "禁止虚假评价", "text_en": "Nobody invents reviews.",
        "text_zh": "不得虚构评价。", "why": "They were not named.",
    }  # fmt: skip
    draft = done(otto.post("rule-drafts", {"rule": "conduct.fraud", **words}))
    assert anyone.get(f"rule-drafts/{draft['id']}").status == 404
    assert mei.post(f"rule-drafts/{draft['id']}/comments", {"text": "And samples?"}).status == 404
    assert mei.post("rule-drafts", {"rule": "conduct.fraud", **words}).status == 403
    done(otto.post(f"rule-drafts/{draft['id']}/consult"))
    said = done(mei.post(f"rule-drafts/{draft['id']}/comments", {"text": "And samples?"}))
    assert [one["text"] for one in said["comments"]] == ["And samples?"]
    done(otto.patch(f"rule-drafts/{draft['id']}", {"text_en": "Nobody invents reviews or pays for them."}))
    assert len(done(anyone.get("rule-drafts"))) == 1
    soon = otto.post(f"rule-drafts/{draft['id']}/publish", {"effective_from": day(6)})
    assert (soon.status, soon.code) == (422, "notice_too_short")
    made = done(otto.post(f"rule-drafts/{draft['id']}/publish", {"effective_from": day(7.1)}))
    assert (made["version"], made["in_force"]) == (2, False)
    assert [one["version"] for one in done(anyone.get("rules/coming"))] == [2]
    versions = done(anyone.get("rules/conduct.fraud"))
    assert [(one["version"], one["in_force"]) for one in versions] == [(2, False), (1, True)]
    done(otto.post("clock/advance", {"by_seconds": 8 * 86_400}))
    versions = done(anyone.get("rules/conduct.fraud"))
    assert [(one["version"], one["in_force"]) for one in versions] == [(2, True), (1, False)]
    assert done(anyone.get("rules/conduct.fraud/1"))["title"]["en"] == "No deception"
    other = done(otto.post("rule-drafts", {"rule": "conduct.other", **words}))
    assert done(otto.post(f"rule-drafts/{other['id']}/withdraw"))["state"] == "withdrawn"


def test_g9_3_a_merchant_accepts_the_rules_or_leaves_under_the_old_ones(ada: Api, mei: Api, otto: Api) -> None:
    merchant, _ = shop_of(ada)
    assert len(done(ada.get(f"merchants/{merchant}/rules"))["unanswered"]) > 5
    for verb in ("accept", "leave"):
        assert mei.post(f"merchants/{merchant}/rules/{verb}", {"rule": "conduct.fraud"}).status == 404
    assert done(ada.post(f"merchants/{merchant}/rules/accept"))["unanswered"] == []
    assert ada.post(f"merchants/{merchant}/rules/leave", {"rule": "conduct.fraud"}).code == "nothing_to_refuse"


def test_an_operator_tries_a_rule_before_it_counts_and_takes_it_back(otto: Api, mei: Api) -> None:
    for number in range(30):
        services.judge(
            "text", {"phones": number % 3, "surface": "recommendation"}, ("content.recommendation", number + 1),
            ("accounts.creator", number % 5 + 1), text=f"call me {number}",
        )  # fmt: skip
    condition = {"event_type": "text", "condition": "phones > 1"}
    assert mei.post("detectors/validate", condition).status == 403
    assert done(otto.post("detectors/validate", condition))["features"] == ["phones"]
    bad = done(otto.post("detectors/validate", {**condition, "condition": "phones > 'a'"}))
    assert (bad["is_good"], bad["code"], bad["column"]) == (False, "wrong_kind", 10)
    tried = done(
        otto.post("detectors/backtest", {**condition, "days": 7, "violation": "diversion", "severity": "grave"})
    )
    assert (tried["events"], tried["hits"], tried["people"], len(tried["sample"])) == (30, 10, 5, 10)
    assert tried["limited"]
    body = {
        "id": "diversion.phones", **condition, "rule": "conduct.diversion", "action": "warn", "reason_en": "No numbers.",
        "reason_zh": "请勿发布号码。", "examples": [{"features": {"phones": 2}, "hits": True}],
    }  # fmt: skip
    assert otto.post("detectors", {**body, "condition": "phones >"}).code == "detector_faulty"
    refused = otto.post("detectors", {**body, "examples": [{"features": {"phones": 0}, "hits": True}]})
    assert refused.code == "detector_example_failed"
    assert done(otto.post("detectors", body))["state"] == "draft"
    assert otto.post("detectors/diversion.phones/1/move", {"to": "live"}).code == "stale_state"
    for step in ({"to": "shadow"}, {"to": "partial", "percent": 10}, {"to": "live"}, {"to": "shadow", "note": "errs"}):
        assert done(otto.post("detectors/diversion.phones/1/move", step))["state"] == step["to"]
    changes = done(otto.get("detectors/diversion.phones/changes"))
    assert [one["to_state"] for one in changes] == ["shadow", "live", "partial", "shadow", "draft"]
    assert changes[0]["by"] == "Otto"
    assert [one["id"] for one in done(otto.get("detectors"))] == ["diversion.phones"]
    assert done(otto.get("detectors/diversion.phones"))[0]["quality"]["decisions"] == 0
    assert otto.get("detectors/no.such").status == 404
    assert {one["name"] for one in done(mei.get("event-types"))} >= {"text", "message", "listing"}


def test_g2_1_over_the_api_nothing_of_a_suspension_may_be_left_out(otto: Api, ada: Api) -> None:
    _, shop = shop_of(ada)
    whole = suspension_of(shop)
    for name in ("kind", "id", "scope", "ground", "reason", "rule", "starts_at", "review_by"):
        assert otto.post("suspensions", {key: value for key, value in whole.items() if key != name}).status == 422, name
    for wrong in (
        {"scope": "some"}, {"scope": "existing"}, {"ground": "policy"}, {"review_by": day(31)}, {"reason": ""},
        {"rule": "no.such"}, {"review_by": day(-1)}, {"ground": "policy", "notice_days": 3, "starts_at": day(4)},
    ):  # fmt: skip
        assert otto.post("suspensions", {**whole, **wrong}).status == 422, wrong
    assert otto.post("suspensions", {**whole, "id": "shp_" + "0" * 20}).status == 404
    assert ada.post("suspensions", whole).status == 403
    made = done(otto.post("suspensions", whole))
    assert (made["state"], made["target"]["title"], made["rule"]) == ("active", "Linen", "operation.safety v1")
    assert otto.post("suspensions", whole).code == "suspended_already"


def test_g2_everybody_reads_what_is_stopped_and_only_its_own_side_reads_of_people(
    otto: Api, ada: Api, mei: Api, anyone: Api
) -> None:
    merchant, shop = shop_of(ada)
    creator = done(mei.post("creators", {"name": "Mei"}))["id"]
    done(otto.post(f"creators/{creator}/approve"))
    public = done(otto.post("suspensions", suspension_of(shop)))
    person = done(otto.post("suspensions", {**suspension_of(creator), "kind": "creator"}))
    feature = done(otto.post("suspensions", {**suspension_of("posting"), "kind": "feature"}))
    assert {one["id"] for one in done(anyone.get("suspensions"))} == {public["id"], feature["id"]}
    assert done(Api(language="zh-CN").get(f"suspensions/{public['id']}"))["reason"] == "地址泄露。"
    assert anyone.get(f"suspensions/{person['id']}").status == 404
    assert ada.get(f"suspensions/{person['id']}").status == 404
    assert done(mei.get(f"suspensions/{person['id']}"))["stops"].startswith("New posts")
    assert len(done(otto.get("suspensions/all?state=active"))) == 3
    assert anyone.get("suspensions/all").status == 401
    kept = done(otto.post(f"suspensions/{public['id']}/keep", {"reason": "Not yet.", "review_by": day(20)}))
    assert kept["reason"] == "Not yet."
    lifted = done(otto.post(f"suspensions/{public['id']}/lift", {"reason": "Mended."}))
    assert (lifted["state"], lifted["end_reason"]) == ("lifted", "Mended.")
    assert otto.post(f"suspensions/{public['id']}/lift", {"reason": "Again."}).code == "stale_state"
    trail = done(otto.get(f"suspensions/{public['id']}/trail"))
    assert [(one["verb"], one["by"]) for one in trail] == [
        ("announce_suspension", "Otto"), ("begin_suspension", "Otto"), ("keep_suspension", "Otto"),
        ("lift_suspension", "Otto"),
    ]  # fmt: skip
    assert mei.get(f"suspensions/{person['id']}/trail").status == 403


def test_g2_2_applying_over_the_api_is_refused_while_it_is_stopped(otto: Api, mei: Api) -> None:
    made = done(otto.post("suspensions", {**suspension_of("applications"), "kind": "feature"}))
    stopped = mei.post("creators", {"name": "Mei"})
    assert (stopped.status, stopped.code) == (403, "feature_suspended")
    assert "Addresses leaked." in stopped.json["detail"]
    done(otto.post(f"suspensions/{made['id']}/lift", {"reason": "Mended."}))
    assert done(mei.post("creators", {"name": "Mei"}))["state"] == "applied"


def test_g2_3_a_decision_that_suspends_has_a_date_too(otto: Api, ada: Api) -> None:
    _, shop = shop_of(ada)
    body = {
        "kind": "shop", "id": shop, "action": "suspend", "rule": "conduct.fraud", "reason": "invented orders",
        "scope": "all", "ground": "fraud", "until": day(20),
    }  # fmt: skip
    for name in ("scope", "ground", "until", "reason", "rule"):
        without = {key: value for key, value in body.items() if key != name}
        assert otto.post("decisions", without).status == 422, name
    for wrong in ({"scope": "existing"}, {"ground": "policy"}, {"until": day(31)}, {"until": day(-1)}):
        assert otto.post("decisions", {**body, **wrong}).status == 422, wrong
    assert done(otto.get("suspensions/all")) == []
    made = done(otto.post("decisions", body))
    assert made["until"] is not None
    listed = done(otto.get("suspensions/all"))
    assert [(one["decision"], one["review_by"]) for one in listed] == [(made["id"], made["until"])]
    assert otto.post("decisions", body).code == "suspended_already"
    done(otto.post("decisions", {**body, "action": "restore", "until": None}))
    outbox.drain_all()
    assert done(otto.get("suspensions/all"))[0]["state"] == "lifted"


def test_g9_5_limits_are_seen_appealed_and_answered_on_a_clock(otto: Api, olga: Api, mei: Api, ada: Api) -> None:
    creator = done(mei.post("creators", {"name": "Mei"}))["id"]
    done(otto.post(f"creators/{creator}/approve"))
    pk = Person.objects.get(email="otto@example.com").pk
    from meadow.accounts.queries import creator as creator_by_id
    from meadow.kernel.audit import Actor

    services.record_violation(
        party=("accounts.creator", creator_by_id(creator).pk), kind="spam", severity="grave", reason="Advertising.",
        reason_zh="广告。", by=Actor("person", pk),
    )  # fmt: skip
    mine = done(mei.get("me/limits"))
    assert mine["points"]["creator"] == 12_000
    limit = next(one for one in mine["limits"] if one["what"] == "post")
    assert (limit["rule"], limit["reason"], limit["target"]["title"]) == (
        "conduct.harassment v1",
        "Advertising.",
        "Mei",
    )
    assert limit["until"] is not None
    assert limit["appeal"] is None
    assert done(ada.get("me/limits"))["limits"] == []
    assert ada.post(f"decisions/{limit['decision']}/appeal", {"text": "hers"}).status == 404
    opened = done(mei.post(f"decisions/{limit['decision']}/appeal", {"text": "It was a joke."}))
    assert 0 < opened["left_seconds"] <= 3 * 86_400
    assert mei.post(f"decisions/{limit['decision']}/appeal", {"text": "please"}).code == "appeal_open"
    assert done(mei.get("me/limits"))["limits"][0]["appeal"] == opened["id"]
    path = f"appeals/{opened['id']}"
    assert ada.get(path).status == 404
    assert mei.post(f"{path}/decide", {"outcome": "reverse", "reason": "ok"}).status == 403
    assert otto.post(f"{path}/decide", {"outcome": "uphold", "reason": "ok"}).code == "own_decision"
    assert [one["id"] for one in done(olga.get("appeals/pending"))] == [opened["id"]]
    paused = done(olga.post(f"{path}/pause", {"cause": "answer", "text": "Which joke?"}))
    assert (paused["state"], paused["paused_because"]) == ("paused", "We asked you something and wait for your answer")
    assert done(mei.post(f"{path}/notes", {"text": "The one with the hat."}))["state"] == "open"
    assert olga.post(f"{path}/resume").code == "stale_state"
    answered = done(olga.post(f"{path}/decide", {"outcome": "reverse", "reason": "It was.", "reason_zh": "确实如此。"}))
    assert answered["state"] == "reversed"
    assert done(mei.get("me/limits")) == {"points": {"creator": 0, "person": 0}, "limits": []}
    zh = Api(mei.secret, language="zh-CN")
    assert done(zh.get("me/appeals"))[0]["reason"] == "确实如此。"
    numbers = done(Api().get("appeals/statistics"))
    assert (numbers["total"]["reversed"], numbers["total"]["overturn_bp"]) == (1, 10_000)
    assert numbers["rules"][0]["rule_id"] == "conduct.harassment"
    assert mei.post(f"{path}/withdraw").code == "stale_state"


def test_the_queue_is_worked_over_the_api(otto: Api, olga: Api, mei: Api) -> None:
    creator = done(mei.post("creators", {"name": "Mei"}))["id"]
    done(otto.post(f"creators/{creator}/approve"))
    house = {"kind": "creator", "id": creator, "rule": "conduct.fraud"}
    made = done(mei.post("reports", {**house, "text": "She pays for reviews."}))
    assert mei.post("reports", {**house, "rule": "no.such"}).code == "rule_unknown"
    assert mei.post("reports", {**house, "id": "cre_" + "0" * 20}).status == 404
    for path in ("cases", "cases/counts", "cases/quality", "cases/views", "acts", "private-openings"):
        assert mei.get(path).status == 403, path
    assert done(otto.get("cases/counts"))["kinds"] == {"report": 1}
    case = done(otto.post("cases/next"))
    assert (case["target"]["title"], case["reports"][0]["text"]) == ("Mei", "She pays for reviews.")
    assert done(olga.post("cases/next")) is None
    assert done(olga.get("cases"))[0]["held_by"] == "Otto"
    path = f"cases/{case['id']}"
    assert olga.post(f"{path}/claim").code == "case_held"
    assert olga.post(f"{path}/approve", {}).code == "case_not_yours"
    assert otto.post(f"{path}/reject", {"reason": "So it is."}).code == "malformed"
    act = done(otto.post(f"{path}/reject", {"reason": "So it is.", "violation": "fraud", "severity": "minor"}))
    assert done(otto.get(f"{path}"))["state"] == "closed"
    assert olga.post(f"acts/{act['id']}/undo").status == 404
    assert done(otto.post(f"acts/{act['id']}/undo"))["state"] == "open"
    assert otto.post(f"acts/{act['id']}/undo").code == "cannot_undo"
    done(otto.post(f"{path}/escalate", {"note": "I know her."}))
    assert done(otto.get("cases")) == []
    done(olga.post(f"{path}/claim"))
    done(olga.post(f"{path}/release"))
    done(olga.put("cases/views/mine", {"kinds": ["report"], "escalated": True}))
    assert olga.put("cases/views/other", {"kinds": ["nothing"]}).status == 422
    assert [one["name"] for one in done(olga.get("cases/views"))] == ["mine"]
    assert done(olga.get("cases?view=mine"))[0]["id"] == case["id"]
    assert otto.get("cases?view=mine").status == 404
    assert done(olga.post("cases/next?view=mine"))["id"] == case["id"]
    done(olga.post(f"{path}/approve", {"note": "She does not."}))
    done(olga.delete("cases/views/mine"))
    refused = olga.post(f"reports/{made['id']}/open", {"why": "curious"})
    assert (refused.status, refused.code) == (409, "case_not_yours")
    assert done(otto.get("private-openings")) == []
    assert [one["act"] for one in done(otto.get("acts"))] == ["escalate", "reject"]


def test_g1_6_blocked_hosts_are_exported_with_their_reason(otto: Api, mei: Api) -> None:
    services.check_link(url="https://elsewhere.com/item", surface="post", subject=("accounts.creator", 1))
    services.check_link(url="https://elsewhere.com/other", surface="post", subject=("accounts.creator", 2))
    row = done(otto.get("blocked-hosts"))[0]
    assert (row["host"], row["rule"], row["times"]) == ("elsewhere.com", "link.partners", 2)
    assert row["why_en"].startswith("elsewhere.com belongs to no partner")
    assert "不属于合作方" in row["why_zh"]
    file = otto.get("blocked-hosts.csv")
    assert file.headers["content-type"].startswith("text/csv")
    assert file.body.startswith(b"\xef\xbb\xbfhost,rule")
    assert b"elsewhere.com,link.partners,1" in file.body
    assert mei.get("blocked-hosts").status == mei.get("blocked-hosts.csv").status == 403


def test_g2_a_house_whose_shop_is_stopped_finishes_what_is_on_its_way(db: Any) -> None:
    """Ada's shop is stopped for what is new while Bo's order is on its way: Bo gets it, Ada and Mei are paid."""
    house = House.build()
    shirt, hat = house.product(), house.product("Straw hat", price_minor=5_000)
    waiting = house.checkout(shirt)
    on_its_way = house.sold(shirt)
    made = done(house.otto.post("suspensions", suspension_of(house.shop)))
    house.settle_events()
    refused = house.place(waiting)
    assert refused.code == "not_on_sale"
    assert house.anyone.post("checkouts", {"lines": [{"sku": hat["skus"][0]["id"], "quantity": 1}]}).status == 409
    # Its pages can be read, and Ada can take her data with her.
    assert done(house.anyone.get(f"products/{hat['id']}"))["on_sale"] is False
    assert house.ada.get(f"shops/{house.shop}/export.csv").status == 200
    house.ship(on_its_way)
    house.days(30)
    assert house.order(on_its_way)["state"] == "settled"
    # Nobody looked again, so it lifted by itself on its day, and everything is as it was.
    assert done(house.anyone.get(f"suspensions/{made['id']}"))["ending"] == "review"
    assert house.place(house.checkout(hat)).status == 201
    # A feature is stopped for everybody: a placed order is paid and finished, a new one is not begun.
    placed = done(house.place(house.checkout(shirt)))
    done(house.otto.post("suspensions", {**suspension_of("ordering"), "kind": "feature"}))
    done(house.pay(placed["payments"][0]["id"]))
    stopped = house.place(house.checkout(shirt))
    assert (stopped.status, stopped.code) == (403, "feature_suspended")
    assert "Addresses leaked." in stopped.json["detail"]
    house.ship(placed["orders"][0])
    house.assert_sound()
