"""Tells Django where the messaging context is."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "meadow.messaging"
    label = "messaging"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Messages"
