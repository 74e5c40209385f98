"""Where a drill takes place: a private installation with a shop, its people, and what every drill reports."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self, TypeVar

from meadow.config.drill.leap import DONE, WORK
from meadow.config.settings import CHECKOUT
from meadow.config.supervise import Instance
from meadow.config.tour.onboarding import go_live
from meadow.config.tour.people import Cast, claim, gather
from meadow.config.tour.talk import Talk
from meadow.config.trouble import Trouble

ADDRESS = {"name": "Bo", "phone": "+86 138 0000 0000", "line1": "12 Meadow Lane", "city": "Hangzhou", "country": "CN"}
PLACE = {"address": ADDRESS, "contact": {"email": "bo@example.com"}}
JOIN_SECONDS = 300.0

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass
class Report:
    """What a drill found.  lost: acknowledged and not there; doubled: there more often than acknowledged; faults: what
    else went wrong, in words, and the errors that the instance logged then."""

    seed: int
    operations: int = 0
    orders: int = 0
    violations: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or any(self.violations.values()))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Ground:
    """A shop with one creator on a private installation, and the ways in which a drill uses it."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.url = instance.url
        otto = claim(self.url, instance.prepared["operator_code"], "")
        self.cast: Cast = gather(self.url, otto, "")
        ada = self.cast.ada
        merchant = ada.post("merchants", {"name": "Linen & Co"})["id"]
        shop = {"name": "Linen & Co", "flat_shipping_minor": 1000}
        self.merchant: str = merchant
        go_live(ada, merchant)
        self.shop: str = ada.post(f"merchants/{merchant}/shops", shop)["id"]
        ada.put(f"shops/{self.shop}/plans/general", {"rate_bp": 2000})
        creator = self.cast.mei.post("creators", {"name": "Mei"})["id"]
        otto.post(f"creators/{creator}/approve")

    def product(self, title: str, left: int) -> dict[str, Any]:
        body = {"title": title, "skus": [{"price_minor": 10_000, "left": left}]}
        made: dict[str, Any] = self.cast.ada.post(f"shops/{self.shop}/products", body)
        return made

    def click(self, product: dict[str, Any]) -> str:
        """A click of Mei's, so that every order has three parties."""
        code = self.cast.mei.post("tokens", {"product": product["id"]})["code"]
        guest = Talk(self.url)
        return str(guest.post("clicks", {"view": guest.get(f"landings/{code}")["view"]})["click"])

    def buyer(self, name: str) -> Talk:
        body = {"email": f"{name.lower()}@example.com", "name": name, "locale": "en"}
        return Talk(self.url, Talk(self.url).post("sandbox/persons", body)["key"]["secret"])

    def checkout(self, by: Talk, product: dict[str, Any], click: str = "") -> str:
        line = {"sku": product["skus"][0]["id"], "quantity": 1, "click": click}
        return str(by.post("checkouts", {"lines": [line]})["id"])

    def orders(self, state: str = "") -> list[dict[str, Any]]:
        """All orders of the shop in a state."""
        return self.all_of(self.cast.ada, f"shops/{self.shop}/orders?state={state}&limit=50")

    def all_of(self, by: Talk, path: str) -> list[dict[str, Any]]:
        """Every item of a list, page by page."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = by.get(f"{path}&cursor={cursor}")
            found += page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return found

    def invariants(self) -> dict[str, int]:
        found: dict[str, int] = self.cast.otto.post("invariants/run")["violations"]
        return found


class Leaps:
    """Moves the clock of a private installation, by a process beside it that stays until the end."""

    def __init__(self, instance: Instance) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "meadow.config.drill.leap"], env=instance.environment, cwd=CHECKOUT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._process.communicate()  # which closes its input, and so ends it

    def leap(self, seconds: int, *, works: bool = False) -> None:
        """Moves the clock without working off what falls due, which the worker does; or with it, taking its time."""
        order, answer = self._process.stdin, self._process.stdout
        assert order
        assert answer
        order.write(f"{seconds} {WORK if works else ''}\n")
        order.flush()
        if answer.readline().strip() != DONE:
            raise Trouble("The clock could not be moved: see what its process wrote above.")


def dice_of(seed: int) -> random.Random:
    """The chance of a drill: from its seed, so that it can be repeated."""
    return random.Random(seed)  # noqa: S311 - not for secrets


def at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """Runs all acts in threads that start at the same moment; their answers in order."""
    barrier, answers, failures = threading.Barrier(len(acts)), dict[int, T](), list[BaseException]()

    def run(n: int, act: Callable[[], T]) -> None:
        try:
            barrier.wait(JOIN_SECONDS)
            answers[n] = act()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(JOIN_SECONDS)
    if failures:
        raise failures[0]
    return [answers[n] for n in range(len(acts))]


def share_out(work: Sequence[T], workers: int) -> list[list[T]]:
    """The work in as many parts as there are workers, none of them empty."""
    return [part for part in (list(work[n::workers]) for n in range(workers)) if part]
