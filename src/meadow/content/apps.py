"""Tells Django where the content context is."""

from django.apps import AppConfig


class ContentConfig(AppConfig):
    name = "meadow.content"
    label = "content"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Content"
