"""Which tables hold what people find: goods as creators pick them, and the products whose row must be made anew."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from meadow.discovery import rules
from meadow.kernel.clock import now


class Goods(models.Model):
    """A product as creators pick it: what everybody would earn, or (creator set) what one who was invited would.

    All of it can be made anew from the contexts that own the facts; nothing else reads it as the truth.
    """

    product = models.ForeignKey("catalog.Product", models.PROTECT, related_name="+", db_index=False)
    creator = models.ForeignKey("accounts.Creator", models.PROTECT, null=True, related_name="+", db_index=False)
    shop = models.ForeignKey("catalog.Shop", models.PROTECT, related_name="+", db_index=False)
    product_public_id = models.CharField(max_length=32)
    shop_public_id = models.CharField(max_length=32)
    shop_name = models.CharField(max_length=80)
    title = models.CharField(max_length=255)
    category = models.CharField(max_length=255, blank=True)
    version = models.IntegerField()
    price_minor = models.BigIntegerField()
    price_max_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    left = models.IntegerField()
    rate_bp = models.IntegerField(default=0)
    plan_kind = models.CharField(max_length=12, default="none")
    earns_minor = models.BigIntegerField(default=0)  # the creator's part of one sale at the lowest price
    standing = models.CharField(max_length=8, default="good")
    is_listed = models.BooleanField(default=True)
    words = ArrayField(models.TextField(), default=list)
    changes_at = models.DateTimeField(null=True)  # when a plan begins or ends, or a member leaves
    refreshed_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("product", "creator", name="goods_once", nulls_distinct=False),
            models.CheckConstraint(name="goods_standing", condition=Q(standing__in=rules.STANDINGS)),
            models.CheckConstraint(name="goods_plan", condition=Q(plan_kind__in=rules.PLANS)),
        ]
        # None names what is left, so that a sale never touches an index.
        indexes: ClassVar = [
            models.Index(
                F("currency"), F("earns_minor").desc(), F("product").desc(), name="goods_by_earnings",
                condition=Q(is_listed=True, creator__isnull=True),
            ),
            models.Index(
                F("rate_bp").desc(), F("product").desc(), name="goods_by_rate",
                condition=Q(is_listed=True, creator__isnull=True),
            ),
            models.Index(
                F("currency"), F("price_minor"), F("product"), name="goods_by_price",
                condition=Q(is_listed=True, creator__isnull=True),
            ),
            models.Index(
                F("plan_kind"), F("earns_minor").desc(), F("product").desc(), name="goods_by_plan",
                condition=Q(is_listed=True, creator__isnull=True),
            ),
            models.Index(
                F("product").desc(), name="goods_newest", condition=Q(is_listed=True, creator__isnull=True)
            ),
            models.Index(
                F("shop"), F("product").desc(), name="goods_of_shop",
                condition=Q(is_listed=True, creator__isnull=True),
            ),
            models.Index(
                F("category"), F("product").desc(), name="goods_of_category",
                condition=Q(is_listed=True, creator__isnull=True),
            ),
            models.Index(F("creator"), F("product").desc(), name="goods_for_creator", condition=Q(is_listed=True)),
            models.Index(fields=["changes_at"], name="goods_due", condition=Q(changes_at__isnull=False)),
            GinIndex(fields=["words"], name="goods_words"),
        ]  # fmt: skip
        verbose_name_plural = "goods"

    def __str__(self) -> str:
        return self.title


class Stale(models.Model):
    """A product that changed; its rows are made anew soon, together with others, and once for many changes."""

    product = models.ForeignKey("catalog.Product", models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["at"], name="stale_due")]
        verbose_name_plural = "stale"

    def __str__(self) -> str:
        return f"product {self.product_id}"
