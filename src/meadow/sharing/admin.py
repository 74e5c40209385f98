"""What the operator sees of tokens and of clicks that were not believed, and nothing to change."""

from django.contrib import admin

from meadow.kernel.admin import ReadOnly
from meadow.sharing.models import RefusedClick, ShareToken


@admin.register(RefusedClick)
class RefusedClickAdmin(ReadOnly):
    list_display = ("at", "reason", "excerpt", "person")
    list_filter = ("reason",)
    list_select_related = ("person",)


@admin.register(ShareToken)
class ShareTokenAdmin(ReadOnly):
    list_display = ("public_id", "creator", "target_kind", "target_id", "state", "created_at", "expires_at")
    list_filter = ("state",)
    list_select_related = ("creator",)
