"""How the sides of a claim, and the operator, show what they have: texts and pictures that all of them see."""

from meadow.kernel import clock
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.trade import queries
from meadow.trade.models import Claim, Dispute, Evidence
from meadow.trade.rules import claims as rules
from meadow.trade.services.access import role_of


def add_evidence(*, claim_id: int, text: str = "", by: Actor) -> Evidence:
    """A side of an open claim hands something in; in a dispute until its evidence deadline.

    Refuses: not_found, stale_state, malformed, evidence_closed, evidence_full.
    """
    text = rules.check_text("text", text, is_needed=True)
    with atomic():
        found = Claim.objects.filter(pk=claim_id).values_list("order_id", flat=True).first()
        if found is None:
            raise Refusal("not_found")
        order = queries.locked(found)
        side = role_of(order, by)
        claim = Claim.objects.get(pk=claim_id)
        if claim.state not in rules.OPEN:
            raise Refusal("stale_state", state=claim.state, event="add_evidence")
        dispute = Dispute.objects.filter(claim=claim, state__in=rules.DISPUTE_OPEN).first()
        if dispute is not None and side != "operator" and clock.now() > dispute.evidence_until:
            raise Refusal("evidence_closed")
        if Evidence.objects.filter(claim=claim, side=side).count() >= rules.LIMITS["evidence"]:
            raise Refusal("evidence_full", most=rules.LIMITS["evidence"])
        return Evidence.objects.create(claim=claim, side=side, by_id=by.person_id, text=text, at=clock.now())
