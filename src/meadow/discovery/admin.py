"""What the operator sees of the goods that creators pick from, and nothing to change."""

from django.contrib import admin

from meadow.discovery.models import Goods
from meadow.kernel.admin import ReadOnly


@admin.register(Goods)
class GoodsAdmin(ReadOnly):
    list_display = ("title", "shop_name", "plan_kind", "rate_bp", "earns_minor", "left", "standing", "refreshed_at")
    list_filter = ("plan_kind", "standing", "is_listed")
    search_fields = ("=product_public_id",)
