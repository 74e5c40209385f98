"""What a provider can carry (settled question 9): currencies, how much of an order may go to others, for how long."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal


@dataclass(frozen=True, slots=True)
class ProviderLimits:
    """What a provider declares; None is no limit.

    lands_with says whose account at the provider a buyer's money comes to.  With "merchant" the platform's part has
    to be split out of it, and refunds draw on the merchant.
    """

    max_split_ratio_bp: int | None = None
    max_hold_days: int | None = None
    return_window_days: int | None = None
    personal_receiver_returnable: bool = True
    lands_with: Literal["platform", "merchant"] = "platform"
    currencies: frozenset[str] | None = None


NO_LIMITS = ProviderLimits()


def share_bp_of(parts: list[tuple[int, int]]) -> int:
    """The largest part of any order, (others' minor, whole minor), that goes to others than its merchant, rounded up."""
    return max((-(-others * 10_000 // whole) for others, whole in parts if whole), default=0)


def carries(limits: ProviderLimits, *, currency: str, share_bp: int) -> bool:
    """Whether a provider can take a payment in a currency and pass so much of it on."""
    if limits.currencies is not None and currency not in limits.currencies:
        return False
    return limits.max_split_ratio_bp is None or share_bp <= limits.max_split_ratio_bp


def why_no_return(limits: ProviderLimits, *, account_kind: str, sent_at: datetime, now: datetime) -> str:
    """Why a leg cannot be fetched back from its receiver; empty if it can."""
    if account_kind == "person" and not limits.personal_receiver_returnable:
        return "receiver_cannot_return"
    if limits.return_window_days is not None and now - sent_at > timedelta(days=limits.return_window_days):
        return "window_over"
    return ""
