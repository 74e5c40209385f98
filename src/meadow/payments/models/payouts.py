"""Which tables hold payouts, their approvals and bank files, bank details and verified names."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id
from meadow.payments import rules


def new_payout_id() -> str:
    return new_id("pyo")


def new_batch_id() -> str:
    return new_id("pbt")


def new_bank_account_id() -> str:
    return new_id("bnk")


class Payout(models.Model):
    """Money that a merchant or a creator takes out; on the ledger it waits in `payout:<public id>`."""

    public_id = models.CharField(max_length=32, unique=True, default=new_payout_id, editable=False)
    key = models.CharField(max_length=160, unique=True)
    provider = models.CharField(max_length=32)
    provider_ref = models.CharField(max_length=128, null=True)
    party_kind = models.CharField(max_length=16)
    party_id = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=16, default=rules.PAYOUT.start)
    created_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)
    ask_at = models.DateTimeField(null=True)
    requested_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    bank_account = models.ForeignKey("payments.BankAccount", models.PROTECT, null=True, related_name="+")
    batch = models.ForeignKey("payments.PayoutBatch", models.PROTECT, null=True, related_name="+")
    held_until = models.DateTimeField(null=True)
    needs_approval = models.BooleanField(default=False, db_default=False)
    reason = models.CharField(max_length=200, blank=True, db_default="")  # why it failed

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="payout_state", condition=Q(state__in=rules.PAYOUT.states)),
            models.CheckConstraint(name="payout_amount", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(name="payout_party", condition=Q(party_kind__in=rules.PARTIES)),
            models.CheckConstraint(
                name="payout_ended",
                condition=Q(state__in=["paid", "failed"], ended_at__isnull=False, ask_at__isnull=True)
                | Q(state__in=rules.PAYOUT_OPEN, ended_at__isnull=True),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["party_kind", "party_id", "id"], name="payout_of_party"),
            models.Index(fields=["ask_at", "id"], name="payout_ask", condition=Q(ask_at__isnull=False)),
            models.Index(fields=["held_until", "id"], name="payout_held", condition=Q(state="held")),
            models.Index(fields=["provider", "state", "id"], name="payout_waits", condition=Q(ended_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.public_id


class PayoutApproval(models.Model):
    """One person's yes to a large payout; two different people are needed, neither of whom asked for it."""

    payout = models.ForeignKey("payments.Payout", models.PROTECT, related_name="+")
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["payout", "person"], name="payout_approval_once")]


class PayoutBatch(models.Model):
    """Payouts that went to the bank in one file; the digest proves which file that was."""

    public_id = models.CharField(max_length=32, unique=True, default=new_batch_id, editable=False)
    currency = models.CharField(max_length=3)
    count = models.PositiveIntegerField()
    total_minor = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    made_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="payout_batch_total", condition=Q(total_minor__gt=0))]

    def __str__(self) -> str:
        return self.public_id


class BankAccount(models.Model):
    """Where a party is paid; number and holder are sealed.  A change is a new row, the old one stays with its payouts."""

    public_id = models.CharField(max_length=32, unique=True, default=new_bank_account_id, editable=False)
    party_kind = models.CharField(max_length=16)
    party_id = models.BigIntegerField()
    bank = models.CharField(max_length=80)
    holder_sealed = models.BinaryField()
    number_sealed = models.BinaryField()
    tail = models.CharField(max_length=4)  # the last digits, which people know it by
    added_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    added_at = models.DateTimeField(default=now)
    usable_from = models.DateTimeField(default=now)  # later where it took the place of another
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["party_kind", "party_id"], name="bank_account_one", condition=Q(replaced_at__isnull=True)
            ),
            models.CheckConstraint(name="bank_account_party", condition=Q(party_kind__in=rules.PARTIES)),
        ]

    def __str__(self) -> str:
        return f"{self.bank} …{self.tail}"


class VerifiedName(models.Model):
    """In whose name a party's identity was verified; a bank account must be in the same one."""

    party_kind = models.CharField(max_length=16)
    party_id = models.BigIntegerField()
    name_sealed = models.BinaryField()
    source = models.CharField(max_length=64)  # what verified it
    verified_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["party_kind", "party_id"], name="verified_name_one"),
            models.CheckConstraint(name="verified_name_party", condition=Q(party_kind__in=rules.PARTIES)),
        ]
