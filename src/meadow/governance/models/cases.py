"""Which tables hold the cases that people look at, who is in each, and what was reported."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from meadow.governance.rules.lifecycles import CASE
from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_case_id() -> str:
    return new_id("cas")


def new_report_id() -> str:
    return new_id("rpt")


class Case(models.Model):
    """Something an operator should look at.  While it is open, whatever has the same key joins it."""

    public_id = models.CharField(max_length=32, unique=True, default=new_case_id, editable=False)
    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=120)
    subject_kind = models.CharField(max_length=40, blank=True)
    subject_id = models.BigIntegerField(null=True)
    rule_id = models.CharField(max_length=60, blank=True)
    weight = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, default=CASE.start)
    opened_at = models.DateTimeField(default=now)
    closed_at = models.DateTimeField(null=True)
    # The decision that it is about, where there is one.
    decision = models.ForeignKey("governance.Decision", models.PROTECT, null=True, related_name="+")
    # Who works on it, and until when by machine time; then it goes back to the queue.
    held_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    held_until = models.DateTimeField(null=True)
    # Operators who took part before and must not look at it again: the decider of what is appealed, who escalated.
    barred = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="case_state", condition=Q(state__in=CASE.states)),
            models.CheckConstraint(
                name="case_held",
                condition=Q(held_by__isnull=True, held_until__isnull=True)
                | Q(held_by__isnull=False, held_until__isnull=False) & ~Q(state="closed"),
            ),
            models.UniqueConstraint(fields=["kind", "key"], condition=~Q(state="closed"), name="case_one_open"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-weight", "id"], condition=~Q(state="closed"), name="case_queue"),
            models.Index(fields=["subject_kind", "subject_id"], name="case_of_subject"),
            models.Index(fields=["held_by"], condition=Q(held_by__isnull=False), name="case_held_by"),
            models.Index(fields=["decision"], condition=Q(decision__isnull=False), name="case_of_decision"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class CaseMember(models.Model):
    """An account that belongs to a case, with the event that brought it there."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="members")
    party_kind = models.CharField(max_length=40)
    party_id = models.BigIntegerField()
    occurrence = models.ForeignKey("governance.Occurrence", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "party_kind", "party_id"], name="case_member_once")
        ]


class Report(models.Model):
    """Somebody's report of something; who reports the same thing again changes nothing."""

    public_id = models.CharField(max_length=32, unique=True, default=new_report_id, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="reports")
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    rule_id = models.CharField(max_length=60)
    text = models.TextField(blank=True)  # emptied when its author is erased
    cluster_key = models.BigIntegerField(null=True)
    at = models.DateTimeField(default=now)
    outcome = models.CharField(max_length=10, blank=True, choices=[("upheld", "upheld"), ("dismissed", "dismissed")])

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "person"], name="report_once")]
        indexes: ClassVar = [models.Index(fields=["person", "-id"], name="report_of_person")]
