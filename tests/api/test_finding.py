"""Can goods be picked, shown, kept and put into a cart by machines, and is what is another's not there?"""

from typing import Any

import pytest
from tests.api.client import Api
from tests.api.test_sharing import creator, post, product

from meadow.kernel import clock, outbox, sweeps

__all__ = ["creator", "post", "product"]
pytestmark = pytest.mark.django_db


def settle() -> None:
    outbox.drain_all()
    sweeps.run_due(clock.now())


def test_goods_are_picked_by_filters_and_the_filters_are_checked(
    ada: Api, mei: Api, otto: Api, creator: str, product: dict[str, Any], anyone: Api
) -> None:
    ada.put(f"shops/{product['shop']}/plans/general", {"rate_bp": 2000})
    settle()
    (found,) = mei.get("goods?q=linen&min_rate_bp=1000&min_earns_minor=1800&standing=good").json["items"]
    assert (found["product"], found["earns_minor"], found["plan"]) == (product["id"], 1800, "general")
    assert mei.get("goods?min_earns_minor=1801").json["items"] == []
    assert mei.get(f"goods?shop={product['shop']}&sort=cheapest&limit=1").json["next_cursor"] is None
    assert mei.get("goods/categories").json == []
    for wrong in ("sort=id", "min_left=-1", "currency=XXQ", "min_rate_bp=2&max_rate_bp=1", "plan=all", "cursor=x"):
        assert mei.get(f"goods?{wrong}").status == 422, wrong
    assert anyone.get("goods").status == 401
    assert ada.get("goods").code == "creator_required"
    assert mei.post("goods/rebuild").status == 403
    assert otto.post("goods/rebuild").json == {"products": 1}


def test_a4_a_showcase_is_kept_and_seen(mei: Api, ada: Api, creator: str, post: dict[str, Any], anyone: Api) -> None:
    wanted = {"recommendation": post["id"], "product": post["items"][0]["product"]}
    made = mei.post("me/showcase/entries", wanted)
    assert (made.status, len(made.json["entries"])) == (201, 1)
    seen = anyone.get(f"creators/{creator}/showcase").json
    assert (seen["version"], seen["entries"][0]["state"]) == (made.json["version"], "on_sale")
    assert anyone.post("clicks", {"view": seen["entries"][0]["view"]}).status == 201
    entry = seen["entries"][0]["id"]
    stale = mei.put("me/showcase/order", {"version": 99, "entries": [entry]})
    assert (stale.status, stale.code) == (409, "showcase_changed")
    assert mei.put("me/showcase/order", {"version": seen["version"], "entries": [entry]}).status == 200
    assert ada.get("me/showcase").code == "creator_required"
    assert mei.delete(f"me/showcase/entries/{entry}").json["entries"] == []
    assert mei.delete(f"me/showcase/entries/{entry}").status == 404
    assert mei.post("me/showcase/entries", {"recommendation": post["id"]}).json["entries"][0]["id"] != entry


def test_favourites_are_ones_own_and_know_the_price_then(
    ada: Api, mei: Api, product: dict[str, Any], anyone: Api
) -> None:
    assert mei.put(f"favourites/{product['id']}", {}).status == 204
    assert mei.put(f"favourites/{product['id']}", {"tell_price_drop": False}).status == 204
    ada.put(f"skus/{product['skus'][0]['id']}/price", {"price_minor": 9_000})
    (kept,) = mei.get("favourites").json["items"]
    assert (kept["price_when_kept_minor"], kept["price_minor"], kept["drop_minor"]) == (10_000, 9_000, 1_000)
    assert kept["tell_price_drop"] is False
    assert anyone.put(f"favourites/{product['id']}", {"carrier": "phone-of-bo", "tell_price_drop": True}).status == 204
    assert anyone.get("favourites?carrier=phone-of-bo").json["items"][0]["tell_price_drop"] is False
    assert anyone.get("favourites?carrier=another-phone").json["items"] == []
    assert ada.delete(f"favourites/{product['id']}").status == 404
    assert mei.delete(f"favourites/{product['id']}").status == 204
    assert mei.get("favourites").json["items"] == []


def test_a5_1_and_a5_3_the_audit_of_a_line_and_the_limit_per_buyer(
    ada: Api, mei: Api, creator: str, post: dict[str, Any], product: dict[str, Any], person: Any
) -> None:
    bo, sku = person("Bo"), product["skus"][0]["id"]
    click = bo.post("clicks", {"view": post["items"][0]["view"]}).json["click"]
    assert bo.post("cart/lines", {"sku": sku, "click": click}).status == 201
    (heard,) = bo.get(f"cart/lines/{sku}/clicks").json
    assert (heard["creator"], heard["surface"], heard["counts"]) == (creator, "post", True)
    assert mei.get(f"cart/lines/{sku}/clicks").status == 404
    assert mei.put(f"skus/{sku}/buyer-limit", {"most": 2}).status == 403
    assert ada.put(f"skus/{sku}/buyer-limit", {"most": 2}).json["skus"][0]["buyer_limit"] == 2
    over = bo.put(f"cart/lines/{sku}", {"quantity": 3})
    assert (over.status, over.code) == (409, "over_buyer_limit")
    assert ada.put(f"skus/{sku}/buyer-limit", {"most": 0}).status == 422
