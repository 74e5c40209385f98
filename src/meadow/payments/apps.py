"""Tells Django where the payments context is."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "meadow.payments"
    label = "payments"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Payments"
