"""Can a creator recommend and share over the API, and does a pasted message lead back to them?"""

from typing import Any

import pytest
import zxingcpp
from PIL import Image
from tests.api.client import Api

pytestmark = pytest.mark.django_db

REASON = "Three summers of wear and it still looks new."


@pytest.fixture
def product(ada: Api) -> dict[str, Any]:
    merchant = ada.post("merchants", {"name": "Linen & Co"}).json["id"]
    shop = ada.post(f"merchants/{merchant}/shops", {"name": "Linen & Co", "currency": "CNY"}).json["id"]
    body = {"title": "Linen shirt", "skus": [{"price_minor": 10_000, "left": 10}]}
    return {**ada.post(f"shops/{shop}/products", body).json, "shop": shop}


@pytest.fixture
def creator(mei: Api, otto: Api) -> str:
    applied = mei.post("creators", {"name": "Mei"}).json["id"]
    assert otto.post(f"creators/{applied}/approve").status == 200
    return str(applied)


@pytest.fixture
def post(mei: Api, creator: str, product: dict[str, Any]) -> dict[str, Any]:
    made = mei.post("recommendations", {"items": [{"product": product["id"], "reason": REASON}]})
    assert made.status == 201, made.body
    return dict(made.json)


def test_plan_is_set_and_shown(ada: Api, mei: Api, creator: str, product: dict[str, Any], anyone: Api) -> None:
    shop, shirt = product["shop"], product["id"]
    assert mei.get(f"products/{shirt}/commission").json is None
    plan = ada.put(f"shops/{shop}/plans/general", {"rate_bp": 2000})
    assert (plan.status, plan.json["kind"], plan.json["rate_bp"]) == (200, "general", 2000)
    assert mei.get(f"products/{shirt}/commission").json == {"rate_bp": 2000, "kind": "general"}
    directed = {"kind": "directed", "rate_bp": 3000, "products": [shirt], "creators": [creator]}
    made = ada.post(f"shops/{shop}/plans", directed)
    assert made.status == 201, made.body
    assert made.json["creators"] == [creator]
    assert mei.get(f"plans/{made.json['id']}").status == 200
    assert mei.put(f"plans/{made.json['id']}/rate", {"rate_bp": 9000}).status == 404
    assert ada.put(f"plans/{made.json['id']}/rate", {"rate_bp": 1000}).json["next_rate_bp"] == 1000
    assert ada.delete(f"plans/{made.json['id']}/members/{creator}").status == 200
    assert ada.post(f"plans/{made.json['id']}/end").json["ends_at"]
    assert [one["kind"] for one in ada.get(f"shops/{shop}/plans").json] == ["general", "directed"]
    assert mei.put(f"shops/{shop}/plans/general", {"rate_bp": 1}).status == 404
    split = anyone.post("plans/preview", {"goods_minor": 10_000, "rate_bp": 2000}).json
    assert {name: split[name] for name in ("merchant_minor", "creator_minor", "platform_minor")} == {
        "merchant_minor": 7500, "creator_minor": 1800, "platform_minor": 700,
    }  # fmt: skip
    assert (split["share_bp"], split["warnings"]) == (2500, [])


def test_a3_post_is_labelled_by_the_server_alone(ada: Api, mei: Api, post: dict[str, Any], anyone: Api) -> None:
    assert anyone.get(f"recommendations/{post['id']}").json["ad_label"] is False
    ada.put(f"shops/{post['items'][0]['shop']}/plans/general", {"rate_bp": 2000})
    seen = anyone.get(f"recommendations/{post['id']}").json
    assert seen["ad_label"] is True
    assert seen["items"][0]["price_minor"] == 10_000
    assert anyone.get("feed").json["items"][0]["id"] == post["id"]
    off = mei.post("recommendations", {"items": [], "ad_label": False})
    assert off.json["errors"][-1]["pointer"] in {"#/ad_label", "#/items"}


