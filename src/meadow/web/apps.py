"""Registers the pages' templates and static files with Django."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "meadow.web"
    label = "web"
