"""What the operator sees of recommendations, and nothing to change."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from meadow.content.models import Recommendation, RecommendationItem, Stop

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


@admin.register(Recommendation)
class RecommendationAdmin(_ReadOnly):
    list_display = ("public_id", "creator_name", "title", "state", "published_at")
    list_filter = ("state",)


@admin.register(RecommendationItem)
class RecommendationItemAdmin(_ReadOnly):
    list_display = ("recommendation", "position", "title_at_post", "price_at_post_minor", "currency")
    list_select_related = ("recommendation",)


@admin.register(Stop)
class StopAdmin(_ReadOnly):
    list_display = ("subject_kind", "subject_id", "decision_id", "until", "lifted_at")
    list_filter = ("subject_kind",)
