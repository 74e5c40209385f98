"""How sharing reacts: decisions against tokens, and guests who turn out to be somebody."""

from meadow.kernel import db
from meadow.kernel.events import DecisionMade, DecisionReversed, GuestClaimed
from meadow.kernel.outbox import handles
from meadow.sharing import services

TOKEN = "sharing.token"  # noqa: S105 - the kind of a subject, nothing secret


@handles(DecisionMade)
def on_decision(events: list[DecisionMade]) -> None:
    for event in events:
        if event.subject_kind != TOKEN:
            continue
        if event.action == "suspend":
            services.block_token(token_id=event.subject_id, decision_id=event.decision_id)
        elif event.action == "restore":
            services.unblock_token(token_id=event.subject_id)


@handles(DecisionReversed)
def on_reversal(events: list[DecisionReversed]) -> None:
    for event in events:
        if event.subject_kind == TOKEN and event.action == "suspend":
            services.unblock_token(token_id=event.subject_id, decision_id=event.decision_id)


@handles(GuestClaimed)
def on_guest_claimed(events: list[GuestClaimed]) -> None:
    """What the guest clicked was clicked by the person."""
    db.execute(
        "UPDATE sharing_click c SET person_id = e.person FROM unnest(%s::bigint[], %s::bigint[]) AS e(guest, person) "
        "WHERE c.person_id = e.guest",
        [[event.guest_id for event in events], [event.person_id for event in events]],
    )
