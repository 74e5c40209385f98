"""Does any request whatever, at any operation of the description, ever get a 500?"""

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.client import Api

from meadow.api.openapi import document

pytestmark = pytest.mark.django_db

NASTY_TEXTS = [
    "", " ", "\x00", "\ud800", "' OR 1=1 --", "../../etc/passwd", "=1+1", "\u202e", "🧶" * 50, "ord_" + "0" * 20, "x" * 6000,
    "2026-11-22T08:00:00Z", "NaN", "-1", "１２３", "CNY", "mdw_" + "x" * 43, "{{7*7}}", "%s%n", "null",
]  # fmt: skip
NASTY_NUMBERS = [0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**400, 1e308, -0.0, 0.5, True, False, None]

nasty = st.sampled_from([*NASTY_TEXTS, *NASTY_NUMBERS]) | st.text(max_size=20) | st.integers()
anything = st.recursive(
    nasty, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def _operations() -> list[tuple[str, str, Any]]:
    found = []
    for path, methods in document()["paths"].items():
        for method, details in methods.items():
            content = details.get("requestBody", {}).get("content", {})
            example = content.get("application/json", {}).get("example")
            found.append((method.upper(), path, example))
    return found


OPERATIONS = _operations()
BEYOND = {"/api/v1/clock/advance"}  # works off every timer of the house: tried by its own tests


@pytest.mark.parametrize(
    ("method", "path", "example"),
    [row for row in OPERATIONS if row[1] not in BEYOND],
    ids=[f"{method} {path}" for method, path, _ in OPERATIONS if path not in BEYOND],
)
def test_no_request_breaks_an_operation(otto: Api, method: str, path: str, example: Any) -> None:
    callers = [otto, Api()]

    @settings(
        max_examples=8, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(anything, st.integers(0, 2**32), st.sampled_from(callers))
    def attack(value: Any, seed: int, caller: Api) -> None:
        dice = random.Random(seed)
        body = value if example is None or dice.random() < 0.3 else _bent(example, value, dice)
        address = _filled(path, value, dice)
        raw = None if method == "GET" else _raw(body)
        reply = caller.send(method, address, raw, {"Idempotency-Key": f"k{dice.randrange(5)}"})
        assert reply.status < 500, (address, body, reply.body)
        if reply.status >= 400:
            assert reply.headers["content-type"] == "application/problem+json", (address, reply.status)

    attack()


def _bent(example: Any, value: Any, dice: random.Random) -> Any:
    """A good body with one of its parts replaced or left out."""
    bent = copy.deepcopy(example)
    spot, place = bent, bent
    while isinstance(place, dict | list) and place:
        spot = place
        key = dice.choice(list(place)) if isinstance(place, dict) else dice.randrange(len(place))
        place = place[key]
        if dice.random() < 0.5 or not isinstance(place, dict | list):
            break
    if not isinstance(spot, dict | list) or not spot:
        return value
    if isinstance(spot, dict) and dice.random() < 0.2:
        spot.pop(key)
    else:
        spot[key] = value
    return bent


def _filled(path: str, value: Any, dice: random.Random) -> str:
    """The path with something in place of each of its names."""
    from urllib.parse import quote

    while "{" in path:
        head, _, rest = path.partition("{")
        name, _, tail = rest.partition("}")
        shaped = f"{name[:3]}_{'0' * 20}"
        said = dice.choice([shaped, "1", str(value)[:80], "%00", "0" * 30])
        path = head + quote(said.encode("utf-8", "surrogatepass") or b"x", safe="%") + tail
    return path


def _raw(body: Any) -> bytes:
    return json.dumps(body).encode()
