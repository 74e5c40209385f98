"""Which verbs move money on the ledger: post, release in batches, collect, hold, correct; each with one idempotency key.

A verb is one SQL call (migrations 0003 and 0004), because the locks, the look and the writes belong together.  An
amount of zero moves nothing and is left out.  A refusal from SQL ends the transaction: give the verb a savepoint
(`kernel.db.atomic`) to go on after one.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import rules
from meadow.ledger.months import close_month
from meadow.ledger.rules import Split

__all__ = [
    "Leg",
    "NewPosting",
    "Split",
    "Transfer",
    "close_month",
    "collect",
    "collect_party",
    "consume_hold",
    "credit_party",
    "end_due_holds",
    "end_holds_by",
    "net_receivable",
    "place_hold",
    "post",
    "post_batch",
    "release_hold",
    "release_holds_of",
    "reverse_posting",
    "take_snapshot",
]

Cause = tuple[str, int | str]
Note = dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Transfer:
    """One amount from one account to another; hold_until sets a credit to an available account apart until then."""

    source: str
    target: str
    amount: Money
    hold_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewPosting:
    """A posting to be made in a batch."""

    key: str
    cause: Cause
    kind: str
    transfers: Sequence[Transfer]
    note: Note = None


@dataclass(frozen=True, slots=True)
class Leg:
    """What one party, "merchant" or "creator", gives or gets."""

    kind: str
    party_id: int
    minor: int

    @property
    def party(self) -> str:
        return party_name(self.kind, self.party_id)


def party_name(kind: str, party_id: int) -> str:
    """The name that a party's accounts begin with.  Refuses: malformed."""
    if kind not in rules.PARTIES:
        raise Refusal("malformed", field="kind", why="merchant or creator")
    return f"{kind}:{party_id}"


def post(*, key: str, cause: Cause, transfers: Sequence[Transfer], kind: str, note: Note = None) -> int:
    """Moves money, all transfers or none; returns the posting's id, the same for the same key and inputs.

    A credit to an available account pays the party's receivable first.
    Refuses: posting_mismatch, insufficient_funds, account_unknown, malformed.
    """
    return post_batch([NewPosting(key, cause, kind, transfers, note)])[0]


def post_batch(postings: Sequence[NewPosting]) -> list[int]:
    """Posts many in one set-based call, all or none; returns their ids in order.

    Refuses as `post` does.  The settle worker falls back to one by one, each in a savepoint, to find who refuses.
    """
    if not postings:
        return []
    if len({p.key for p in postings}) < len(postings) or len(postings) > rules.MOST_POSTINGS:
        raise Refusal("malformed", field="postings", why=f"at most {rules.MOST_POSTINGS}, each with a key of its own")
    legs = [(n, t) for n, p in enumerate(postings, 1) for t in _moving(p.transfers)]
    now = clock.now()
    found = db.call(
        "SELECT ledger_post_batch(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],"
        " NULL, %s::bytea[], %s::int[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[])",
        [
            [p.key for p in postings],
            [p.cause[0] for p in postings],
            [str(p.cause[1]) for p in postings],
            [p.kind for p in postings],
            [_text(p.note) for p in postings],
            [now for _ in postings],
            [_hash(p) for p in postings],
            [n for n, _ in legs],
            [t.source for _, t in legs],
            [t.target for _, t in legs],
            [t.amount.currency for _, t in legs],
            [t.amount.minor for _, t in legs],
            [t.hold_until for _, t in legs],
        ],
    )
    return [int(posting) for posting in found]


def credit_party(
    *, key: str, party: tuple[str, int], source: str, amount: Money, cause: Cause, kind: str,
    hold_until: datetime | None = None, note: Note = None,
) -> int:  # fmt: skip
    """Pays a party from an account: its receivable first, the rest is available, or held until a moment.

    Refuses as `post` does.
    """
    target = f"{party_name(*party)}:available"
    transfer = Transfer(source, target, amount, hold_until)
    return post(key=key, cause=cause, transfers=[transfer], kind=kind, note=note)


