"""Where a list goes on: signed, opaque cursors, so that a page boundary can neither be guessed nor bent."""

from typing import Any

from meadow.kernel.errors import Refusal
from meadow.kernel.signing import sign, unsign


def seal(values: list[Any], of: str) -> str:
    """A cursor of one list (`of`) that stands after the row with these sort values (numbers and texts)."""
    return sign({"v": values}, f"cursor:{of}")


def unseal(cursor: str, of: str) -> list[Any]:
    """The sort values of a cursor.  Refuses: malformed."""
    payload = unsign(cursor, f"cursor:{of}")
    if payload is None:
        raise Refusal("malformed", field="cursor", why="take it unchanged from the page before, or start anew")
    values: list[Any] = payload["v"]
    return values
