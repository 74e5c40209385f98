"""Registers the pages' templates and static files with Django, their refusals, and makes their translations ready."""

from django.apps import AppConfig

from meadow.kernel import errors


class WebConfig(AppConfig):
    name = "meadow.web"
    label = "web"

    def ready(self) -> None:
        from meadow.web import failures, messages

        errors.register(failures.REFUSALS)
        messages.compile_stale()
