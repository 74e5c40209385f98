"""Worker, web and PostgreSQL are killed at random points of money operations that clients repeat until answered.

Each client sends an operation again, with the same key, until it is told what came of it.  Afterwards every operation
that was acknowledged is there once, and none that was not asked for.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from meadow.config.drill.ground import PLACE, Ground, Report, Say, at_once, share_out
from meadow.config.supervise import Instance
from meadow.config.tour.talk import Reply, Talk
from meadow.config.trouble import Trouble
from meadow.config.waiting import pause, until

OPERATIONS, STEPS = 300, 5  # place, pay, ship, confirm, refund
LEAST_ORDERS, LEAST_KILLS = 4, 3
KILLS = 30
BUYERS = 4
REFUND_MINOR = 2_500
PATIENCE_SECONDS = 180.0
SHIPPED = {"shipped", "confirmed", "settled"}
PAID = {"paid", "part_shipped", *SHIPPED}
TARGETS = ("worker", "web", "postgres")


@dataclass
class Progress:
    """How far the clients are; the killer waits for it."""

    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    refused: Counter[str] = field(default_factory=Counter)

    def count(self) -> None:
        with self.lock:
            self.done += 1


def work(instance: Instance, ground: Ground, share: float, dice: random.Random, report: Report, say: Say) -> None:
    """Adds to the report what happened; the installation is left running."""
    orders = max(LEAST_ORDERS, round(OPERATIONS / STEPS * share))
    kills = max(LEAST_KILLS, round(KILLS * share))
    product, progress = ground.product("Outage", orders * 2), Progress()
    click, before = ground.click(product), {order["id"] for order in ground.orders()}
    say(f"{orders * STEPS} money operations, while worker, web and PostgreSQL are killed {kills} times ...")
    buyers = [ground.buyer(f"Cy{n}") for n in range(min(BUYERS, orders))]
    parts = share_out(range(orders), len(buyers))
    killed: Counter[str] = Counter()
    killer = threading.Thread(target=_kill, args=(instance, progress, orders * STEPS, kills, dice, killed), daemon=True)
    killer.start()
    acts = [
        _deals(ground, buyer, product, click, part, progress) for buyer, part in zip(buyers, parts, strict=True)
    ]  # fmt: skip
    made = [order for some in at_once(acts) for order in some]
    killer.join(PATIENCE_SECONDS)
    say(f"killed: {dict(killed)}")
    if not until(lambda: _is_quiet(ground), PATIENCE_SECONDS):
        raise Trouble("Events still wait long after the last kill: the worker does not come back.")
    report.operations += progress.done
    report.orders += len(made)
    _judge(ground, made, before, report)
    report.violations["outage_nothing_refused"] = sum(progress.refused.values())
    for code, times in progress.refused.items():
        say(f"{times} x refused: {code}")


def _kill(
    instance: Instance, progress: Progress, operations: int, kills: int, dice: random.Random, killed: Counter[str]
) -> None:
    # Where the database is shared with others it is left alone.
    targets = TARGETS if instance.has_own_postgres else TARGETS[:2]
    for n in range(1, kills + 1):
        wanted = operations * n // (kills + 1)
        until(lambda wanted=wanted: progress.done >= wanted, PATIENCE_SECONDS, step_seconds=0.002)  # type: ignore[misc]
        pause(dice.random() * 0.05)
        target = targets[n - 1] if n <= len(targets) else dice.choice(targets)
        {"worker": instance.kill_worker, "web": instance.kill_web, "postgres": instance.kill_postgres}[target]()
        killed[target] += 1


def _deals(
    ground: Ground, buyer: Talk, product: dict[str, Any], click: str, numbers: list[int], progress: Progress
) -> Callable[[], list[str]]:
    """Some orders from checkout to a partial refund, one operation after the other."""
    ada = Talk(ground.url, ground.cast.ada.secret)

    def act() -> list[str]:
        made = []
        for n in numbers:
            line = {"sku": product["skus"][0]["id"], "quantity": 1, "click": click}
            checkout = _surely(buyer, "checkouts", {"lines": [line]}, f"open-{n}", progress)["id"]
            placed = _surely(buyer, f"checkouts/{checkout}/place", PLACE, f"place-{n}", progress)
            order, payment = placed["orders"][0], placed["payments"][0]["id"]
            progress.count()
            _surely(
                buyer, f"payments/{payment}/sandbox-pay", {}, f"pay-{n}", progress, _reached(buyer, order["id"], PAID)
            )
            progress.count()
            parcel = {"parcels": [{"kind": "express", "carrier": "SF", "number": f"SF77{n:08d}"}]}
            _surely(
                ada, f"orders/{order['id']}/ship", parcel, f"ship-{n}", progress, _reached(ada, order["id"], SHIPPED)
            )
            progress.count()
            _surely(buyer, f"orders/{order['id']}/confirm", {}, f"confirm-{n}", progress)
            progress.count()
            goods = next(each["id"] for each in _seen(ada, order["id"])["lines"] if each["kind"] == "goods")
            refund = {"goods": [{"line": goods, "amount_minor": REFUND_MINOR}], "reason": "A button is missing."}
            _surely(ada, f"orders/{order['id']}/refunds", refund, f"refund-{n}", progress)
            progress.count()
            made.append(str(order["id"]))
        return made

    return act


def _surely(
    by: Talk,
    path: str,
    body: dict[str, Any],
    key: str,
    progress: Progress,
    was_done: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Sends an operation until it is answered; was_done tells a refusal because of our own first try from one before
    its time, such as shipping what is paid but not noted as paid yet."""
    last: Reply | None = None

    def answered() -> bool:
        nonlocal last
        try:
            last = by.attempt("POST", path, body, f"outage-{key}")
        except Trouble:
            return False
        if last.status >= 500 or last.code in ("in_flight", "unavailable"):
            return False
        return last.code != "stale_state" or was_done()

    if not until(answered, PATIENCE_SECONDS, step_seconds=0.05) or last is None:
        raise Trouble(f"{path} was not answered for {PATIENCE_SECONDS:.0f} seconds.")
    if last.status >= 400 and last.code != "stale_state":
        with progress.lock:
            progress.refused[f"{key.split('-')[0]} {last.code}"] += 1
    return last.json if isinstance(last.json, dict) else {}


def _seen(by: Talk, order: str) -> dict[str, Any]:
    """The order, as soon as somebody answers."""
    found: dict[str, Any] = {}

    def answered() -> bool:
        try:
            found.update(by.get(f"orders/{order}"))
        except Trouble:
            return False
        return True

    until(answered, PATIENCE_SECONDS, step_seconds=0.05)
    return found


def _reached(by: Talk, order: str, states: set[str]) -> Callable[[], bool]:
    def look() -> bool:
        try:
            return by.get(f"orders/{order}")["state"] in states
        except Trouble:
            return False

    return look


def _is_quiet(ground: Ground) -> bool:
    try:
        return int(ground.cast.otto.get("outbox")["waiting"]) == 0
    except Trouble:
        return False


def _judge(ground: Ground, made: list[str], before: set[str], report: Report) -> None:
    """Every acknowledged order is there, no other is, and each gave back exactly what was asked once."""
    there = {order["id"] for order in ground.orders()} - before
    report.lost += len(set(made) - there)
    report.doubled += len(there - set(made)) + len(made) - len(set(made))
    wrong = 0
    for order in made:
        refunds = ground.cast.ada.get(f"orders/{order}")["refunds"]
        wrong += [each["amount_minor"] for each in refunds] != [REFUND_MINOR]
    report.violations["outage_one_refund_each"] = wrong