def collect_party(
    *, key: str, party: tuple[str, int], target: str, amount: Money, cause: Cause, kind: str,
    hold_cause: Cause | None = None, note: Note = None,
) -> int:  # fmt: skip
    """Takes money back from one party; see `collect`."""
    return collect(
        key=key, legs=[Leg(*party, amount.minor)], target=target, currency=amount.currency, cause=cause, kind=kind,
        hold_cause=hold_cause, note=note,
    )  # fmt: skip


def collect(
    *, key: str, legs: Sequence[Leg], target: str, currency: str, cause: Cause, kind: str,
    hold_cause: Cause | None = None, transfers: Sequence[Transfer] = (), note: Note = None,
) -> int:  # fmt: skip
    """Takes each leg from its party into one account, and further transfers into the same one; returns the posting.

    A party gives its own hold of hold_cause first, then what it has free, never what is held for another cause; the
    platform advances the rest and the party owes it (settled questions 6 and 7).
    Refuses: advance_exhausted (nothing was written and the transaction goes on), posting_mismatch,
    insufficient_funds, account_unknown, malformed.
    """
    legs = [leg for leg in legs if leg.minor]
    transfers = _moving(transfers)
    _check_collect(legs, target, currency, transfers)
    hold_kind, hold_id = hold_cause or ("", "")
    found = db.call(
        "SELECT ledger_collect(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::text[], %s::bigint[], %s::text[],"
        " %s::bigint[], %s)::text",
        [
            key, cause[0], str(cause[1]), kind, _text(note), clock.now(), target, currency, hold_kind, str(hold_id),
            [leg.party for leg in legs], [leg.minor for leg in legs],
            [t.source for t in transfers], [t.amount.minor for t in transfers],
            settings.MEADOW.advance_limit_minor,
        ],
    )  # fmt: skip
    answer = json.loads(found)
    if "refused" in answer:
        raise Refusal("advance_exhausted", left_minor=answer["left_minor"])
    return int(answer["posting"])


def place_hold(*, key: str, account: str, amount: Money, cause: Cause, until: datetime) -> int:
    """Sets money of an account apart for a cause until a moment; returns the hold's id.

    Refuses: insufficient_funds, posting_mismatch, account_unknown, malformed.
    """
    _check_amount(amount)
    return int(
        db.call(
            "SELECT ledger_place_hold(%s, %s, %s, %s, %s, %s, %s, %s)",
            [key, account, amount.currency, amount.minor, cause[0], str(cause[1]), until, clock.now()],
        )
    )


def release_hold(*, hold_id: int) -> None:
    """Ends an open hold early; its money is free.  Refuses: stale_state."""
    if _end_holds([hold_id], "released", clock.now()) != 1:
        raise Refusal("stale_state", state="ended", event="release")


def release_holds_of(*, cause: Cause) -> int:
    """Ends every open hold of a cause; returns how many."""
    found = db.rows(
        "SELECT id FROM ledger_hold WHERE cause_kind = %s AND cause_id = %s AND state = 'open'",
        [cause[0], str(cause[1])],
    )
    return _end_holds([row["id"] for row in found], "released", clock.now())


def end_holds_by(*, cause: Cause, account: str, until: datetime) -> int:
    """The open holds of a cause on an account end at this moment instead; the sweep ends those whose time has passed.
    Returns how many."""
    return db.execute(
        "UPDATE ledger_hold h SET until = %s FROM ledger_account a WHERE a.id = h.account_id AND a.name = %s "
        "AND h.cause_kind = %s AND h.cause_id = %s AND h.state = 'open'",
        [until, account, cause[0], str(cause[1])],
    )


