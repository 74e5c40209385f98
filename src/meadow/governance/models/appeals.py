"""Which tables hold appeals against decisions, what was added to them, and what stopped their clocks."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meadow.governance.rules import appeals as rules
from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_appeal_id() -> str:
    return new_id("apl")


class Appeal(models.Model):
    """Somebody asks for a second look at a decision that weighs on them.  `due_at` holds while the clock runs."""

    public_id = models.CharField(max_length=32, unique=True, default=new_appeal_id, editable=False)
    decision = models.ForeignKey("governance.Decision", models.PROTECT, related_name="+")
    round = models.PositiveSmallIntegerField()
    party_kind = models.CharField(max_length=40)
    party_id = models.BigIntegerField()
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    text = models.TextField(blank=True)  # emptied when its author is erased
    evidence = models.TextField(blank=True)
    state = models.CharField(max_length=10, default=rules.APPEAL.start)
    opened_at = models.DateTimeField(default=now)
    due_at = models.DateTimeField()
    # While paused: why, since when, and when the clock goes on by itself.
    paused_for = models.CharField(max_length=12, blank=True)
    paused_at = models.DateTimeField(null=True)
    resume_by = models.DateTimeField(null=True)
    overdue_at = models.DateTimeField(null=True)
    # What could be lifted was lifted, because nobody answered in time.
    lifted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    reason = models.TextField(blank=True)
    reason_zh = models.TextField(blank=True)
    outcome = models.OneToOneField("governance.Decision", models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="appeal_state", condition=Q(state__in=rules.APPEAL.states)),
            models.UniqueConstraint(fields=["decision", "round"], name="appeal_round_once"),
            models.CheckConstraint(name="appeal_rounds", condition=Q(round__range=(1, rules.ROUNDS))),
            models.CheckConstraint(
                name="appeal_pause",
                condition=Q(state="paused", paused_at__isnull=False, resume_by__isnull=False)
                & Q(paused_for__in=list(rules.PAUSES))
                | ~Q(state="paused") & Q(paused_at__isnull=True, resume_by__isnull=True, paused_for=""),
            ),
            models.CheckConstraint(
                name="appeal_answer",
                condition=Q(state__in=("upheld", "reversed"), outcome__isnull=False, ended_at__isnull=False)
                & ~Q(reason="")
                | Q(state="withdrawn", outcome__isnull=True, ended_at__isnull=False)
                | Q(state__in=rules.PENDING, outcome__isnull=True, ended_at__isnull=True),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(state="open"), name="appeal_due"),
            models.Index(fields=["resume_by"], condition=Q(state="paused"), name="appeal_resumes"),
            models.Index(fields=["party_kind", "party_id", "-id"], name="appeal_of_party"),
            models.Index(fields=["ended_at"], condition=Q(state__in=("upheld", "reversed")), name="appeal_decided"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.state})"

    @property
    def is_pending(self) -> bool:
        return self.state in rules.PENDING


class AppealNote(models.Model):
    """What either side said while an appeal was open, and the pauses of its clock, in order."""

    appeal = models.ForeignKey(Appeal, models.PROTECT, related_name="notes")
    kind = models.CharField(max_length=8, choices=[(k, k) for k in ("said", "asked", "paused", "resumed", "lifted")])
    pause = models.CharField(max_length=12, blank=True)
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    text = models.TextField(blank=True)
    at = models.DateTimeField(default=now)
