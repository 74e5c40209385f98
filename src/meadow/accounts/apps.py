"""Tells Django where the accounts context is."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "meadow.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Accounts"
