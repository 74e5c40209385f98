"""What the operator sees of attribution and commission: everything, and nothing to change."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from meadow.affiliate.models import Attribution, CommissionLine

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


@admin.register(Attribution)
class AttributionAdmin(_ReadOnly):
    list_display = ("order_line_id", "shop", "creator", "rule", "reason", "plan_kind", "rate_bp", "decided_at")
    list_filter = ("reason", "rule")
    list_select_related: ClassVar = ("shop", "creator")
    search_fields = ("=order_line_id", "=order_id")


@admin.register(CommissionLine)
class CommissionLineAdmin(_ReadOnly):
    list_display = ("order_line_id", "creator", "state", "void_reason", "creator_minor", "currency", "paid_at")
    list_filter = ("state", "void_reason")
    list_select_related: ClassVar = ("creator",)
    search_fields = ("=order_line_id", "=order_id")
