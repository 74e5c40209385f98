"""Which tables hold merchants' licences, and which listings stand only because of them."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meadow.governance.rules.lifecycles_texts import LICENCE
from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_licence_id() -> str:
    return new_id("lic")


class Licence(models.Model):
    """A merchant's licence to sell goods of a kind, shown to an operator, valid until a day."""

    public_id = models.CharField(max_length=32, unique=True, default=new_licence_id, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=24)
    number = models.CharField(max_length=80)
    issuer = models.CharField(max_length=120)
    valid_from = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=10, default=LICENCE.start)
    shown_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    shown_at = models.DateTimeField(default=now)
    decided_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="licence_state", condition=Q(state__in=LICENCE.states)),
            models.CheckConstraint(name="licence_span", condition=Q(expires_at__gt=F("valid_from"))),
        ]
        indexes: ClassVar = [
            models.Index(fields=["merchant", "kind"], name="licence_of_merchant"),
            models.Index(fields=["expires_at"], condition=Q(state="valid"), name="licence_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class LicenceUse(models.Model):
    """Something that stands only because its merchant holds a licence; `decision` took it away when that ended."""

    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=24)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    since = models.DateTimeField(default=now)
    decision = models.ForeignKey("governance.Decision", models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subject_kind", "subject_id", "kind"], name="licence_use_once")
        ]
        indexes: ClassVar = [models.Index(fields=["merchant", "kind"], name="licence_use_of_merchant")]
