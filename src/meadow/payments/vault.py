"""How texts that must not be read from the database are kept: sealed with AES-GCM under a key of this installation."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

NONCE_BYTES = 12


def seal(text: str, purpose: str) -> bytes:
    """The text as bytes that only `unseal` with the same purpose reads; twice the same text gives different bytes."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(_key(purpose)).encrypt(nonce, text.encode(), purpose.encode())


def unseal(sealed: bytes | memoryview, purpose: str) -> str:
    """The text.  Raises ValueError where the bytes were changed, or sealed under another key or purpose."""
    raw = bytes(sealed)
    try:
        return AESGCM(_key(purpose)).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode()).decode()
    except InvalidTag:
        raise ValueError(f"sealed {purpose} cannot be read: was MEADOW_SECRET_KEY changed?") from None


def _key(purpose: str) -> bytes:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"meadow/vault/{purpose}".encode())
    return derive.derive(settings.SECRET_KEY.encode())
