"""How a claim moves on, whoever moves it: its state, its clock, its trail, and the order's timer that waits for it.

The order's row is locked by the caller; that lock guards the claims of the order.
"""

from collections.abc import Sequence
from typing import Any

from meadow.kernel import clock, db, rows
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.events import ClaimChanged
from meadow.kernel.outbox import emit
from meadow.trade.models import Claim, ClaimEntry, Dispute, Order, OrderLine
from meadow.trade.rules import claims as rules
from meadow.trade.services import timers


def note(claim: Claim, event: str, before: str, *, side: str, by: Actor = SYSTEM, text: str = "") -> None:
    """Writes down what happened to a claim and says so."""
    entry = ClaimEntry(
        claim_id=claim.pk, event=event, before=before, after=claim.state, side=side, by_id=by.person_id, text=text,
        at=clock.now(),
    )  # fmt: skip
    rows.add(entry)
    emit(ClaimChanged(claim.order_id, claim.pk, entry.pk, claim.state))


def step(
    claim: Claim, order: Order, event: str, *, side: str, by: Actor = SYSTEM, text: str = "", **extra: Any
) -> None:
    """Moves a claim along its table; its new state's clock starts, or the order's timer goes on.

    Refuses: stale_state.
    """
    before, after, now = claim.state, rules.CLAIM.next(claim.state, event), clock.now()
    wait = rules.DUE_IN.get(after)
    db.move(
        claim, rules.CLAIM, event, due_at=now + wait if wait else None, ended_at=None if after in rules.OPEN else now,
        **extra,
    )  # fmt: skip
    if before == "disputed" and event in ("give_in", "withdraw", "overtake"):
        _end_dispute(claim, "withdraw" if event == "withdraw" else "settle")
    note(claim, event, before, side=side, by=by, text=text)
    if after not in rules.OPEN:
        timers.resume(order)


def overtake(order: Order, lines: Sequence[OrderLine]) -> None:
    """Claims whose line was refunded whole by another way have nothing left to ask for."""
    whole = [line.pk for line in lines if line.refunded_minor >= line.amount_minor]
    if whole:
        for claim in rows.find(Claim, line_id=whole, state=rules.OPEN):
            step(claim, order, "overtake", side="system")


def overtake_sent(order: Order, line_ids: set[int]) -> None:
    """Goods that were not sent when their refund was asked for are on the way now: that claim is over."""
    for claim in rows.find(Claim, line_id=line_ids, was_shipped=False, state=rules.CLAIM.sources("ship")):
        step(claim, order, "ship", side="merchant")


def _end_dispute(claim: Claim, event: str) -> None:
    dispute = rows.first(Dispute, claim_id=claim.pk, state=rules.DISPUTE_OPEN)
    if dispute is not None:
        db.move(dispute, rules.DISPUTE, event, ended_at=clock.now())
