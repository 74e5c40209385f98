"""Tells Django where the trade context is."""

from django.apps import AppConfig


class TradeConfig(AppConfig):
    name = "meadow.trade"
    label = "trade"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Trade"