def test_only_creators_publish_and_only_their_own_ends(ada: Api, mei: Api, otto: Api, post: dict[str, Any]) -> None:
    body = {"items": [{"product": post["items"][0]["product"], "reason": REASON}]}
    assert ada.post("recommendations", body).code == "creator_required"
    assert mei.get("me/recommendations").json[0]["id"] == post["id"]
    applied = ada.post("creators", {"name": "Ada"}).json["id"]
    otto.post(f"creators/{applied}/approve")
    assert ada.post(f"recommendations/{post['id']}/end").status == 404
    assert mei.post(f"recommendations/{post['id']}/end").json["state"] == "ended"


def test_c4_1_token_in_every_form_leads_to_one_record(mei: Api, post: dict[str, Any], anyone: Api) -> None:
    shirt = post["items"][0]["product"]
    token = mei.post("tokens", {"product": shirt, "recommendation": post["id"]})
    assert token.status == 201, token.body
    forms = token.json
    chat = "看看这个 " * 30 + forms["text"] + " 哈哈😀" * 20
    for text in (chat[:500], forms["digits"], forms["url"], forms["code"].lower()):
        found = anyone.post("tokens/resolve", {"text": text})
        assert found.status == 200, (text, found.body)
        assert (found.json["code"], found.json["creator"]["name"]) == (forms["code"], "Mei")
        assert found.json["product"]["id"] == shirt
        assert found.json["recommendation"] == post["id"]
    assert mei.post("tokens", {"product": shirt, "recommendation": post["id"]}).json["id"] == forms["id"]
    assert mei.get("tokens").json[0]["id"] == forms["id"]


def test_c4_2_qr_is_read_by_another_decoder(mei: Api, post: dict[str, Any]) -> None:
    import io

    token = mei.post("tokens", {"product": post["items"][0]["product"]}).json
    png = mei.get(f"tokens/{token['id']}/qr.png")
    assert png.headers["content-type"] == "image/png"
    read = zxingcpp.read_barcodes(Image.open(io.BytesIO(png.body)))
    assert read[0].text.lower() == token["url"].lower()
    assert b"<svg" in mei.get(f"tokens/{token['id']}/qr.svg").body


def test_changed_token_is_no_token(mei: Api, post: dict[str, Any], anyone: Api) -> None:
    code = mei.post("tokens", {"product": post["items"][0]["product"]}).json["code"]
    bent = ("1" if code[0] != "1" else "2") + code[1:]
    reply = anyone.post("tokens/resolve", {"text": bent})
    assert (reply.status, reply.code) == (404, "not_a_token")
    assert anyone.get(f"landings/{bent}").code == "not_a_token"


def test_landing_mints_a_view_that_becomes_one_click(ada: Api, mei: Api, post: dict[str, Any], anyone: Api) -> None:
    ada.put(f"shops/{post['items'][0]['shop']}/plans/general", {"rate_bp": 2000})
    code = mei.post("tokens", {"product": post["items"][0]["product"]}).json["code"]
    landing = anyone.get(f"landings/{code}").json
    assert landing["ad_label"] is True
    assert landing["click"] is None
    click = anyone.post("clicks", {"view": landing["view"]}).json["click"]
    assert click
    assert anyone.post("clicks", {"view": landing["view"] + "x"}).json["click"] is None
    assert anyone.post("clicks", {"view": landing["view"]}, **{"User-Agent": "Googlebot/2.1"}).json["click"] is None


def test_revoked_token_says_why_and_mints_nothing(mei: Api, ada: Api, post: dict[str, Any], anyone: Api) -> None:
    token = mei.post("tokens", {"product": post["items"][0]["product"]}).json
    assert ada.post(f"tokens/{token['id']}/revoke").code == "creator_required"
    assert mei.post(f"tokens/{token['id']}/revoke").json["state"] == "revoked"
    landing = anyone.get(f"landings/{token['code']}").json
    assert (landing["problem"], landing["view"]) == ("token_revoked", "")


def test_guessing_tokens_trips_the_limiter(anyone: Api, db: Any) -> None:
    codes = {anyone.post("tokens/resolve", {"text": f"{n:013d}"}).code for n in range(70)}
    assert codes == {"not_a_token", "rate_limited"}


