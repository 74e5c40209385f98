"""What the operator sees of attribution and commission: everything, and nothing to change."""

from typing import ClassVar

from django.contrib import admin

from meadow.affiliate.models import Attribution, CommissionLine
from meadow.kernel.admin import ReadOnly


@admin.register(Attribution)
class AttributionAdmin(ReadOnly):
    list_display = ("order_line_id", "shop", "creator", "rule", "reason", "plan_kind", "rate_bp", "decided_at")
    list_filter = ("reason", "rule")
    list_select_related: ClassVar = ("shop", "creator")
    search_fields = ("=order_line_id", "=order_id")


@admin.register(CommissionLine)
class CommissionLineAdmin(ReadOnly):
    list_display = ("order_line_id", "creator", "state", "void_reason", "creator_minor", "currency", "paid_at")
    list_filter = ("state", "void_reason")
    list_select_related: ClassVar = ("creator",)
    search_fields = ("=order_line_id", "=order_id")
