"""Can merchants set plans after seeing them in money, and can merchants and creators follow theirs by pages alone?"""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from tests.trade import bazaar
from tests.web.world import World, browser

from meadow.accounts import queries as accounts
from meadow.accounts.models import Person
from meadow.kernel import clock, sweeps
from meadow.payments import queries as payments
from meadow.plans import queries as plans
from meadow.trade.services import LineIn

pytestmark = pytest.mark.django_db


def text_of(response: Any) -> str:
    return b"".join(response).decode() if response.streaming else str(response.content.decode())


def signed_in(person_id: int, language: str = "en") -> Client:
    client = browser(language)
    client.force_login(Person.objects.get(pk=person_id))
    return client


@pytest.fixture
def ada(world: World) -> Client:
    return signed_in(world.ada.pk)


@pytest.fixture
def base(world: World) -> str:
    return f"/sell/{accounts.merchants_of(world.ada.pk)[0].public_id}"


def test_c2_a_plan_is_previewed_in_money_and_saved_as_it_was_shown(world: World, ada: Client, base: str) -> None:
    wanted = {
        "kind": "directed", "rate": "30", "products": [world.apron.public_id], "creators": world.creator.public_id,
        "name": "Winter",
    }  # fmt: skip
    shown = ada.post(f"{base}/plans/new", {**wanted, "act": "preview"})
    assert shown.status_code == 200
    for amount in ("CN¥88.00", "CN¥57.20", "CN¥23.76", "CN¥7.04"):  # price, merchant, creator, platform
        assert amount in text_of(shown)
    assert len(plans.plans_of_shop(world.shop.pk)) == 1
    assert ada.post(f"{base}/plans/new", {**wanted, "act": "save"})["Location"] == f"{base}/plans"
    made = plans.plans_of_shop(world.shop.pk)[1]
    assert (made.kind, made.rate_bp, made.name) == ("directed", 3000, "Winter")
    listed = text_of(ada.get(f"{base}/plans"))
    assert "Winter" in listed
    one = f"{base}/plans/{made.public_id}"
    assert "Announce this rate" in text_of(ada.post(one, {"rate": "10", "act": "preview"}))
    ada.post(one, {"rate": "10", "act": "rate"})
    assert plans.summary(made.public_id).next_rate_bp == 1000
    assert "10% from" in text_of(ada.get(one))
    ada.post(one, {"act": "remove", "creator": world.creator.public_id})
    ada.post(one, {"act": "end"})
    assert plans.summary(made.public_id).ends_at


def test_c2_3_and_c2_6_what_is_refused_stands_beside_its_field(world: World, ada: Client, base: str) -> None:
    for rate in ("-1", "95.1", "1.234", "NaN"):
        refused = ada.post(f"{base}/plans/new", {"kind": "general", "rate": rate, "act": "preview"})
        assert refused.status_code == 422, rate
        assert text_of(refused).count('role="alert"') == 1
    taken = {
        "kind": "exclusive", "rate": "30", "products": [world.apron.public_id], "act": "save",
        "creators": world.creator.public_id,
    }  # fmt: skip
    conflict = ada.post(f"{base}/plans/new", taken)
    assert conflict.status_code == 409
    assert "shares its products with no other plan" in text_of(conflict)


def test_a_provider_that_passes_on_less_is_named_before_and_after_saving(
    world: World, ada: Client, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(share_bp: int) -> list[str]:
        return ["wechatpay"] if share_bp > 3000 else []

    limits = payments.limits_of("sandbox").__class__(max_split_ratio_bp=3000)
    monkeypatch.setattr(payments, "cannot_carry", cannot)
    monkeypatch.setattr(payments, "limits_of", lambda name: limits)
    fits = text_of(ada.post(f"{base}/plans/new", {"kind": "general", "rate": "25", "act": "preview"}))
    assert "passes on at most" not in fits  # 25 % and the trade fee of 5 % come to just 30 %
    over = text_of(ada.post(f"{base}/plans/new", {"kind": "general", "rate": "25.01", "act": "preview"}))
    assert "wechatpay passes on at most 30% of a sale" in over
    ada.post(f"{base}/plans/new", {"kind": "general", "rate": "40", "act": "save"})
    assert "wechatpay passes on at most 30%" in text_of(ada.get(f"{base}/plans"))
    assert "最多可将每单的 30%" in text_of(signed_in(world.ada.pk, "zh").get(f"{base}/plans"))


def test_c2_7_another_merchants_plans_and_desk_are_not_there(world: World, base: str) -> None:
    plan = plans.plans_of_shop(world.shop.pk)[0].public_id
    stranger = signed_in(world.bo.pk)
    for path in ("plans", "plans/new", f"plans/{plan}", "desk"):
        assert stranger.get(f"{base}/{path}").status_code == 404, path
    assert stranger.post(f"{base}/plans/{plan}", {"act": "end"}).status_code == 404
    other = bazaar.shop("Eve")
    keeper = accounts.merchant(other.merchant_id)
    theirs = signed_in(keeper.owner_id)
    assert theirs.post(f"/sell/{keeper.public_id}/plans/{plan}", {"act": "end"}).status_code == 404
    assert plans.summary(plan).ends_at is None


def test_c3_pages_of_money_for_both_sides_add_up_and_say_why(world: World) -> None:
    mei, shop = bazaar.creator("Lin"), bazaar.shop("Eve")
    bowl, bo = bazaar.goods(shop), bazaar.person()

    def buy() -> Any:
        return bazaar.paid(LineIn(bowl.sku_id, 1, bazaar.click(mei, bowl)), buyer=bo)

    settled = bazaar.settled(buy())
    bazaar.refund(settled, 3_333)
    bazaar.refund(buy(), 10_000, 1_000)
    buy()
    creator, keeper = signed_in(mei.person_id), accounts.merchant(shop.merchant_id)
    page = text_of(creator.get("/studio/earnings"))
    for words in ("Estimated at payment", "CN¥18.00", "CN¥12.00", "Everything was refunded before receipt", "CN¥6.00"):
        assert words in page, words
    assert "收货前已全额退款" in text_of(signed_in(mei.person_id, "zh").get("/studio/earnings"))
    desk = text_of(signed_in(keeper.owner_id).get(f"/sell/{keeper.public_id}/desk"))
    for words in ("Orders to send", "In escrow: to be sent", "CN¥110.00", "CN¥85.00"):
        assert words in desk, words
    sweeps.advance(clock.now() + timedelta(days=40))
    months = text_of(creator.get(f"/me/money/creator/{mei.public_id}/months"))
    assert "Month closed" in months
    link = re.findall(r'href="(/me/money/creator/[^"]+\.csv)"', months)[-1]
    sent = creator.get(link)
    assert sent["Content-Type"] == "text/csv"
    assert settled.public_id in text_of(sent)
    assert creator.get(link.replace(".csv", "9.csv")).status_code == 404
    assert signed_in(bo).get(link).status_code == 404
