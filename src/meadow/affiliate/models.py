"""Which tables hold the decisions who earns on an order line, and the commission that follows from each."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from meadow.affiliate import rules
from meadow.kernel.ids import new_id


def new_write_off_id() -> str:
    return new_id("wof")


class Attribution(models.Model):
    """One decision per order line, with all that it read; never changed."""

    order_line_id = models.BigIntegerField(unique=True)  # opaque: orders live above this context
    order_id = models.BigIntegerField()
    shop = models.ForeignKey("catalog.Shop", models.PROTECT, related_name="+")
    creator = models.ForeignKey("accounts.Creator", models.PROTECT, null=True, related_name="+")
    click_id = models.TextField(blank=True)  # the text of the click that decided, stored click or not
    plan_version = models.ForeignKey("plans.PlanVersion", models.PROTECT, null=True, related_name="+")
    plan_kind = models.CharField(max_length=12, blank=True)
    rate_bp = models.PositiveIntegerField(default=0)
    goods_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    rule = models.CharField(max_length=20)
    reason = models.CharField(max_length=30)
    rules_version = models.CharField(max_length=20)
    review = models.CharField(max_length=20, blank=True, default="")
    # Every creator with a candidate click, so that each can be told why or why not.
    candidate_ids = ArrayField(models.BigIntegerField(), default=list)
    log = models.JSONField()
    decided_at = models.DateTimeField()
    # Where the newest click on the line's shop came from, earning or not: an outlet's tag, 0 unknown, -1 a surface of
    # our own, nothing without a click.
    origin_tag = models.SmallIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="attribution_creator_has_plan",
                condition=Q(creator__isnull=True, plan_version__isnull=True, rate_bp=0)
                | (Q(creator__isnull=False, plan_version__isnull=False) & ~Q(click_id="")),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["order_id"], name="attribution_by_order"),
            GinIndex(
                fields=["candidate_ids"],
                name="attribution_of_candidates",
                condition=~Q(candidate_ids=[]),
            ),
        ]

    def __str__(self) -> str:
        return f"line {self.order_line_id}: {self.reason}"


class Review(models.Model):
    """A commission that waits for a person's look; in the queue as a decision about this row."""

    attribution = models.OneToOneField("affiliate.Attribution", models.PROTECT, related_name="+")
    creator = models.ForeignKey("accounts.Creator", models.PROTECT, related_name="+")
    code = models.CharField(max_length=20)
    state = models.CharField(max_length=8, default=rules.REVIEW.start)
    void_reason = models.CharField(max_length=30, blank=True)
    decision_id = models.BigIntegerField(null=True)  # that holds it
    void_decision_id = models.BigIntegerField(null=True)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)  # from release on: undecided by then, it ends for the creator
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="review_state", condition=Q(state__in=rules.REVIEW.states)),
            models.CheckConstraint(
                name="review_void_reason",
                condition=(~Q(state="voided") & Q(void_reason="")) | Q(state="voided", void_reason__in=rules.ABUSE),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="review_due", condition=Q(state="pending", due_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.state}"


class CreatorSite(models.Model):
    """A site outside on which a creator promotes; a claim from anywhere else earns nothing."""

    creator = models.ForeignKey("accounts.Creator", models.PROTECT, related_name="+")
    host = models.CharField(max_length=253)
    registered_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["creator", "host"], condition=Q(removed_at__isnull=True), name="creator_site_once"
            )
        ]

    def __str__(self) -> str:
        return self.host


class AttributionNote(models.Model):
    """What a checkout was told of who brought the buyer, by an open convention; kept, never shown again."""

    checkout = models.CharField(max_length=32)  # opaque: checkouts live above this context
    touchpoint = models.CharField(max_length=5)  # first: when it was opened, last: when it was placed
    kind = models.CharField(max_length=3)
    provider = models.CharField(max_length=255)
    payload = models.JSONField()
    noted_at = models.DateTimeField()
    # A claim of our own that was believed; each is good for one checkout.
    claim_id = models.CharField(max_length=32, null=True, unique=True)
    token_id = models.BigIntegerField(null=True)
    creator = models.ForeignKey("accounts.Creator", models.PROTECT, null=True, related_name="+")
    shop = models.ForeignKey("catalog.Shop", models.PROTECT, null=True, related_name="+")
    product_id = models.BigIntegerField(null=True)
    claimed_at = models.DateTimeField(null=True)
    flag = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["checkout", "touchpoint", "kind"], name="attribution_note_once"),
            models.CheckConstraint(
                name="attribution_note_kinds",
                condition=Q(touchpoint__in=["first", "last"], kind__in=["acp", "ucp"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.touchpoint} of {self.checkout}"


class WriteOff(models.Model):
    """A debt that the platform gives up, by the word of two people; posted once."""

    public_id = models.CharField(max_length=32, unique=True, default=new_write_off_id, editable=False)
    party_kind = models.CharField(max_length=8)
    party_id = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=400)
    state = models.CharField(max_length=10, default=rules.WRITE_OFF.start)
    proposed_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="write_off_state", condition=Q(state__in=rules.WRITE_OFF.states)),
            models.CheckConstraint(name="write_off_party", condition=Q(party_kind__in=("merchant", "creator"))),
            models.CheckConstraint(name="write_off_amount", condition=Q(amount_minor__gt=0)),
            # Two different people: nobody gives away the platform's money alone.
            models.CheckConstraint(
                name="write_off_by_two",
                condition=~Q(state="posted") | (Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by"))),
            ),
            models.UniqueConstraint(
                fields=["party_kind", "party_id", "currency"], name="write_off_open_once", condition=Q(state="proposed")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency} of {self.party_kind} {self.party_id}"


class CommissionLine(models.Model):
    """What one creator earns on one order line: estimated twice, then final or void."""

    attribution = models.OneToOneField("affiliate.Attribution", models.PROTECT, related_name="+")
    creator = models.ForeignKey("accounts.Creator", models.PROTECT, related_name="+")
    order_line_id = models.BigIntegerField(unique=True)
    order_id = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=24, default=rules.COMMISSION.start)
    void_reason = models.CharField(max_length=30, blank=True)
    goods_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField(default=0)
    rate_bp = models.PositiveIntegerField()
    creator_minor = models.BigIntegerField()  # what the creator gets as things stand, service fee taken off
    service_minor = models.BigIntegerField()
    at_payment_minor = models.BigIntegerField()  # the estimates as they were shown
    at_receipt_minor = models.BigIntegerField(null=True)
    final_minor = models.BigIntegerField(null=True)
    paid_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="commission_state", condition=Q(state__in=rules.COMMISSION.states)),
            models.CheckConstraint(
                name="commission_void_reason",
                condition=(~Q(state="void") & Q(void_reason=""))
                | (Q(state="void", void_reason__in=rules.VOID_REASONS)),
            ),
            models.CheckConstraint(
                name="commission_refunded", condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("goods_minor"))
            ),
            models.CheckConstraint(
                name="commission_void_earns_nothing", condition=~Q(state="void") | Q(creator_minor=0)
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["order_id"], name="commission_by_order"),
            models.Index(fields=["creator", "-paid_at"], name="commission_by_creator"),
        ]

    def __str__(self) -> str:
        return f"line {self.order_line_id}: {self.creator_minor} {self.currency} {self.state}"
