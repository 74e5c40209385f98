"""Which tables hold payments, notices, refunds at the provider and payouts, and what the sandbox provider remembers."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id
from meadow.payments import rules


def new_payment_id() -> str:
    return new_id("pay")


def new_notice_id() -> str:
    return new_id("ntc")


def new_provider_refund_id() -> str:
    return new_id("prf")


def new_payout_id() -> str:
    return new_id("pyo")


class Payment(models.Model):
    """Money asked of a buyer through a provider; its cause may stand for several orders."""

    public_id = models.CharField(max_length=32, unique=True, default=new_payment_id, editable=False)
    key = models.CharField(max_length=160, unique=True)
    provider = models.CharField(max_length=32)
    provider_ref = models.CharField(max_length=64, null=True)
    state = models.CharField(max_length=16, default=rules.PAYMENT.start)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField(default=0)  # asked of the provider and not failed
    cause_kind = models.CharField(max_length=48)
    cause_id = models.BigIntegerField()
    created_at = models.DateTimeField(default=now)
    paid_at = models.DateTimeField(null=True)
    ask_at = models.DateTimeField(null=True)  # when the provider is asked next; null once it is known

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="payment_state", condition=Q(state__in=rules.PAYMENT.states)),
            models.CheckConstraint(name="payment_amount", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="payment_refunded",
                condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("amount_minor")),
            ),
            models.CheckConstraint(
                name="payment_paid",
                condition=Q(state="succeeded", paid_at__isnull=False)
                | Q(~Q(state="succeeded"), paid_at__isnull=True, refunded_minor=0),
            ),
            models.UniqueConstraint(fields=["provider", "provider_ref"], name="payment_provider_ref"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["cause_kind", "cause_id"], name="payment_cause"),
            models.Index(fields=["ask_at", "id"], name="payment_ask", condition=Q(ask_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.public_id


class Notice(models.Model):
    """What a provider, or somebody who says so, told us; refused ones are kept too, with the reason."""

    public_id = models.CharField(max_length=32, unique=True, default=new_notice_id, editable=False)
    provider = models.CharField(max_length=32)
    subject = models.CharField(max_length=16, blank=True)
    payment = models.ForeignKey("payments.Payment", models.PROTECT, null=True, related_name="+")
    provider_refund = models.ForeignKey("payments.ProviderRefund", models.PROTECT, null=True, related_name="+")
    payout = models.ForeignKey("payments.Payout", models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=16, blank=True)
    provider_ref = models.CharField(max_length=64, blank=True)
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


class ProviderRefund(models.Model):
    """Money asked back from the provider for a buyer; an asynchronous leg with an end of its own."""

    public_id = models.CharField(max_length=32, unique=True, default=new_provider_refund_id, editable=False)
    key = models.CharField(max_length=160, unique=True)
    payment = models.ForeignKey("payments.Payment", models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=16, default=rules.PROVIDER_REFUND.start)
    provider_ref = models.CharField(max_length=64, null=True)
    cause_kind = models.CharField(max_length=48)
    cause_id = models.BigIntegerField()
    created_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)
    ask_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="provider_refund_state", condition=Q(state__in=rules.PROVIDER_REFUND.states)),
            models.CheckConstraint(name="provider_refund_amount", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="provider_refund_ended",
                condition=Q(state__in=["posted", "failed"], ended_at__isnull=False, ask_at__isnull=True)
                | Q(state__in=["requested", "pending"], ended_at__isnull=True),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["cause_kind", "cause_id"], name="provider_refund_cause"),
            models.Index(fields=["ask_at", "id"], name="provider_refund_ask", condition=Q(ask_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.public_id


class Payout(models.Model):
    """Money that a merchant or a creator takes out; on the ledger it waits in `payout:<public id>`."""

    public_id = models.CharField(max_length=32, unique=True, default=new_payout_id, editable=False)
    key = models.CharField(max_length=160, unique=True)
    provider = models.CharField(max_length=32)
    provider_ref = models.CharField(max_length=64, null=True)
    party_kind = models.CharField(max_length=16)
    party_id = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=16, default=rules.PAYOUT.start)
    created_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)
    ask_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="payout_state", condition=Q(state__in=rules.PAYOUT.states)),
            models.CheckConstraint(name="payout_amount", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(name="payout_party", condition=Q(party_kind__in=rules.PARTIES)),
            models.CheckConstraint(
                name="payout_ended",
                condition=Q(state__in=["paid", "failed"], ended_at__isnull=False, ask_at__isnull=True)
                | Q(state__in=["requested", "pending"], ended_at__isnull=True),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["party_kind", "party_id", "id"], name="payout_of_party"),
            models.Index(fields=["ask_at", "id"], name="payout_ask", condition=Q(ask_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.public_id


class SandboxOperation(models.Model):
    """A charge, refund or payout as the sandbox provider sees it.  It knows our ids only as opaque texts."""

    ref = models.CharField(max_length=64, unique=True)
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
