"""Can a merchant keep a shop over the API: open it, fill it by hand and by file, price, stock, withdraw, export?"""

from typing import Any

import pytest
from tests.api.client import Api

pytestmark = pytest.mark.django_db

CSV = (
    "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Price\n"
    "tea,Green tea,Weight,100 g,T1,shopify,5,19.90\n"
    "tea,,,250 g,T2,shopify,7,39.90\n"
    "cup,Cup,Title,Default Title,C1,shopify,3,not a price\n"
)


@pytest.fixture
def shop(ada: Api) -> dict[str, Any]:
    merchant = ada.post("merchants", {"name": "Linen & Co"}).json["id"]
    made = ada.post(
        f"merchants/{merchant}/shops", {"name": "Linen & Co", "currency": "CNY", "flat_shipping_minor": 1000}
    )
    assert made.status == 201, made.body
    return {**made.json, "merchant": merchant}


def _add(api: Api, shop: str, title: str = "Linen shirt", price: int = 10_000, left: int | None = 10) -> Any:
    return api.post(f"shops/{shop}/products", {"title": title, "skus": [{"price_minor": price, "left": left}]})


def test_shop_is_opened_changed_closed_and_reopened(ada: Api, mei: Api, anyone: Api, shop: dict[str, Any]) -> None:
    address = f"shops/{shop['id']}"
    assert anyone.get(address).json["flat_shipping_minor"] == 1000
    assert ada.patch(address, {"name": "Linen"}).json["name"] == "Linen"
    assert mei.patch(address, {"name": "Mine"}).status == 403
    assert ada.post(f"{address}/close").json["state"] == "closed"
    assert anyone.get(address).status == 404
    assert mei.get(address).status == 404
    assert ada.get(address).json["state"] == "closed"
    assert ada.post(f"{address}/close").status == 409
    assert ada.post(f"{address}/reopen").json["state"] == "open"
    assert ada.get(f"merchants/{shop['merchant']}/shops").json[0]["id"] == shop["id"]


def test_key_bound_to_one_merchant_acts_for_no_other(ada: Api, shop: dict[str, Any]) -> None:
    other = ada.post("merchants", {"name": "Other"}).json["id"]
    bound = ada.post("me/keys", {"name": "bound", "scopes": ["catalog"], "merchant_id": other}).json["secret"]
    assert Api(bound).get(f"merchants/{shop['merchant']}").status == 404
    assert Api(bound).patch(f"shops/{shop['id']}", {"name": "x"}).status == 403
    assert _add(Api(bound), shop["id"]).status == 403


def test_product_is_added_priced_stocked_and_withdrawn(ada: Api, mei: Api, anyone: Api, shop: dict[str, Any]) -> None:
    body = {
        "title": "Linen shirt", "options": ["Size"],
        "skus": [{"price_minor": 10_000, "left": 3, "options": ["M"]}, {"price_minor": 12_000, "left": None, "options": ["L"]}],
    }  # fmt: skip
    made = ada.post(f"shops/{shop['id']}/products", body)
    assert made.status == 201, made.body
    sku = made.json["skus"][0]
    assert anyone.get(f"products/{made.json['id']}").json["skus"][0]["left"] == 3
    assert mei.put(f"skus/{sku['id']}/price", {"price_minor": 1}).status == 403
    priced = ada.put(f"skus/{sku['id']}/price", {"price_minor": 9_000}).json["skus"][0]
    assert (priced["price_minor"], priced["price_version"]) == (9_000, sku["price_version"] + 1)
    assert ada.put(f"skus/{sku['id']}/stock", {"left": 8}).json["skus"][0]["left"] == 8
    assert ada.post(f"products/{made.json['id']}/withdraw").json["state"] == "withdrawn"
    assert anyone.get(f"products/{made.json['id']}").json["on_sale"] is False
    assert anyone.get("products").json["items"] == []
    assert ada.post(f"products/{made.json['id']}/offer").json["state"] == "on_sale"
    kept = ada.get(f"shops/{shop['id']}/products").json["items"][0]
    assert (kept["skus"], kept["left"] >= 8) == (2, True)
    assert mei.get(f"shops/{shop['id']}/products").status == 404


