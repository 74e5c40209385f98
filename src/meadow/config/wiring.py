"""What knows everybody: registers each context's refusals, event handlers and sweeps."""

from importlib import import_module
from importlib.util import find_spec

from django.conf import settings

from meadow.kernel import errors


def wire() -> None:
    """Imports what registers itself; idempotent."""
    for name in settings.CONTEXTS:
        context = f"meadow.{name}"
        if find_spec(f"{context}.rules"):
            errors.register(getattr(import_module(f"{context}.rules"), "REFUSALS", {}))
        for part in ("handlers", "tasks"):
            if find_spec(f"{context}.{part}"):
                import_module(f"{context}.{part}")
    for door in ("api", "web"):
        if find_spec(f"meadow.{door}.refusals"):
            errors.register(import_module(f"meadow.{door}.refusals").REFUSALS)
