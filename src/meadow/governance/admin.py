"""What the operator sees of governance: the rulebook, every decision and the partners, and nothing to change."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from meadow.governance.models import Decision, Partner, Rule

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


@admin.register(Rule)
class RuleAdmin(_ReadOnly):
    list_display = ("rule_id", "version", "title_en", "title_zh", "published_at")


@admin.register(Decision)
class DecisionAdmin(_ReadOnly):
    list_display = ("public_id", "subject_kind", "subject_id", "action", "rule_id", "rule_version", "made_at", "until")
    list_filter = ("action", "subject_kind", "rule_id")
    search_fields = ("=public_id",)


@admin.register(Partner)
class PartnerAdmin(_ReadOnly):
    list_display = ("name", "hosts", "active", "since", "ended_at", "after_sale_contact")
    list_filter = ("active",)
