"""Tells Django where the affiliate context is."""

from django.apps import AppConfig


class AffiliateConfig(AppConfig):
    name = "meadow.affiliate"
    label = "affiliate"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Affiliate"
