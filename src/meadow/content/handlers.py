"""How posts react to decisions about their creator or about themselves."""

from datetime import datetime

from meadow.content import queries, rules, services
from meadow.governance.services import register_faces, register_owner
from meadow.kernel.events import DecisionMade, DecisionReversed
from meadow.kernel.outbox import handles

register_owner(rules.POST, queries.author_of)
register_faces(rules.POST, queries.post_faces, queries.post_id_of)


@handles(DecisionMade)
def on_decision(events: list[DecisionMade]) -> None:
    for event in events:
        if event.subject_kind not in (rules.CREATOR, rules.POST):
            continue
        if event.action == "suspend":
            services.stop(
                subject_kind=event.subject_kind,
                subject_id=event.subject_id,
                decision_id=event.decision_id,
                until=datetime.fromisoformat(event.until) if event.until else None,
            )
        elif event.action == "restore":
            services.lift_stops(
                subject_kind=event.subject_kind, subject_id=event.subject_id, decision_id=event.decision_id
            )


@handles(DecisionReversed)
def on_reversal(events: list[DecisionReversed]) -> None:
    for event in events:
        if event.subject_kind in (rules.CREATOR, rules.POST):
            services.undo_decision(
                decision_id=event.decision_id, subject_kind=event.subject_kind, subject_id=event.subject_id
            )
