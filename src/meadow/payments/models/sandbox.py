"""What the sandbox provider remembers: operations, notices to come, scripts of its behaviour, and whether it is away."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meadow.kernel.clock import now
from meadow.payments import rules


class SandboxOperation(models.Model):
    """A charge, refund or payout as the sandbox provider sees it.  It knows our ids only as opaque texts."""

    ref = models.CharField(max_length=64, unique=True)
    provider = models.CharField(max_length=32, default="sandbox", db_default="sandbox")
    subject = models.CharField(max_length=16)
    our_ref = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=16, default="waiting")
    # The end it comes to at settles_at; until then a query answers pending.
    settles_as = models.CharField(max_length=16, blank=True)
    settles_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subject", "our_ref"], name="sandbox_operation_once"),
            models.CheckConstraint(name="sandbox_state", condition=Q(state__in=rules.SANDBOX_STATES)),
            models.CheckConstraint(name="sandbox_amount", condition=Q(amount_minor__gt=0)),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["provider", "settles_at"], name="sandbox_settled", condition=Q(settles_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return self.ref


class SandboxNotice(models.Model):
    """A notice that the sandbox will send at due_at; it is signed when it is sent."""

    operation = models.ForeignKey("payments.SandboxOperation", models.PROTECT, related_name="+")
    payload = models.JSONField()
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], name="sandbox_notice_due", condition=Q(sent_at__isnull=True))
        ]


class SandboxScript(models.Model):
    """How the sandbox is to behave next time for a subject, such as the refund of a payment or a party's payout."""

    subject = models.CharField(max_length=16)
    target = models.CharField(max_length=64)
    behaviour = models.CharField(max_length=16)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["subject", "target", "id"], name="sandbox_script_next", condition=Q(used_at__isnull=True)
            )
        ]


class SandboxOutage(models.Model):
    """While a row stands here, a sandbox provider does not answer."""

    provider = models.CharField(max_length=32, unique=True)
    since = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return self.provider
