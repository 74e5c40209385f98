"""How a decision is looked at again: confirmed, or taken back with all that followed from it."""

from meadow.governance import queries
from meadow.governance.models import Decision, Sanction
from meadow.governance.services import detectors, sanctions
from meadow.governance.services.decisions import follow_up, in_turn, take_back
from meadow.governance.services.guards import reason_text, require_operator
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal


def reverse_decision(*, decision_id: int, reason: str, by: Actor) -> Decision:
    """Takes a decision back: a row of its own that names the first; owners restore what was before.

    What followed from it is taken back with it: a violation's points, its sanctions, money held, posts taken down.
    Refuses: forbidden, malformed, not_found, decision_reversed, stale_state.
    """
    require_operator(by)
    text = reason_text(reason)
    first = queries.decision(decision_id)
    if first.action in ("reverse", "uphold"):
        raise Refusal("stale_state", state=first.action, event="reverse")
    with atomic():
        _lock(first)
        made = _reverse(first, text, by)
        if first.detector_id is not None:
            detectors.demote_if_overturned(first.detector_id)
    return made


def uphold_decision(*, decision_id: int, reason: str, by: Actor) -> Decision:
    """Confirms a decision after a second look, as a row of its own; the rule's quality counts it.

    Refuses: forbidden, malformed, not_found, decision_reversed, stale_state.
    """
    require_operator(by)
    text = reason_text(reason)
    first = queries.decision(decision_id)
    if first.action in ("reverse", "uphold"):
        raise Refusal("stale_state", state=first.action, event="uphold")
    with atomic():
        _lock(first)
        return follow_up(first, "uphold", text, by, cause=first)


def reverse_sanction(*, sanction_id: int, reason: str, by: Actor) -> Decision:
    """Takes a sanction back with the violation it came from, and with what that one came from.

    Refuses: forbidden, malformed, not_found, decision_reversed.
    """
    root = queries.root_of(queries.sanction(sanction_id))
    return reverse_decision(decision_id=root.pk, reason=reason, by=by)


def uphold_sanction(*, sanction_id: int, reason: str, by: Actor) -> Sanction:
    """Confirms an appealed sanction.  Refuses: forbidden, malformed, not_found, stale_state."""
    found = queries.sanction(sanction_id)
    with atomic():
        uphold_decision(decision_id=queries.root_of(found).pk, reason=reason, by=by)
        return sanctions.mark(sanction_id=sanction_id, event="uphold")


def _reverse(first: Decision, reason: str, by: Actor) -> Decision:
    made = take_back(first, reason, by)
    for follower in queries.consequences(first):
        _reverse(follower, reason, by)
    if first.action == "violation":
        sanctions.settle((first.party_kind, int(first.party_id or 0)), reason, by)
    return made


def _lock(first: Decision) -> None:
    """Takes the party's turn, then the subject's: the order in which violations take them.

    Refuses: decision_reversed.
    """
    if first.party_id is not None:
        in_turn((first.party_kind, first.party_id))
    in_turn((first.subject_kind, first.subject_id))
    if Decision.objects.filter(reverses=first).exists():
        raise Refusal("decision_reversed")
