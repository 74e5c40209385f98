"""What the operator sees of commission plans, and nothing to change."""

from django.contrib import admin

from meadow.kernel.admin import ReadOnly
from meadow.plans.models import Plan, PlanMember, PlanProduct, PlanVersion


@admin.register(Plan)
class PlanAdmin(ReadOnly):
    list_display = ("public_id", "kind", "name", "shop", "created_at")
    list_filter = ("kind",)
    list_select_related = ("shop",)


@admin.register(PlanVersion)
class PlanVersionAdmin(ReadOnly):
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
class PlanProductAdmin(ReadOnly):
    list_display = ("plan", "product")
    list_select_related = ("plan", "product")


@admin.register(PlanMember)
class PlanMemberAdmin(ReadOnly):
    list_display = ("plan", "creator", "joined_at", "leaves_at")
    list_select_related = ("plan", "creator")
