"""What sending costs: a shop's shipping template, by where it goes and what it weighs.  Pure, in minor units."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from meadow.kernel.errors import Refusal

MOST_ZONES, MOST_PLACES, MOST_GRAMS, MOST_MINOR = 40, 300, 1_000_000, 10**9
_AMOUNTS = {"first_grams": MOST_GRAMS, "first_minor": MOST_MINOR, "step_grams": MOST_GRAMS, "step_minor": MOST_MINOR}
DEFAULT_GRAMS = 500  # of a product whose weight nobody entered

Zone = Mapping[str, Any]


def check_zones(raw: object) -> list[dict[str, Any]]:
    """A template with tidy texts and nothing else in it.  Refuses: malformed."""
    if not isinstance(raw, Sequence) or isinstance(raw, str) or len(raw) > MOST_ZONES:
        raise _wrong(f"a list of at most {MOST_ZONES} zones")
    return [_zone(each) for each in raw]


def _zone(raw: object) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise _wrong("each zone has countries, regions, first_grams, first_minor, step_grams and step_minor")
    zone: dict[str, Any] = {name: _amount(raw.get(name, 0), name, most) for name, most in _AMOUNTS.items()}
    if not zone["first_grams"] or (zone["step_minor"] and not zone["step_grams"]):
        raise _wrong("first_grams, and step_grams where there is a step_minor, are more than nothing")
    free = raw.get("free_from_minor")
    zone["free_from_minor"] = None if free is None else _amount(free, "free_from_minor", MOST_MINOR)
    zone["countries"] = sorted({text.upper() for text in _texts(raw.get("countries", ()), "countries")})
    if any(len(code) != 2 or not code.isascii() or not code.isalpha() for code in zone["countries"]):
        raise _wrong("countries are codes of two letters, such as CN")
    zone["regions"] = sorted(set(_texts(raw.get("regions", ()), "regions")))
    return zone


def _amount(value: object, name: str, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise _wrong(f"{name} is a whole number from 0 to {most}")
    return value


def _texts(value: object, name: str) -> list[str]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_PLACES:
        raise _wrong(f"{name} is a list of at most {MOST_PLACES}")
    found = [_plain(text) for text in value if isinstance(text, str)]
    if len(found) < len(value) or any(not text or len(text) > 80 for text in found):
        raise _wrong(f"{name} holds names of 1 to 80 characters")
    return found


def zone_of(zones: Sequence[Zone], country: str, region: str) -> Zone | None:
    """The first zone that a place is in; one without countries or regions is everywhere.  None: not delivered there."""
    for zone in zones:
        if zone["countries"] and country.upper() not in zone["countries"]:
            continue
        if zone["regions"] and not any(_same(region, name) for name in zone["regions"]):
            continue
        return zone
    return None


def fee(zone: Zone, grams: int, goods_minor: int) -> int:
    """What a weight costs in a zone: the first grams, and each step begun after them; free from an amount on."""
    free_from = zone["free_from_minor"]
    if free_from is not None and goods_minor >= free_from:
        return 0
    over = max(0, grams - int(zone["first_grams"]))
    steps = -(-over // int(zone["step_grams"])) if zone["step_grams"] else 0
    return int(zone["first_minor"]) + steps * int(zone["step_minor"])


def _same(region: str, name: str) -> bool:
    """浙江 and 浙江省 are one region; so are texts that differ in case."""
    given, wanted = _plain(region).casefold(), name.casefold()
    return bool(given) and (given == wanted or given.startswith(wanted) or wanted.startswith(given))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _wrong(why: str) -> Refusal:
    return Refusal("malformed", field="shipping_zones", why=why)
