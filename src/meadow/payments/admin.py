"""What the operator sees of payments: everything, and nothing to change."""

from django.contrib import admin

from meadow.kernel.admin import ReadOnly
from meadow.payments.models import Notice, Payment, Payout, ProviderRefund, SandboxNotice, SandboxOperation


@admin.register(Payment)
class PaymentAdmin(ReadOnly):
    list_display = ("public_id", "provider", "state", "amount_minor", "refunded_minor", "currency", "created_at")
    list_filter = ("state", "provider")
    search_fields = ("=public_id", "=provider_ref")


@admin.register(Notice)
class NoticeAdmin(ReadOnly):
    list_display = ("public_id", "provider", "subject", "outcome", "verified", "refused", "received_at")
    list_filter = ("verified", "refused", "subject")
    search_fields = ("=public_id", "=provider_ref")


@admin.register(ProviderRefund)
class ProviderRefundAdmin(ReadOnly):
    list_display = ("public_id", "payment", "amount_minor", "state", "cause_kind", "cause_id", "ended_at")
    list_filter = ("state",)
    list_select_related = ("payment",)
    search_fields = ("=public_id",)


@admin.register(Payout)
class PayoutAdmin(ReadOnly):
    list_display = ("public_id", "party_kind", "party_id", "amount_minor", "currency", "state", "ended_at")
    list_filter = ("state", "party_kind")
    search_fields = ("=public_id",)


@admin.register(SandboxOperation)
class SandboxOperationAdmin(ReadOnly):
    list_display = ("ref", "subject", "amount_minor", "currency", "state", "settles_as", "settles_at")
    list_filter = ("subject", "state")
    search_fields = ("=our_ref",)


@admin.register(SandboxNotice)
class SandboxNoticeAdmin(ReadOnly):
    list_display = ("operation", "due_at", "sent_at")
    list_select_related = ("operation",)
