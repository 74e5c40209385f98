"""What the operator sees of recommendations, and nothing to change."""

from django.contrib import admin

from meadow.content.models import Recommendation, RecommendationItem, Stop
from meadow.kernel.admin import ReadOnly


@admin.register(Recommendation)
class RecommendationAdmin(ReadOnly):
    list_display = ("public_id", "creator_name", "title", "state", "published_at")
    list_filter = ("state",)


@admin.register(RecommendationItem)
class RecommendationItemAdmin(ReadOnly):
    list_display = ("recommendation", "position", "title_at_post", "price_at_post_minor", "currency")
    list_select_related = ("recommendation",)


@admin.register(Stop)
class StopAdmin(ReadOnly):
    list_display = ("subject_kind", "subject_id", "decision_id", "until", "lifted_at")
    list_filter = ("subject_kind",)
