"""Wires the house together once Django has loaded its tables."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "meadow.config"
    label = "config"

    def ready(self) -> None:
        from meadow.config import wiring

        wiring.wire()
