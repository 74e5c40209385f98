"""What the operator sees of payments: everything, and nothing to change."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from meadow.payments.models import Notice, Payment, Payout, ProviderRefund, SandboxNotice, SandboxOperation

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


@admin.register(Payment)
class PaymentAdmin(_ReadOnly):
    list_display = ("public_id", "provider", "state", "amount_minor", "refunded_minor", "currency", "created_at")
    list_filter = ("state", "provider")
    search_fields = ("=public_id", "=provider_ref")


@admin.register(Notice)
class NoticeAdmin(_ReadOnly):
    list_display = ("public_id", "provider", "subject", "outcome", "verified", "refused", "received_at")
    list_filter = ("verified", "refused", "subject")
    search_fields = ("=public_id", "=provider_ref")


@admin.register(ProviderRefund)
class ProviderRefundAdmin(_ReadOnly):
    list_display = ("public_id", "payment", "amount_minor", "state", "cause_kind", "cause_id", "ended_at")
    list_filter = ("state",)
    list_select_related = ("payment",)
    search_fields = ("=public_id",)


@admin.register(Payout)
class PayoutAdmin(_ReadOnly):
    list_display = ("public_id", "party_kind", "party_id", "amount_minor", "currency", "state", "ended_at")
    list_filter = ("state", "party_kind")
    search_fields = ("=public_id",)


@admin.register(SandboxOperation)
class SandboxOperationAdmin(_ReadOnly):
    list_display = ("ref", "subject", "amount_minor", "currency", "state", "settles_as", "settles_at")
    list_filter = ("subject", "state")
    search_fields = ("=our_ref",)


@admin.register(SandboxNotice)
class SandboxNoticeAdmin(_ReadOnly):
    list_display = ("operation", "due_at", "sent_at")
    list_select_related = ("operation",)
