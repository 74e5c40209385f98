"""Which tables hold after-sale claims, what happened to them, their evidence, disputes, frozen orders, return addresses."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meadow.kernel.ids import new_id
from meadow.trade.rules import claims as rules


def new_claim_id() -> str:
    return new_id("clm")


def new_evidence_id() -> str:
    return new_id("evd")


def new_dispute_id() -> str:
    return new_id("dsp")


def new_freeze_id() -> str:
    return new_id("frz")


class Claim(models.Model):
    """What a buyer asks for about one line of an order.  The lock of the order's row guards it."""

    public_id = models.CharField(max_length=32, unique=True, default=new_claim_id, editable=False)
    order = models.ForeignKey("trade.Order", models.PROTECT, related_name="+", db_index=False)
    line = models.ForeignKey("trade.OrderLine", models.PROTECT, related_name="+")
    # The same as the order's, so that each side's list needs no join.
    buyer = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+", db_index=False)
    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=14)
    reason = models.CharField(max_length=20)
    state = models.CharField(max_length=10, default=rules.CLAIM.start)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    was_shipped = models.BooleanField()
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)  # when the state ends by itself
    ended_at = models.DateTimeField(null=True)
    refund = models.ForeignKey("trade.Refund", models.PROTECT, null=True, related_name="+")
    return_to = models.TextField(blank=True)
    return_carrier = models.CharField(max_length=40, blank=True)
    return_number = models.CharField(max_length=40, blank=True)
    returned_at = models.DateTimeField(null=True)
    risk_score = models.PositiveSmallIntegerField(default=0)
    risk_reasons = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="claim_state", condition=Q(state__in=rules.CLAIM.states)),
            models.CheckConstraint(name="claim_kind", condition=Q(kind__in=rules.KINDS)),
            models.CheckConstraint(name="claim_reason", condition=Q(reason__in=tuple(rules.REASONS))),
            models.CheckConstraint(name="claim_amount", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="claim_ended",
                condition=Q(state__in=rules.OPEN, ended_at__isnull=True)
                | (~Q(state__in=rules.OPEN) & Q(ended_at__isnull=False, due_at__isnull=True)),
            ),
            models.UniqueConstraint("line", name="claim_one_open", condition=Q(state__in=rules.OPEN)),
        ]
        indexes: ClassVar = [
            models.Index(fields=["order"], name="claim_by_order"),
            models.Index(fields=["buyer", "-id"], name="claim_by_buyer"),
            models.Index(fields=["merchant", "-id"], name="claim_by_merchant"),
            models.Index(fields=["state", "due_at"], name="claim_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["-risk_score", "id"], name="claim_open_now", condition=Q(state__in=rules.OPEN)),
        ]

    def __str__(self) -> str:
        return self.public_id


class ClaimEntry(models.Model):
    """One thing that happened to a claim, and who did it; entries are only added."""

    claim = models.ForeignKey("trade.Claim", models.PROTECT, related_name="+")
    event = models.CharField(max_length=16)
    before = models.CharField(max_length=10, blank=True)
    after = models.CharField(max_length=10)
    side = models.CharField(max_length=8)
    by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    text = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="claim_entry_side", condition=Q(side__in=rules.SIDES)),
        ]

    def __str__(self) -> str:
        return f"{self.event} of {self.claim_id}"


class Evidence(models.Model):
    """What a side shows: a text, a picture, or both.  Both sides and the operator see it."""

    public_id = models.CharField(max_length=32, unique=True, default=new_evidence_id, editable=False)
    claim = models.ForeignKey("trade.Claim", models.PROTECT, related_name="+")
    side = models.CharField(max_length=8)
    by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    text = models.TextField(blank=True)
    picture = models.CharField(max_length=32, blank=True)  # the name of a kept picture
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="evidence_side", condition=Q(side__in=rules.SIDES)),
            models.CheckConstraint(name="evidence_says_something", condition=~Q(text="", picture="")),
        ]

    def __str__(self) -> str:
        return self.public_id


class Dispute(models.Model):
    """A claim in the operator's hands, with its own clock and its ruling."""

    public_id = models.CharField(max_length=32, unique=True, default=new_dispute_id, editable=False)
    claim = models.ForeignKey("trade.Claim", models.PROTECT, related_name="+")
    state = models.CharField(max_length=9, default=rules.DISPUTE.start)
    opened_at = models.DateTimeField()
    evidence_until = models.DateTimeField()
    rule_due_at = models.DateTimeField()
    overdue_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=6, blank=True)
    buyer_minor = models.BigIntegerField(default=0)
    reason_code = models.CharField(max_length=24, blank=True)
    text = models.TextField(blank=True)
    ruled_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    approved_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="dispute_state", condition=Q(state__in=rules.DISPUTE.states)),
            models.UniqueConstraint("claim", name="dispute_one_open", condition=Q(state__in=rules.DISPUTE_OPEN)),
            # A ruling always names its reason and who ruled.
            models.CheckConstraint(
                name="dispute_ruled_by_somebody",
                condition=~Q(state__in=("proposed", "ruled"))
                | (Q(ruled_by__isnull=False, outcome__in=rules.OUTCOMES) & ~Q(reason_code="")),
            ),
            models.CheckConstraint(
                name="dispute_second_is_another",
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=models.F("ruled_by")),
            ),
            models.CheckConstraint(name="dispute_amount", condition=Q(buyer_minor__gte=0)),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["rule_due_at"],
                name="dispute_overdue",
                condition=Q(state__in=rules.DISPUTE_OPEN, overdue_at__isnull=True),
            ),
            models.Index(
                fields=["rule_due_at", "id"], name="dispute_open_now", condition=Q(state__in=rules.DISPUTE_OPEN)
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class Freeze(models.Model):
    """An operator's stop on an order's money: it is not released until the freeze ends."""

    public_id = models.CharField(max_length=32, unique=True, default=new_freeze_id, editable=False)
    order = models.ForeignKey("trade.Order", models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, default=rules.FREEZE.start)
    reason_code = models.CharField(max_length=24)
    text = models.TextField(blank=True)
    proposed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField()
    approved_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    active_at = models.DateTimeField(null=True)
    decision_id = models.BigIntegerField(null=True)  # of governance, where one about the goods froze it
    end_reason = models.TextField(blank=True)
    end_proposed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    end_approved_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="freeze_state", condition=Q(state__in=rules.FREEZE.states)),
            models.CheckConstraint(name="freeze_reason", condition=Q(reason_code__in=tuple(rules.FREEZE_REASONS))),
            models.UniqueConstraint("order", name="freeze_one_open", condition=Q(state__in=rules.FREEZE_OPEN)),
            models.CheckConstraint(
                name="freeze_second_is_another",
                condition=(Q(approved_by__isnull=True) | ~Q(approved_by=models.F("proposed_by")))
                & (Q(end_approved_by__isnull=True) | ~Q(end_approved_by=models.F("end_proposed_by"))),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class ReturnAddress(models.Model):
    """Where a shop's goods go back to, as it said last."""

    shop = models.OneToOneField("catalog.Shop", models.PROTECT, related_name="+")
    text = models.TextField()
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"return address of {self.shop_id}"
