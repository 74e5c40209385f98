"""What the operator sees of tokens and of clicks that were not believed, and nothing to change."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from meadow.sharing.models import RefusedClick, ShareToken

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


@admin.register(RefusedClick)
class RefusedClickAdmin(_ReadOnly):
    list_display = ("at", "reason", "excerpt", "person")
    list_filter = ("reason",)
    list_select_related = ("person",)


@admin.register(ShareToken)
class ShareTokenAdmin(_ReadOnly):
    list_display = ("public_id", "creator", "target_kind", "target_id", "state", "created_at", "expires_at")
    list_filter = ("state",)
    list_select_related = ("creator",)
