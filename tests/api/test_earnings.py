"""Creators' reports and the single-level report over the API, and the refusals of every door that takes a plan."""

import json
from typing import Any

import pytest
from tests.api.client import Api
from tests.stories.house import done
from tests.trade import bazaar
from tests.trade.bazaar import DAY, MINUTE

from meadow.accounts import services as accounts
from meadow.kernel import clock, outbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def sold(db: None) -> dict[str, Any]:
    """Mei and Lin both led Bo to the shop; Lin's click was the newer one.  Then Bo came back by nobody."""
    now = clock.now()
    with clock.at(now - 3 * DAY):
        shop, mei, lin, bo = bazaar.shop(), bazaar.creator(), bazaar.creator("Lin"), bazaar.person("Bosecret")
        bowl = bazaar.goods(shop)
    with clock.at(now - 2 * DAY):
        bazaar.click(mei, bowl, person_id=bo)
    with clock.at(now - DAY):
        bazaar.click(lin, bowl, person_id=bo)
        order = bazaar.paid(bowl, buyer=bo)
    outbox.drain_all()
    return {"mei": mei, "lin": lin, "bo": bo, "order": order}


def api(person_id: int, *scopes: str, language: str = "en") -> Api:
    _, secret = accounts.create_api_key(person_id=person_id, name="t", scopes=list(scopes or ("money", "share")))
    return Api(secret, language=language)


def test_why_me_and_why_not_me_without_a_word_about_the_buyer(sold: dict[str, Any]) -> None:
    won = done(api(sold["lin"].person_id).get("earnings/lines"))["items"]
    lost = done(api(sold["mei"].person_id).get("earnings/lines"))["items"]
    assert [(one["counted"], one["reason"], one["creator_minor"]) for one in won] == [
        (True, "newest_valid_click", 1800)
    ]
    assert [(one["counted"], one["reason"], one["creator_minor"]) for one in lost] == [(False, "older", 0)]
    assert lost[0]["says"] == "A newer valid click exists."
    assert (
        done(api(sold["mei"].person_id, language="zh").get("earnings/lines"))["items"][0]["says"]
        == "存在更新的有效点击。"
    )
    assert (won[0]["rule"], won[0]["rules_version"], won[0]["rate_bp"]) == ("clicked_product", "attribution.2", 2000)
    assert [(step["mine"], step["verdict"]) for step in lost[0]["steps"]] == [(False, "won"), (True, "older")]
    for page, other in ((won, "Mei"), (lost, "Lin")):
        text = json.dumps(page)
        for secret in ("osecret", sold["order"].public_id, "West Lake", other):
            assert secret not in text
    sums = done(api(sold["lin"].person_id).get("earnings"))
    assert (sums["clicks"], sums["orders"], sums["lines_counted"]) == (1, 1, 1)
    assert sums["amounts"] == [{"state": "estimated_at_payment", "currency": "CNY", "minor": 1800}]
    assert done(api(sold["mei"].person_id).get("earnings"))["lines_not_counted"] == {"older": 1}
    assert api(sold["bo"]).get("earnings").code == "creator_required"
    assert (
        api(sold["mei"].person_id).get("earnings?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z").status == 422
    )


def test_only_operators_are_told_whose_every_click_was(sold: dict[str, Any], otto: Api) -> None:
    line = bazaar.goods_line(sold["order"])
    path = f"order-lines/{line.public_id}/attribution"

    def told(reader: Api) -> tuple[str, list[str], list[bool]]:
        found = done(reader.get(path))
        clicks = found["clicks"]
        assert all(bool(one["creator"]) == bool(one["creator_name"]) == bool(one["click"]) for one in clicks)
        assert bool(found["creator"]) == bool(found["creator_name"])
        return found["creator_name"], [one["creator_name"] for one in clicks], [one["why"] != "" for one in clicks]

    assert told(otto) == ("Lin", ["Lin", "Mei"], [True, True])
    assert told(api(sold["bo"])) == ("Lin", ["Lin", ""], [True, True])
    assert told(api(sold["lin"].person_id)) == ("Lin", ["Lin", ""], [True, True])
    # Who did not earn may see why, of their own click; nothing tells them who did or at which rate.
    assert told(api(sold["mei"].person_id)) == ("", ["", "Mei"], [True, True])
    text = json.dumps(done(api(sold["mei"].person_id).get(path)))
    assert "Lin" not in text
    assert sold["lin"].public_id not in text
    assert '"rate_bp": 0' in text
    assert api(bazaar.creator("Eve").person_id).get(path).status == 404


def test_lines_are_paged(sold: dict[str, Any]) -> None:
    with clock.at(clock.now() - MINUTE):
        for _ in range(2):
            bazaar.place(bazaar.goods(bazaar.shop()), buyer=sold["bo"])
    mine = api(sold["lin"].person_id)
    first = done(mine.get("earnings/lines?limit=1"))
    assert first["next_cursor"] is None
    assert len(first["items"]) == 1


def test_c7_5_the_operator_reads_depth_and_own_sales(sold: dict[str, Any], otto: Api) -> None:
    order = sold["order"]
    with clock.at(clock.now() - DAY + MINUTE):
        order = bazaar.confirmed(bazaar.shipped(order))
    bazaar.run_until(clock.now() + 2 * DAY)
    report = done(otto.get(f"reports/compensation?until={_iso(3)}"))
    assert (report["max_depth"], report["payments"], report["strangers"]) == (1, 1, [])
    assert [(one["name"], one["own_bp"]) for one in report["earners"]] == [("Lin", 10_000)]
    again = done(otto.get("reports/attribution-replay"))
    assert (again["decisions"], again["different"]) == (1, 0)
    assert api(sold["mei"].person_id).get("reports/compensation").code in ("forbidden", "scope_missing")


def _iso(days: float) -> str:
    return (clock.now() + days * DAY).isoformat().replace("+", "%2B")


@pytest.mark.parametrize(
    "more",
    [
        {"level2_rate_bp": 500}, {"upline_percent": 5}, {"recruit_bonus_minor": 100}, {"joining_fee_minor": 9900},
        {"starter_purchase": "prd_1"}, {"upgrade_by_downline": 30}, {"second_creator": "cre_x"}, {"二级佣金": 500},
    ],
)  # fmt: skip
def test_c7_2_c7_4_no_door_takes_a_plan_that_pays_for_people(ada: Api, more: dict[str, Any]) -> None:
    merchant = done(ada.post("merchants", {"name": "Linen & Co"}))["id"]
    shop = done(ada.post(f"merchants/{merchant}/shops", {"name": "Linen", "currency": "CNY"}))["id"]
    plan = {"kind": "marketing", "rate_bp": 1000, "products": ["prd_01jd2m4q8r6t0v3x5z7y"]}
    doors = [
        ada.put(f"shops/{shop}/plans/general", {"rate_bp": 1000, **more}),
        ada.post(f"shops/{shop}/plans", {**plan, **more}),
        ada.post("creators", {"name": "Ada", **more}),
        ada.post("tokens", {"kind": "product", "id": "prd_01jd2m4q8r6t0v3x5z7y", **more}),
    ]
    for reply in doors:
        assert (reply.status, reply.code) == (422, "prohibited_compensation"), reply.body
    assert ada.put(f"shops/{shop}/plans/general", {"rate_bp": 1000, "surprise": 1}).code == "malformed"
