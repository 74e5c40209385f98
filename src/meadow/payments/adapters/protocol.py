"""What a payment provider must be able to do for us, and what it answers; the outside world stands behind this."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from meadow.kernel.money import Money
from meadow.payments.rules import Outcome, ProviderLimits, Subject

State = Literal["pending", "succeeded", "failed", "closed", "unknown"]
Receiver = Literal["", "merchant", "person"]


class ProviderDown(Exception):
    """The provider did not answer, or not sensibly: what was asked may have happened or not, so it is asked again."""


class NoticeFaulty(Exception):
    """A notice that the provider did not send, or not now: why is one of rules.NOTICE_FAULTS."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Part:
    """One merchant's order within a charge; account is the merchant's at the provider, ref its name of the part."""

    our_ref: str
    of: str
    account: str
    amount: Money
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that a provider is asked to do, or about.  our_ref makes asking twice harmless.

    A refund, split, release or return names the charge it belongs to, and `of` the part of it; a return also the split
    that it undoes.
    """

    subject: Subject
    our_ref: str
    amount: Money
    ref: str = ""  # the provider's own name for it, once known
    charge: "Operation | None" = None
    parts: tuple[Part, ...] = ()
    of: str = ""
    receiver: Receiver = ""
    account: str = ""
    original: "Operation | None" = None
    text: str = ""  # what the payer or receiver reads

    @property
    def part(self) -> Part | None:
        """The part of the charge that this belongs to; the only one, where there is one."""
        parts = self.charge.parts if self.charge else self.parts
        return next((part for part in parts if part.of == self.of), parts[0] if len(parts) == 1 else None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider says about an operation; ref is its own name for it, parts those of a charge's parts."""

    state: State
    ref: str | None = None
    pay_url: str = ""
    parts: tuple[tuple[str, str], ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a genuine notice says.  seal is what makes two notices the same: what its signature covers.

    accounts are the merchants' accounts that it names, by our name of the part, where the provider tells them.
    A chargeback names the charge as our_ref; its provider_ref is its own.
    """

    subject: Subject
    our_ref: str
    provider_ref: str
    outcome: Outcome
    amount: Money
    seal: str
    parts: tuple[tuple[str, str], ...] = ()
    amounts: tuple[tuple[str, int], ...] = ()
    accounts: tuple[tuple[str, str], ...] = ()
    fee_minor: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """A line of a provider's statement; amounts are positive, the subject says which way the money went."""

    subject: str
    our_ref: str
    provider_ref: str
    amount: Money
    fee_minor: int = 0


class Adapter(Protocol):
    """One provider: create, query, refund, split, return, release, close, pay out, notices, statement, health.

    A definite no is an Answer "failed" with its reason; anything else that goes wrong raises ProviderDown.
    """

    name: str
    limits: ProviderLimits
    #: Its calls are rows of our own database, so they may stand inside a transaction; a network call must not.
    is_local: bool
    #: The time zone in which the provider's days begin, for its statements.
    day_zone: str
    #: The subjects that its statements name; others are not looked for there.
    stated: frozenset[str]

    def create(self, charge: Operation) -> Answer:
        """Asks for a charge that the buyer then confirms at the provider."""
        ...

    def query(self, operation: Operation) -> Answer:
        """Says how an operation stands."""
        ...

    def close(self, charge: Operation) -> Answer:
        """Makes an unpaid charge unpayable; answers "succeeded" if it was paid already, "pending" if it may yet be."""
        ...

    def refund(self, refund: Operation) -> Answer:
        """Sends a part of a charge back to the buyer."""
        ...

    def split(self, leg: Operation) -> Answer:
        """Passes a part of a charge on to a receiver; an empty account is the platform's own."""
        ...

    def give_back(self, leg: Operation) -> Answer:
        """Fetches a part of a split back from its receiver."""
        ...

    def release(self, leg: Operation) -> Answer:
        """Ends the hold on what is left of a charge, which is then its merchant's."""
        ...

    def pay_out(self, payout: Operation) -> Answer:
        """Sends money to a merchant or creator, whom `account` names."""
        ...

    def verify(self, *, headers: Mapping[str, str], body: bytes, at: datetime) -> Told:
        """Reads a notice that is genuine and fresh at a machine time.  Raises NoticeFaulty."""
        ...

    def statement(self, day: date) -> list[Stated]:
        """What moved on a day, as the provider sees it."""
        ...

    def ping(self) -> None:
        """Returns if the provider answers.  Raises ProviderDown."""
        ...
