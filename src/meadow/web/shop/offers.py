"""How a product reads on a page: price, stock, choice and what stands in the way of buying it."""

from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from meadow.catalog import queries as catalog
from meadow.kernel.money import decimal_text
from meadow.trade import queries as trade
from meadow.web import shown

FEW = 10  # from here on the live number is told; a number that nobody counted would be false scarcity
MOST_OF_ONE = 99


@dataclass(frozen=True, slots=True)
class Offer:
    """A product with its texts ready.  chosen is the SKU that the page begins with; why_not is empty if on sale."""

    public_id: str
    title: str
    description: str
    picture: str
    shop: catalog.ShopView
    currency: str
    skus: tuple[catalog.SkuView, ...]
    choice_name: str
    chosen: str
    has_many_prices: bool
    price: SafeString
    price_text: str
    price_decimal: str
    was: str
    stock_text: str
    most: int
    why_not: str
    facts: tuple[tuple[str, str], ...]

    @property
    def is_on_sale(self) -> bool:
        return not self.why_not


def offer_of(page: catalog.ProductPage, chosen: str = "") -> Offer:
    """A product's page as texts; `chosen` is the SKU asked for, if it is one of it and still there."""
    card, left = page.card, [sku for sku in page.skus if sku.left > 0]
    first = next((sku for sku in left if sku.public_id == chosen), None) or next(iter(left or page.skus), None)
    was = first.compare_at_minor if first and (first.compare_at_minor or 0) > first.price_minor else None
    has_many = card.price_max_minor > card.price_minor
    return Offer(
        public_id=card.public_id, title=card.title, description=page.description, picture=card.image,
        shop=page.shop, currency=card.currency, skus=page.skus, choice_name=" / ".join(page.options),
        chosen=first.public_id if first else "", has_many_prices=has_many,
        price=price_of(card.price_minor, card.currency, is_from=has_many),
        price_text=shown.money(card.price_minor, card.currency),
        price_decimal=decimal_text(card.price_minor, card.currency),
        was=shown.money(was, card.currency) if was and not has_many else "",
        stock_text=stock_text(card.left), why_not=why_not(card.on_sale, card.left, is_paused=card.is_paused),
        facts=_facts(page.shop),
        most=min(MOST_OF_ONE, max([sku.left for sku in left], default=1)),
    )  # fmt: skip


def price_of(minor: int, currency: str, *, is_from: bool = False) -> SafeString:
    """A price as markup; "from" where the choices differ."""
    amount = shown.price(minor, currency)
    return format_html(_("from {}"), amount) if is_from else amount


def _facts(shop: catalog.ShopView) -> tuple[tuple[str, str], ...]:
    """What a buyer wants to know before paying, each with its icon: shipping, where the money is, the way back."""
    shipping = shop.flat_shipping_minor
    sent = _("Shipping {amount} per order").format(amount=shown.money(shipping, shop.currency))
    held = _("Paid safely: your money is held until you confirm receipt, or {days} days after shipping.")
    back = _("Cancel free of charge until it is shipped; after-sale service for {days} days from receipt.")
    return (
        ("truck", sent if shipping else _("Free shipping")),
        ("shield", held.format(days=trade.AUTO_CONFIRM["express"].days)),
        ("back", back.format(days=trade.TIMERS["after_sale.window"].days)),
    )


def stock_text(left: int) -> str:
    """What is said of the stock; live, and a number only when it is small."""
    if left <= 0:
        return _("Sold out")
    return ngettext("Only {left} left", "Only {left} left", left).format(left=left) if left <= FEW else _("In stock")


def why_not(is_on_sale: bool, left: int, *, is_paused: bool = False) -> str:
    """Why a product cannot be bought just now; empty if it can."""
    if is_paused:
        return _("Not for sale at the moment")
    if not is_on_sale:
        return _("Not for sale any more")
    return _("Sold out") if left <= 0 else ""
