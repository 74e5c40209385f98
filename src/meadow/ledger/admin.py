"""What the operator sees of the ledger: everything, and nothing to change."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from meadow.ledger.models import Account, Hold, Posting, Transfer

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin  # Django's own class takes no type argument when it runs


class _ReadOnly(_ModelAdmin):
    """Money moves by postings alone, so the admin shows and never writes."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(Account)
class AccountAdmin(_ReadOnly):
    list_display = ("name", "currency", "balance_minor", "held_minor", "floor_minor", "ceiling_minor")
    list_filter = ("currency", "lock_rank")
    search_fields = ("=name",)


@admin.register(Posting)
class PostingAdmin(_ReadOnly):
    list_display = ("key", "kind", "cause_kind", "cause_id", "at", "reverses")
    list_filter = ("kind",)
    search_fields = ("=key", "=cause_id")
    list_select_related = ("reverses",)


@admin.register(Transfer)
class TransferAdmin(_ReadOnly):
    list_display = ("id", "posting", "source", "target", "amount_minor", "currency")
    list_select_related = ("posting", "source", "target")
    search_fields = ("=posting__key",)


@admin.register(Hold)
class HoldAdmin(_ReadOnly):
    list_display = ("account", "amount_minor", "remaining_minor", "state", "cause_kind", "cause_id", "until")
    list_filter = ("state",)
    list_select_related = ("account",)
    search_fields = ("=cause_id",)