def test_one_call_hands_out_everything_for_the_channel_at_hand(
    mei: Api, post: dict[str, Any], otto: Api, anyone: Api
) -> None:
    product = post["items"][0]["product"]
    made = mei.post("shares", {"product": product})
    assert made.status == 201, made.body
    pictures, token = made.json["pictures"], made.json["token"]
    for name, kind in (
        ("qr_svg", "image/svg+xml"),
        ("qr_png", "image/png"),
        ("poster", "image/png"),
        ("card", "image/png"),
    ):
        path = pictures[name][pictures[name].index("/q/") :]
        assert anyone.client.get(path)["Content-Type"] == kind, name
    assert {each["outlet"] for each in made.json["material"]} >= {"weibo", "wechat_moments", "qq"}
    for place, each in enumerate(made.json["material"]):
        assert each["pieces"][0]["form"] == each["default"]
        for piece in each["pieces"]:
            said = {"text": piece["text"] or piece["picture"]}
            found = Api(address=f"203.0.113.{place}").post("tokens/resolve", said).json
            assert (found["code"], found["problem"]) == (token["code"], None)
    # B6.2: a capability that is switched off changes the next share, and old ones still resolve.
    before = next(each for each in made.json["material"] if each["outlet"] == "qq")
    assert before["default"] == "link"
    version = anyone.get("outlets/qq").json["version"]
    assert otto.patch("outlets/qq", {"clickable_link": False, "version": version}).json["default"] == "text"
    after = mei.get(f"tokens/{token['id']}/share?outlet=qq").json["material"][0]
    assert after["default"] == "text"
    assert "/S/" not in str(after["pieces"])
    assert anyone.post("tokens/resolve", {"text": before["pieces"][0]["text"]}).json["code"] == token["code"]
    assert otto.patch("outlets/qq", {"clickable_link": True, "version": version}).status == 409
    assert otto.patch("outlets/qq", {"name_en": None}).code == "malformed"
    assert mei.get("outlets/news").json[0]["form_after"] == "text"
    assert otto.get("outlets/qq/changes").json[0]["changed"] == {"clickable_link": False}
    for outlet in ("clickable_link", "text_token", "picture"):
        otto.patch("outlets/qq", {outlet: False})
    assert mei.post("shares", {"product": product, "outlet": "qq"}).code == "outlet_closed"
    assert mei.post("shares", {"product": product, "outlet": "nowhere"}).status == 404


def test_the_registry_of_channels_is_the_operators(mei: Api, creator: str, otto: Api, anyone: Api) -> None:
    body = {"code": "mastodon", "name_en": "Mastodon", "name_zh": "长毛象", "clickable_link": True, "text_token": True,
            "picture": True, "max_len": 500}  # fmt: skip
    assert mei.post("outlets", body).status == 403
    made = otto.post("outlets", body)
    assert (made.status, made.json["default"], made.json["max_len"]) == (201, "link", 500)
    assert otto.post("outlets", body).code == "outlet_exists"
    assert "mastodon" in {each["code"] for each in anyone.get("outlets").json}
    for path in ("channels/reach", "channels/sales", "channels/alarms", "channels/reports", "outlets/qq/changes"):
        assert mei.get(path).status == 403
        assert otto.get(path).status == 200
    assert otto.get("channels/reach?since=2026-01-01T00:00:00Z&until=2025-01-01T00:00:00Z").code == "malformed"
    told = mei.post("outlets/mastodon/reports", {"form": "link", "note": "it shows a warning"})
    assert told.status == 201
    assert otto.get("channels/reports").json[0]["note"] == "it shows a warning"
    assert otto.post("channels/alarms/alm_00000000000000000000/close").status == 404


