"""The people of the stories and what they do at the doors: Ada keeps a shop, Mei creates, Bo buys, Otto operates."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from itertools import count
from typing import Any

from django.test import Client
from tests.api.client import Api, Reply

from meadow.kernel import clock

REASON = "Three summers of wear and it still looks new."
ADDRESS = {"name": "Bo", "phone": "+86 138 0000 0000", "line1": "12 Meadow Lane", "city": "Hangzhou", "country": "CN"}
CONTACT = {"email": "bo@example.com"}


def done(reply: Reply, *statuses: int) -> Any:
    """The answer of a request that must have worked."""
    assert reply.status in (statuses or (200, 201, 202, 204)), (reply.status, reply.body.decode())
    return reply.json if reply.body else None


_parcels = count(1_234_567_890)


@dataclass
class House:
    """An installation with its operator, a shop with a plan and a creator; each story adds what it needs."""

    anyone: Api
    otto: Api
    ada: Api
    mei: Api
    shop: str = ""
    creator: str = ""
    products: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def build(cls, *, shipping_minor: int = 1000, rate_bp: int = 2000) -> "House":
        from meadow.accounts.services import issue_operator_code

        anyone = Api()
        claim = {"code": issue_operator_code(), "email": "otto@example.com", "name": "Otto"}
        otto = Api(done(anyone.post("operator/claim", claim))["key"]["secret"])
        house = cls(anyone, otto, cls.person("Ada"), cls.person("Mei"))
        merchant = done(house.ada.post("merchants", {"name": "Linen & Co"}))["id"]
        shop = {"name": "Linen & Co", "currency": "CNY", "flat_shipping_minor": shipping_minor}
        done(otto.post(f"merchants/{merchant}/admit", {"reason": "known to the operator"}))
        house.shop = done(house.ada.post(f"merchants/{merchant}/shops", shop))["id"]
        done(house.ada.put(f"shops/{house.shop}/plans/general", {"rate_bp": rate_bp}))
        house.creator = done(house.mei.post("creators", {"name": "Mei"}))["id"]
        done(otto.post(f"creators/{house.creator}/approve"))
        house.settle_events()
        return house

    @staticmethod
    def person(name: str) -> Api:
        body = {"email": f"{name.lower()}@example.com", "name": name, "locale": "en"}
        return Api(done(Api().post("sandbox/persons", body))["key"]["secret"])

    def product(self, title: str = "Linen shirt", *, price_minor: int = 10_000, left: int = 10) -> dict[str, Any]:
        body = {"title": title, "skus": [{"price_minor": price_minor, "left": left}]}
        made: dict[str, Any] = done(self.ada.post(f"shops/{self.shop}/products", body))
        self.products[title] = made
        return made

    def token(self, product: dict[str, Any]) -> dict[str, Any]:
        """Mei recommends the product and mints the token of her post."""
        post = done(self.mei.post("recommendations", {"items": [{"product": product["id"], "reason": REASON}]}))
        made: dict[str, Any] = done(self.mei.post("tokens", {"product": product["id"], "recommendation": post["id"]}))
        return made

    def landing(self, token: dict[str, Any]) -> dict[str, str]:
        """A shopper without cookies opens the short link; the fields of the form that the page shows."""
        page = Client().get(f"/S/{token['code']}", headers={"Accept-Language": "en"})
        assert page.status_code == 200, page.content
        return fields_of(page.content.decode())

    def buy(self, fields: dict[str, str], **more: str) -> str:
        """The shopper sends that form; the signed id of the checkout it leads to."""
        page = Client().post("/buy", fields | more)
        assert page.status_code == 302, page.content
        return page["Location"].split("/checkout/")[1].partition("?")[0]

    def checkout(self, product: dict[str, Any], quantity: int = 1, *, click: str = "", by: Api | None = None) -> str:
        line = {"sku": product["skus"][0]["id"], "quantity": quantity, "click": click}
        return str(done((by or self.anyone).post("checkouts", {"lines": [line]}))["id"])

    def place(self, checkout: str, *, by: Api | None = None, key: str | None = None) -> Reply:
        body = {"address": ADDRESS, "contact": CONTACT}
        return (by or self.anyone).post(f"checkouts/{checkout}/place", body, key=key)

    def pay(self, payment: str, behaviour: str = "succeed", **more: Any) -> Reply:
        return self.anyone.post(f"payments/{payment}/sandbox-pay", {"behaviour": behaviour, **more})

    def sold(self, product: dict[str, Any], **how: Any) -> dict[str, Any]:
        """A guest buys one and pays; the order as the checkout answered."""
        placed = done(self.place(self.checkout(product, **how)))
        done(self.pay(placed["payments"][0]["id"]))
        order: dict[str, Any] = placed["orders"][0]
        return order

    def ship(self, order: dict[str, Any]) -> Any:
        # A number of its own: one that many orders share is doubted, and they are not confirmed by themselves.
        parcel = {"kind": "express", "carrier": "SF", "number": f"SF{next(_parcels):010d}"}
        return done(self.ada.post(f"orders/{order['id']}/ship", {"parcels": [parcel]}))

    def order(self, order: dict[str, Any]) -> dict[str, Any]:
        seen: dict[str, Any] = done(self.ada.get(f"orders/{order['id']}"))
        return seen

    def money(self, order: dict[str, Any]) -> dict[str, Any]:
        seen: dict[str, Any] = done(self.otto.get(f"orders/{order['id']}/settlement"))
        return seen

    def refund(self, order: dict[str, Any], goods: int, shipping: int = 0, *, key: str | None = None) -> Reply:
        line = next(line for line in self.order(order)["lines"] if line["kind"] == "goods")
        body = {
            "goods": [{"line": line["id"], "amount_minor": goods}] if goods else [], "shipping_minor": shipping,
            "reason": "one button missing",
        }  # fmt: skip
        return self.ada.post(f"orders/{order['id']}/refunds", body, key=key)

    def days(self, number: float) -> None:
        """Otto moves the clock; all that falls due on the way happens at its time."""
        done(self.otto.post("clock/advance", {"by_seconds": max(1, round(number * 86_400))}))

    def settle_events(self) -> None:
        """A second passes, and what handlers have to do is done."""
        self.days(1 / 86_400)

    def suspend(self, kind: str, subject: str) -> None:
        body = {
            "kind": kind, "id": subject, "action": "suspend", "rule": "conduct.fraud", "reason": "invented orders",
            "scope": "all", "ground": "fraud", "until": (clock.now() + timedelta(days=30)).isoformat(),
        }  # fmt: skip
        done(self.otto.post("decisions", body))
        self.settle_events()

    def assert_sound(self) -> None:
        """Every invariant of the house holds."""
        self.settle_events()
        found = done(self.otto.post("invariants/run"))
        assert found["is_sound"], {name: n for name, n in found["violations"].items() if n}
        assert len(found["violations"]) >= 10
        assert done(self.otto.get("outbox/dead-letters")) == []


def fields_of(page: str) -> dict[str, str]:
    """The fields of the form that buys, as a browser would send them unchanged."""
    form = re.search(r'<form[^>]*action="/buy".*?</form>', page, re.S)
    assert form, page
    found: dict[str, str] = {}
    for tag in re.findall(r"<(?:input|button)\b[^>]*>", form.group()):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        kind, name = attributes.get("type", "text"), attributes.get("name")
        if not name or (kind == "radio" and " checked" not in tag and name in found):
            continue
        found[name] = unescape(attributes.get("value", ""))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form.group(), re.S):
        chosen = re.search(r'value="([^"]*)"[^>]*selected', options) or re.search(r'value="([^"]*)"', options)
        assert chosen, options
        found[name] = unescape(chosen.group(1))
    return found
