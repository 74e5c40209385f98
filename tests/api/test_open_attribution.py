"""The open attribution conventions at the checkout: ACP's object, UCP's map and permalinks, our claim for servers."""

import base64
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.api.client import Api
from tests.stories.house import done
from tests.trade import bazaar
from tests.trade.bazaar import ADDRESS, DAY
from tests.web.world import browser

from meadow.accounts import services as accounts
from meadow.accounts.queries import Person
from meadow.affiliate import queries as affiliate
from meadow.affiliate.models import Attribution, AttributionNote
from meadow.catalog.models import Sku
from meadow.kernel import clock
from meadow.sharing import services as sharing
from meadow.trade.models import Checkout

pytestmark = pytest.mark.django_db
SITE = "blog.example.com"


@pytest.fixture
def market(db: None) -> dict[str, Any]:
    shop, mei = bazaar.shop(), bazaar.creator()
    bowl = bazaar.goods(shop)
    token = sharing.mint_token(
        creator_id=mei.pk, target_kind="catalog.product", target_id=bowl.product_id, shop_id=shop.id,
        product_id=bowl.product_id,
    )  # fmt: skip
    _, secret = accounts.create_api_key(person_id=mei.person_id, name="server", scopes=["share", "money"])
    return {
        "mei": mei, "bowl": bowl, "token": token, "server": Api(secret),
        "sku": Sku.objects.get(pk=bowl.sku_id).public_id,
    }  # fmt: skip


def claim(market: dict[str, Any]) -> dict[str, Any]:
    done(market["server"].post("attribution/sites", {"host": f"{SITE}."}))
    made: dict[str, Any] = done(
        market["server"].post("attribution/claims", {"token": market["token"].public_id, "site": SITE})
    )
    return made


def acp(made: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"provider": made["provider"], "token": made["token"], "publisher_id": made["publisher_id"], **more}


def buy(anyone: Api, market: dict[str, Any], first: Any = None, last: Any = None, ucp: Any = None) -> Attribution:
    body: dict[str, Any] = {"lines": [{"sku": market["sku"]}]}
    opened = anyone.post("checkouts", {**body, **({"affiliate_attribution": first} if first else {}),
                                       **({"attribution": ucp} if ucp else {})})  # fmt: skip
    place = {"address": ADDRESS, "contact": {"email": "guest@example.com"}}
    where = done(opened)["id"]
    placed = anyone.post(f"checkouts/{where}/place", {**place, **({"affiliate_attribution": last} if last else {})})
    for reply in (opened, placed, anyone.get(f"checkouts/{where}")):
        for secret in (SITE, "affiliate_attribution", "publisher", *((first or last or {}).get("token", "no such"),)):
            assert secret not in reply.body.decode()
    assert placed.status == 201, placed.body
    return Attribution.objects.order_by("-pk")[0]


def test_a_claim_travels_server_to_server_and_earns_without_a_cookie(anyone: Api, market: dict[str, Any]) -> None:
    made = claim(market)
    source = {"type": "url", "url": f"https://www.{SITE}/teapots"}
    decision = buy(
        anyone, market, acp(made, touchpoint="first", source=source, metadata={"placement": "top", "n": 1.5})
    )
    assert (decision.creator_id, decision.reason, decision.review) == (market["mei"].pk, "newest_valid_click", "")
    assert decision.log["clicks"][0]["carried_by"] == "claim"
    assert affiliate.replays_alike(decision.pk)
    note = AttributionNote.objects.get()
    assert (note.kind, note.touchpoint, note.provider) == ("acp", "first", made["provider"])
    assert made["token"] not in json.dumps(note.payload)
    # One claim, one checkout: who sends it again buys, and nobody earns.
    again = buy(anyone, market, acp(made))
    assert (again.creator_id, again.reason) == (None, "no_click")


def test_a_claim_made_while_the_checkout_was_open_waits_for_a_look(anyone: Api, market: dict[str, Any]) -> None:
    opened = done(anyone.post("checkouts", {"lines": [{"sku": market["sku"]}]}))
    with clock.at(clock.now() + timedelta(seconds=5)):
        made = claim(market)
    with clock.at(clock.now() + timedelta(seconds=60)):
        body = {"address": ADDRESS, "contact": {"email": "g@example.com"}, "affiliate_attribution": acp(made)}
        assert anyone.post(f"checkouts/{opened['id']}/place", body).status == 201
    assert Attribution.objects.get().review == "checkout_sniping"


