"""What an installation says of its account at a provider: a JSON object whose members are named and checked here."""

import json
from typing import Any


def account_members(
    provider: str, text: str, needed: dict[str, type], optional: dict[str, tuple[type, Any]]
) -> dict[str, Any]:
    """The members of a provider's account, each of its kind, the optional ones filled in.

    Raises RuntimeError with a sentence for who runs the installation; it never repeats a value, which may be a secret.
    """
    name = f"MEADOW_{provider.upper()}"
    try:
        given = json.loads(text) if text else {}
    except ValueError:
        raise RuntimeError(f"{name} is not JSON; docs/payments.md shows what it holds.") from None
    if not isinstance(given, dict):
        raise RuntimeError(f"{name} is not a JSON object; docs/payments.md shows what it holds.")
    if missing := sorted(set(needed) - {key for key, value in given.items() if value}):
        raise RuntimeError(f"{name} has no {', '.join(missing)}; docs/payments.md says where to find it.")
    kinds = needed | {key: kind for key, (kind, _) in optional.items()}
    if unknown := sorted(set(given) - set(kinds)):
        raise RuntimeError(f"{name} has {', '.join(unknown)}, which nobody reads; known are {', '.join(kinds)}.")
    if wrong := sorted(key for key, value in given.items() if type(value) is not kinds[key]):
        raise RuntimeError(f"{name} has {', '.join(wrong)} of another kind than {kinds[wrong[0]].__name__}.")
    return {key: given.get(key, fallback) for key, (_, fallback) in optional.items()} | {
        key: given[key] for key in needed
    }
