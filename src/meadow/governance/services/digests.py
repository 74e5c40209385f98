"""How texts and clusters are compared without being kept: keyed digests that tell nothing else."""

import hashlib
import hmac

from django.conf import settings


def key_of(text: str, purpose: str) -> int | None:
    """A keyed digest that can be compared and tells nothing; None for nothing."""
    if not text:
        return None
    secret = f"meadow/governance/{purpose}/{settings.MEADOW.secret_key}".encode()
    digest = hmac.new(secret, text.encode(errors="replace"), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
