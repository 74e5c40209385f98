"""What the operator sees of accounts: everything that is no secret, and nothing to change."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import models
from django.http import HttpRequest

from meadow.accounts.models import (
    ApiKey,
    Creator,
    Mail,
    Merchant,
    MerchantStaff,
    OperatorCode,
    Person,
    StaffInvitation,
    Standing,
)

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin  # Django's own class takes no type argument when it runs

_SECRET = ("password", "code_hash", "secret_hash", "identity", "payout_identity")


class _ReadOnly(_ModelAdmin):
    """Every change goes through a service, so the admin shows and never writes."""

    exclude = _SECRET
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(Person)
class PersonAdmin(_ReadOnly):
    list_display = ("public_id", "name", "email", "is_operator", "is_guest", "is_active", "created_at")
    list_filter = ("is_operator", "is_guest", "is_active")
    search_fields = ("=public_id", "=email", "name")


@admin.register(Creator)
class CreatorAdmin(_ReadOnly):
    list_display = ("public_id", "name", "state", "applied_at", "decided_at")
    list_filter = ("state",)
    search_fields = ("=public_id", "name")


@admin.register(Merchant)
class MerchantAdmin(_ReadOnly):
    list_display = ("public_id", "name", "kind", "state", "owner", "created_at")
    list_filter = ("state", "kind")
    list_select_related: ClassVar = ("owner",)
    search_fields = ("=public_id", "name")


@admin.register(MerchantStaff)
class MerchantStaffAdmin(_ReadOnly):
    list_display = ("merchant", "person", "role", "since")
    list_select_related: ClassVar = ("merchant", "person")


@admin.register(StaffInvitation)
class StaffInvitationAdmin(_ReadOnly):
    list_display = ("public_id", "merchant", "email", "role", "expires_at", "accepted_at")


@admin.register(ApiKey)
class ApiKeyAdmin(_ReadOnly):
    list_display = ("public_id", "name", "hint", "person", "scopes", "last_used_at", "revoked_at")
    list_select_related: ClassVar = ("person",)


@admin.register(Standing)
class StandingAdmin(_ReadOnly):
    list_display = ("subject_kind", "subject_id", "restriction", "decision_id", "since", "until", "lifted_at")
    list_filter = ("subject_kind", "restriction")


@admin.register(OperatorCode)
class OperatorCodeAdmin(_ReadOnly):
    list_display = ("created_at", "expires_at", "used_at", "used_by")


@admin.register(Mail)
class MailAdmin(_ReadOnly):
    list_display = ("recipient", "subject", "sent_at")


# The sign-in library and Django register tables of their own that could be edited; groups are not used here at all.
for _model in [model for model in admin.site._registry if model._meta.app_label in ("account", "mfa")] + [Group]:
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)
