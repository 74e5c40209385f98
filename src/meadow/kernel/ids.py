"""How things are named outside: a prefix and twenty characters that sort by time of birth and cannot be guessed."""

import os
import re
import time
from collections import deque

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_DRAWN_AT_ONCE = 256
_SHAPE = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{20}\Z")


def new_id(prefix: str) -> str:
    """A fresh public id, "ord_01…": 48 bits of machine milliseconds, then 52 random bits."""
    global _born
    bits, rest = _random()
    now = time.time_ns() // 1_000_000
    born = _born
    if born[0] != now >> 3:
        _born = born = now >> 3, _of_eight_milliseconds(now >> 3)
    return f"{prefix}_{born[1]}{ALPHABET[(now & 7) << 2 | bits]}{rest}"


def is_id(text: str, prefix: str) -> bool:
    """Whether a text has the shape of such an id; spares a query for what cannot exist."""
    return text.startswith(prefix + "_") and _SHAPE.match(text) is not None


# An id is drawn for every view and every request, so most of it is spelled ahead: the first nine characters once for the
# eight milliseconds that they are the same; the random bits with many others, since asking the system for them costs as
# much as all the rest.  Taking one out is atomic.
_born: tuple[int, str] = (-1, "")
_drawn: deque[str] = deque()
os.register_at_fork(after_in_child=_drawn.clear)
# A random byte is a random digit, since 32 divides 256; and such a digit's last two bits are as random.
_DIGITS = bytes(ord(ALPHABET[byte & 31]) for byte in range(256))
_BITS = {digit: number & 3 for number, digit in enumerate(ALPHABET)}


def _of_eight_milliseconds(eights: int) -> str:
    """The upper 45 of 48 bits in nine characters; the tenth holds the other three and two random bits."""
    return "".join([ALPHABET[eights >> shift & 31] for shift in range(40, -1, -5)])


def _random() -> tuple[int, str]:
    while True:
        try:
            drawn = _drawn.pop()
        except IndexError:
            digits = os.urandom(11 * _DRAWN_AT_ONCE).translate(_DIGITS).decode()
            _drawn.extend([digits[start : start + 11] for start in range(0, len(digits), 11)])
        else:
            return _BITS[drawn[0]], drawn[1:]
