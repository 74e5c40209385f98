"""Which limits a merchant is under by the level it was verified at, and how much of them is used."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Sum

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.money import decimal_text
from meadow.payments.models import Payout
from meadow.payments.rules import applications as rules
from meadow.payments.rules import levels
from meadow.payments.rules.levels import LevelLimits


@dataclass(frozen=True, slots=True)
class MerchantLimits:
    """A merchant's level with its limits, and what went out within 24 hours, by currency."""

    level: int | None
    most: LevelLimits
    paid_out_minor: dict[str, int]


def levels_of(merchant_ids: Iterable[int]) -> dict[int, int]:
    """The levels at which merchants are paid; those that cannot be paid now are left out."""
    live = db.rows(
        "SELECT merchant_id, level FROM payments_merchantapplication WHERE merchant_id = ANY(%s) AND state = %s",
        [sorted(set(merchant_ids)), rules.LIVE],
    )
    return {row["merchant_id"]: row["level"] for row in live}


def limits_of_level(level: int | None) -> LevelLimits:
    """The limits of a level, as the operator has set them; 0 sets none."""
    here = settings.MEADOW
    individual = LevelLimits(
        here.individual_order_minor or None, here.individual_payout_minor or None, here.individual_products or None
    )
    return levels.limits_of(level, individual=individual)


def limits_of_merchant(merchant_id: int, currencies: Sequence[str] = ()) -> MerchantLimits:
    """A merchant's limits, with what they took out of each currency within 24 hours."""
    level = levels_of([merchant_id]).get(merchant_id)
    used = paid_out(merchant_id)
    return MerchantLimits(level, limits_of_level(level), dict.fromkeys(currencies, 0) | used)


def order_above_level(level: int | None, minor: int, currency: str) -> Refusal | None:
    """Why an order of so much cannot be taken at a level, if so; the merchant is named by who asks."""
    most = limits_of_level(level).order_minor
    return Refusal("order_above_level", most=_text(most, currency)) if levels.is_above(minor, most) else None


def require_payout_within(merchant_id: int, minor: int, currency: str) -> None:
    """Asked with the payout's own row written, so it is counted with the others.  Refuses: payout_above_level."""
    most = limits_of_merchant(merchant_id).most.payout_minor
    used = paid_out(merchant_id).get(currency, 0)
    if levels.is_above(used, most):
        left = max((most or 0) - used + minor, 0)
        raise Refusal("payout_above_level", most=_text(most, currency), left=_text(left, currency))


def require_listed_within(merchant_id: int, on_sale: int) -> None:
    """Refuses: products_above_level."""
    most = limits_of_merchant(merchant_id).most.products
    if levels.is_above(on_sale, most):
        raise Refusal("products_above_level", most=most)


def paid_out(merchant_id: int) -> dict[str, int]:
    """What a merchant has taken out or asked for within 24 hours, by currency; what failed is not counted."""
    recent = Payout.objects.filter(
        party_kind="merchant", party_id=merchant_id, created_at__gt=clock.now() - levels.PAYOUT_WINDOW
    ).exclude(state="failed")
    return dict(recent.values_list("currency").annotate(minor=Sum("amount_minor")).order_by("currency"))


def _text(minor: int | None, currency: str) -> str:
    return f"{decimal_text(minor or 0, currency)} {currency}"
