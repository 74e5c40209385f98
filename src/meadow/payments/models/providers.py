"""Which tables hold how we stand with providers: contract, health, existing merchants, parties' accounts there."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id
from meadow.payments import rules


def new_account_id() -> str:
    return new_id("pac")


class ProviderContract(models.Model):
    """How far our contract with a provider goes in a currency.  No row: active, everything switched on."""

    provider = models.CharField(max_length=32)
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=20, default=rules.CONTRACT.start)
    may_pay = models.BooleanField(default=True)
    may_query = models.BooleanField(default=True)
    may_refund = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)  # in the order in which buyers are offered it
    since = models.DateTimeField(default=now)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "currency"], name="provider_contract_once"),
            models.CheckConstraint(name="provider_contract_state", condition=Q(state__in=rules.CONTRACT.states)),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.currency}"


class ProviderMerchant(models.Model):
    """A merchant that was there when a provider stopped taking new ones, and so keeps it."""

    provider = models.CharField(max_length=32)
    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "merchant"], name="provider_merchant_once")
        ]


class ProviderHealth(models.Model):
    """How a provider answered of late, in machine time; all processes share it."""

    provider = models.CharField(max_length=32, unique=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    open_until = models.DateTimeField(null=True)  # nobody is sent there before
    probe_at = models.DateTimeField(null=True)
    last_ok_at = models.DateTimeField(null=True)
    last_failed_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.provider


class ProviderAccount(models.Model):
    """A merchant's or creator's own account at a provider, which can receive its part of a payment."""

    public_id = models.CharField(max_length=32, unique=True, default=new_account_id, editable=False)
    provider = models.CharField(max_length=32)
    party_kind = models.CharField(max_length=16)
    party_id = models.BigIntegerField()
    kind = models.CharField(max_length=12)  # merchant, or a person's own
    account = models.CharField(max_length=64)
    added_at = models.DateTimeField(default=now)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provider", "party_kind", "party_id"],
                name="provider_account_one",
                condition=Q(closed_at__isnull=True),
            ),
            models.CheckConstraint(name="provider_account_party", condition=Q(party_kind__in=rules.PARTIES)),
            models.CheckConstraint(name="provider_account_kind", condition=Q(kind__in=("merchant", "person"))),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.account}"
