"""How things are named outside: a prefix and twenty characters that sort by time of birth and cannot be guessed."""

import os
import re
import time
from collections import deque

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for first in ALPHABET for second in ALPHABET)
_DRAWN_AT_ONCE = 256
_SHAPE = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{20}\Z")


def new_id(prefix: str) -> str:
    """A fresh public id, "ord_01…": 48 bits of machine milliseconds, then 52 random bits."""
    global _born
    first, rest = _random()
    now = time.time_ns() // 1_000_000
    born = _born
    if born[0] != now:
        _born = born = now, _of_millisecond(now)
    return f"{prefix}_{born[1][first]}{rest}"


def is_id(text: str, prefix: str) -> bool:
    """Whether a text has the shape of such an id; spares a query for what cannot exist."""
    return text.startswith(prefix + "_") and _SHAPE.match(text) is not None


# An id is drawn for every view and every request, so both halves are spelled ahead: the first of them, the milliseconds
# and two random bits, once a millisecond; the other fifty bits with many others, since asking the system for them costs as
# much as all the rest.  Taking one out is atomic.
_born: tuple[int, tuple[str, ...]] = (-1, ())
_drawn: deque[tuple[int, str]] = deque()
os.register_at_fork(after_in_child=_drawn.clear)


def _of_millisecond(now: int) -> tuple[str, ...]:
    """The first ten characters of the ids of a millisecond, by their two random bits."""
    return tuple(_ten((now & (1 << 48) - 1) << 2 | bits) for bits in range(4))


def _ten(number: int) -> str:
    """Fifty bits in ten characters, two a step."""
    return "".join([_PAIRS[number >> shift & 1023] for shift in (40, 30, 20, 10, 0)])


def _random() -> tuple[int, str]:
    while True:
        try:
            return _drawn.pop()
        except IndexError:
            raw = os.urandom(7 * _DRAWN_AT_ONCE)
            numbers = [int.from_bytes(raw[start : start + 7]) for start in range(0, len(raw), 7)]
            _drawn.extend([(number >> 54, _ten(number >> 4 & (1 << 50) - 1)) for number in numbers])
