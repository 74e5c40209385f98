"""The law of payments: life cycles, what a provider can carry, payouts, reconciliation, limits and refusals."""

from datetime import timedelta
from typing import Literal

from meadow.payments.rules.carrying import (
    NO_LIMITS,
    ProviderLimits,
    carries,
    share_bp_of,
    why_no_return,
)
from meadow.payments.rules.lifecycles import (
    CHARGEBACK,
    CONTRACT,
    CONTRACT_EVENT,
    DIFFERENCE,
    DIFFERENCE_KINDS,
    DIRECTIONS,
    LEG,
    LEG_OPEN,
    LEG_PARTIES,
    PAYABLE,
    PAYMENT,
    PAYOUT,
    PAYOUT_OPEN,
    PROVIDER_REFUND,
)
from meadow.payments.rules.refusals import REFUSALS

__all__ = [
    "CHARGEBACK",
    "CONTRACT",
    "CONTRACT_EVENT",
    "DIFFERENCE",
    "DIFFERENCE_KINDS",
    "DIRECTIONS",
    "LEG",
    "LEG_OPEN",
    "LEG_PARTIES",
    "NO_LIMITS",
    "PAYABLE",
    "PAYMENT",
    "PAYOUT",
    "PAYOUT_OPEN",
    "PROVIDER_REFUND",
    "REFUSALS",
    "ProviderLimits",
    "carries",
    "share_bp_of",
    "why_no_return",
]

SANDBOX_STATES = ("waiting", "succeeded", "failed", "closed")
SUBJECTS = ("payment", "refund", "payout", "split", "return", "chargeback")
OUTCOMES = ("succeeded", "failed", "pending")
PARTIES = ("merchant", "creator")
BEHAVIOURS = (
    "succeed",
    "fail",
    "timeout",
    "notify_twice",
    "late",
    "out_of_order",
    "bad_signature",
    "wrong_amount",
    "wrong_currency",
    "unknown_order",
)

LARGEST_MINOR = 10**13  # of one payment
MOST_PARTS = 50  # orders that one payment pays
MOST_NOTICE_BYTES = 16_384
MOST_PAYOUTS = 200
MOST_HEADERS = 50
MOST_HEADER_CHARS = 400
SIGNATURE_LIFE = timedelta(minutes=5)  # machine time; older ones are taken for replays
LATE_BY = timedelta(hours=1)
ASK_AFTER = timedelta(minutes=2)  # a provider that said nothing is asked
ASK_UNTIL = timedelta(days=7)
RELEASE_BEFORE = timedelta(hours=48)  # how long before a provider ends its hold we end it ourselves
RELEASE_AGAIN = timedelta(hours=6)
SECOND_WAY_AFTER = timedelta(seconds=30)  # a buyer whose payment has not moved is shown another way
BANK = "bank"  # payouts that go out by a file
DETAILS_REST = timedelta(hours=72)  # after a change of bank details
APPROVALS = 2  # people who have to agree to a large payout
STATEMENT_AFTER = timedelta(hours=10)  # after the day is over
STATEMENT_AGAIN = timedelta(hours=1)
MOST_STATEMENT_DAYS = 366
MOST_IN_BATCH = 5_000
MOST_RESULT_BYTES = 5_000_000

NOTICE_FAULTS = ("signature", "stale", "replay", "shape", "unknown", "amount", "currency", "provider", "party")
Subject = Literal["payment", "refund", "payout", "split", "return", "chargeback"]
Outcome = Literal["succeeded", "failed", "pending"]