def test_many_tokens_at_once_and_what_each_brought(mei: Api, post: dict[str, Any], anyone: Api) -> None:
    product = post["items"][0]["product"]
    targets = [{"product": product}, {"product": product, "recommendation": post["id"]}]
    made = mei.post("tokens/batch", {"targets": targets})
    assert made.status == 201, made.body
    assert len({each["code"] for each in made.json}) == 2
    assert mei.post("tokens/batch", {"targets": []}).status == 422
    assert mei.post("tokens/batch", {"targets": [{"product": "prd_" + "0" * 20}]}).status == 404
    view = anyone.get(f"landings/{made.json[0]['code']}").json["view"]
    assert anyone.post("clicks", {"view": view}).json["click"]
    report = {each["code"]: each for each in mei.get("tokens/report").json}
    assert report[made.json[0]["code"]]["clicks"] == 1
    assert report[made.json[0]["code"]]["channels"][0]["channel"] == "unknown"
    assert report[made.json[1]["code"]]["clicks"] == 0


def test_c4_7_convert_gives_a_token_of_ones_own_and_leaves_the_other(
    mei: Api, otto: Api, post: dict[str, Any], person: Any, anyone: Api
) -> None:
    theirs = mei.post("tokens", {"product": post["items"][0]["product"], "recommendation": post["id"]}).json
    li = person("Li")
    assert li.post("tokens/convert", {"text": theirs["text"]}).code == "creator_required"
    applied = li.post("creators", {"name": "Li"}).json["id"]
    otto.post(f"creators/{applied}/approve")
    own = li.post("tokens/convert", {"text": theirs["text"]})
    assert own.status == 201
    assert own.json["code"] != theirs["code"]
    assert anyone.post("tokens/resolve", {"text": theirs["text"]}).json["creator"]["name"] == "Mei"
    both = f"{own.json['text']} {theirs['text']}"
    assert anyone.post("tokens/resolve", {"text": both}).json["creator"]["name"] == "Li"
    assert (
        anyone.post("tokens/resolve", {"text": f"{theirs['text']} {own.json['text']}"}).json["creator"]["name"] == "Mei"
    )
    assert li.post("tokens/convert", {"text": "nothing here"}).code == "not_a_token"
    assert mei.get(f"tokens/{theirs['id']}").json["state"] == "active"


def test_c5_1_a_partners_page_over_the_api_is_judged_when_it_is_made_and_when_it_is_opened(
    mei: Api, creator: str, otto: Api, anyone: Api
) -> None:
    url = "https://item.example.org/item/7"
    refused = mei.post("tokens/pages", {"url": url})
    assert (refused.status, refused.code) == (422, "link_blocked")
    assert "/links/blocked/dec_" in str(refused.json)
    partner = {
        "name": "Example Mall", "hosts": ["item.example.org"], "product_patterns": ["item.example.org/item/{digits}"],
        "contract": "2026-17", "after_sale_contact": "care@example.org",
    }  # fmt: skip
    made = otto.post("partners", partner)
    assert made.status == 201, made.body
    token = mei.post("tokens/pages", {"url": url})
    assert (token.status, token.json["page"], token.json["target"]) == (201, url, "partner_page")
    assert mei.post("tokens/pages", {"url": url}).json["id"] == token.json["id"]
    opened = anyone.get(f"landings/{token.json['code']}").json
    assert (opened["page"]["url"], opened["page"]["verdict"], opened["ad_label"]) == (url, "allow", True)
    assert (opened["shop"], opened["product"], opened["problem"]) == (None, None, None)
    click = anyone.post("clicks", {"view": opened["view"], "carrier": "device-1"})
    assert (click.status, bool(click.json["click"])) == (201, True)
    assert [one["clicks"] for one in mei.get("tokens/report").json if one["id"] == token.json["id"]] == [1]
    assert otto.post(f"partners/{made.json['id']}/end", {"reason": "contract over"}).status == 200
    ended = anyone.get(f"landings/{token.json['code']}").json
    assert (ended["problem"], ended["page"]["verdict"], ended["view"]) == ("page_withdrawn", "warn", "")
    assert "Example Mall" in ended["page"]["reason"]
    # Of two tokens in a text the one that still opens is found.
    assert anyone.post("tokens/resolve", {"text": token.json["text"]}).json["problem"] == "page_withdrawn"