@pytest.mark.parametrize("how", ["forged", "expired", "other provider", "other site", "only an id", "unknown"])
def test_what_is_not_believed_earns_nothing_and_never_stops_the_checkout(
    anyone: Api, market: dict[str, Any], how: str
) -> None:
    made = claim(market)
    given: dict[str, Any] = {
        "forged": acp({**made, "token": made["token"][:-2] + "AA"}), "expired": acp(made),
        "other provider": acp({**made, "provider": "impact.com"}),
        "other site": acp(made, source={"type": "url", "url": "https://elsewhere.example.org/x"}),
        "only an id": {"provider": made["provider"], "publisher_id": made["publisher_id"]},
        "unknown": {"provider": "impact.com", "publisher_id": "pub_1", "brand_new": {"x": [1]}},
    }[how]  # fmt: skip
    with clock.at(clock.now() + (8 * DAY if how == "expired" else timedelta(seconds=1))):
        decision = buy(anyone, market, given)
    assert decision.creator_id is None
    assert decision.reason == ("source_mismatch" if how == "other site" else "no_click")
    assert AttributionNote.objects.count() == 1


def test_the_first_of_a_touchpoint_stays_and_both_touchpoints_are_kept(anyone: Api, market: dict[str, Any]) -> None:
    made = claim(market)
    decision = buy(anyone, market, acp(made), last={"provider": "impact.com", "publisher_id": "pub_1"})
    assert decision.creator_id == market["mei"].pk
    assert set(AttributionNote.objects.values_list("touchpoint", "provider")) == {
        ("first", made["provider"]), ("last", "impact.com"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"token": "x"}, "malformed"), ({"provider": "impact.com"}, "malformed"),
        ({"provider": "impact.com", "publisher_id": "p", "metadata": {"a": [1]}}, "malformed"),
        ({"provider": "impact.com", "publisher_id": "p", "touchpoint": "middle"}, "malformed"),
        ({"provider": "impact.com", "publisher_id": "bo@example.com"}, "pii_not_allowed"),
        ({"provider": "impact.com", "publisher_id": "p", "metadata": {"user_email": "x"}}, "pii_not_allowed"),
        ({"provider": "impact.com", "publisher_id": "p", "sub_id": "+86 138 0013 8000"}, "pii_not_allowed"),
    ],
)  # fmt: skip
def test_what_breaks_the_convention_is_told(anyone: Api, market: dict[str, Any], given: Any, code: str) -> None:
    reply = anyone.post("checkouts", {"lines": [{"sku": market["sku"]}], "affiliate_attribution": given})
    assert (reply.status, reply.code) == (422, code)


def test_ucp_attribution_is_noted_and_changes_no_answer(anyone: Api, market: dict[str, Any]) -> None:
    lines = {"lines": [{"sku": market["sku"]}]}
    plain = done(anyone.post("checkouts", lines))
    noted = done(anyone.post("checkouts", {**lines, "attribution": {"campaign_source": "blog", "gclid": "Ea"}}))
    assert {**plain, "id": ""} == {**noted, "id": ""}
    assert AttributionNote.objects.get().payload["attribution"] == {"campaign_source": "blog", "gclid": "Ea"}
    decision = buy(anyone, market, ucp={"meadow_claim": claim(market)["token"], "campaign_source": "blog"})
    assert decision.creator_id == market["mei"].pk


def test_sites_are_registered_before_claims_and_belong_to_their_creator(anyone: Api, market: dict[str, Any]) -> None:
    server, body = market["server"], {"token": market["token"].public_id, "site": SITE}
    assert server.post("attribution/claims", body).code == "site_unregistered"
    assert server.post("attribution/sites", {"host": "not a host"}).code == "malformed"
    claim(market)
    assert done(server.get("attribution/sites")) == [SITE]
    eve = bazaar.creator("Eve")
    _, secret = accounts.create_api_key(person_id=eve.person_id, name="s", scopes=["share"])
    assert Api(secret).post("attribution/claims", body).status == 404
    assert done(server.post("attribution/sites/remove", {"host": SITE})) == []
    assert server.post("attribution/claims", body).code == "site_unregistered"


