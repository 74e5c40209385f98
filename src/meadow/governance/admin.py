"""What the operator sees of governance: the rulebook, every decision and the partners, and nothing to change."""

from django.contrib import admin

from meadow.governance.models import BarredHost, Decision, LinkSetting, Partner, Rule
from meadow.kernel.admin import ReadOnly


@admin.register(Rule)
class RuleAdmin(ReadOnly):
    list_display = ("rule_id", "version", "title_en", "title_zh", "published_at")


@admin.register(Decision)
class DecisionAdmin(ReadOnly):
    list_display = ("public_id", "subject_kind", "subject_id", "action", "rule_id", "rule_version", "made_at", "until")
    list_filter = ("action", "subject_kind", "rule_id")
    search_fields = ("=public_id",)


@admin.register(Partner)
class PartnerAdmin(ReadOnly):
    list_display = ("name", "hosts", "active", "since", "ended_at", "after_sale_contact")
    list_filter = ("active",)


@admin.register(LinkSetting)
class LinkSettingAdmin(ReadOnly):
    list_display = ("surface", "partner", "verdict", "set_at")


@admin.register(BarredHost)
class BarredHostAdmin(ReadOnly):
    list_display = ("host", "rule_id", "since", "lifted_at")
