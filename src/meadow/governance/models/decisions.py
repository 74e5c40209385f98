"""Which table holds the decisions made by the rulebook."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meadow.governance import rules
from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_decision_id() -> str:
    return new_id("dec")


class Decision(models.Model):
    """A rule's recorded answer.  Append-only by trigger; a reversal is a row of its own that names what it undoes."""

    public_id = models.CharField(max_length=32, unique=True, default=new_decision_id, editable=False)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    action = models.CharField(max_length=20)
    rule_id = models.CharField(max_length=60)  # (rule_id, rule_version) is a foreign key, see migration 0002
    rule_version = models.PositiveIntegerField()
    reason = models.TextField()
    inputs = models.JSONField(default=dict)
    decided_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(default=now)
    until = models.DateTimeField(null=True)
    reverses = models.OneToOneField("governance.Decision", models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="decision_action", condition=Q(action__in=rules.ACTIONS)),
            models.CheckConstraint(name="decision_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="decision_reverses",
                condition=Q(action="reverse", reverses__isnull=False)
                | (~Q(action="reverse") & Q(reverses__isnull=True)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["subject_kind", "subject_id", "-id"], name="decision_of_subject"),
            models.Index(fields=["rule_id", "-id"], name="decision_by_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_kind} {self.subject_id}"
