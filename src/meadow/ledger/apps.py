"""Tells Django where the ledger context is."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "meadow.ledger"
    label = "ledger"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Ledger"
