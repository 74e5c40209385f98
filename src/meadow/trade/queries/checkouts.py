"""What a checkout would cost now, what changed since its page was shown, and which orders came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from meadow.catalog import queries as catalog
from meadow.kernel import clock, rows, signing
from meadow.kernel.errors import Refusal
from meadow.ledger.queries import split
from meadow.payments import queries as payments
from meadow.payments.queries import Offer
from meadow.plans import queries as plans
from meadow.trade import rules
from meadow.trade.models import Checkout, Order
from meadow.trade.queries.carts import problem_of
from meadow.trade.rules import Part, Priced


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """A line at its price of now, beside the price that was shown; problem is the code of a refusal."""

    sku: catalog.SkuForSale
    quantity: int
    shown_price_minor: int
    shown_price_version: int
    click: str
    problem: str | None

    @property
    def amount_minor(self) -> int:
        return self.sku.price_minor * self.quantity

    @property
    def is_price_changed(self) -> bool:
        return self.sku.price_version != self.shown_price_version


@dataclass(frozen=True, slots=True)
class QuotePart:
    """One shop's part: it becomes one order."""

    shop: catalog.ShopView
    lines: tuple[QuoteLine, ...]
    goods_minor: int
    shipping_minor: int
    shown_shipping_minor: int

    @property
    def total_minor(self) -> int:
        return self.goods_minor + self.shipping_minor

    @property
    def currency(self) -> str:
        return self.shop.currency

    @property
    def problem(self) -> QuoteLine | None:
        """The first line that cannot be bought."""
        return next((line for line in self.lines if line.problem), None)


@dataclass(frozen=True, slots=True)
class Quote:
    """All that a checkout page shows; every number is the server's."""

    checkout_id: int
    public_id: str
    state: str
    parts: tuple[QuotePart, ...]

    @property
    def lines(self) -> list[QuoteLine]:
        return [line for part in self.parts for line in part.lines]

    @property
    def total_minor(self) -> dict[str, int]:
        """What is to be paid, per currency."""
        return totals_of(self.parts)

    @property
    def price_versions(self) -> dict[int, int]:
        """What a form hands back to say that it has seen these prices: SKU id to version."""
        return {line.sku.sku_id: line.sku.price_version for line in self.lines}

    @property
    def is_changed(self) -> bool:
        return any(line.is_price_changed for line in self.lines)


def totals_of(parts: Sequence[QuotePart]) -> dict[str, int]:
    """The same sums as `rules.totals_of`, over parts with their shops."""
    return rules.totals_of(Part(p.shop.shop_id, p.currency, p.goods_minor, p.shipping_minor, ()) for p in parts)


def checkout_token(of: Checkout) -> str:
    """The signed id that a page or an API client carries; who has it may look and buy."""
    return signing.sign({"c": of.pk}, "checkout")


def checkout_by_token(token: str, *, person_id: int | None = None) -> Checkout:
    """The checkout of a signed id; one that a person opened is nobody else's.  Refuses: not_found."""
    payload = signing.unsign(token, "checkout")
    if payload is None:
        raise Refusal("not_found")
    return checkout(int(payload["c"]), person_id=person_id)


def checkout(checkout_id: int, *, person_id: int | None = None) -> Checkout:
    """Refuses: not_found."""
    found = rows.first(Checkout, id=checkout_id)
    if found is None or found.buyer_id not in (None, person_id):
        raise Refusal("not_found")
    return found


def orders_of_checkout(checkout_id: int) -> list[Order]:
    """The orders that came of a checkout, in the order of its shops."""
    return list(Order.objects.filter(checkout_id=checkout_id).select_related("payment").order_by("pk"))


