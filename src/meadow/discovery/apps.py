"""Tells Django where the discovery context is."""

from django.apps import AppConfig


class DiscoveryConfig(AppConfig):
    name = "meadow.discovery"
    label = "discovery"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Discovery"
