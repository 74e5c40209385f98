"""Tells Django where the sharing context is."""

from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "meadow.sharing"
    label = "sharing"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Sharing"
