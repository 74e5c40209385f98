"""How a shop opens, changes, closes and opens again."""

from django.conf import settings

from meadow.accounts import queries as accounts
from meadow.catalog import freight, queries, rules
from meadow.catalog.models import Shop, Suspension, new_shop_id
from meadow.catalog.services.texts import check_shop, hold_shop, require_clear
from meadow.governance import queries as governance
from meadow.governance.services import require_staying
from meadow.kernel import audit
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic, move
from meadow.kernel.errors import Refusal
from meadow.kernel.events import ShopClosed, ShopOpened
from meadow.kernel.money import exponent
from meadow.kernel.outbox import emit


def open_shop(
    *,
    merchant_id: int,
    name: str,
    currency: str | None = None,
    flat_shipping_minor: int = 0,
    notice: str = "",
    by: Actor = SYSTEM,
) -> Shop:
    """A merchant opens a shop in one currency, by default the installation's.

    Refuses: not_found, malformed, merchant_suspended, merchant_leaving, feature_suspended, currency_unknown,
    price_negative, price_above_cap, text_refused, link_blocked.
    """
    money = currency or settings.MEADOW.currency
    exponent(money)
    merchant = accounts.require_merchant(merchant_id)
    verdict = check_shop(name=_name(name), notice=_notice(notice), merchant_id=merchant.pk, by=by)
    with atomic():
        merchant = accounts.require_merchant(merchant_id)
        governance.require_feature("shops")
        if governance.is_suspended("accounts.merchant", merchant.pk):
            raise Refusal("merchant_suspended")
        if by.kind != "system" and (by.person_id is None or not accounts.may_act_for(by.person_id, merchant.pk)):
            raise Refusal("not_found")
        require_staying(merchant.pk)
        public_id = new_shop_id()
        shop = Shop.objects.create(
            public_id=public_id,
            slug=_free_slug(name, public_id),
            merchant_id=merchant.pk,
            name=_name(name),
            currency=money,
            flat_shipping_minor=_shipping(flat_shipping_minor),
            notice=_notice(notice),
        )
        audit.record(by, "open_shop", ("catalog.shop", shop.pk), after={"name": shop.name, "currency": money})
        emit(ShopOpened(shop.pk, merchant.pk))
        hold_shop(shop_id=shop.pk, verdict=verdict)
        shop.refresh_from_db(fields=["state"])
    return shop


def change_shop(
    *,
    shop_id: int,
    name: str | None = None,
    flat_shipping_minor: int | None = None,
    notice: str | None = None,
    shipping_zones: object = None,
    by: Actor = SYSTEM,
) -> Shop:
    """Changes what is given; shipping_zones is the template of prices by region and weight, empty for the flat price.

    Refuses: not_found, forbidden, malformed, price_negative, price_above_cap, text_refused, text_unclear, link_blocked.
    """
    if name is not None or notice is not None:
        kept = queries.kept_shop(shop_id, by)
        words = _name(name) if name is not None else ""
        require_clear(check_shop(name=words, notice=_notice(notice or ""), merchant_id=kept.merchant_id, by=by))
    with atomic():
        shop = queries.kept_shop(shop_id, by, lock=True)
        before = {"name": shop.name, "flat_shipping_minor": shop.flat_shipping_minor, "notice": shop.notice}
        if name is not None:
            shop.name = _name(name)
        if flat_shipping_minor is not None:
            shop.flat_shipping_minor = _shipping(flat_shipping_minor)
        if notice is not None:
            shop.notice = _notice(notice)
        if shipping_zones is not None:
            shop.shipping_zones = freight.check_zones(shipping_zones)
        shop.save(update_fields=["name", "flat_shipping_minor", "notice", "shipping_zones"])
        after = {"name": shop.name, "flat_shipping_minor": shop.flat_shipping_minor, "notice": shop.notice}
        audit.record(by, "change_shop", ("catalog.shop", shop.pk), before=before, after=after)
    return shop


def close_shop(*, shop_id: int, by: Actor = SYSTEM) -> Shop:
    """Nothing of the shop can be bought any more; orders on their way go on.  Refuses: not_found, forbidden, stale_state."""
    with atomic():
        shop = queries.kept_shop(shop_id, by, lock=True)
        before = shop.state
        move(shop, rules.SHOP, "close")
        # A suspension that ends later must not open it again.
        Suspension.objects.filter(subject_kind="shop", subject_id=shop.pk, lifted_at__isnull=True).update(
            prior_state="closed"
        )
        audit.record(by, "close_shop", ("catalog.shop", shop.pk), before={"state": before}, after={"state": "closed"})
        emit(ShopClosed(shop.pk))
    return shop


def close_shops_of(*, merchant_id: int) -> int:
    """Closes what a merchant still sells in, because it leaves; orders on their way go on.  Returns how many."""
    found = Shop.objects.filter(merchant_id=merchant_id).exclude(state="closed").order_by("pk")
    return len([close_shop(shop_id=shop.pk) for shop in found])


def reopen_shop(*, shop_id: int, by: Actor = SYSTEM) -> Shop:
    """Refuses: not_found, forbidden, stale_state, suspended_by_decision, merchant_leaving."""
    with atomic():
        shop = queries.kept_shop(shop_id, by, lock=True)
        require_staying(shop.merchant_id)
        if Suspension.objects.filter(subject_kind="shop", subject_id=shop.pk, lifted_at__isnull=True).exists():
            raise Refusal("suspended_by_decision")
        move(shop, rules.SHOP, "reopen")
        audit.record(by, "reopen_shop", ("catalog.shop", shop.pk), after={"state": "open"})
        emit(ShopOpened(shop.pk, shop.merchant_id))
    return shop


def _name(name: str) -> str:
    tidy = rules.tidy_line(name)
    if not 1 <= len(tidy) <= rules.LIMITS["name_chars"]:
        raise Refusal("malformed", field="name", why=f"1 to {rules.LIMITS['name_chars']} characters")
    return tidy


def _notice(notice: str) -> str:
    return rules.tidy_text(notice)[: rules.LIMITS["url_chars"]]


def _shipping(minor: int) -> int:
    if fault := rules.price_fault(minor, is_gift=True):
        raise fault
    return minor


def _free_slug(name: str, public_id: str) -> str:
    """The name's own slug if nobody has it, else with some of the id behind it."""
    slug = rules.slug_from(name)
    if len(slug) >= 3 and not Shop.objects.filter(slug=slug).exists():
        return slug
    return f"{slug or 'shop'}-{public_id[-8:]}"
