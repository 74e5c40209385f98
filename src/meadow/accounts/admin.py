"""What the operator sees of accounts: everything that is no secret, and nothing to change."""

from typing import ClassVar

from django.contrib import admin
from django.contrib.auth.models import Group

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
from meadow.kernel.admin import ReadOnly

_SECRET = ("password", "code_hash", "secret_hash", "identity", "payout_identity")


class _WithoutSecrets(ReadOnly):
    """What proves a person is nobody's to look at, the operator's neither."""

    exclude = _SECRET


@admin.register(Person)
class PersonAdmin(_WithoutSecrets):
    list_display = ("public_id", "name", "email", "is_operator", "is_guest", "is_active", "created_at")
    list_filter = ("is_operator", "is_guest", "is_active")
    search_fields = ("=public_id", "=email", "name")


@admin.register(Creator)
class CreatorAdmin(_WithoutSecrets):
    list_display = ("public_id", "name", "state", "applied_at", "decided_at")
    list_filter = ("state",)
    search_fields = ("=public_id", "name")


@admin.register(Merchant)
class MerchantAdmin(_WithoutSecrets):
    list_display = ("public_id", "name", "kind", "state", "owner", "created_at")
    list_filter = ("state", "kind")
    list_select_related: ClassVar = ("owner",)
    search_fields = ("=public_id", "name")


@admin.register(MerchantStaff)
class MerchantStaffAdmin(_WithoutSecrets):
    list_display = ("merchant", "person", "role", "since")
    list_select_related: ClassVar = ("merchant", "person")


@admin.register(StaffInvitation)
class StaffInvitationAdmin(_WithoutSecrets):
    list_display = ("public_id", "merchant", "email", "role", "expires_at", "accepted_at")


@admin.register(ApiKey)
class ApiKeyAdmin(_WithoutSecrets):
    list_display = ("public_id", "name", "hint", "person", "scopes", "last_used_at", "revoked_at")
    list_select_related: ClassVar = ("person",)


@admin.register(Standing)
class StandingAdmin(_WithoutSecrets):
    list_display = ("subject_kind", "subject_id", "restriction", "decision_id", "since", "until", "lifted_at")
    list_filter = ("subject_kind", "restriction")


@admin.register(OperatorCode)
class OperatorCodeAdmin(_WithoutSecrets):
    list_display = ("created_at", "expires_at", "used_at", "used_by")


@admin.register(Mail)
class MailAdmin(_WithoutSecrets):
    list_display = ("recipient", "subject", "sent_at")


# The sign-in library and Django register tables of their own that could be edited; groups are not used here at all.
for _model in [model for model in admin.site._registry if model._meta.app_label in ("account", "mfa")] + [Group]:
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)