def consume_hold(*, key: str, hold_id: int, target: str, amount: Money, kind: str, note: Note = None) -> int:
    """Pays from a hold to another account; returns the posting.

    Refuses: not_found, stale_state, insufficient_funds, posting_mismatch, account_unknown, malformed.
    """
    _check_amount(amount)
    return int(
        db.call(
            "SELECT ledger_consume_hold(%s, %s, %s, %s, %s, %s, %s)",
            [key, hold_id, target, amount.minor, kind, _text(note), clock.now()],
        )
    )


def end_due_holds(*, limit: int, until: datetime) -> int:
    """Ends holds whose time has come, at their due time; returns how many this call ended."""
    found = db.rows(
        "SELECT id FROM ledger_hold WHERE state = 'open' AND until <= %s ORDER BY until, id LIMIT %s", [until, limit]
    )
    return _end_holds([row["id"] for row in found], "expired", until)


def net_receivable(*, key: str, party: tuple[str, int], currency: str) -> int:
    """Pays what a party owes out of what it has free; returns the minor units paid."""
    return int(db.call("SELECT ledger_net(%s, %s, %s, %s)", [key, party_name(*party), currency, clock.now()]))


def reverse_posting(*, key: str, posting_id: int, note: Note = None) -> int:
    """Corrects a posting by a reversing one that names it; returns the new posting.

    Refuses: not_found, already_reversed, insufficient_funds.
    """
    return int(db.call("SELECT ledger_reverse(%s, %s, %s, %s)", [key, posting_id, _text(note), clock.now()]))


def take_snapshot() -> int:
    """Brings the sums of the system accounts forward, so that reading them stays cheap; returns the watermark.

    Run it every few minutes, outside of other transactions: inside one it draws no new mark.
    """
    return int(db.call("SELECT ledger_take_snapshot(%s)", [clock.now()]))


def _end_holds(hold_ids: list[int], state: str, at: datetime) -> int:
    if not hold_ids:
        return 0
    with db.atomic():
        return int(db.call("SELECT ledger_end_holds(%s::bigint[], %s, %s)", [hold_ids, state, at]))


def _moving(transfers: Sequence[Transfer]) -> list[Transfer]:
    """The transfers that move something.  Refuses: malformed."""
    if len(transfers) > rules.MOST_TRANSFERS:
        raise Refusal("malformed", field="transfers", why=f"at most {rules.MOST_TRANSFERS} in one posting")
    for transfer in transfers:
        if not 0 <= transfer.amount.minor <= rules.LARGEST_MINOR or transfer.source == transfer.target:
            raise Refusal("malformed", field="amount", why="not negative, from one account to another")
        if transfer.hold_until is not None and not transfer.target.endswith(":available"):
            raise Refusal("malformed", field="hold_until", why="only for a credit to an available account")
    return [transfer for transfer in transfers if transfer.amount.minor]


def _check_amount(amount: Money) -> None:
    if not 0 < amount.minor <= rules.LARGEST_MINOR:
        raise Refusal("malformed", field="amount", why="more than nothing")


def _check_collect(legs: Sequence[Leg], target: str, currency: str, transfers: Sequence[Transfer]) -> None:
    """Refuses: malformed, currency_mismatch."""
    if len({leg.party for leg in legs}) < len(legs):
        raise Refusal("malformed", field="legs", why="one for each party")
    if any(not 0 < leg.minor <= rules.LARGEST_MINOR for leg in legs):
        raise Refusal("malformed", field="amount", why="not negative")
    for transfer in transfers:
        if transfer.target != target:
            raise Refusal("malformed", field="target", why="the same for all that is collected")
        if transfer.amount.currency != currency:
            raise Refusal("currency_mismatch", currency=currency, other=transfer.amount.currency)


def _hash(posting: NewPosting) -> bytes:
    """What must be the same when a key comes again; times are no part of it, since a retry may come later."""
    legs = [(t.source, t.target, t.amount.currency, t.amount.minor) for t in posting.transfers if t.amount.minor]
    inputs = [posting.cause[0], str(posting.cause[1]), posting.kind, posting.note, legs]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).digest()


def _text(note: Note) -> str | None:
    return json.dumps(note, sort_keys=True) if note is not None else None
