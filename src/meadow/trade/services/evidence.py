"""How the sides of a claim, and the operator, show what they have: texts and pictures that all of them see."""

from datetime import timedelta

from meadow.kernel import clock, limits, pictures
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.trade import queries
from meadow.trade.models import Claim, Dispute, Evidence
from meadow.trade.rules import claims as rules
from meadow.trade.services.access import role_of

PICTURES_AN_HOUR = 60


def add_evidence(*, claim_id: int, text: str = "", picture: bytes = b"", by: Actor) -> Evidence:
    """A side of an open claim hands something in: words, a picture, or both; in a dispute until its evidence deadline.

    A picture is judged by its content and drawn anew.
    Refuses: not_found, stale_state, malformed, evidence_closed, evidence_full, picture_too_large, picture_unreadable,
    rate_limited.
    """
    text = rules.check_text("text", text, is_needed=not picture)
    if not picture:
        return _add(claim_id, text, "", by)
    # Looked at twice: a stranger must not make us decode pictures, and a file must not be left without its row.
    _side(claim_id, by)
    limits.hit("pictures", str(by.person_id), per=timedelta(hours=1), burst=PICTURES_AN_HOUR)
    name = pictures.keep(pictures.recode(picture))
    try:
        return _add(claim_id, text, name, by)
    except BaseException:
        pictures.drop(name)
        raise


def _side(claim_id: int, by: Actor) -> str:
    claim = Claim.objects.filter(pk=claim_id).select_related("order").first()
    if claim is None:
        raise Refusal("not_found")
    return role_of(claim.order, by)


def _add(claim_id: int, text: str, picture: str, by: Actor) -> Evidence:
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
        return Evidence.objects.create(
            claim=claim, side=side, by_id=by.person_id, text=text, picture=picture, at=clock.now()
        )
