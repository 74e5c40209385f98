"""How accounts carry out what governance decided."""

from datetime import datetime

from meadow.accounts import rules, services
from meadow.kernel.events import DecisionMade, DecisionReversed
from meadow.kernel.outbox import handles


@handles(DecisionMade)
def on_decision_made(events: list[DecisionMade]) -> None:
    for event in events:
        if event.subject_kind not in rules.MACHINES:
            continue
        if event.action == "suspend":
            until = datetime.fromisoformat(event.until) if event.until else None
            services.lay_restriction(
                kind=event.subject_kind, subject_id=event.subject_id, action=event.action,
                decision_id=event.decision_id, until=until,
            )  # fmt: skip
        elif event.action == "restore":
            services.restore_subject(
                kind=event.subject_kind, subject_id=event.subject_id, decision_id=event.decision_id
            )


@handles(DecisionReversed)
def on_decision_reversed(events: list[DecisionReversed]) -> None:
    for event in events:
        if event.subject_kind in rules.MACHINES:
            services.lift_restriction(decision_id=event.decision_id)
