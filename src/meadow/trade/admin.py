"""What the operator sees of carts, orders and refunds: everything, and nothing to change."""

from typing import ClassVar

from django.contrib import admin

from meadow.kernel.admin import ReadOnly
from meadow.trade.models import (
    Cart,
    CartLine,
    Checkout,
    Claim,
    Dispute,
    Evidence,
    Freeze,
    Order,
    OrderLine,
    Parcel,
    Refund,
    RefundLine,
)


@admin.register(Order)
class OrderAdmin(ReadOnly):
    list_display = ("public_id", "shop", "buyer", "state", "total_minor", "currency", "placed_at")
    list_filter = ("state", "currency")
    list_select_related: ClassVar = ("shop", "buyer")
    search_fields = ("=public_id", "=payment__public_id")


@admin.register(OrderLine)
class OrderLineAdmin(ReadOnly):
    list_display = ("public_id", "order", "kind", "title", "quantity", "amount_minor", "refunded_minor", "creator")
    list_filter = ("kind",)
    list_select_related: ClassVar = ("order", "creator")
    search_fields = ("=public_id", "=order__public_id")


@admin.register(Parcel)
class ParcelAdmin(ReadOnly):
    list_display = ("public_id", "order", "kind", "carrier", "number", "shipped_at")
    list_filter = ("kind",)
    list_select_related: ClassVar = ("order",)
    search_fields = ("=public_id", "=number", "=order__public_id")


@admin.register(Refund)
class RefundAdmin(ReadOnly):
    list_display = ("public_id", "order", "kind", "state", "amount_minor", "currency", "asked_at", "retry_due_at")
    list_filter = ("state", "kind")
    list_select_related: ClassVar = ("order",)
    search_fields = ("=public_id", "=order__public_id")


@admin.register(RefundLine)
class RefundLineAdmin(ReadOnly):
    list_display = ("refund", "line", "amount_minor", "merchant_minor", "creator_minor", "service_minor", "trade_minor")
    list_select_related: ClassVar = ("refund", "line")
    search_fields = ("=refund__public_id",)


@admin.register(Checkout)
class CheckoutAdmin(ReadOnly):
    list_display = ("public_id", "buyer", "state", "is_from_cart", "opened_at", "placed_at")
    list_filter = ("state",)
    list_select_related: ClassVar = ("buyer",)
    search_fields = ("=public_id",)


@admin.register(Cart)
class CartAdmin(ReadOnly):
    list_display = ("public_id", "person", "created_at")
    list_select_related: ClassVar = ("person",)
    search_fields = ("=public_id",)


@admin.register(CartLine)
class CartLineAdmin(ReadOnly):
    list_display = ("cart", "sku", "quantity", "price_minor", "added_at")
    list_select_related: ClassVar = ("cart", "sku")
    search_fields = ("=cart__public_id",)


@admin.register(Claim)
class ClaimAdmin(ReadOnly):
    list_display = ("public_id", "order", "kind", "reason", "state", "amount_minor", "currency", "due_at", "risk_score")
    list_filter = ("state", "kind", "reason")
    list_select_related: ClassVar = ("order",)
    search_fields = ("=public_id", "=order__public_id")


@admin.register(Evidence)
class EvidenceAdmin(ReadOnly):
    list_display = ("public_id", "claim", "side", "at")
    list_select_related: ClassVar = ("claim",)
    search_fields = ("=public_id", "=claim__public_id")


@admin.register(Dispute)
class DisputeAdmin(ReadOnly):
    list_display = ("public_id", "claim", "state", "outcome", "buyer_minor", "reason_code", "rule_due_at", "overdue_at")
    list_filter = ("state", "outcome")
    list_select_related: ClassVar = ("claim",)
    search_fields = ("=public_id", "=claim__public_id")


@admin.register(Freeze)
class FreezeAdmin(ReadOnly):
    list_display = ("public_id", "order", "state", "reason_code", "proposed_at", "active_at", "ended_at")
    list_filter = ("state", "reason_code")
    list_select_related: ClassVar = ("order",)
    search_fields = ("=public_id", "=order__public_id")
