"""What differs between our books and a provider's statement: missing there, unknown here, other amount, other currency."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

DifferenceKind = Literal["missing", "extra", "amount", "currency"]


@dataclass(frozen=True, slots=True)
class Booked:
    """A movement as one side has it; subject is payment, refund, payout, split or return."""

    subject: str
    our_ref: str
    provider_ref: str
    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Found:
    """One difference, with what each side has."""

    kind: DifferenceKind
    ours: Booked | None
    theirs: Booked | None


def compare(ours: Iterable[Booked], theirs: Iterable[Booked]) -> list[Found]:
    """Every difference.  Both sides name a movement by subject and our reference; each is looked at once.

    A second line of theirs for the same movement is extra: it was charged or paid twice.
    """
    left = {(line.subject, line.our_ref): line for line in ours}
    found: list[Found] = []
    seen: set[tuple[str, str]] = set()
    for line in theirs:
        name = (line.subject, line.our_ref)
        mine = left.get(name)
        if mine is None or name in seen:
            found.append(Found("extra", None, line))
            continue
        seen.add(name)
        if mine.currency != line.currency:
            found.append(Found("currency", mine, line))
        elif mine.minor != line.minor:
            found.append(Found("amount", mine, line))
    found += [Found("missing", line, None) for name, line in left.items() if name not in seen]
    return found
