"""What the operator sees of carts, orders and refunds: everything, and nothing to change."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from meadow.trade.models import Cart, CartLine, Checkout, Order, OrderLine, Parcel, Refund, RefundLine

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin  # Django's own class takes no type argument when it runs


class _ReadOnly(_ModelAdmin):
    """Every change goes through a service, so the admin shows and never writes."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(Order)
class OrderAdmin(_ReadOnly):
    list_display = ("public_id", "shop", "buyer", "state", "total_minor", "currency", "placed_at")
    list_filter = ("state", "currency")
    list_select_related: ClassVar = ("shop", "buyer")
    search_fields = ("=public_id", "=payment__public_id")


@admin.register(OrderLine)
class OrderLineAdmin(_ReadOnly):
    list_display = ("public_id", "order", "kind", "title", "quantity", "amount_minor", "refunded_minor", "creator")
    list_filter = ("kind",)
    list_select_related: ClassVar = ("order", "creator")
    search_fields = ("=public_id", "=order__public_id")


@admin.register(Parcel)
class ParcelAdmin(_ReadOnly):
    list_display = ("public_id", "order", "kind", "carrier", "number", "shipped_at")
    list_filter = ("kind",)
    list_select_related: ClassVar = ("order",)
    search_fields = ("=public_id", "=number", "=order__public_id")


@admin.register(Refund)
class RefundAdmin(_ReadOnly):
    list_display = ("public_id", "order", "kind", "state", "amount_minor", "currency", "asked_at", "retry_due_at")
    list_filter = ("state", "kind")
    list_select_related: ClassVar = ("order",)
    search_fields = ("=public_id", "=order__public_id")


@admin.register(RefundLine)
class RefundLineAdmin(_ReadOnly):
    list_display = ("refund", "line", "amount_minor", "merchant_minor", "creator_minor", "service_minor", "trade_minor")
    list_select_related: ClassVar = ("refund", "line")
    search_fields = ("=refund__public_id",)


@admin.register(Checkout)
class CheckoutAdmin(_ReadOnly):
    list_display = ("public_id", "buyer", "state", "is_from_cart", "opened_at", "placed_at")
    list_filter = ("state",)
    list_select_related: ClassVar = ("buyer",)
    search_fields = ("=public_id",)


@admin.register(Cart)
class CartAdmin(_ReadOnly):
    list_display = ("public_id", "person", "created_at")
    list_select_related: ClassVar = ("person",)
    search_fields = ("=public_id",)


@admin.register(CartLine)
class CartLineAdmin(_ReadOnly):
    list_display = ("cart", "sku", "quantity", "price_minor", "added_at")
    list_select_related: ClassVar = ("cart", "sku")
    search_fields = ("=cart__public_id",)
