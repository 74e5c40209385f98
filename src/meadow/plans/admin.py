"""What the operator sees of commission plans, and nothing to change."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from meadow.plans.models import Plan, PlanMember, PlanProduct, PlanVersion

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


@admin.register(Plan)
class PlanAdmin(_ReadOnly):
    list_display = ("public_id", "kind", "name", "shop", "created_at")
    list_filter = ("kind",)
    list_select_related = ("shop",)


@admin.register(PlanVersion)
class PlanVersionAdmin(_ReadOnly):
    list_display = (
        "plan",
        "version",
        "rate_bp",
        "announced_at",
        "effective_from",
        "starts_at",
        "ends_at",
        "is_withdrawn",
    )
    list_select_related = ("plan",)


@admin.register(PlanProduct)
class PlanProductAdmin(_ReadOnly):
    list_display = ("plan", "product")
    list_select_related = ("plan", "product")


@admin.register(PlanMember)
class PlanMemberAdmin(_ReadOnly):
    list_display = ("plan", "creator", "joined_at", "leaves_at")
    list_select_related = ("plan", "creator")
