"""Which tables hold the parts of a payment that a provider passes on to parties or fetches back, and chargebacks."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id
from meadow.payments import rules


def new_leg_id() -> str:
    return new_id("leg")


def new_chargeback_id() -> str:
    return new_id("cbk")


class Leg(models.Model):
    """One party's part of a payment under way at the provider; while it is, the ledger holds it in `leg:<public id>`."""

    public_id = models.CharField(max_length=32, unique=True, default=new_leg_id, editable=False)
    key = models.CharField(max_length=160, unique=True)
    payment = models.ForeignKey("payments.Payment", models.PROTECT, related_name="+")
    of = models.CharField(max_length=48, blank=True)  # the part of the payment, where there are several
    direction = models.CharField(max_length=8)
    party_kind = models.CharField(max_length=16)
    party_id = models.BigIntegerField(null=True)  # null for the platform
    account_kind = models.CharField(max_length=12, blank=True)
    account = models.CharField(max_length=64, blank=True)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    returned_minor = models.BigIntegerField(default=0)  # asked back of it and not failed
    original = models.ForeignKey("payments.Leg", models.PROTECT, null=True, related_name="+")  # what a return undoes
    # It is drawn by the provider's refund itself and ends with it, so nobody is asked for it.
    is_with_refund = models.BooleanField(default=False)
    state = models.CharField(max_length=16, default=rules.LEG.start)
    provider_ref = models.CharField(max_length=128, blank=True)
    reason = models.CharField(max_length=64, blank=True)  # why it failed
    cause_kind = models.CharField(max_length=48)
    cause_id = models.BigIntegerField()
    created_at = models.DateTimeField(default=now)
    due_at = models.DateTimeField(default=now)  # when its party may have it
    sent_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ask_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="leg_state", condition=Q(state__in=rules.LEG.states)),
            models.CheckConstraint(name="leg_direction", condition=Q(direction__in=rules.DIRECTIONS)),
            models.CheckConstraint(
                name="leg_party",
                condition=Q(party_kind="platform", party_id__isnull=True)
                | Q(party_kind__in=rules.PARTIES, party_id__isnull=False),
            ),
            models.CheckConstraint(
                name="leg_amount",
                condition=Q(amount_minor__gte=0, returned_minor__gte=0, returned_minor__lte=F("amount_minor")),
            ),
            models.CheckConstraint(
                name="leg_return_has_original",
                condition=Q(direction="return", original__isnull=False)
                | Q(~Q(direction="return"), original__isnull=True),
            ),
            models.CheckConstraint(
                name="leg_ended",
                condition=Q(state__in=["posted", "failed"], ended_at__isnull=False, ask_at__isnull=True)
                | Q(state__in=rules.LEG_OPEN, ended_at__isnull=True),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["payment", "of"], name="leg_of_payment"),
            models.Index(fields=["cause_kind", "cause_id"], name="leg_cause"),
            models.Index(fields=["ask_at", "id"], name="leg_ask", condition=Q(ask_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.public_id


class Chargeback(models.Model):
    """A payment that the buyer's bank took back, by force and with a fee."""

    public_id = models.CharField(max_length=32, unique=True, default=new_chargeback_id, editable=False)
    payment = models.ForeignKey("payments.Payment", models.PROTECT, related_name="+")
    provider_ref = models.CharField(max_length=128)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)
    state = models.CharField(max_length=16, default=rules.CHARGEBACK.start)
    reason = models.CharField(max_length=64, blank=True)
    opened_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["payment", "provider_ref"], name="chargeback_once"),
            models.CheckConstraint(name="chargeback_state", condition=Q(state__in=rules.CHARGEBACK.states)),
            models.CheckConstraint(name="chargeback_amount", condition=Q(amount_minor__gt=0, fee_minor__gte=0)),
        ]

    def __str__(self) -> str:
        return self.public_id
