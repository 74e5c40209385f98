"""Tells Django where the catalog context is."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "meadow.catalog"
    label = "catalog"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Catalog"
