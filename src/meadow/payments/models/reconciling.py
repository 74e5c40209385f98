"""Which tables hold providers' daily statements, what differed from our books, and why each difference was closed."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id
from meadow.payments import rules


def new_difference_id() -> str:
    return new_id("dif")


class Reconciliation(models.Model):
    """One provider's day held against our books; it can be repeated and then finds only what is new."""

    provider = models.CharField(max_length=32)
    day = models.DateField()
    lines = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)  # differences, whether closed since or not
    fees_minor = models.JSONField(default=dict)  # booked for the day, per currency
    done_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)  # the provider had no statement to give

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["provider", "day"], name="reconciliation_once")]

    def __str__(self) -> str:
        return f"{self.provider} {self.day}"


class StatementLine(models.Model):
    """A movement that a provider states.  Kept, since a movement near midnight may stand in the next day's statement."""

    provider = models.CharField(max_length=32)
    day = models.DateField()
    subject = models.CharField(max_length=16)
    our_ref = models.CharField(max_length=64, blank=True)
    provider_ref = models.CharField(max_length=128)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "subject", "provider_ref"], name="statement_line_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["provider", "subject", "our_ref"], name="statement_line_ours")]

    def __str__(self) -> str:
        return f"{self.subject} {self.provider_ref}"


class Difference(models.Model):
    """Something that our books and a provider's statement tell differently; it stays until somebody says why."""

    public_id = models.CharField(max_length=32, unique=True, default=new_difference_id, editable=False)
    provider = models.CharField(max_length=32)
    day = models.DateField()
    kind = models.CharField(max_length=8)
    subject = models.CharField(max_length=16)
    our_ref = models.CharField(max_length=64, blank=True)
    provider_ref = models.CharField(max_length=128, blank=True)
    ours_minor = models.BigIntegerField(null=True)
    ours_currency = models.CharField(max_length=3, blank=True)
    theirs_minor = models.BigIntegerField(null=True)
    theirs_currency = models.CharField(max_length=3, blank=True)
    state = models.CharField(max_length=8, default=rules.DIFFERENCE.start)
    reason = models.CharField(max_length=500, blank=True)
    closed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    found_at = models.DateTimeField(default=now)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provider", "kind", "subject", "our_ref", "provider_ref"], name="difference_once"
            ),
            models.CheckConstraint(name="difference_state", condition=Q(state__in=rules.DIFFERENCE.states)),
            models.CheckConstraint(name="difference_kind", condition=Q(kind__in=rules.DIFFERENCE_KINDS)),
            models.CheckConstraint(
                name="difference_closed",
                condition=Q(state="open", closed_at__isnull=True)
                | Q(~Q(reason=""), state="closed", closed_at__isnull=False),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "day"], name="difference_open")]

    def __str__(self) -> str:
        return self.public_id
