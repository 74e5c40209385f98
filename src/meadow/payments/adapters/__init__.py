"""Which payment providers this installation has; those that need more packages are imported only where they are named."""

from functools import lru_cache
from importlib import import_module

from django.conf import settings

from meadow.kernel.errors import Refusal
from meadow.payments.adapters.protocol import Adapter
from meadow.payments.adapters.sandbox import Sandbox

SANDBOXES = ("sandbox", "sandbox2")
EXTRAS = ("wechatpay", "stripe")  # their clients are in requirements/providers.txt


def enabled() -> dict[str, Adapter]:
    """The providers in the order in which they are offered, where nothing else is decided."""
    ours = settings.MEADOW
    return _made(ours.providers, ours.sandbox, ours.base_url, ours.wechatpay, ours.stripe)


def adapter(provider: str) -> Adapter:
    """The adapter of a provider.  Refuses: provider_unknown."""
    found = enabled().get(provider)
    if found is None:
        raise Refusal("provider_unknown", provider=provider)
    return found


@lru_cache(maxsize=8)
def _made(names: str, is_sandbox: bool, base_url: str, wechatpay: str, stripe: str) -> dict[str, Adapter]:
    wanted = [name.strip() for name in names.split(",") if name.strip()] or (["sandbox"] if is_sandbox else [])
    accounts = {"wechatpay": wechatpay, "stripe": stripe}
    return {
        name: Sandbox(name) if name in SANDBOXES else _real(name, accounts.get(name, ""), base_url)
        for name in wanted
        if is_sandbox or name not in SANDBOXES
    }


def _real(name: str, account: str, base_url: str) -> Adapter:
    """Raises RuntimeError with a sentence for who runs the installation."""
    if name not in EXTRAS:
        raise RuntimeError(f"MEADOW_PROVIDERS names {name}; known are {', '.join([*SANDBOXES, *EXTRAS])}.")
    try:
        module = import_module(f"meadow.payments.adapters.{name}")
    except ImportError as error:
        raise RuntimeError(
            f"MEADOW_PROVIDERS names {name}, whose client is not installed ({error.name}): "
            "pip install -r requirements/providers.txt"
        ) from error
    made: Adapter = module.connect(account, f"{base_url}/api/v1/payments/notices/{name}", base_url)
    return made
