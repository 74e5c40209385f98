"""Which table holds what providers told us, the refused among it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_notice_id() -> str:
    return new_id("ntc")


class Notice(models.Model):
    """What a provider, or somebody who says so, told us; refused ones are kept too, with the reason."""

    public_id = models.CharField(max_length=32, unique=True, default=new_notice_id, editable=False)
    provider = models.CharField(max_length=32)
    subject = models.CharField(max_length=16, blank=True)
    payment = models.ForeignKey("payments.Payment", models.PROTECT, null=True, related_name="+")
    provider_refund = models.ForeignKey("payments.ProviderRefund", models.PROTECT, null=True, related_name="+")
    payout = models.ForeignKey("payments.Payout", models.PROTECT, null=True, related_name="+")
    leg = models.ForeignKey("payments.Leg", models.PROTECT, null=True, related_name="+")
    chargeback = models.ForeignKey("payments.Chargeback", models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=16, blank=True)
    provider_ref = models.CharField(max_length=128, blank=True)
    # The signature of a verified notice, unique: the same bytes sent again are a replay.  A provider that repeats
    # itself signs anew.
    seal = models.CharField(max_length=128, null=True)
    verified = models.BooleanField()
    refused = models.CharField(max_length=16, blank=True)
    headers = models.JSONField()
    body = models.BinaryField()
    received_at = models.DateTimeField(default=now)
    carried_out_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "seal"], name="notice_seal_once"),
            models.CheckConstraint(
                name="notice_verified_or_refused",
                condition=Q(verified=True, refused="", seal__isnull=False)
                | Q(~Q(refused=""), verified=False, seal__isnull=True),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["received_at"], name="notice_received")]

    def __str__(self) -> str:
        return self.public_id
