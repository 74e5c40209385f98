"""How long a text is where it is going, and how it is cut so that no letter with its marks, and no emoji, is torn."""

import re
import unicodedata

_JOINER = "\u200d"
_URL = re.compile(r"https?://\S+")
URL_WEIGHT = 23  # what a weighted channel counts for an address however short it is
# Latin and the like weigh one there, everything else two.
_LIGHT = ((0, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))


def length(text: str, unit: str = "characters") -> int:
    """The length of a text as a channel counts it."""
    if unit == "bytes":
        return len(text.encode("utf-8", "surrogatepass"))
    if unit == "utf16":
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    if unit == "weighted":
        # An address counts as at least so much, whatever the channel shortens it to.
        extra = sum(max(0, URL_WEIGHT - len(found[0])) for found in _URL.finditer(text))
        return sum(1 if _is_light(ord(sign)) else 2 for sign in text) + extra
    return len(text)


def shorten(text: str, most: int, unit: str = "characters") -> str:
    """The text if it fits, else its beginning with an ellipsis; nothing if not even that fits."""
    if length(text, unit) <= most:
        return text
    room, kept = most - length("…", unit), ""
    for cluster in clusters(text):
        if length(kept + cluster, unit) > room:
            break
        kept += cluster
    kept = kept.rstrip()
    return f"{kept}…" if kept else ""


def clusters(text: str) -> list[str]:
    """What a reader takes for one sign each: a letter with its marks, a flag, a family of joined emoji."""
    found: list[str] = []
    for sign in text:
        if found and _belongs(sign, found[-1]):
            found[-1] += sign
        else:
            found.append(sign)
    return found


def _belongs(sign: str, before: str) -> bool:
    code = ord(sign)
    if sign == _JOINER or before[-1] == _JOINER:
        return True
    if unicodedata.category(sign) in ("Mn", "Me", "Mc"):
        return True
    if 0x1F3FB <= code <= 0x1F3FF or 0xFE00 <= code <= 0xFE0F or 0xE0020 <= code <= 0xE007F:
        return True
    # Two regional letters are one flag.
    return _is_regional(code) and len(before) % 2 == 1 and all(_is_regional(ord(each)) for each in before)


def _is_regional(code: int) -> bool:
    return 0x1F1E6 <= code <= 0x1F1FF


def _is_light(code: int) -> bool:
    return any(low <= code <= high for low, high in _LIGHT)
