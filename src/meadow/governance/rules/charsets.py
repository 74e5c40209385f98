"""How is a search for many single characters written, so that it looks at each character of a text but once?"""

import re
from collections.abc import Iterable


def any_of(codes: Iterable[int]) -> re.Pattern[str]:
    """Finds the characters of the codes below 0x10000, and all of the further planes.

    Ranges beyond are tried one by one, so there is only one.
    """
    spans: list[list[int]] = []
    for code in codes:
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    ranges = "".join(rf"\u{first:04x}-\u{last:04x}" for first, last in spans)
    return re.compile(rf"[{ranges}\U00010000-\U0010ffff]")
