"""Whether anybody was paid for what somebody else sold: the depth of compensation and the share of own sales."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from meadow.accounts import queries as accounts
from meadow.affiliate import queries as affiliate
from meadow.ledger import queries as ledger

FULL_BP = 10_000


@dataclass(frozen=True, slots=True)
class Earner:
    """A creator with what they were given in a period and how much of it came from orders they led to themselves."""

    creator: str
    name: str
    currency: str
    earned_minor: int
    own_minor: int
    orders: int

    @property
    def own_bp(self) -> int:
        return self.own_minor * FULL_BP // self.earned_minor if self.earned_minor else FULL_BP


@dataclass(frozen=True, slots=True)
class Compensation:
    """max_depth: 1 where every payment went to the creator of the attributed click, 0 where nobody was paid, 2 as soon
    as somebody was paid for another's sale; strangers names those payments."""

    since: datetime
    until: datetime
    payments: int
    max_depth: int
    earners: tuple[Earner, ...]
    strangers: tuple[tuple[str, str, str, int], ...]  # (creator, cause kind, cause id, minor)


def compensation(*, since: datetime, until: datetime, most: int = 50) -> Compensation:
    """The report of a period, read from the ledger and judged by the stored decisions, not by what orders say."""
    credits = ledger.party_credits("creator", since=since, until=until)
    orders = [int(row["cause_id"]) for row in credits if row["cause_kind"] == "trade.order"]
    owners = affiliate.click_owners(orders)
    sums: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    strange: list[tuple[int, str, str, int]] = []
    for row in credits:
        own = row["cause_kind"] == "trade.order" and row["party_id"] in owners.get(int(row["cause_id"]), ())
        total = sums[(row["party_id"], row["currency"])]
        total[0] += row["minor"]
        total[1] += row["minor"] if own else 0
        total[2] += 1
        if not own:
            strange.append((row["party_id"], row["cause_kind"], row["cause_id"], row["minor"]))
    known = {one.pk: one for one in accounts.Creator.objects.filter(pk__in={party for party, _ in sums})}
    earners = [
        Earner(known[party].public_id, known[party].name, currency, *total) for (party, currency), total in sums.items()
    ]
    earners.sort(key=lambda one: -one.earned_minor)
    depth = 2 if strange else 1 if credits else 0
    named = tuple((known[party].public_id, kind, cause, minor) for party, kind, cause, minor in strange[:most])
    return Compensation(since, until, len(credits), depth, tuple(earners[:most]), named)