def quote(of: Checkout, to: Mapping[str, str] | None = None) -> Quote:
    """What a checkout costs now, sent to an address if one is known; two statements.

    Where a shop does not send there, or nobody said where, its first zone's price stands in.
    """
    wanted = {line["sku_id"]: line for line in of.lines}
    skus = catalog.skus_for_sale(wanted)
    shops = catalog.shops({sku.shop_id for sku in skus.values()})
    priced = [
        Priced(sku_id, skus[sku_id].shop_id, line["quantity"], skus[sku_id].price_minor, skus[sku_id].currency)
        for sku_id, line in wanted.items()
    ]
    parts = rules.parts_of(priced, _shipping(priced, skus, shops, to or {}))
    return Quote(of.pk, of.public_id, of.state, tuple(_part(part, skus, shops, wanted, of.shipping) for part in parts))


def _shipping(
    priced: Sequence[Priced],
    skus: Mapping[int, catalog.SkuForSale],
    shops: Mapping[int, catalog.ShopView],
    to: Mapping[str, str],
) -> dict[int, int]:
    """What each shop takes for sending its part."""
    found = {}
    for shop_id, shop in shops.items():
        grams, goods = _load([line for line in priced if line.shop_id == shop_id], skus)
        fee = shop.shipping_for(to.get("country", ""), to.get("region", ""), grams, goods)
        found[shop_id] = shop.shipping_for("", "", grams, goods) or 0 if fee is None else fee
    return found


def _load(lines: Sequence[Priced], skus: Mapping[int, catalog.SkuForSale]) -> tuple[int, int]:
    """How many grams, and what the goods come to."""
    weights = [skus[line.sku_id].weight_grams for line in lines]
    grams = sum(
        line.quantity * (catalog.DEFAULT_GRAMS if weight is None else weight)
        for line, weight in zip(lines, weights, strict=True)
    )
    return grams, sum(line.amount_minor for line in lines)


def require_delivered(of: Quote, to: Mapping[str, str]) -> None:
    """Refuses: not_delivered, for the first shop that does not send to an address."""
    for part in of.parts:
        if part.shop.shipping_for(to["country"], to.get("region", ""), 1, 0) is None:
            raise Refusal("not_delivered", shop=part.shop.name)


def ways_to_pay(of: Quote) -> dict[str, list[Offer]]:
    """The providers per currency, the best first, each with why it is not offered for this checkout."""
    return {
        currency: payments.offers(
            currency=currency,
            merchant_ids={part.shop.merchant_id for part in of.parts if part.currency == currency},
            share_bp=_largest_share_bp([part for part in of.parts if part.currency == currency]),
        )
        for currency in of.total_minor
    }


def _largest_share_bp(parts: Sequence[QuotePart]) -> int:
    """How much of an order may go to others than its merchant, whoever turns out to earn on it: by the highest rate of
    any plan for each product.  Not counted where no provider minds."""
    if all(payments.limits_of(provider).max_split_ratio_bp is None for provider in payments.providers()):
        return 0
    rates = plans.highest_rates(
        [(line.sku.product_id, part.shop.shop_id) for part in parts for line in part.lines], at=clock.now()
    )
    return payments.share_bp_of(
        [
            (sum(split(line.amount_minor, rates[line.sku.product_id]).pool for line in part.lines), part.total_minor)
            for part in parts
        ]
    )


def _part(
    part: Part,
    skus: Mapping[int, catalog.SkuForSale],
    shops: Mapping[int, catalog.ShopView],
    wanted: Mapping[int, dict[str, object]],
    shown_shipping: Mapping[str, int],
) -> QuotePart:
    lines = tuple(_line(skus[sku_id], wanted[sku_id]) for sku_id in part.sku_ids)
    shown = shown_shipping.get(str(part.shop_id), part.shipping_minor)
    return QuotePart(shops[part.shop_id], lines, part.goods_minor, part.shipping_minor, shown)


def _line(sku: catalog.SkuForSale, stored: Mapping[str, object]) -> QuoteLine:
    quantity = int(str(stored["quantity"]))
    return QuoteLine(
        sku=sku,
        quantity=quantity,
        shown_price_minor=int(str(stored["price_minor"])),
        shown_price_version=int(str(stored["price_version"])),
        click=str(stored["click"]),
        problem=problem_of(sku, quantity),
    )
