"""Which table holds what is stopped for a time: what, how far, why, by which rule, since when and until when."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meadow.governance.rules import suspensions as rules
from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_suspension_id() -> str:
    return new_id("sus")


class Suspension(models.Model):
    """A temporary stop.  It is announced, begins by a decision that cites its rule, and ends by a review or before."""

    public_id = models.CharField(max_length=32, unique=True, default=new_suspension_id, editable=False)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    party_kind = models.CharField(max_length=40, blank=True)
    party_id = models.BigIntegerField(null=True)
    scope = models.CharField(max_length=8)
    ground = models.CharField(max_length=8)
    reason = models.TextField()
    reason_zh = models.TextField(blank=True)
    rule = models.ForeignKey("governance.Rule", models.PROTECT, related_name="+")
    asked_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    announced_at = models.DateTimeField(default=now)
    starts_at = models.DateTimeField()
    # The present period: a review that keeps the suspension begins another one, with a reason of its own.
    period_from = models.DateTimeField()
    review_by = models.DateTimeField()
    at_review = models.CharField(max_length=8)
    state = models.CharField(max_length=10, default=rules.SUSPENSION.start)
    decision = models.OneToOneField("governance.Decision", models.PROTECT, null=True, related_name="+")
    # When the next thing happens by itself: it begins, its review is due, or, called out, it lifts.
    due_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=10, blank=True)
    end_reason = models.TextField(blank=True)
    ended_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="suspension_state", condition=Q(state__in=rules.SUSPENSION.states)),
            models.CheckConstraint(name="suspension_scope", condition=Q(scope__in=rules.SCOPES)),
            models.CheckConstraint(name="suspension_ground", condition=Q(ground__in=rules.GROUNDS)),
            models.CheckConstraint(name="suspension_at_review", condition=Q(at_review__in=rules.AT_REVIEW)),
            models.CheckConstraint(name="suspension_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="suspension_notice",
                condition=Q(ground__in=rules.AT_ONCE, starts_at__gte=F("announced_at"))
                | Q(starts_at__gte=F("announced_at") + rules.NOTICE),
            ),
            # Nothing is stopped longer than this without somebody having said why once more.
            models.CheckConstraint(
                name="suspension_review",
                condition=Q(review_by__gt=F("period_from")) & Q(review_by__lte=F("period_from") + rules.LONGEST),
            ),
            models.CheckConstraint(
                name="suspension_begun",
                condition=Q(state__in=("announced", "cancelled"), decision__isnull=True)
                | Q(state__in=("active", "overdue", "lifted"), decision__isnull=False),
            ),
            models.CheckConstraint(
                name="suspension_ended",
                condition=Q(
                    state__in=("lifted", "cancelled"), ended_at__isnull=False, due_at__isnull=True,
                    ending__in=rules.ENDINGS,
                )
                | Q(
                    state__in=("announced", "active", "overdue"), ended_at__isnull=True, due_at__isnull=False,
                    ending="",
                ),
            ),
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id", "scope"],
                condition=Q(state__in=("announced", "active", "overdue")),
                name="suspension_one_of_scope",
            ),
        ]  # fmt: skip
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="suspension_next"),
            models.Index(fields=["party_kind", "party_id", "-id"], name="suspension_of_party"),
            models.Index(fields=["state", "-id"], name="suspension_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} of {self.subject_kind} {self.subject_id}"

    @property
    def is_in_force(self) -> bool:
        return self.state in rules.IN_FORCE

    @property
    def is_safety(self) -> bool:
        """Whether waiting could let harm be done: then an appeal that takes long does not lift it."""
        return self.ground in rules.AT_ONCE
