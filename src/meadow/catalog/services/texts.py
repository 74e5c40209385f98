"""How what sellers write about shops and goods is checked: refused by a named rule, or hidden until somebody has looked."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from meadow.catalog import rules
from meadow.catalog.models import Product, Shop, Sku
from meadow.catalog.services.standing import suspend
from meadow.governance import queries as governance
from meadow.governance.services import (
    Heard,
    Standing,
    TextSurface,
    TextVerdict,
    hold_text,
    note_licence_use,
    refusal_of,
    require_links,
    require_text,
)
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal

PRODUCT, SHOP = "catalog.product", "catalog.shop"


def listing_words(title: str, description: str, vendor: str, tags: Iterable[str], options: Iterable[str]) -> str:
    """All words of a listing as they are judged: when it comes in and whenever it is looked at again."""
    return "\n".join(dict.fromkeys(word for word in (title, description, vendor, *tags, *options) if word))


def check_listing(*, shop: Shop, words: str, category: str, by: Actor) -> TextVerdict:
    """The verdict on a listing that is not refused.  Outside a transaction, so that a refusal stays on record.

    Refuses: text_refused, link_blocked.
    """
    require_links(surface="listing", subject=(SHOP, shop.pk), text=f"{words}\n{category}", by=by)
    return require_text(
        surface=TextSurface.LISTING, text=words, subject=(SHOP, shop.pk), category=category,
        merchant_id=shop.merchant_id, by=by,
    )  # fmt: skip


def carry_out(*, product_id: int, merchant_id: int, verdict: TextVerdict, heard: Heard | None = None) -> None:
    """What a verdict asks for, and what the detectors said, in the transaction that made or changed the listing."""
    subject = (PRODUCT, product_id)
    if heard is not None and heard.decision_id is not None:
        suspend(kind="product", subject_id=product_id, decision_id=heard.decision_id)
    if verdict.licences:
        kinds = sorted({licence for _, licence in verdict.licences})
        note_licence_use(merchant_id=merchant_id, subject=subject, kinds=kinds)
    keys = [hit.key for hit in verdict.hits]
    if verdict.verdict != "review" or governance.text_decisions_standing(subject):
        return
    # What somebody has let pass with these very terms is not asked about again.
    if not governance.was_let_pass(subject, keys):
        held = hold_text(verdict=verdict, surface=TextSurface.LISTING, subject=subject)
        suspend(kind="product", subject_id=product_id, decision_id=held.pk)


def check_shop(*, name: str, notice: str, merchant_id: int, by: Actor) -> TextVerdict:
    """The verdict on a shop's own words.  Outside a transaction.  Refuses: text_refused, link_blocked."""
    merchant = ("accounts.merchant", merchant_id)
    require_links(surface="shop_notice", subject=merchant, text=f"{name}\n{notice}", by=by)
    return require_text(
        surface=TextSurface.SHOP_NOTICE, text=f"{name}\n{notice}", subject=merchant, merchant_id=merchant_id, by=by
    )


def require_clear(verdict: TextVerdict) -> None:
    """Words of an open shop that need a look are not taken, so that the shop stays open.  Refuses: text_unclear."""
    if verdict.verdict == "review":
        said = refusal_of(verdict)
        raise Refusal("text_unclear", rule=said.params["rule"], term=verdict.hits[0].shown or verdict.hits[0].term)


def hold_shop(*, shop_id: int, verdict: TextVerdict) -> None:
    """A new shop whose words need a look opens once somebody has let it pass; in the transaction that made it."""
    if verdict.verdict == "review":
        held = hold_text(verdict=verdict, surface=TextSurface.SHOP_NOTICE, subject=(SHOP, shop_id))
        suspend(kind="shop", subject_id=shop_id, decision_id=held.pk)


def texts_of_products(after_id: int, limit: int) -> list[Standing]:
    """The next listings by id, those kept away too: they may be allowed by now."""
    found = list(Product.objects.filter(pk__gt=after_id).select_related("shop").order_by("pk")[:limit])
    options = _options_of(found)
    return [
        Standing(
            one.pk, TextSurface.LISTING,
            listing_words(one.title, one.description, one.vendor, one.tags, options[one.pk]), category=one.category,
            merchant_id=one.shop.merchant_id, party=("accounts.merchant", one.shop.merchant_id),
        )
        for one in found
    ]  # fmt: skip


def texts_of_shops(after_id: int, limit: int) -> list[Standing]:
    """The next shops by id."""
    found = Shop.objects.filter(pk__gt=after_id).exclude(state="closed").order_by("pk")[:limit]
    return [
        Standing(
            one.pk, TextSurface.SHOP_NOTICE, f"{one.name}\n{one.notice}", merchant_id=one.merchant_id,
            party=("accounts.merchant", one.merchant_id),
        )
        for one in found
    ]  # fmt: skip


def _options_of(products: Sequence[Product]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    rows = Sku.objects.filter(product__in=products, is_retired=False).order_by("product_id", "position")
    for product_id, *values in rows.values_list("product_id", "option1", "option2", "option3"):
        if len(found[product_id]) < rules.LIMITS["judged_options"]:
            found[product_id] += values
    return found
