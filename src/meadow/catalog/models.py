"""Which tables hold shops, products, SKUs, prices, stock, reservations, suspensions and imports."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from meadow.catalog import rules
from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_shop_id() -> str:
    return new_id("shp")


def new_product_id() -> str:
    return new_id("prd")


def new_sku_id() -> str:
    return new_id("sku")


def new_image_id() -> str:
    return new_id("img")


def new_import_id() -> str:
    return new_id("imp")


class Shop(models.Model):
    """A merchant's shop; everything in it has one currency."""

    public_id = models.CharField(max_length=32, unique=True, default=new_shop_id, editable=False)
    slug = models.CharField(max_length=80, unique=True)
    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    currency = models.CharField(max_length=3)
    flat_shipping_minor = models.BigIntegerField(default=0)
    shipping_zones = models.JSONField(
        default=list, db_default=[]
    )  # the template, see freight.py; empty: the flat price
    notice = models.TextField(blank=True)
    state = models.CharField(max_length=12, default=rules.SHOP.start)
    opened_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="shop_state", condition=Q(state__in=rules.SHOP.states)),
            models.CheckConstraint(
                name="shop_shipping", condition=Q(flat_shipping_minor__range=(0, rules.PRICE_CAP_MINOR))
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """A thing on offer; options are the names of what its SKUs differ in.  version grows with every visible change."""

    public_id = models.CharField(max_length=32, unique=True, default=new_product_id, editable=False)
    shop = models.ForeignKey("catalog.Shop", models.PROTECT, related_name="+", db_index=False)
    handle = models.CharField(max_length=255)
    title = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    vendor = models.CharField(max_length=255, blank=True)
    category = models.CharField(max_length=255, blank=True)
    tags = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    options = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    source_url = models.TextField(blank=True)  # kept, never rendered or fetched
    state = models.CharField(max_length=12, default=rules.PRODUCT.start)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=now)
    changed_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("shop", "handle", name="product_handle_once"),
            models.CheckConstraint(name="product_state", condition=Q(state__in=rules.PRODUCT.states)),
            models.CheckConstraint(name="product_options", condition=Q(options__len__lte=3)),
        ]
        indexes: ClassVar = [
            models.Index(F("shop"), F("id").desc(), name="product_shelf", condition=Q(state="on_sale")),
            models.Index(F("id").desc(), name="product_newest", condition=Q(state="on_sale")),
        ]

    def __str__(self) -> str:
        return self.title


class ProductImage(models.Model):
    """A picture that stands elsewhere: its address is kept and counted, never rendered or fetched."""

    public_id = models.CharField(max_length=32, unique=True, default=new_image_id, editable=False)
    product = models.ForeignKey("catalog.Product", models.PROTECT, related_name="+", db_index=False)
    position = models.IntegerField()
    url = models.TextField()
    alt = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("product", "position", name="image_position_once"),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} #{self.position}"


class Sku(models.Model):
    """What is really bought: one choice of the product's options, with its price and stock.

    stock counts what is owned, reserved what is promised to orders; what is left is the difference.
    """

    public_id = models.CharField(max_length=32, unique=True, default=new_sku_id, editable=False)
    product = models.ForeignKey("catalog.Product", models.PROTECT, related_name="+", db_index=False)
    position = models.IntegerField(default=1)
    code = models.CharField(max_length=255, blank=True)
    barcode = models.CharField(max_length=255, blank=True)
    option1 = models.CharField(max_length=255, blank=True)
    option2 = models.CharField(max_length=255, blank=True)
    option3 = models.CharField(max_length=255, blank=True)
    price_minor = models.BigIntegerField()
    compare_at_minor = models.BigIntegerField(null=True, blank=True)
    price_version = models.IntegerField(default=1)
    stock = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)
    is_unlimited = models.BooleanField(default=False)
    is_gift = models.BooleanField(default=False)
    buyer_limit = models.IntegerField(null=True, blank=True)  # how many one buyer may have, in all their orders
    is_retired = models.BooleanField(default=False)  # no longer part of the product, but orders still name it
    weight_grams = models.IntegerField(null=True, blank=True)
    image_url = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("product", "option1", "option2", "option3", name="sku_choice_once"),
            models.CheckConstraint(
                name="sku_stock",
                condition=Q(reserved__gte=0, stock__gte=0) & (Q(is_unlimited=True) | Q(stock__gte=F("reserved"))),
            ),
            models.CheckConstraint(
                name="sku_buyer_limit", condition=Q(buyer_limit__isnull=True) | Q(buyer_limit__gt=0)
            ),
            models.CheckConstraint(name="sku_price", condition=Q(price_minor__range=(0, rules.PRICE_CAP_MINOR))),
            models.CheckConstraint(name="sku_gift", condition=Q(price_minor__gt=0) | Q(is_gift=True)),
            models.CheckConstraint(
                name="sku_compare_at",
                condition=Q(compare_at_minor__isnull=True) | Q(compare_at_minor__range=(0, rules.PRICE_CAP_MINOR)),
            ),
        ]
        # No index names stock or reserved, so that moving stock never touches an index.
        indexes: ClassVar = [models.Index(fields=["code"], name="sku_by_code", condition=~Q(code=""))]

    def __str__(self) -> str:
        return self.code or self.public_id


