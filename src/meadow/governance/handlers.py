"""How governance hears of what became of its own decisions elsewhere: a suspension whose decision is gone has ended."""

from meadow.accounts.services import register_check
from meadow.governance import services
from meadow.kernel.events import DecisionMade, DecisionReversed
from meadow.kernel.outbox import handles

register_check(services.check_profile)


@handles(DecisionMade)
def on_decision_made(events: list[DecisionMade]) -> None:
    for event in events:
        if event.action == "restore":
            services.note_restoration(subject=(event.subject_kind, event.subject_id))


@handles(DecisionReversed)
def on_decision_reversed(events: list[DecisionReversed]) -> None:
    for event in events:
        if event.action in ("suspend", "stop_new"):
            services.note_reversal(decision_id=event.decision_id)
