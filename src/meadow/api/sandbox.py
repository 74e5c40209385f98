"""Which operations exist on a sandbox installation only."""

from django.conf import settings

from meadow.kernel.errors import Refusal


def require_sandbox() -> None:
    """Refuses: sandbox_only."""
    if not settings.MEADOW.sandbox:
        raise Refusal("sandbox_only")
