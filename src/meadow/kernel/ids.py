"""How things are named outside: a prefix and twenty characters that sort by time of birth and cannot be guessed."""

import re
import secrets
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for first in ALPHABET for second in ALPHABET)
_SHAPE = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{20}\Z")


def new_id(prefix: str) -> str:
    """A fresh public id, "ord_01…": 48 bits of machine milliseconds, then 52 random bits."""
    number = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 52 | secrets.randbits(52)
    # Two characters a step: an id is drawn for every view and every request.
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in range(90, -1, -10)])}"


def is_id(text: str, prefix: str) -> bool:
    """Whether a text has the shape of such an id; spares a query for what cannot exist."""
    return text.startswith(prefix + "_") and _SHAPE.match(text) is not None
