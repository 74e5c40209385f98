"""Registers the kernel's tables with Django."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "meadow.kernel"
    label = "kernel"
    default_auto_field = "django.db.models.BigAutoField"