def test_a_permalink_opens_a_checkout_with_who_brought_the_buyer_and_orders_nothing(market: dict[str, Any]) -> None:
    client, token = browser(), claim(market)["token"]
    coded = "~" + base64.urlsafe_b64encode(market["sku"].encode()).rstrip(b"=").decode()
    answer = client.get(f"/buy/{coded}:2?attribution/meadow_claim={token}&attribution/utm_source=x&utm_medium=y")
    assert (answer.status_code, answer["Referrer-Policy"], "no-store" in answer["Cache-Control"]) == (
        303, "no-referrer", True,
    )  # fmt: skip
    assert answer["Location"].startswith("/checkout/")
    assert answer["Location"].endswith("?utm_medium=y")
    assert client.get(answer["Location"]).status_code == 200
    opened = Checkout.objects.get()
    assert (opened.state, opened.lines[0]["quantity"]) == ("open", 2)
    assert AttributionNote.objects.get().creator_id == market["mei"].pk
    assert client.get(f"/buy/{market['sku']}:1?continue_to=/cart")["Location"] == "/cart"
    client.head(f"/buy/{market['sku']}:1")
    assert Checkout.objects.count() == 1
    # Where somebody is signed in, no address fills their cart: what it names stands apart until they act.
    client.force_login(Person.objects.get(pk=market["mei"].person_id))
    apart = client.get(f"/buy/{market['sku']}:1?continue_to=/cart")
    assert apart["Location"].startswith("/checkout/")
    assert Checkout.objects.count() == 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("{sku}", 422), ("{sku}:0", 422), ("{sku}:01", 422), ("{sku}:1,", 422), ("~!!:1", 422), ("~QQ=:1", 422),
        ("sku_00000000000000000000:1", 404), ("{sku}:99999", 422),
    ],
)  # fmt: skip
def test_a_permalink_that_cannot_be_read_leads_nowhere(market: dict[str, Any], path: str, status: int) -> None:
    assert browser().get("/buy/" + path.format(sku=market["sku"])).status_code == status


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/shop/x", "/shop/x"), ("/a/../shop/x", "/shop/x"), ("/g/%E5%A5%BD?a=1", "/g/%E5%A5%BD?a=1"), ("", "/checkout/"),
        ("https://evil.com", "/checkout/"), ("//evil.com", "/checkout/"), ("/%5Cevil.com", "/checkout/"),
        ("/a&continue_to=/b", "/checkout/"), ("/a%0d%0aSet-Cookie:x", "/checkout/"), ("evil", "/checkout/"),
    ],
)  # fmt: skip
def test_c5_1_a_permalink_leads_only_to_this_site(market: dict[str, Any], wanted: str, led: str) -> None:
    answer = browser().get(f"/buy/{market['sku']}:1?continue_to={wanted}")
    assert (answer.status_code, answer["Location"].startswith(led)) == (303, True), answer["Location"]


def test_what_the_ucp_profile_names_answers(market: dict[str, Any], settings: Any) -> None:
    client = browser()
    named = client.get("/.well-known/ucp").json()["ucp"]
    assert (named["services"], named["capabilities"], named["payment_handlers"]) == ({}, {}, {})  # not over plain http
    settings.MEADOW = replace(settings.MEADOW, base_url="https://meadow.example")
    answer = client.get("/.well-known/ucp")
    assert (answer["Content-Type"], answer["Access-Control-Allow-Origin"]) == ("application/json", "*")
    profile = answer.json()["ucp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", profile["version"])
    assert list(profile["capabilities"]) == ["dev.ucp.shopping.permalink"]
    (declared,) = profile["capabilities"]["dev.ucp.shopping.permalink"]
    assert {"version", "spec", "schema", "config"} == set(declared)
    assert declared["schema"] == f"https://ucp.dev/{declared['version']}/schemas/shopping/permalink.json"
    endpoint = declared["config"]["endpoint"]
    assert re.fullmatch(r"https://[^/?#\s\\@]+(?:/[^?#\s\\]*[^/?#\s\\])?", endpoint)
    path = endpoint.removeprefix("https://meadow.example")
    assert client.get(f"{path}/{market['sku']}:2")["Location"].startswith("/checkout/")
    assert Checkout.objects.get().lines[0]["quantity"] == 2
    assert client.get(f"{path}?continue_to=/shop/x&utm_source=y")["Location"] == "/shop/x?utm_source=y"
    assert client.get(path)["Location"] == "/cart"
