"""What the operator sees of the ledger: everything, and nothing to change."""

from django.contrib import admin

from meadow.kernel.admin import ReadOnly
from meadow.ledger.models import Account, Hold, Posting, Transfer


@admin.register(Account)
class AccountAdmin(ReadOnly):
    list_display = ("name", "currency", "balance_minor", "held_minor", "floor_minor", "ceiling_minor")
    list_filter = ("currency", "lock_rank")
    search_fields = ("=name",)


@admin.register(Posting)
class PostingAdmin(ReadOnly):
    list_display = ("key", "kind", "cause_kind", "cause_id", "at", "reverses")
    list_filter = ("kind",)
    search_fields = ("=key", "=cause_id")
    list_select_related = ("reverses",)


@admin.register(Transfer)
class TransferAdmin(ReadOnly):
    list_display = ("id", "posting", "source", "target", "amount_minor", "currency")
    list_select_related = ("posting", "source", "target")
    search_fields = ("=posting__key",)


@admin.register(Hold)
class HoldAdmin(ReadOnly):
    list_display = ("account", "amount_minor", "remaining_minor", "state", "cause_kind", "cause_id", "until")
    list_filter = ("state",)
    list_select_related = ("account",)
    search_fields = ("=cause_id",)
