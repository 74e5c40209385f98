"""How a token's number is spelled, as letters and as digits, and how a misspelling is noticed.

Letters: 55 bits as eleven Crockford base-32 characters and two check characters, a Reed-Solomon code over GF(32) of
distance three, so that every single change, every swap of two characters and every two changes are refused, and
anything else passes once in 1024.  Digits: the same number as 17 digits and four check digits, so that the whole is
1 modulo the prime 9973, which refuses every single change and every swap of neighbours.
"""

import secrets

BITS = 55
CODE_LENGTH = 13
DIGITS_LENGTH = 21

_DATA = 11
_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {symbol: value for value, symbol in enumerate(_SYMBOLS)}
_VALUES |= {symbol.lower(): value for symbol, value in _VALUES.items()}
# What people and fonts mix up: O is read as 0, I and L as 1.  U is in no code.
_VALUES |= {"O": 0, "o": 0, "I": 1, "i": 1, "L": 1, "l": 1}

# What the two checks come to.  Not zero, so that a row of equal characters is no token; and 16 or more, which digits
# (0 to 9, exclusive or) never come to: bar codes, order numbers and millisecond times have thirteen digits too.
_SUM, _WEIGHTED_SUM = 19, 7
_PRIME = 9973


def _double(value: int) -> int:
    """Times the generator 2 in GF(32), modulo x^5 + x^2 + 1."""
    value <<= 1
    return value ^ 0b100101 if value & 32 else value


def _power_table() -> tuple[tuple[int, ...], ...]:
    """Row i holds every symbol times 2^i, so that a weighted sum is a look-up and an exclusive or per character."""
    rows = [tuple(range(32))]
    for _ in range(CODE_LENGTH - 1):
        rows.append(tuple(_double(value) for value in rows[-1]))
    return tuple(rows)


_TIMES = _power_table()
# The two last characters solve a + b = x and 2^11 a + 2^12 b = y; for b = (y + 2^11 x) / (2^11 + 2^12).
_DIVISOR = _TIMES[11][1] ^ _TIMES[12][1]


def _quotients() -> tuple[int, ...]:
    """Every symbol divided by the divisor above."""
    product: list[int] = [0] * 32
    for value in range(32):
        total, shifted = 0, _DIVISOR
        for bit in range(5):
            if value >> bit & 1:
                total ^= shifted
            shifted = _double(shifted)
        product[total] = value
    return tuple(product)


_DIVIDED = _quotients()


def code_of(number: int) -> str:
    """The thirteen characters of a number, upper case."""
    data = [number >> shift & 31 for shift in range(50, -5, -5)]
    plain, weighted = _SUM, _WEIGHTED_SUM
    for row, value in zip(_TIMES, data, strict=False):
        plain ^= value
        weighted ^= row[value]
    last = _DIVIDED[weighted ^ _TIMES[_DATA][plain]]
    return "".join(_SYMBOLS[value] for value in (*data, plain ^ last, last))


def number_of_code(code: str) -> int | None:
    """The number that thirteen characters spell, or None if they are not a code; any case, with look-alikes."""
    if len(code) != CODE_LENGTH:
        return None
    plain = weighted = number = 0
    for row, symbol in zip(_TIMES, code, strict=True):
        value = _VALUES.get(symbol)
        if value is None:
            return None
        plain ^= value
        weighted ^= row[value]
        number = number << 5 | value
    if plain != _SUM or weighted != _WEIGHTED_SUM:
        return None
    return number >> 10


def digits_of(number: int) -> str:
    """The twenty-one digits of a number."""
    data = number * 10_000
    return f"{data + (1 - data) % _PRIME:0{DIGITS_LENGTH}d}"


def number_of_digits(digits: str) -> int | None:
    """The number that twenty-one digits spell, or None if they are not a token."""
    if len(digits) != DIGITS_LENGTH or not (digits.isascii() and digits.isdecimal()):
        return None
    number, check = divmod(int(digits), 10_000)
    if int(digits) % _PRIME != 1 or check >= _PRIME or number >> BITS:
        return None
    return number


def draw_number() -> int:
    """A fresh random number for a token."""
    return secrets.randbits(BITS)
