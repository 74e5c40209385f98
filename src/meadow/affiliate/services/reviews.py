"""How a commission that looks taken over is held until a person has looked, and what follows from the answer.

The case stands in the operators' queue as a decision that holds the commission.  Letting it pass releases it; acting
against it is a decision of its own, which voids it and can be appealed; taking that back restores what was before.
"""

from collections.abc import Collection

from meadow.affiliate import rules
from meadow.affiliate.models import Attribution, CommissionLine, Review
from meadow.governance import services as governance
from meadow.kernel import clock
from meadow.kernel.db import atomic, move
from meadow.kernel.events import CommissionReinstated, CommissionReleased, CommissionVoided
from meadow.kernel.outbox import emit
from meadow.ledger.queries import reversal, split

SUBJECT = "affiliate.review"
RULE = "conduct.fraud"


def open_reviews(*, order_ids: Collection[int]) -> int:
    """The orders are paid: what their decisions want looked at goes into the queue, once.  Returns how many."""
    wanted = Attribution.objects.filter(order_id__in=list(order_ids), creator__isnull=False).exclude(review="")
    opened = 0
    for attribution in wanted.order_by("pk"):
        assert attribution.creator_id is not None  # the query asks for decisions that name somebody
        with atomic():
            review, is_new = Review.objects.get_or_create(
                attribution=attribution,
                defaults={"creator_id": attribution.creator_id, "code": attribution.review, "opened_at": clock.now()},
            )  # fmt: skip
            if not is_new:
                continue
            en, zh = rules.SAYS[review.code]
            made = governance.hold_for_look(
                subject=(SUBJECT, review.pk), rule=RULE, reason=en, reason_zh=zh,
                inputs={"code": review.code, "line": attribution.order_line_id, "clicks": len(attribution.log["clicks"])},
            )  # fmt: skip
            review.decision_id = made.pk
            review.save(update_fields=["decision_id"])
            opened += 1
    return opened


def start_review_clocks(*, order_ids: Collection[int]) -> int:
    """The orders' money is released: what is still held ends for the creator if nobody decides in time."""
    return Review.objects.filter(
        attribution__order_id__in=list(order_ids), state="pending", due_at__isnull=True
    ).update(due_at=clock.now() + rules.REVIEW_TIME)


def release_review(*, review_id: int) -> Review:
    """Nothing was wrong with it: the commission is free, at the time when it would have been.  Twice is once."""
    with atomic():
        review = _locked(review_id)
        if review.state == "pending":
            move(review, rules.REVIEW, "release", ended_at=clock.now())
            emit(CommissionReleased(review.attribution.order_id, review.creator_id))
    return review


def release_overdue(*, review: Review) -> None:
    """Nobody decided in time, so it ends for the creator, and the case is answered by that."""
    release_review(review_id=review.pk)


def void_review(*, review_id: int, decision_id: int, reason: str = "") -> Review:
    """A person voided it: the creator earns nothing on the line, and the money goes to the merchant.  Twice is once.

    reason: one of the networks' codes that the person chose; else the one that fits why it was held.
    """
    with atomic():
        review = _locked(review_id)
        if review.state == "voided":
            return review
        reason = reason if reason in rules.ABUSE else rules.REVIEWS[review.code]
        move(review, rules.REVIEW, "void", void_reason=reason, void_decision_id=decision_id, ended_at=clock.now())
        line = _line(review)
        if line is not None and line.state != "void":
            line.state, line.void_reason, line.voided_at = (
                rules.COMMISSION.next(line.state, "void"),
                reason,
                clock.now(),
            )
            line.creator_minor = line.service_minor = 0
            line.save()
        emit(CommissionVoided(review.attribution.order_id, review.attribution.order_line_id, decision_id))
    return review


def restore_review(*, review_id: int, decision_id: int) -> Review:
    """What voided it was taken back: it waits for a look again, with all that the creator would have by now."""
    with atomic():
        review = _locked(review_id)
        if review.state != "voided" or review.void_decision_id != decision_id:
            return review
        move(review, rules.REVIEW, "restore", void_reason="", void_decision_id=None, ended_at=None)
        line = _line(review)
        if line is not None and line.void_reason in rules.ABUSE:
            _reinstate(line)
        emit(CommissionReinstated(review.attribution.order_id, review.attribution.order_line_id, decision_id))
    # What was released before it was voided has been looked at already: an answer taken back asks for no new one.
    return release_review(review_id=review_id)


def _reinstate(line: CommissionLine) -> None:
    event = "settled" if line.settled_at else "received" if line.received_at else "paid"
    parts = split(line.goods_minor, line.rate_bp)
    left = parts - reversal(parts, line.refunded_minor)
    line.state, line.void_reason, line.voided_at = rules.COMMISSION.next("void", f"reinstate_{event}"), "", None
    line.creator_minor, line.service_minor = left.creator, left.service
    if event == "settled":
        line.final_minor = left.creator
    line.save()


def _line(review: Review) -> CommissionLine | None:
    return CommissionLine.objects.select_for_update().filter(attribution_id=review.attribution_id).first()


def _locked(review_id: int) -> Review:
    return Review.objects.select_for_update(of=("self",)).select_related("attribution").get(pk=review_id)
