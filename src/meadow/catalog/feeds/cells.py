"""What a cell means: numbers, yes and no, weights, lists, and cells that a spreadsheet would take for a formula."""

import re
import unicodedata
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from meadow.catalog import rules
from meadow.kernel.errors import Refusal

# A spreadsheet runs a cell that begins so, also with the full-width forms of East Asian settings.
_RISKY = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
_NEGATIVE = re.compile(r"-\d+([.,]\d+)?\Z")


def shielded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe in front.  Negative numbers stay as they are."""
    return f"'{cell}" if _RISKY.match(cell) and not _NEGATIVE.match(cell) else cell


def unshielded(cell: str) -> str:
    """The cell as it was before `shielded`."""
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell) else cell


def said_yes(cell: str) -> bool | None:
    """Yes, no, or None where the cell is empty or says something else."""
    word = cell.strip().lower()
    if word in {"true", "yes", "y", "1", "t", "是", "continue", "active"}:
        return True
    return False if word in {"false", "no", "n", "0", "f", "否", "deny"} else None


def stock(cell: str) -> int:
    """Whole pieces; a count below zero (oversold elsewhere) means none are left.  Refuses: stock_invalid."""
    number = _number(cell)
    if number is None or number != number.to_integral_value() or number > rules.STOCK_CAP:
        raise Refusal("stock_invalid", value=cell[:40], cap=rules.STOCK_CAP)
    return max(int(number), 0)


_GRAMS = {
    "": Decimal(1), "g": Decimal(1), "kg": Decimal(1000), "mg": Decimal("0.001"), "oz": Decimal("28.349523125"),
    "lb": Decimal("453.59237"), "lbs": Decimal("453.59237"), "克": Decimal(1), "千克": Decimal(1000),
}  # fmt: skip
_WEIGHT = re.compile(r"([\d.,]+)\s*([^\W\d_]*)\Z")


def grams(cell: str, unit: str = "g") -> int | None:
    """A weight in whole grams; None for an empty cell.  Refuses: weight_invalid."""
    plain = unicodedata.normalize("NFKC", cell).strip().lower()
    if not plain:
        return None
    match = _WEIGHT.match(plain)
    number = _number(match[1]) if match else None
    factor = _GRAMS.get((match[2] or unit) if match else "?")
    if number is None or factor is None or not 0 <= number * factor <= rules.STOCK_CAP:
        raise Refusal("weight_invalid", value=cell[:40])
    return int((number * factor).quantize(Decimal(1), ROUND_HALF_UP)) or None


def _number(cell: str) -> Decimal | None:
    plain = unicodedata.normalize("NFKC", cell).strip()
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", plain):
        plain = plain.replace(",", "")
    try:
        number = Decimal(plain.replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**15 else None


def parts(cell: str, separator: str, most: int = 0) -> list[str]:
    """A cell cut at a separator that has no backslash before it; the parts are still escaped."""
    found = re.split(rf"(?<!\\)((?:\\\\)*){separator}", cell, maxsplit=most)
    # The group keeps the pairs of backslashes in front of the separator, which belong to the part before it.
    return [text + (found[n + 1] if n + 1 < len(found) else "") for n, text in enumerate(found) if n % 2 == 0]


def unescaped(part: str) -> str:
    return rules.tidy_line(re.sub(r"\\([\\,:])", r"\1", part))


def escaped(part: str) -> str:
    return re.sub(r"([\\,:])", r"\\\1", part)


def listed(cell: str) -> list[str]:
    """The parts of a cell that holds a list; a comma inside a part is written with a backslash before it."""
    found = (unescaped(part) for part in parts(cell, ","))
    return [part for part in found if part]


def joined(texts: Iterable[str]) -> str:
    """A cell that `listed` reads back."""
    return ", ".join(text.replace("\\", "\\\\").replace(",", "\\,") for text in texts)


def tags(cell: str) -> tuple[str, ...]:
    """The tags of a cell, each once, in their order.  Refuses: too_many, text_too_long."""
    found = tuple(dict.fromkeys(listed(cell)))
    if len(found) > rules.LIMITS["tags"]:
        raise Refusal("too_many", limit=rules.LIMITS["tags"])
    for tag in found:
        line(tag)
    return found


def line(cell: str) -> str:
    """A tidy line of a length that fits.  Refuses: text_too_long."""
    text = rules.tidy_line(cell)
    if len(text) > rules.LIMITS["line_chars"]:
        raise Refusal("text_too_long", limit=rules.LIMITS["line_chars"])
    return text
