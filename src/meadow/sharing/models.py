"""Which tables hold share tokens, clicks, and the clicks that were refused."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id
from meadow.sharing import rules


def new_token_id() -> str:
    return new_id("tok")


class ShareToken(models.Model):
    """The one record behind the text, the digits, the link and the QR code; the target is opaque here."""

    public_id = models.CharField(max_length=32, unique=True, default=new_token_id, editable=False)
    number = models.BigIntegerField(unique=True)  # 55 random bits; what all forms spell
    creator = models.ForeignKey("accounts.Creator", models.PROTECT, related_name="+", db_index=False)
    shop = models.ForeignKey("catalog.Shop", models.PROTECT, related_name="+", db_index=False)
    product = models.ForeignKey(
        "catalog.Product", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    target_kind = models.CharField(max_length=40)
    target_id = models.BigIntegerField()
    life_days = models.SmallIntegerField(default=rules.LIFE_DAYS)
    state = models.CharField(max_length=8, default=rules.TOKEN.start)
    blocked_by = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="token_state", condition=Q(state__in=rules.TOKEN.states)),
            models.CheckConstraint(name="token_number", condition=Q(number__range=(0, (1 << rules.BITS) - 1))),
            # One live token per creator and target: sharing the same thing twice gives the same token, and a
            # blocked one cannot be escaped by minting anew.
            models.UniqueConstraint(
                fields=["creator", "target_kind", "target_id", "product"],
                name="token_live_once",
                condition=Q(state__in=("active", "blocked")),
                nulls_distinct=False,
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["expires_at"], name="token_due", condition=Q(state="active")),
        ]

    def __str__(self) -> str:
        return self.public_id


class Click(models.Model):
    """A view that a person followed.  Append-only but for its person, and ready to be partitioned by viewed_at.

    The rows come from texts that this installation signed, in batches, so foreign keys are not checked again.
    """

    pk = models.CompositePrimaryKey("viewed_at", "public_id")
    viewed_at = models.DateTimeField()
    public_id = models.CharField(max_length=32)
    at = models.DateTimeField()
    token = models.ForeignKey(
        "sharing.ShareToken", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    creator = models.ForeignKey(
        "accounts.Creator", models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    shop = models.ForeignKey("catalog.Shop", models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    product = models.ForeignKey(
        "catalog.Product", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    surface = models.CharField(max_length=12)
    person = models.ForeignKey(
        "accounts.Person", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    carrier = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="click_surface", condition=Q(surface__in=rules.SURFACES)),
            models.CheckConstraint(name="click_after_view", condition=Q(at__gte=F("viewed_at"))),
        ]
        indexes: ClassVar = [
            models.Index(
                F("person"), F("shop"), F("at").desc(), name="click_of_person", condition=Q(person__isnull=False)
            ),
            models.Index(F("carrier"), F("shop"), F("at").desc(), name="click_of_carrier", condition=~Q(carrier="")),
            models.Index(F("creator"), F("at").desc(), name="click_of_creator"),
        ]

    def __str__(self) -> str:
        return self.public_id


class RefusedClick(models.Model):
    """A view or click text that was not believed: forged, cut, or taken to another target.  For the operator's eyes."""

    at = models.DateTimeField(default=now)
    reason = models.CharField(max_length=16)
    excerpt = models.CharField(max_length=120, blank=True)
    carrier = models.CharField(max_length=40, blank=True)
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="refused_click_reason", condition=Q(reason__in=rules.REFUSED_CLICKS)),
        ]
        indexes: ClassVar = [models.Index(F("at").desc(), name="refused_click_newest")]

    def __str__(self) -> str:
        return f"{self.reason} {self.at:%Y-%m-%d %H:%M}"
