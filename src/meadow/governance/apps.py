"""Tells Django where the governance context is."""

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "meadow.governance"
    label = "governance"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Governance"