def test_amounts_are_whole_numbers_and_nothing_else(ada: Api, shop: dict[str, Any]) -> None:
    for price in ("100", 100.0, True, -1, 10**13, None, [1]):
        reply = ada.post(f"shops/{shop['id']}/products", {"title": "x", "skus": [{"price_minor": price}]})
        assert (reply.status, reply.json["errors"][0]["pointer"]) == (422, "#/skus/0/price_minor")


def test_list_goes_on_by_link_and_cursor(ada: Api, anyone: Api, shop: dict[str, Any]) -> None:
    for n in range(5):
        assert _add(ada, shop["id"], f"Shirt {n}").status == 201
    seen, path = [], f"products?limit=2&shop={shop['id']}"
    while path:
        reply = anyone.get(path)
        seen += [item["title"] for item in reply.json["items"]]
        link = reply.headers.get("link", "")
        assert bool(link) == bool(reply.json["next_cursor"])
        path = link[link.find("/api/") : link.find(">")] if link else ""
    assert seen == [f"Shirt {n}" for n in (4, 3, 2, 1, 0)]
    assert anyone.get("products?cursor=bent").code == "malformed"


def test_file_is_taken_in_as_body_and_as_form(ada: Api, anyone: Api, shop: dict[str, Any]) -> None:
    address = f"shops/{shop['id']}/imports"
    dry = ada.send("POST", f"{address}?wait=true&dry_run=true", CSV.encode(), {}, "text/csv")
    assert dry.status == 202, dry.body
    assert (dry.json["products"], dry.json["skus"], dry.json["rejected_count"]) == (1, 2, 1)
    assert anyone.get("products").json["items"] == []
    done = ada.send("POST", f"{address}?wait=true&mode=valid", CSV.encode(), {}, "text/csv").json
    assert (done["state"], done["rejected"][0]["row"]) == ("done", 4)
    assert [item["title"] for item in anyone.get("products").json["items"]] == ["Green tea"]
    form = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        + CSV.encode()
        + b"\r\n--x--\r\n"
    )
    again = ada.send("POST", f"{address}?wait=true", form, {}, "multipart/form-data; boundary=x").json
    assert (again["state"], again["changed"]) == ("done", 0)


def test_large_import_is_left_to_the_worker(ada: Api, mei: Api, shop: dict[str, Any]) -> None:
    from meadow.kernel import clock, sweeps

    queued = ada.send("POST", f"shops/{shop['id']}/imports", CSV.encode(), {}, "text/csv").json
    assert queued["state"] == "queued"
    sweeps.run_due(clock.now())  # as the worker does it
    assert ada.get(f"imports/{queued['id']}").json["state"] == "done"
    assert mei.get(f"imports/{queued['id']}").status == 404


def test_what_is_no_product_file_is_refused_in_words(ada: Api, mei: Api, shop: dict[str, Any]) -> None:
    address = f"shops/{shop['id']}/imports?wait=true"
    for body in (b"\x00\x01\x02", b"hello", b"<html></html>", b"", b'<!DOCTYPE a [<!ENTITY b "c">]><rss>&b;</rss>'):
        reply = ada.send("POST", address, body, {}, "application/octet-stream")
        assert reply.code, (body, reply.body)
        assert 400 <= reply.status < 500, (body, reply.body)
    assert mei.send("POST", address, CSV.encode(), {}, "text/csv").status == 403


def test_export_imports_back_equal(ada: Api, mei: Api, anyone: Api, shop: dict[str, Any]) -> None:
    ada.send("POST", f"shops/{shop['id']}/imports?wait=true", CSV.encode(), {}, "text/csv")
    exported = ada.get(f"shops/{shop['id']}/export.csv")
    assert exported.headers["content-type"].startswith("text/csv")
    back = ada.send("POST", f"shops/{shop['id']}/imports?wait=true", exported.body, {}, "text/csv").json
    assert (back["changed"], back["rejected_count"]) == (0, 0)
    assert mei.get(f"shops/{shop['id']}/export.csv").status == 404
    assert b"<g:price>19.90 CNY</g:price>" in anyone.get(f"shops/{shop['id']}/feeds/google.xml").body
    assert b"19.90 CNY" in anyone.get(f"shops/{shop['id']}/feeds/google.tsv").body
