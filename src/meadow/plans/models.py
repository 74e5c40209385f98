"""Which tables hold commission plans, their versions, their products and their members."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id
from meadow.plans import rules


def new_plan_id() -> str:
    return new_id("pln")


class Plan(models.Model):
    """A promise of commission: shop-wide if general, else for named products; members where not open to all.

    Whether it runs is told by its versions and their dates alone.
    """

    public_id = models.CharField(max_length=32, unique=True, default=new_plan_id, editable=False)
    shop = models.ForeignKey("catalog.Shop", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=12)
    name = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="plan_kind", condition=Q(kind__in=rules.PRECEDENCE)),
            models.UniqueConstraint("shop", name="plan_general_once", condition=Q(kind="general")),
        ]
        indexes: ClassVar = [models.Index(fields=["shop", "kind"], name="plan_of_shop")]

    def __str__(self) -> str:
        return f"{self.kind} plan {self.public_id}"


class PlanVersion(models.Model):
    """What a plan pays from a moment on.  In force: the highest version in effect that was not withdrawn before."""

    plan = models.ForeignKey("plans.Plan", models.PROTECT, related_name="+", db_index=False)
    version = models.IntegerField()
    rate_bp = models.IntegerField()
    announced_at = models.DateTimeField()
    effective_from = models.DateTimeField()
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    is_withdrawn = models.BooleanField(default=False)  # a later announcement replaced it before it took effect

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("plan", "version", name="plan_version_once"),
            models.CheckConstraint(name="plan_version_rate", condition=Q(rate_bp__range=(0, 10_000))),
            models.CheckConstraint(
                name="plan_version_dates",
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
            ),
            models.CheckConstraint(name="plan_version_notice", condition=Q(effective_from__gte=F("announced_at"))),
        ]

    def __str__(self) -> str:
        return f"plan {self.plan_id} v{self.version}: {self.rate_bp} bp"


class PlanProduct(models.Model):
    """A product that a plan names; general plans name none and cover the whole shop."""

    plan = models.ForeignKey("plans.Plan", models.PROTECT, related_name="+", db_index=False)
    product = models.ForeignKey("catalog.Product", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("product", "plan", name="plan_product_once")]
        indexes: ClassVar = [models.Index(fields=["plan"], name="plan_products")]

    def __str__(self) -> str:
        return f"plan {self.plan_id}: product {self.product_id}"


class PlanMember(models.Model):
    """A creator in a directed or exclusive plan; leaves_at is the end of the notice, once given."""

    plan = models.ForeignKey("plans.Plan", models.PROTECT, related_name="+", db_index=False)
    creator = models.ForeignKey("accounts.Creator", models.PROTECT, related_name="+", db_index=False)
    joined_at = models.DateTimeField(default=now)
    leaves_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("plan", "creator", name="plan_member_once")]
        indexes: ClassVar = [models.Index(fields=["creator"], name="plan_memberships")]

    def __str__(self) -> str:
        return f"plan {self.plan_id}: creator {self.creator_id}"
