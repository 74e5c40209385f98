"""Which tables hold the partners whose links are allowed, and what operators set apart from them."""

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_partner_id() -> str:
    return new_id("prt")


def new_bar_id() -> str:
    return new_id("bar")


class Partner(models.Model):
    """A shop platform whose product links may be posted, with the contract that makes it answer for the goods."""

    public_id = models.CharField(max_length=32, unique=True, default=new_partner_id, editable=False)
    name = models.CharField(max_length=120, unique=True)
    hosts = ArrayField(models.CharField(max_length=253))
    product_patterns = ArrayField(models.CharField(max_length=300))
    contract = models.TextField(blank=True)
    after_sale_contact = models.CharField(max_length=254)
    active = models.BooleanField(default=True)
    since = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True, blank=True)
    contract_until = models.DateTimeField(null=True, blank=True)  # from then on it is as good as ended
    version = models.IntegerField(default=1)  # grows with every change; the trail of audit entries says what changed

    def __str__(self) -> str:
        return self.name

    def runs_at(self, moment: datetime) -> bool:
        """Whether the partnership holds at a moment."""
        return self.active and (self.contract_until is None or moment < self.contract_until)


class LinkSetting(models.Model):
    """What an operator set for plain addresses on a surface, or for a partner's product pages there."""

    surface = models.CharField(max_length=20)
    partner = models.ForeignKey("governance.Partner", models.PROTECT, null=True, related_name="+")
    verdict = models.CharField(max_length=5)
    reason = models.TextField()
    set_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["surface", "partner"], name="link_setting_once", nulls_distinct=False),
            # A stranger's address is never simply allowed: then the list of partners would mean nothing.
            models.CheckConstraint(
                name="link_setting_verdict",
                condition=Q(verdict__in=["warn", "block"]) | Q(verdict="allow", partner__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.surface}: {self.verdict}"


class BarredHost(models.Model):
    """A host blocked on every surface, with all that belongs to it; lifted, it stays on record."""

    public_id = models.CharField(max_length=32, unique=True, default=new_bar_id, editable=False)
    host = models.CharField(max_length=253)
    rule_id = models.CharField(max_length=60)
    reason = models.TextField()
    reason_zh = models.TextField(blank=True)
    since = models.DateTimeField(default=now)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["host"], condition=Q(lifted_at__isnull=True), name="barred_host_once")
        ]

    def __str__(self) -> str:
        return self.host
