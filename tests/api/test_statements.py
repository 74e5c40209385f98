"""Can merchants and creators follow their money by month, to the fen, with every cause, and nobody else's?"""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from tests.api.client import Api
from tests.trade import bazaar

from meadow.accounts import queries as accounts
from meadow.accounts import services as people
from meadow.kernel import clock, sweeps
from meadow.kernel.money import parse_decimal
from meadow.trade.services import LineIn

pytestmark = pytest.mark.django_db


def holder(person_id: int) -> Api:
    made = people.create_api_key(person_id=person_id, name="test", scopes=["money", "buy", "plans", "share"])
    return Api(made[1])


@pytest.fixture
def sale() -> dict[str, Any]:
    """A settled sale through a creator, of which a third came back after release."""
    mei, shop = bazaar.creator(), bazaar.shop()
    bowl, bo = bazaar.goods(shop), bazaar.person()
    order = bazaar.settled(bazaar.paid(LineIn(bowl.sku_id, 1, bazaar.click(mei, bowl)), buyer=bo))
    bazaar.refund(order, 3_333)
    keeper = accounts.merchant(shop.merchant_id)
    return {"mei": mei, "shop": shop, "order": order, "merchant": keeper, "bowl": bowl, "bo": bo}


def test_c3_7_a_month_and_its_file_add_up_to_the_fen(sale: dict[str, Any], otto: Api) -> None:
    sweeps.advance(clock.now() + timedelta(days=40))
    for kind, party, person_id in (
        ("merchant", sale["merchant"], sale["merchant"].owner_id), ("creator", sale["mei"], sale["mei"].person_id),
    ):  # fmt: skip
        api = holder(person_id)
        months = [one for one in api.get(f"statements/{kind}/{party.public_id}/months").json if one["is_closed"]]
        (month,) = [one for one in months if one["account"] == "available"]
        assert month["closing_minor"] == month["opening_minor"] + month["in_minor"] - month["out_minor"]
        sent = api.get(f"statements/{kind}/{party.public_id}/months/{month['month']}/lines.csv")
        assert sent.headers["content-type"] == "text/csv"
        rows = list(csv.DictReader(io.StringIO(sent.body.decode("utf-8-sig"))))
        amounts = [parse_decimal(row["amount"], "CNY") for row in rows if row["account"] == "available"]
        assert sum(amounts) == month["in_minor"] - month["out_minor"]
        assert len(amounts) == month["entries"]
        assert {row["order"] for row in rows} == {sale["order"].public_id}
        again = otto.post(f"platform/months/{month['month']}/close")
        assert again.status == 200
        assert again.json == otto.post(f"platform/months/{month['month']}/close").json
    running = f"{clock.now():%Y-%m}"
    assert otto.post(f"platform/months/{running}/close").code == "month_open"
    assert holder(sale["bo"]).post(f"platform/months/{running}/close").status == 403


def test_c3_7_nobody_reads_anothers_statement(sale: dict[str, Any]) -> None:
    stranger = holder(bazaar.person("Eve"))
    for path in (
        f"statements/merchant/{sale['merchant'].public_id}/months",
        f"statements/creator/{sale['mei'].public_id}/months",
        f"statements/creator/{sale['mei'].public_id}/months/2026-11/lines.csv",
        f"clawbacks/creator/{sale['mei'].public_id}", f"merchants/{sale['merchant'].public_id}/desk",
    ):  # fmt: skip
        assert stranger.get(path).status == 404, path
    assert stranger.get(f"statements/creator/{sale['mei'].public_id}/months/2026-13/lines.csv").status == 404


def test_c3_4_a_clawback_is_a_line_with_its_cause(sale: dict[str, Any]) -> None:
    (line,) = holder(sale["mei"].person_id).get(f"clawbacks/creator/{sale['mei'].public_id}").json["items"]
    assert (line["amount_minor"], line["owed_minor"]) == (600, 0)  # 1800 x 3333 / 10000, rounded
    assert (line["order"], line["kind"]) == (sale["order"].public_id, "refund")


def test_c3_3_estimates_final_and_void_say_why(sale: dict[str, Any]) -> None:
    mei = holder(sale["mei"].person_id)
    (final,) = mei.get("commissions").json["items"]
    assert (final["state"], final["at_payment_minor"], final["at_receipt_minor"]) == ("final", 1800, 1800)
    assert (final["final_minor"], final["order"], final["void_text"]) == (1200, sale["order"].public_id, "")
    bowl, bo = sale["bowl"], sale["bo"]
    order = bazaar.paid(LineIn(bowl.sku_id, 1, bazaar.click(sale["mei"], bowl)), buyer=bo)
    bazaar.refund(order, 10_000, 1_000)
    void = mei.get("commissions").json["items"][0]
    assert (void["state"], void["creator_minor"], void["void_reason"]) == ("void", 0, "refund_before_receipt")
    assert "refunded before receipt" in void["void_text"]


def test_a_merchant_sees_what_waits_and_where_the_money_is(sale: dict[str, Any]) -> None:
    api, path = holder(sale["merchant"].owner_id), f"merchants/{sale['merchant'].public_id}/desk"
    desk = api.get(path).json
    assert desk["todos"] == {"to_ship": 0, "late": 0, "claims": 0, "claims_soon": 0, "refunds_waiting": 0}
    assert desk["escrow"] == [
        {"currency": "CNY", "to_ship_minor": 0, "on_the_way_minor": 0, "received_minor": 0, "held_minor": 0,
         "released_minor": 8500}
    ]  # fmt: skip
    first = bazaar.paid(sale["bowl"], buyer=sale["bo"])
    bazaar.shipped(bazaar.paid(sale["bowl"], buyer=sale["bo"]))
    waiting = api.get(path).json
    assert waiting["todos"]["to_ship"] == 1
    assert [waiting["escrow"][0][name] for name in ("to_ship_minor", "on_the_way_minor")] == [11_000, 11_000]
    sweeps.advance(clock.now() + timedelta(days=2, seconds=1))
    assert api.get(path).json["todos"]["late"] == 1
    assert bazaar.again(first).state == "paid"
