"""How texts that must not be read from the database are kept: sealed with AES-GCM under a key of this installation."""

import hmac
import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

NONCE_BYTES = 12


def seal(text: str, purpose: str) -> bytes:
    """The text as bytes that only `unseal` with the same purpose reads; twice the same text gives different bytes."""
    return seal_bytes(text.encode(), purpose)


def unseal(sealed: bytes | memoryview, purpose: str) -> str:
    """The text.  Raises ValueError where the bytes were changed, or sealed under another key or purpose."""
    return unseal_bytes(sealed, purpose).decode()


def seal_bytes(content: bytes, purpose: str) -> bytes:
    """As `seal`, for what is no text."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(_key(purpose)).encrypt(nonce, content, purpose.encode())


def unseal_bytes(sealed: bytes | memoryview, purpose: str) -> bytes:
    """As `unseal`, for what is no text.  Raises ValueError."""
    raw = bytes(sealed)
    try:
        return AESGCM(_key(purpose)).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode())
    except InvalidTag:
        raise ValueError(f"sealed {purpose} cannot be read: was MEADOW_SECRET_KEY changed?") from None


def digest(text: str, purpose: str) -> str:
    """64 hexadecimal characters by which the same text is known again, and which tell nothing without our key."""
    return hmac.new(_key(f"digest {purpose}"), text.encode(), sha256).hexdigest()


def _key(purpose: str) -> bytes:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"meadow/vault/{purpose}".encode())
    return derive.derive(settings.SECRET_KEY.encode())
