"""Which payment providers this installation has."""

from django.conf import settings

from meadow.kernel.errors import Refusal
from meadow.payments.adapters.protocol import Adapter
from meadow.payments.adapters.sandbox import Sandbox

_SANDBOX = Sandbox()


def enabled() -> dict[str, Adapter]:
    """The providers in the order in which they are offered."""
    return {_SANDBOX.name: _SANDBOX} if settings.MEADOW.sandbox else {}


def adapter(provider: str) -> Adapter:
    """The adapter of a provider.  Refuses: provider_unknown."""
    found = enabled().get(provider)
    if found is None:
        raise Refusal("provider_unknown", provider=provider)
    return found
