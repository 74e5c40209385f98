"""Which tables hold carts, checkouts, orders, their parcels and their refunds."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id
from meadow.trade import rules
from meadow.trade.models.addresses import SavedAddress
from meadow.trade.models.claims import Claim, ClaimEntry, Dispute, Evidence, Freeze, ReturnAddress

__all__ = [
    "Cart",
    "CartLine",
    "Checkout",
    "Claim",
    "ClaimEntry",
    "Dispute",
    "Evidence",
    "Freeze",
    "Order",
    "OrderLine",
    "Parcel",
    "Refund",
    "RefundLine",
    "ReturnAddress",
    "SavedAddress",
]


def new_cart_id() -> str:
    return new_id("crt")


def new_checkout_id() -> str:
    return new_id("chk")


def new_order_id() -> str:
    return new_id("ord")


def new_line_id() -> str:
    return new_id("lin")


def new_parcel_id() -> str:
    return new_id("pcl")


def new_refund_id() -> str:
    return new_id("rfd")


class Cart(models.Model):
    """What a person, or a browser nobody has signed in on yet, wants to buy."""

    public_id = models.CharField(max_length=32, unique=True, default=new_cart_id, editable=False)
    person = models.OneToOneField("accounts.Person", models.PROTECT, null=True, related_name="+")
    carrier = models.CharField(max_length=64, null=True, unique=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="cart_one_owner",
                condition=Q(person__isnull=False, carrier__isnull=True) | Q(person__isnull=True, carrier__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class CartLine(models.Model):
    """A SKU in a cart, with the price it had and the click that brought it, both as of when it was added."""

    cart = models.ForeignKey("trade.Cart", models.PROTECT, related_name="+")
    sku = models.ForeignKey("catalog.Sku", models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()
    price_minor = models.BigIntegerField()
    price_version = models.PositiveIntegerField()
    click = models.TextField(blank=True)
    clicked_at = models.DateTimeField(null=True)
    added_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("cart", "sku", name="cart_line_once"),
            models.CheckConstraint(
                name="cart_line_quantity", condition=Q(quantity__gte=1, quantity__lte=rules.LIMITS["line_quantity"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.sku_id}"


class Favourite(models.Model):
    """A product that a person, or a browser nobody has signed in on yet, keeps, with its price at that time."""

    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+", db_index=False)
    carrier = models.CharField(max_length=64, null=True)
    product = models.ForeignKey("catalog.Product", models.PROTECT, related_name="+", db_index=False)
    price_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    tell_price_drop = models.BooleanField(default=False)
    kept_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="favourite_one_owner",
                condition=Q(person__isnull=False, carrier__isnull=True) | Q(person__isnull=True, carrier__isnull=False),
            ),
            models.UniqueConstraint(fields=["person", "product"], name="favourite_of_person_once"),
            models.UniqueConstraint(fields=["carrier", "product"], name="favourite_of_browser_once"),
            # Only somebody with an account can be told anything.
            models.CheckConstraint(
                name="favourite_told_person", condition=Q(tell_price_drop=False) | Q(person__isnull=False)
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["product", "-price_minor"], name="favourite_price_drop", condition=Q(tell_price_drop=True)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"product {self.product_id}"


class Checkout(models.Model):
    """The last look before buying: lines with the prices that were shown.  Its signed id is all a page must carry."""

    public_id = models.CharField(max_length=32, unique=True, default=new_checkout_id, editable=False)
    buyer = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    carrier = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=8, default=rules.CHECKOUT.start)
    lines = models.JSONField()  # [{sku_id, quantity, price_minor, price_version, click}]
    shipping = models.JSONField()  # {shop id: minor}, as it was shown
    is_from_cart = models.BooleanField(default=False)
    refused = models.JSONField(default=list)  # parts that could not be sold when the rest was placed
    opened_at = models.DateTimeField(default=now)
    placed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="checkout_state", condition=Q(state__in=rules.CHECKOUT.states)),
        ]

    def __str__(self) -> str:
        return self.public_id


class Order(models.Model):
    """One shop's sale to one buyer: the unit of escrow, timers and shipping."""

    public_id = models.CharField(max_length=32, unique=True, default=new_order_id, editable=False)
    checkout = models.ForeignKey("trade.Checkout", models.PROTECT, related_name="+")
    payment = models.ForeignKey("payments.Payment", models.PROTECT, related_name="+")
    buyer = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    shop = models.ForeignKey("catalog.Shop", models.PROTECT, related_name="+")
    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, default=rules.ORDER.start)
    close_reason = models.CharField(max_length=24, blank=True)
    currency = models.CharField(max_length=3)
    goods_minor = models.BigIntegerField()
    shipping_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField(default=0)  # promised back, in any refund of this order
    contact = models.JSONField()
    address = models.JSONField()
    placed_at = models.DateTimeField()
    unpaid_due_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    shipped_at = models.DateTimeField(null=True)
    auto_confirm_due_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.CharField(max_length=8, blank=True)  # buyer or system
    release_due_at = models.DateTimeField(null=True)
    after_sale_until = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    # When its money left escrow for `merchant:<id>:held`, because the provider would not hold it any longer.
    held_at = models.DateTimeField(null=True)
    # Its timers: what is late, what was asked for once, and how much of a stopped timer is left.
    ship_due_at = models.DateTimeField(null=True)
    late_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    timer_left = models.DurationField(null=True)
    remind_due_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    buyer_extended_at = models.DateTimeField(null=True)
    corrected_at = models.DateTimeField(null=True)
    flagged_at = models.DateTimeField(null=True)  # its tracking is in doubt
    flag_cleared_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="order_state", condition=Q(state__in=rules.ORDER.states)),
            models.CheckConstraint(
                name="order_total",
                condition=Q(
                    total_minor=F("goods_minor") + F("shipping_minor"),
                    total_minor__gt=0,
                    goods_minor__gte=0,
                    shipping_minor__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="order_refunded", condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("total_minor"))
            ),
            # While a timer stands, nothing is due.
            models.CheckConstraint(
                name="order_paused",
                condition=Q(timer_left__isnull=True)
                | (
                    Q(paused_at__isnull=False)
                    & (
                        Q(state="shipped", auto_confirm_due_at__isnull=True)
                        | Q(state="confirmed", release_due_at__isnull=True)
                        | Q(state="closed")
                    )
                ),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["buyer", "-id"], name="order_by_buyer"),
            models.Index(fields=["shop", "-id"], name="order_by_shop"),
            models.Index(fields=["payment"], name="order_by_payment"),
            models.Index(fields=["unpaid_due_at"], name="order_unpaid_due", condition=Q(state="placed")),
            models.Index(fields=["auto_confirm_due_at"], name="order_confirm_due", condition=Q(state="shipped")),
            models.Index(fields=["release_due_at"], name="order_release_due", condition=Q(state="confirmed")),
            models.Index(
                fields=["ship_due_at"],
                name="order_ship_due",
                condition=Q(state__in=("paid", "part_shipped"), late_at__isnull=True),
            ),
            models.Index(
                fields=["remind_due_at"],
                name="order_remind_due",
                condition=Q(state="shipped", reminded_at__isnull=True, remind_due_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class OrderLine(models.Model):
    """The unit of the money rules: one SKU, or the shipping.  Who earns, by which plan, is frozen here."""

    public_id = models.CharField(max_length=32, unique=True, default=new_line_id, editable=False)
    order = models.ForeignKey("trade.Order", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8)
    sku = models.ForeignKey("catalog.Sku", models.PROTECT, null=True, related_name="+")
    product = models.ForeignKey("catalog.Product", models.PROTECT, null=True, related_name="+")
    title = models.TextField()
    option_text = models.TextField(blank=True)
    quantity = models.PositiveIntegerField()
    shipped_quantity = models.PositiveIntegerField(default=0)
    unit_price_minor = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField(default=0)
    creator = models.ForeignKey("accounts.Creator", models.PROTECT, null=True, related_name="+")
    attribution = models.ForeignKey("affiliate.Attribution", models.PROTECT, null=True, related_name="+")
    plan_version = models.ForeignKey("plans.PlanVersion", models.PROTECT, null=True, related_name="+")
    rate_bp = models.PositiveIntegerField(default=0)
    merchant_minor = models.BigIntegerField()
    creator_minor = models.BigIntegerField()
    service_minor = models.BigIntegerField()
    trade_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="line_kind", condition=Q(kind__in=("goods", "shipping"))),
            models.CheckConstraint(
                name="line_amount", condition=Q(amount_minor=F("unit_price_minor") * F("quantity"), amount_minor__gte=0)
            ),
            models.CheckConstraint(
                name="line_split_sums",
                condition=Q(
                    amount_minor=F("merchant_minor") + F("creator_minor") + F("service_minor") + F("trade_minor"),
                    merchant_minor__gte=0,
                    creator_minor__gte=0,
                    service_minor__gte=0,
                    trade_minor__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="line_refunded", condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("amount_minor"))
            ),
            models.CheckConstraint(
                name="line_shipped", condition=Q(shipped_quantity__gte=0, shipped_quantity__lte=F("quantity"))
            ),
            # Nobody but the creator named on the line can earn on it: there is one column, and no path.
            models.CheckConstraint(
                name="line_creator_or_nothing", condition=Q(creator__isnull=False) | Q(creator_minor=0, service_minor=0)
            ),
            models.UniqueConstraint("order", name="line_one_shipping", condition=Q(kind="shipping")),
            models.UniqueConstraint("order", "sku", name="line_sku_once", condition=Q(kind="goods")),
        ]
        indexes: ClassVar = [models.Index(fields=["creator", "-id"], name="line_by_creator")]

    def __str__(self) -> str:
        return self.public_id


