"""How the operator rules a dispute: with a reason, an amount for each side, and a second person above the threshold."""

from django.conf import settings

from meadow.accounts import queries as accounts
from meadow.governance import services as governance
from meadow.kernel import audit, clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.trade import queries
from meadow.trade.models import Claim, Dispute, Evidence, Order
from meadow.trade.queries import claims as claim_reads
from meadow.trade.rules import claims as rules
from meadow.trade.services.claim_steps import step
from meadow.trade.services.claims import pay_back


def rule_dispute(
    *, dispute_id: int, outcome: str, reason_code: str, text: str = "", buyer_minor: int = 0, by: Actor
) -> Dispute:
    """An operator rules: so much to the buyer and the rest to the seller, the goods back first, or nothing.

    Above the threshold it is a proposal until another operator approves it.
    Refuses: not_found, forbidden, own_case, stale_state, malformed, evidence_awaited, claim_too_large.
    """
    text = rules.check_text("text", text)
    rules.check_reason("reason_code", reason_code, rules.RULING_REASONS)
    rules.check_reason("outcome", outcome, rules.OUTCOMES)
    with atomic():
        dispute, claim, order = _locked(dispute_id)
        operator_id = require_outsider(order, by)
        if dispute.state != "open":
            raise Refusal("stale_state", state=dispute.state, event="rule")
        _require_heard(dispute)
        minor = _amount(claim, outcome, buyer_minor)
        db.move(
            dispute, rules.DISPUTE, "propose" if needs_two(order) else "rule", outcome=outcome, buyer_minor=minor,
            reason_code=reason_code, text=text, ruled_by_id=operator_id,
            ended_at=None if needs_two(order) else clock.now(),
        )  # fmt: skip
        audit.record(
            by, "trade.rule_dispute", ("trade.dispute", dispute.pk),
            after={"state": dispute.state, "outcome": outcome, "buyer_minor": minor, "reason_code": reason_code},
        )  # fmt: skip
        if dispute.state == "ruled":
            _carry_out(dispute, claim, order, by)
    return dispute


def approve_ruling(*, dispute_id: int, by: Actor) -> Dispute:
    """Another operator agrees with a proposed ruling.

    Refuses: not_found, forbidden, own_case, second_person_needed, stale_state.
    """
    with atomic():
        dispute, claim, order = _locked(dispute_id)
        operator_id = require_outsider(order, by)
        rules.DISPUTE.next(dispute.state, "approve")
        if operator_id == dispute.ruled_by_id:
            raise Refusal("second_person_needed")
        db.move(dispute, rules.DISPUTE, "approve", approved_by_id=operator_id, ended_at=clock.now())
        audit.record(by, "trade.approve_ruling", ("trade.dispute", dispute.pk))
        _carry_out(dispute, claim, order, by)
    return dispute


def decline_ruling(*, dispute_id: int, reason: str, by: Actor) -> Dispute:
    """A proposed ruling is taken back, by its author or another operator; the dispute is open again.

    Refuses: not_found, forbidden, own_case, stale_state, malformed.
    """
    reason = rules.check_text("reason", reason, is_needed=True)
    with atomic():
        dispute, _, order = _locked(dispute_id)
        require_outsider(order, by)
        db.move(dispute, rules.DISPUTE, "decline", outcome="", buyer_minor=0, reason_code="", ruled_by_id=None)
        audit.record(by, "trade.decline_ruling", ("trade.dispute", dispute.pk), after={"reason": reason})
    return dispute


def mark_overdue(dispute: Dispute) -> None:
    """Nobody ruled in time: it goes to the front of the operators' queue.  Its row is locked by the sweep."""
    dispute.overdue_at = clock.now()
    dispute.save(update_fields=["overdue_at"])
    claim = Claim.objects.get(pk=dispute.claim_id)
    governance.file_case(
        kind="dispute", key=dispute.public_id, subject=("trade.order", claim.order_id), rule_id="orders.disputes",
        members=[(("accounts.merchant", claim.merchant_id), None)], escalated=True,
    )  # fmt: skip


def needs_two(order: Order) -> bool:
    """Whether an order's money is so much that two people decide over it."""
    return order.total_minor > int(settings.MEADOW.ruling_approval_minor)


def require_outsider(order: Order, by: Actor) -> int:
    """An operator who is no party of the order.  Refuses: not_found, forbidden, own_case."""
    person_id = by.person_id or 0
    if not accounts.is_operator(person_id):
        queries.role_in(order, person_id)
        raise Refusal("forbidden")
    if person_id == order.buyer_id or accounts.may_act_for(person_id, order.merchant_id):
        raise Refusal("own_case")
    return person_id


def _carry_out(dispute: Dispute, claim: Claim, order: Order, by: Actor) -> None:
    words = f"{dispute.reason_code} {dispute.text}".strip()
    if dispute.outcome == "refund":
        pay_back(claim, order, "rule_refund", side="operator", by=by, minor=dispute.buyer_minor, text=words)
    elif dispute.outcome == "return":
        where = claim.return_to or claim_reads.return_address_of(order.shop_id)
        step(claim, order, "rule_return", side="operator", by=by, text=words, return_to=where)
    else:
        step(claim, order, "rule_reject", side="operator", by=by, text=words)


def _amount(claim: Claim, outcome: str, minor: int) -> int:
    if outcome == "return":
        if claim.returned_at is not None:
            raise Refusal("malformed", field="outcome", why="the goods were sent back already")
        if not claim.was_shipped:
            raise Refusal("malformed", field="outcome", why="nothing was sent yet, so there is nothing to send back")
        return 0
    if outcome == "reject":
        return 0
    rules.check_amount("buyer_minor", minor, claim_reads.left_of(claim))
    return minor


def _require_heard(dispute: Dispute) -> None:
    """Nobody is ruled about before both sides could speak.  Refuses: evidence_awaited."""
    if clock.now() >= dispute.evidence_until:
        return
    spoke = set(
        Evidence.objects.filter(claim_id=dispute.claim_id, at__gte=dispute.opened_at).values_list("side", flat=True)
    )
    if not {"buyer", "merchant"} <= spoke:
        raise Refusal("evidence_awaited", until=dispute.evidence_until.isoformat(timespec="minutes"))


def _locked(dispute_id: int) -> tuple[Dispute, Claim, Order]:
    """A dispute with its claim and order, whose lock guards all three.  Refuses: not_found."""
    order_id = Dispute.objects.filter(pk=dispute_id).values_list("claim__order_id", flat=True).first()
    if order_id is None:
        raise Refusal("not_found")
    order = queries.locked(order_id)
    dispute = Dispute.objects.get(pk=dispute_id)
    return dispute, Claim.objects.get(pk=dispute.claim_id), order
