"""What a payment provider must be able to do for us, and what it answers; the outside world stands behind this."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from meadow.kernel.money import Money
from meadow.payments.rules import Outcome, ProviderLimits, Subject

State = Literal["pending", "succeeded", "failed", "closed", "unknown"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider says about an operation; ref is its own name for it."""

    state: State
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a genuine notice says.  seal is what makes two notices the same: its signature."""

    subject: Subject
    our_ref: str
    provider_ref: str
    outcome: Outcome
    amount: Money
    seal: str


class NoticeFaulty(Exception):
    """A notice that the provider did not send, or not now: why is one of rules.NOTICE_FAULTS."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Adapter(Protocol):
    """One provider.  Every call is idempotent by our_ref, the public id of our payment, refund or payout."""

    name: str
    limits: ProviderLimits
    #: Its calls are rows of our own database, so they may stand inside a transaction; a network call must not.
    is_local: bool

    def create(self, *, our_ref: str, amount: Money) -> Answer:
        """Asks for a charge that the buyer then confirms at the provider."""
        ...

    def query(self, *, subject: Subject, our_ref: str) -> Answer:
        """Says how an operation stands."""
        ...

    def refund(self, *, our_ref: str, payment_ref: str, amount: Money) -> Answer:
        """Sends a part of a charge back to the buyer."""
        ...

    def close(self, *, our_ref: str) -> Answer:
        """Makes an unpaid charge unpayable; answers "succeeded" if it was paid already, "pending" if it may yet be."""
        ...

    def pay_out(self, *, our_ref: str, party: str, amount: Money) -> Answer:
        """Sends money to a merchant or creator."""
        ...

    def verify(self, *, headers: Mapping[str, str], body: bytes, at: datetime) -> Told:
        """Reads a notice that is genuine and fresh at a machine time.  Raises NoticeFaulty."""
        ...