class PriceVersion(models.Model):
    """What a SKU cost from a moment on; append-only, so that a former price can be proved."""

    sku = models.ForeignKey("catalog.Sku", models.PROTECT, related_name="+", db_index=False)
    version = models.IntegerField()
    price_minor = models.BigIntegerField()
    compare_at_minor = models.BigIntegerField(null=True)
    since = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("sku", "version", name="price_version_once")]

    def __str__(self) -> str:
        return f"{self.sku_id} v{self.version}"


class Reservation(models.Model):
    """Stock promised to a cause (an order) until a moment; it is taken once or released once."""

    sku = models.ForeignKey("catalog.Sku", models.PROTECT, related_name="+", db_index=False)
    quantity = models.IntegerField()
    cause_kind = models.CharField(max_length=20)
    cause_id = models.BigIntegerField()
    state = models.CharField(max_length=8, default=rules.RESERVATION.start)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="reservation_state", condition=Q(state__in=rules.RESERVATION.states)),
            models.CheckConstraint(name="reservation_quantity", condition=Q(quantity__gt=0)),
            models.UniqueConstraint("cause_kind", "cause_id", "sku", name="reservation_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["expires_at"], name="reservation_due", condition=Q(state="held")),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.sku_id} for {self.cause_kind} {self.cause_id}"


class Suspension(models.Model):
    """A decision that took a shop or product off sale, with the state it found, so that a reversal restores it."""

    subject_kind = models.CharField(max_length=20)
    subject_id = models.BigIntegerField()
    decision_id = models.BigIntegerField()
    prior_state = models.CharField(max_length=12)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    scope = models.CharField(max_length=4, default="all")  # new: only what would begin is stopped
    via_merchant_id = models.BigIntegerField(null=True, blank=True)  # the suspended merchant whose shop it is
    lifted_by = models.BigIntegerField(null=True, blank=True)  # the restoring decision that lifted it, if one did

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="suspension_subject", condition=Q(subject_kind__in=("shop", "product"))),
            models.CheckConstraint(name="suspension_extent", condition=Q(scope__in=("new", "all"))),
            models.UniqueConstraint("decision_id", "subject_kind", "subject_id", name="suspension_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["subject_kind", "subject_id"], name="suspension_open", condition=Q(lifted_at__isnull=True)
            ),
            models.Index(
                fields=["until"], name="suspension_due", condition=Q(lifted_at__isnull=True, until__isnull=False)
            ),
            models.Index(fields=["lifted_by"], name="suspension_lifted_by", condition=Q(lifted_by__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.subject_kind} {self.subject_id} by {self.decision_id}"


class Import(models.Model):
    """One file taken in: how far it is, and what it did or refused."""

    public_id = models.CharField(max_length=32, unique=True, default=new_import_id, editable=False)
    shop = models.ForeignKey("catalog.Shop", models.PROTECT, related_name="+")
    by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    mode = models.CharField(max_length=8, default="all")
    is_dry_run = models.BooleanField(default=False)
    state = models.CharField(max_length=12, default=rules.IMPORT.start)
    format = models.CharField(max_length=20, blank=True)
    rows = models.IntegerField(default=0)
    rows_done = models.IntegerField(default=0)
    products = models.IntegerField(default=0)
    skus = models.IntegerField(default=0)
    images = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    rejected_count = models.IntegerField(default=0)
    rejected = models.JSONField(default=list)
    created_at = models.DateTimeField(default=now)
    touched_at = models.DateTimeField(default=now)  # machine time: a run that stopped touching it is taken over
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="import_state", condition=Q(state__in=rules.IMPORT.states)),
            models.CheckConstraint(name="import_mode", condition=Q(mode__in=rules.IMPORT_MODES)),
        ]
        indexes: ClassVar = [
            models.Index(fields=["touched_at"], name="import_open", condition=Q(state__in=("queued", "running"))),
        ]

    def __str__(self) -> str:
        return f"{self.format or 'file'} into {self.shop_id}"


class ImportChunk(models.Model):
    """A piece of a file that waits for its import: any worker on any machine can read it; gone when it is done."""

    of = models.ForeignKey("catalog.Import", models.PROTECT, related_name="+", db_index=False)
    position = models.IntegerField()
    data = models.BinaryField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("of", "position", name="chunk_once")]

    def __str__(self) -> str:
        return f"{self.of_id} #{self.position}"


class FaceChange(models.Model):
    """That what is shown of a product changed, by which transaction; product 0 stands for all.  Kept for an hour."""

    product_id = models.BigIntegerField()  # no foreign key: a mark holds nothing and outlives nothing
    changed_by = models.BigIntegerField(db_index=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"product {self.product_id}"
