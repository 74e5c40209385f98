"""The people and goods of the page tests: Ada keeps a shop, Mei creates, Bo buys, Otto operates."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.test import Client

from meadow.accounts import services as accounts
from meadow.accounts.queries import Creator, Person
from meadow.catalog import queries as catalog_queries
from meadow.catalog import services as catalog
from meadow.content import services as content
from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.audit import SYSTEM, Actor
from meadow.payments import services as payments
from meadow.plans import services as plans
from meadow.sharing import queries as sharing_queries
from meadow.sharing import services as sharing
from meadow.trade import services as trade

REASON = "Tea I made at six in the morning was still hot at nine in the evening."
SECOND_REASON = "Washed it thirty times and it only got nicer, the seams hold."
ADDRESS = {
    "name": "王小明", "phone": "13800138000", "email": "bo@example.com", "country": "CN", "region": "浙江省",
    "city": "杭州市", "district": "西湖区", "line1": "文三路 1 号",
}  # fmt: skip


@dataclass
class World:
    """A small installation with something to buy in it."""

    ada: Person
    mei: Person
    bo: Person
    otto: Person
    creator: Creator
    shop: Any
    flask: Any
    apron: Any
    post: Any
    token: Any
    code: str
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def by_ada(self) -> Actor:
        return Actor("person", self.ada.pk)

    def sku(self, product: Any, place: int = 0) -> Any:
        return catalog_queries.product_page(product.pk).skus[place]

    def ship(self, order_id: int) -> None:
        trade.ship_order(
            order_id=order_id, parcels=[trade.ParcelIn(kind="express", carrier="SF", number="SF123456789")],
            by=self.by_ada,
        )  # fmt: skip


def person(email: str, name: str, **more: Any) -> Person:
    return accounts.add_person(email=email, name=name, locale="en", password="a long password", **more)


def make_world() -> World:
    ada, mei, bo = (person(f"{n.lower()}@example.com", n) for n in ("Ada", "Mei", "Bo"))
    otto = person("otto@example.com", "Otto")
    code = accounts.issue_operator_code()
    accounts.claim_operator(code=code, person_id=otto.pk)
    applied = accounts.apply_as_creator(person_id=mei.pk, name="Mei <Lin>")
    creator = accounts.approve_creator(creator_id=applied.pk, by=Actor("person", otto.pk))
    merchant = accounts.open_merchant(person_id=ada.pk, name="Green Ear Ltd")
    payments.admit_merchant(merchant_id=merchant.pk, reason="known to the operator", by=SYSTEM)
    by_ada = Actor("person", ada.pk)
    shop = catalog.open_shop(merchant_id=merchant.pk, name="Green Ear", currency="CNY", flat_shipping_minor=1000)
    flask = catalog.add_product(
        shop_id=shop.pk, title="Steel flask <b>500</b>", description="316 steel.\nKeeps tea hot for a day.",
        options=["Colour"],
        skus=[
            catalog.NewSku(price_minor=12900, left=7, options=["Cream"]),
            catalog.NewSku(price_minor=13900, left=50, options=["Forest"]),
            catalog.NewSku(price_minor=13900, left=0, options=["Coral"]),
        ],
        by=by_ada,
    )  # fmt: skip
    apron = catalog.add_product(
        shop_id=shop.pk, title="Linen apron", skus=[catalog.NewSku(price_minor=8800, left=40)], by=by_ada
    )
    plans.set_general_plan(shop_id=shop.pk, rate_bp=2000, by=by_ada)
    post = content.publish_recommendation(
        creator_id=creator.pk, items=[(flask.pk, REASON), (apron.pk, SECOND_REASON)], title="For the kitchen"
    )
    token = sharing.mint_token(
        creator_id=creator.pk, target_kind="content.recommendation", target_id=post.pk, shop_id=shop.pk,
        product_id=flask.pk,
    )  # fmt: skip
    forms = sharing_queries.forms(token, creator_name=creator.name)
    return World(ada, mei, bo, otto, creator, shop, flask, apron, post, token, forms.code, {"forms": forms})


def browser(language: str = "en", **more: Any) -> Client:
    return Client(
        headers={
            "accept-language": language, "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
            "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document",
            "sec-fetch-user": "?1",
        },
        **more,
    )  # fmt: skip


def settle_down(by: timedelta = timedelta(0)) -> None:
    """Events are handled and what falls due is done, up to a moment from now."""
    while outbox.drain():
        pass
    if by:
        sweeps.advance(clock.now() + by)
        while outbox.drain():
            pass
