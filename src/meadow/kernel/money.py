"""How money is counted: integer minor units with a currency, exact rounding, allotment without loss."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from meadow.kernel.errors import Refusal

# ISO 4217 exponents that are not 2; the list of known codes follows.  Source: ISO 4217, active codes.
_ODD = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_TWO = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP "
    "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR "
    "IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN "
    "NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
    "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG"
)
EXPONENTS: dict[str, int] = {code: 2 for code in _TWO.split()} | {
    code: places for places, codes in _ODD.items() for code in codes.split()
}

_DECIMAL = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,6}))?\Z")


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (fen, cents) of one ISO 4217 currency; never a float."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError("money is counted in whole minor units")
        if self.currency not in EXPONENTS:
            raise Refusal("currency_unknown", currency=self.currency)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor <= other.minor

    @property
    def is_zero(self) -> bool:
        return self.minor == 0

    def __str__(self) -> str:
        return f"{decimal_text(self.minor, self.currency)} {self.currency}"


def exponent(currency: str) -> int:
    """Decimal places of a currency.  Refuses: currency_unknown."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise Refusal("currency_unknown", currency=currency) from None


def half_even(n: int, d: int) -> int:
    """n/d rounded to the nearest integer, ties to the even one; n >= 0, d > 0."""
    q, r = divmod(n, d)
    if 2 * r > d or (2 * r == d and q % 2 == 1):
        q += 1
    return q


def half_up(n: int, d: int) -> int:
    """n/d rounded to the nearest integer, ties upwards; n >= 0, d > 0."""
    return (2 * n + d) // (2 * d)


def allot(total: int, weights: Sequence[int]) -> list[int]:
    """Parts of total >= 0 in proportion to the weights, summing to it exactly (largest remainder, ties by order)."""
    whole = sum(weights)
    if total < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError("allot takes a total >= 0 and weights >= 0 that are not all zero")
    parts = [total * w // whole for w in weights]
    rest = total - sum(parts)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[:rest]:
        parts[i] += 1
    return parts


def parse_decimal(text: str, currency: str) -> int:
    """Minor units of a plain decimal such as "12.50".  Refuses: malformed, currency_unknown."""
    places = exponent(currency)
    match = _DECIMAL.match(text.strip())
    if not match:
        raise Refusal("malformed", field="amount", why="not a plain decimal number")
    sign, units, fraction = match.group(1), match.group(2), match.group(3) or ""
    if len(fraction.rstrip("0")) > places:
        raise Refusal("malformed", field="amount", why=f"{currency} has {places} decimal places")
    minor = int(units + fraction[:places].ljust(places, "0"))
    return -minor if sign else minor


def decimal_text(minor: int, currency: str) -> str:
    """The plain decimal of an amount, such as "12.50"."""
    places = exponent(currency)
    sign, digits = ("-" if minor < 0 else ""), str(abs(minor)).rjust(places + 1, "0")
    return sign + (digits if places == 0 else f"{digits[:-places]}.{digits[-places:]}")
