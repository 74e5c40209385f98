"""Which tables hold violations with their points, and the sanctions that follow from them."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from meadow.governance.rules.lifecycles import SANCTION
from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_sanction_id() -> str:
    return new_id("san")


class Violation(models.Model):
    """What a party did against a rule and what it cost; append-only by trigger.  With the reversals among the
    decisions this log alone gives the points and the sanctions."""

    decision = models.OneToOneField("governance.Decision", models.PROTECT, primary_key=True, related_name="+")
    party_kind = models.CharField(max_length=40)
    party_id = models.BigIntegerField()
    kind = models.CharField(max_length=24)
    severity = models.CharField(max_length=12)
    schedule = models.PositiveSmallIntegerField()
    at = models.DateTimeField(default=now)
    # What is held at most when a sanction holds money: the amount at stake, or everything that is free.
    stake_minor = models.BigIntegerField(null=True)
    stake_currency = models.CharField(max_length=3, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["party_kind", "party_id", "decision"], name="violation_of_party")]


class Sanction(models.Model):
    """What follows from a violation: limits on the account until a moment, each visible to its holder."""

    public_id = models.CharField(max_length=32, unique=True, default=new_sanction_id, editable=False)
    decision = models.OneToOneField("governance.Decision", models.PROTECT, related_name="+")
    violation = models.ForeignKey(Violation, models.PROTECT, related_name="+")
    party_kind = models.CharField(max_length=40)
    party_id = models.BigIntegerField()
    grade = models.PositiveSmallIntegerField()
    limits = ArrayField(models.CharField(max_length=20))
    state = models.CharField(max_length=8, default=SANCTION.start)
    issued_at = models.DateTimeField(default=now)
    until = models.DateTimeField(null=True)
    # What has no end is looked at again by this moment; called out then, it ends by itself if nobody answers.
    review_by = models.DateTimeField(null=True)
    called_out_at = models.DateTimeField(null=True)
    # Its effects ended early, though it stands: an overdue appeal lifts what can be lifted.
    lifted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="sanction_state", condition=Q(state__in=SANCTION.states)),
            models.CheckConstraint(
                name="sanction_ends_or_is_reviewed", condition=Q(until__isnull=False) | Q(review_by__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["violation"], condition=~Q(state="reversed"), name="sanction_one_per_violation"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["party_kind", "party_id"],
                condition=Q(state__in=["issued", "appealed", "upheld"], lifted_at__isnull=True),
                name="sanction_in_force",
            ),
            models.Index(
                fields=["until"], condition=Q(state__in=["issued", "upheld"], until__isnull=False), name="sanction_due"
            ),
            models.Index(
                fields=["review_by"],
                condition=Q(state__in=["issued", "upheld"], until__isnull=True, lifted_at__isnull=True),
                name="sanction_review",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} grade {self.grade}"