class Parcel(models.Model):
    """One parcel of an order; contents are (line id, quantity)."""

    public_id = models.CharField(max_length=32, unique=True, default=new_parcel_id, editable=False)
    order = models.ForeignKey("trade.Order", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8)
    carrier = models.CharField(max_length=40, blank=True)
    number = models.CharField(max_length=40, blank=True)
    contents = models.JSONField()
    shipped_at = models.DateTimeField()
    bare_number = models.CharField(max_length=40, blank=True)
    # What was entered at first, if it was corrected.
    first_carrier = models.CharField(max_length=40, blank=True)
    first_number = models.CharField(max_length=40, blank=True)
    claim = models.ForeignKey("trade.Claim", models.PROTECT, null=True, related_name="+")  # it replaces claimed goods

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="parcel_kind", condition=Q(kind__in=tuple(rules.AUTO_CONFIRM))),
        ]
        indexes: ClassVar = [
            models.Index(fields=["bare_number"], name="parcel_by_number", condition=~Q(bare_number="")),
        ]

    def __str__(self) -> str:
        return f"{self.carrier} {self.number}".strip() or self.kind


class Refund(models.Model):
    """Money on its way back to the buyer: promised at once, carried by the provider later."""

    public_id = models.CharField(max_length=32, unique=True, default=new_refund_id, editable=False)
    order = models.ForeignKey("trade.Order", models.PROTECT, related_name="+")
    key = models.CharField(max_length=255)
    kind = models.CharField(max_length=12)  # refund, cancel, late, chargeback or claim
    state = models.CharField(max_length=10, default=rules.REFUND.start)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    is_from_escrow = models.BooleanField()
    reason = models.TextField(blank=True)
    by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    retry_due_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)  # how often the provider was asked

    class Meta:
        constraints: ClassVar = [
            # By kind, so that no caller's key can stand in the way of a cancellation.
            models.UniqueConstraint("order", "kind", "key", name="refund_key_once"),
            models.CheckConstraint(name="refund_state", condition=Q(state__in=rules.REFUND.states)),
            models.CheckConstraint(
                name="refund_kind", condition=Q(kind__in=("refund", "cancel", "late", "chargeback", "claim"))
            ),
            models.CheckConstraint(name="refund_amount", condition=Q(amount_minor__gt=0)),
        ]
        indexes: ClassVar = [
            models.Index(fields=["retry_due_at"], name="refund_retry_due", condition=Q(retry_due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.public_id


class RefundLine(models.Model):
    """How much of one order line a refund gives back, and what each party gives for it."""

    refund = models.ForeignKey("trade.Refund", models.PROTECT, related_name="+")
    line = models.ForeignKey("trade.OrderLine", models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    merchant_minor = models.BigIntegerField()
    creator_minor = models.BigIntegerField()
    service_minor = models.BigIntegerField()
    trade_minor = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("refund", "line", name="refund_line_once"),
            models.CheckConstraint(
                name="refund_line_sums",
                condition=Q(
                    amount_minor=F("merchant_minor") + F("creator_minor") + F("service_minor") + F("trade_minor"),
                    amount_minor__gt=0,
                    merchant_minor__gte=0,
                    creator_minor__gte=0,
                    service_minor__gte=0,
                    trade_minor__gte=0,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} of {self.line_id}"
