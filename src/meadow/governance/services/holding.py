"""How something is held until a person has looked: a decision that holds it, and its case in the queue."""

from typing import Any

from meadow.governance.models import Decision
from meadow.governance.services.decisions import announce, in_turn, record
from meadow.governance.services.guards import require_subject
from meadow.governance.services.parties import Subject, party_of
from meadow.governance.services.queue import file_case
from meadow.kernel.audit import SYSTEM
from meadow.kernel.db import atomic


def hold_for_look(
    *, subject: Subject, rule: str, reason: str, reason_zh: str = "", inputs: dict[str, Any] | None = None
) -> Decision:
    """Holds a subject in the name of a rule and files it; letting the case pass takes the decision back, acting against
    it suspends the subject.  Call it in the transaction of what is held.  Refuses: malformed, rule_unknown."""
    require_subject(subject)
    with atomic():
        in_turn(subject)
        made = record(
            subject, "hold", rule, reason, SYSTEM, reason_zh=reason_zh, inputs=inputs or {}, layer="behaviour"
        )
        announce(made)
        party = party_of(subject)
        file_case(
            kind="review", key=f"{subject[0]}:{subject[1]}", subject=subject, rule_id=made.rule_id, decision_id=made.pk,
            members=[(party, None)] if party else [],
        )  # fmt: skip
    return made
