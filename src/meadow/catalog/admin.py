"""What the operator sees of the catalog: everything, and nothing to change."""

from typing import ClassVar

from django.contrib import admin

from meadow.catalog.models import Import, PriceVersion, Product, ProductImage, Reservation, Shop, Sku, Suspension
from meadow.kernel.admin import ReadOnly


@admin.register(Shop)
class ShopAdmin(ReadOnly):
    list_display = ("public_id", "name", "merchant", "currency", "state", "opened_at")
    list_filter = ("state", "currency")
    list_select_related: ClassVar = ("merchant",)
    search_fields = ("=public_id", "=slug", "name")


@admin.register(Product)
class ProductAdmin(ReadOnly):
    list_display = ("public_id", "title", "shop", "state", "version", "changed_at")
    list_filter = ("state",)
    list_select_related: ClassVar = ("shop",)
    search_fields = ("=public_id", "=handle")


@admin.register(Sku)
class SkuAdmin(ReadOnly):
    list_display = ("public_id", "code", "product", "price_minor", "price_version", "stock", "reserved", "is_retired")
    list_select_related: ClassVar = ("product",)
    search_fields = ("=public_id", "=code")


@admin.register(PriceVersion)
class PriceVersionAdmin(ReadOnly):
    list_display = ("sku", "version", "price_minor", "compare_at_minor", "since")
    list_select_related: ClassVar = ("sku",)
    search_fields = ("=sku__public_id",)


@admin.register(ProductImage)
class ProductImageAdmin(ReadOnly):
    list_display = ("public_id", "product", "position")
    list_select_related: ClassVar = ("product",)


@admin.register(Reservation)
class ReservationAdmin(ReadOnly):
    list_display = ("sku", "quantity", "cause_kind", "cause_id", "state", "expires_at", "ended_at")
    list_filter = ("state",)
    list_select_related: ClassVar = ("sku",)


@admin.register(Suspension)
class SuspensionAdmin(ReadOnly):
    list_display = ("subject_kind", "subject_id", "decision_id", "prior_state", "since", "until", "lifted_at")


@admin.register(Import)
class ImportAdmin(ReadOnly):
    list_display = ("public_id", "shop", "format", "mode", "state", "rows", "products", "rejected_count", "created_at")
    list_filter = ("state", "format")
    list_select_related: ClassVar = ("shop",)
