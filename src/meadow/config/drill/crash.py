"""The worker is killed while it settles, then worker, web and PostgreSQL while money moves: nothing is lost or doubled."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from meadow.config.drill import outage
from meadow.config.drill.ground import PLACE, Ground, Leaps, Report, Say, at_once, dice_of, share_out
from meadow.config.supervise import Instance
from meadow.config.tour.talk import Talk
from meadow.config.trouble import Trouble
from meadow.config.waiting import pause, until

KILLS, ORDERS = 50, 500
LEAST_KILLS, LEAST_ORDERS = 2, 8
BUYERS = 6
PARCEL = {"parcels": [{"kind": "express", "carrier": "SF", "number": "SF1234567890"}]}
DUE_AFTER_SECONDS = 86_400 + 60
PATIENCE_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Size:
    """How often the worker is killed while it settles how many orders."""

    kills: int
    orders: int

    @classmethod
    def of(cls, share: float) -> Size:
        return cls(max(LEAST_KILLS, round(KILLS * share)), max(LEAST_ORDERS, round(ORDERS * share)))


def run(seed: int, share: float, say: Say) -> Report:
    """The whole drill; PostgreSQL writes through, as it does for money, and only the worker is killed."""
    size, report = Size.of(share), Report(seed)
    with Instance(fsync=True, say=say) as instance:
        ground = Ground(instance)
        orders = _confirmed_orders(ground, size, say)
        count = _Count(ground, next(iter(orders)))
        # As if the worker had been away for a day.
        with Leaps(instance) as clock:
            clock.leap(DUE_AFTER_SECONDS)
        killed = _kill_while_settling(instance, count, size, dice_of(seed), say)
        say("Waiting until all is settled ...")
        _wait(lambda: count.settled() == len(orders) and not count.waiting_events())
        report.operations, report.orders = killed + len(orders), len(orders)
        _judge(ground, orders, report)
        outage.work(instance, ground, share, dice_of(seed + 1), report, say)
        report.violations |= ground.invariants()
    return report


class _Count:
    """How far the worker is, told by what it paid out: every order of the drill gives its merchant the same."""

    def __init__(self, ground: Ground, order: str) -> None:
        self._ground = ground
        self._share_minor: int = ground.cast.otto.get(f"orders/{order}/settlement")["left"]["merchant_minor"]

    def settled(self) -> int:
        parties = self._ground.cast.ada.get("balances")
        had = [part["available_minor"] for party in parties for part in party["balances"]]
        return int(sum(had)) // self._share_minor

    def waiting_events(self) -> int:
        return int(self._ground.cast.otto.get("outbox")["waiting"])


def _confirmed_orders(ground: Ground, size: Size, say: Say) -> set[str]:
    """Orders paid, shipped and confirmed over HTTP by several buyers at once."""
    product = ground.product("Plenty", size.orders * 2)
    click = ground.click(product)
    say(f"{size.orders} orders are placed, paid, shipped and confirmed ...")
    buyers = [ground.buyer(f"Bo{n}") for n in range(min(BUYERS, size.orders))]
    work = share_out(range(size.orders), len(buyers))
    acts = [_buys(ground, buyer, product, click, len(part)) for buyer, part in zip(buyers, work, strict=False)]
    return {order for made in at_once(acts) for order in made}


def _buys(ground: Ground, buyer: Talk, product: dict[str, Any], click: str, number: int) -> Callable[[], list[str]]:
    ada = Talk(ground.url, ground.cast.ada.secret)

    def act() -> list[str]:
        made = []
        for _ in range(number):
            placed = buyer.post(f"checkouts/{ground.checkout(buyer, product, click)}/place", PLACE)
            order = placed["orders"][0]["id"]
            buyer.post(f"payments/{placed['payments'][0]['id']}/sandbox-pay")
            ada.post(f"orders/{order}/ship", PARCEL)
            buyer.post(f"orders/{order}/confirm")
            made.append(order)
        return made

    return act


def _kill_while_settling(instance: Instance, count: _Count, size: Size, dice: random.Random, say: Say) -> int:
    """Kills the worker each time it has settled something and much is left; returns how often."""
    killed = 0
    while killed < size.kills:
        before = count.settled()
        if before >= size.orders:
            break
        # What is left is shared out over the kills that are left, so that the last one still interrupts something.
        room = max(1, (size.orders - before) // (size.kills - killed + 1))
        wanted = min(size.orders, before + dice.randint(1, room))
        _wait(_has_settled(count, wanted))
        pause(dice.random() * 0.01)
        instance.kill_worker()
        killed += 1
        if killed % 10 == 0 or killed == size.kills:
            say(f"killed {killed} times, {count.settled()} of {size.orders} settled")
    return killed


def _judge(ground: Ground, orders: set[str], report: Report) -> None:
    """Every order settled, and paid out to its merchant in exactly one posting."""
    settled = {order["id"] for order in ground.orders("settled")}
    report.lost = len(orders - settled)
    statement = f"statements/merchant/{ground.merchant}?limit=50"
    releases = Counter(
        line["cause_id"] for line in ground.all_of(ground.cast.ada, statement) if line["kind"] == "settle"
    )
    report.doubled = sum(times - 1 for times in releases.values())
    dead = len(ground.cast.otto.get("outbox/dead-letters"))
    commissions = ground.all_of(ground.cast.mei, "commissions?limit=50")
    report.violations |= {
        "crash_one_release_each": abs(len(releases) - len(orders)),
        "crash_no_dead_letters": dead,
        "crash_every_commission_final": abs(sum(one["state"] == "final" for one in commissions) - len(orders)),
    }


def _has_settled(count: _Count, least: int) -> Callable[[], bool]:
    return lambda: count.settled() >= least


def _wait(happened: Callable[[], bool]) -> None:
    if not until(happened, PATIENCE_SECONDS, step_seconds=0.002):
        raise Trouble(f"Nothing was settled for {PATIENCE_SECONDS:.0f} seconds: the worker does not come back.")
