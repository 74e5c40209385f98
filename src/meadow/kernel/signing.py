"""How a text proves that this installation made it: compact JSON with an HMAC, bound to a purpose."""

import base64
import binascii
import hashlib
import hmac
import json
from functools import lru_cache
from typing import Any

from django.conf import settings

MAC_BYTES = 16
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def sign(payload: dict[str, Any], purpose: str) -> str:
    """A URL-safe text that carries the payload; anyone can read it, nobody can change it or use it elsewhere."""
    return sign_json(_compact(payload), purpose)


def sign_json(spelled: str, purpose: str) -> str:
    """The same for a payload that its owner has spelled as compact JSON already."""
    body = spelled.encode()
    return _encode(body + _mac(body, purpose))


def unsign(text: str, purpose: str) -> dict[str, Any] | None:
    """The payload of such a text, or None if it was forged, cut or made for another purpose."""
    if len(text) > 4096:
        return None
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    body, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    # Re-encoding refuses texts that decode alike but are spelled otherwise.
    if len(raw) <= MAC_BYTES or not hmac.compare_digest(mac, _mac(body, purpose)) or _encode(raw) != text:
        return None
    payload: dict[str, Any] = json.loads(body)
    return payload


def _encode(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def _mac(body: bytes, purpose: str) -> bytes:
    """HMAC-SHA256 (RFC 2104), cut; with the two keyed halves kept, since preparing them costs more than a short body.

    The secret of a process never changes, so it is read once for each purpose.
    """
    inner, outer = _keyed(purpose)
    inside, outside = inner.copy(), outer.copy()
    inside.update(body)
    outside.update(inside.digest())
    return outside.digest()[:MAC_BYTES]


@lru_cache(maxsize=64)
def _keyed(purpose: str) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    key = hashlib.sha256(f"meadow/{purpose}/{settings.SECRET_KEY}".encode()).digest().ljust(64, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in key)), hashlib.sha256(bytes(byte ^ 0x5C for byte in key))
