"""How much a merchant may do before more is known of it: limits that end with the proof of a business."""

from dataclasses import dataclass
from datetime import timedelta

PAYOUT_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class LevelLimits:
    """The most that a level allows; None sets no limit.  Amounts are in the minor units of whatever currency."""

    order_minor: int | None
    payout_minor: int | None  # of all payouts within 24 hours, per currency
    products: int | None  # on sale at a time, in all shops of the merchant


FREE = LevelLimits(None, None, None)


def limits_of(level: int | None, *, individual: LevelLimits) -> LevelLimits:
    """The limits of a level.  Who is not verified at all may prepare what an individual may."""
    return FREE if level is not None and level >= 1 else individual


def is_above(minor: int, most: int | None) -> bool:
    return most is not None and minor > most
