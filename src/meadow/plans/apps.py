"""Tells Django where the plans context is."""

from django.apps import AppConfig


class PlansConfig(AppConfig):
    name = "meadow.plans"
    label = "plans"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Plans"
