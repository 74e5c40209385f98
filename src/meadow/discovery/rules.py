"""What goods can be picked by: the words of a text, the standing of a shop, the orders of a list, and their limits."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from meadow.kernel.errors import Refusal, Says

# How a shop stands with the rulebook: nothing counts against it, something does, or a sanction is in force.
STANDINGS = ("good", "noted", "limited")
PLANS = ("exclusive", "directed", "marketing", "general", "none")

FADES_AFTER = timedelta(days=1)  # points decay once a day

LIMITS = {
    "page": 100,
    "query_characters": 100,
    "words_of_a_query": 12,
    "words_of_a_product": 400,
    "products_at_once": 500,
}


@dataclass(frozen=True, slots=True)
class Order:
    """A way to sort: the column, downwards or not, and whether it compares money, which needs one currency."""

    column: str
    is_down: bool
    is_money: bool


SORTS = {
    "earns": Order("earns_minor", is_down=True, is_money=True),
    "rate": Order("rate_bp", is_down=True, is_money=False),
    "newest": Order("product_id", is_down=True, is_money=False),
    "cheapest": Order("price_minor", is_down=False, is_money=True),
    "dearest": Order("price_minor", is_down=True, is_money=True),
}

# Scripts without blanks between words are cut into single characters and neighbouring pairs.
_DENSE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_RUN = re.compile(rf"[{_DENSE}]+|[^\W_]+")
_DENSE_RUN = re.compile(rf"[{_DENSE}]+\Z")


def words_of(texts: Iterable[str]) -> list[str]:
    """Every word that a product is found by."""
    found: dict[str, None] = {}
    for run in _runs(" ".join(texts)):
        found.update(dict.fromkeys([*run, *_pairs(run)] if _is_dense(run) else [run]))
    return list(found)[: LIMITS["words_of_a_product"]]


def words_asked(text: str) -> list[str]:
    """The words that a query asks for, all of them; a product that lacks one is not found.  Refuses: malformed."""
    if len(text) > LIMITS["query_characters"] or "\x00" in text:
        raise Refusal("malformed", field="q", why=f"at most {LIMITS['query_characters']} characters")
    found: dict[str, None] = {}
    for run in _runs(text):
        found.update(dict.fromkeys(_pairs(run) if _is_dense(run) and len(run) > 1 else [run]))
    return list(found)[: LIMITS["words_of_a_query"]]


def standing(points_milli: int, *, is_sanctioned: bool) -> str:
    """How a shop stands."""
    if is_sanctioned:
        return "limited"
    return "noted" if points_milli > 0 else "good"


def at_least(wanted: str) -> list[str]:
    """The standings that are as good as one, or better.  Refuses: malformed."""
    if wanted not in STANDINGS:
        raise Refusal("malformed", field="standing", why=f"one of {', '.join(STANDINGS)}")
    return list(STANDINGS[: STANDINGS.index(wanted) + 1])


def order_of(sort: str) -> Order:
    """Refuses: malformed."""
    if sort not in SORTS:
        raise Refusal("malformed", field="sort", why=f"one of {', '.join(SORTS)}")
    return SORTS[sort]


def check_span(name: str, least: int | None, most: int | None) -> None:
    """Refuses: malformed."""
    for value in (least, most):
        if value is not None and (type(value) is not int or not 0 <= value <= 10**12):
            raise Refusal("malformed", field=name, why="a whole number that is not negative")
    if least is not None and most is not None and least > most:
        raise Refusal("malformed", field=name, why="the least must not be above the most")


def _runs(text: str) -> list[str]:
    return _RUN.findall(unicodedata.normalize("NFKC", text).casefold())


def _is_dense(run: str) -> bool:
    return _DENSE_RUN.match(run) is not None


def _pairs(run: str) -> list[str]:
    return [run[n : n + 2] for n in range(len(run) - 1)]


REFUSALS: dict[str, Says] = {}
