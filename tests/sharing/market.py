"""A small market for tests: Ada keeps a shop, Mei and Li recommend, Bo buys."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from meadow.accounts import services as accounts
from meadow.accounts.queries import Creator
from meadow.catalog import queries as catalog
from meadow.catalog import services as shelves
from meadow.kernel.audit import SYSTEM, Actor
from meadow.payments import services as payments

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
BROWSER = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) MicroMessenger/8.0",
    "Host": "testserver",
}
TAP = BROWSER | {
    "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-User": "?1",
}  # fmt: skip

_numbers = count(1)


@dataclass(frozen=True)
class Shop:
    id: int
    merchant_id: int
    keeper: Actor


def person(name: str) -> int:
    return accounts.add_person(email=f"{name.lower()}{next(_numbers)}@example.com", name=name, locale="en").pk


def creator(name: str = "Mei") -> Creator:
    applied = accounts.apply_as_creator(person_id=person(name), name=name)
    return accounts.approve_creator(creator_id=applied.pk, by=SYSTEM)


def shop(name: str = "Ada's shop", keeper: str = "Ada") -> Shop:
    keeper_id = person(keeper)
    merchant = accounts.open_merchant(person_id=keeper_id, name=f"{keeper} Ltd")
    payments.admit_merchant(merchant_id=merchant.pk, reason="known to the operator", by=SYSTEM)
    opened = shelves.open_shop(merchant_id=merchant.pk, name=name, currency="CNY")
    return Shop(opened.pk, merchant.pk, Actor("person", keeper_id))


def product(of: Shop, title: str = "Tea bowl", price_minor: int = 10_000, left: int = 10) -> int:
    new = shelves.NewSku(price_minor=price_minor, left=left)
    return shelves.add_product(shop_id=of.id, title=f"{title} {next(_numbers)}", skus=[new]).pk


def sku_of(product_id: int) -> int:
    return catalog.product_page(product_id, keeper=True).skus[0].sku_id
