"""How things are named outside: a prefix and twenty characters that sort by time of birth and cannot be guessed."""

import os
import re
import time
from collections import deque

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for first in ALPHABET for second in ALPHABET)
_RANDOM_BITS, _CHUNK, _DRAWN_AT_ONCE = 52, 7, 256
_SHAPE = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{20}\Z")


def new_id(prefix: str) -> str:
    """A fresh public id, "ord_01…": 48 bits of machine milliseconds, then 52 random bits."""
    number = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << _RANDOM_BITS | _random()
    # Two characters a step: an id is drawn for every view and every request.
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in range(90, -1, -10)])}"


def is_id(text: str, prefix: str) -> bool:
    """Whether a text has the shape of such an id; spares a query for what cannot exist."""
    return text.startswith(prefix + "_") and _SHAPE.match(text) is not None


# Drawn from the system many at once: asking it costs as much as all the rest of an id.  Taking one out is atomic.
_drawn: deque[int] = deque()
os.register_at_fork(after_in_child=_drawn.clear)


def _random() -> int:
    while True:
        try:
            return _drawn.pop()
        except IndexError:
            raw = os.urandom(_CHUNK * _DRAWN_AT_ONCE)
            spare = 8 * _CHUNK - _RANDOM_BITS
            _drawn.extend(int.from_bytes(raw[start : start + _CHUNK]) >> spare for start in range(0, len(raw), _CHUNK))
