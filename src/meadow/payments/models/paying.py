"""Which tables hold payments, the parts of them that different merchants are owed, and refunds at the provider."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id
from meadow.payments import rules


def new_payment_id() -> str:
    return new_id("pay")


def new_part_id() -> str:
    return new_id("ppt")


def new_provider_refund_id() -> str:
    return new_id("prf")


class Payment(models.Model):
    """Money asked of a buyer through a provider; its cause may stand for several orders."""

    public_id = models.CharField(max_length=32, unique=True, default=new_payment_id, editable=False)
    key = models.CharField(max_length=160, unique=True)
    provider = models.CharField(max_length=32)
    provider_ref = models.CharField(max_length=128, null=True)
    state = models.CharField(max_length=16, default=rules.PAYMENT.start)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField(default=0)  # asked of the provider and not failed
    cause_kind = models.CharField(max_length=48)
    cause_id = models.BigIntegerField()
    created_at = models.DateTimeField(default=now)
    paid_at = models.DateTimeField(null=True)
    # When the provider is asked, or told that the payment was given up, next; null once it is known.
    ask_at = models.DateTimeField(null=True)
    pay_url = models.CharField(max_length=1024, blank=True, db_default="")  # where the buyer pays: a page or a code
    # A buyer whose provider fails pays by another: that is a new row, and all rows of one purchase name the first.
    first = models.ForeignKey("payments.Payment", models.PROTECT, null=True, related_name="+")
    replaced_at = models.DateTimeField(null=True)
    # Providers hold money only so long: when we end the hold ourselves, and when that was done.
    hold_due_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)

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
            models.Index(fields=["hold_due_at", "id"], name="payment_hold", condition=Q(hold_due_at__isnull=False)),
            models.Index(fields=["provider", "paid_at"], name="payment_paid_on", condition=Q(paid_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.public_id


class PaymentPart(models.Model):
    """One merchant's order within a payment, for providers at which the money comes to the merchants themselves."""

    public_id = models.CharField(max_length=32, unique=True, default=new_part_id, editable=False)
    payment = models.ForeignKey("payments.Payment", models.PROTECT, related_name="+")
    of = models.CharField(max_length=48)  # the payer's own name for it, such as "shop:12"
    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, related_name="+")
    account = models.CharField(max_length=64)  # the merchant's account at the provider
    amount_minor = models.BigIntegerField()
    provider_ref = models.CharField(max_length=128, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["payment", "of"], name="payment_part_once"),
            models.CheckConstraint(name="payment_part_amount", condition=Q(amount_minor__gt=0)),
        ]

    def __str__(self) -> str:
        return self.public_id


class ProviderRefund(models.Model):
    """Money asked back from the provider for a buyer; an asynchronous leg with an end of its own."""

    public_id = models.CharField(max_length=32, unique=True, default=new_provider_refund_id, editable=False)
    key = models.CharField(max_length=160, unique=True)
    payment = models.ForeignKey("payments.Payment", models.PROTECT, related_name="+")
    of = models.CharField(max_length=48, blank=True, db_default="")  # the part of the payment it is taken from
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=16, default=rules.PROVIDER_REFUND.start)
    provider_ref = models.CharField(max_length=128, null=True)
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
            models.Index(fields=["ended_at"], name="provider_refund_ended_on", condition=Q(state="posted")),
        ]

    def __str__(self) -> str:
        return self.public_id
