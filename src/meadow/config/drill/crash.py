"""The worker is killed again and again while it settles: every order is settled exactly once, and no event is lost."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from meadow.config.drill.ground import PLACE, Ground, Report, Say, at_once, dice_of, share_out
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
    with Instance(fsync=True, say=say) as instance, psycopg.connect(instance.dsn, autocommit=True) as database:
        ground = Ground(instance)
        orders = _confirmed_orders(ground, size, say)
        _make_due(database)
        killed = _kill_while_settling(instance, database, size, dice_of(seed), say)
        say("Waiting until all is settled ...")
        _wait(lambda: _settled(database) == len(orders) and not _waiting(database))
        report.operations, report.orders = killed + len(orders), len(orders)
        _judge(ground, orders, report)
        report.violations |= ground.invariants()
    return report


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


def _make_due(database: psycopg.Connection[Any]) -> None:
    """Moves the sandbox's clock without working off what falls due, as if the worker had been away for a day."""
    database.execute(
        "INSERT INTO kernel_clockoffset AS c (id, offset_us) VALUES (1, %(us)s) "
        "ON CONFLICT (id) DO UPDATE SET offset_us = c.offset_us + %(us)s",
        {"us": DUE_AFTER_SECONDS * 1_000_000},
    )


def _kill_while_settling(
    instance: Instance, database: psycopg.Connection[Any], size: Size, dice: random.Random, say: Say
) -> int:
    """Kills the worker each time it has settled something and much is left; returns how often."""
    killed = 0
    while killed < size.kills:
        before = _settled(database)
        if before >= size.orders:
            break
        # What is left is shared out over the kills that are left, so that the last one still interrupts something.
        room = max(1, (size.orders - before) // (size.kills - killed + 1))
        wanted = min(size.orders, before + dice.randint(1, room))
        _wait(_has_settled(database, wanted))
        pause(dice.random() * 0.01)
        instance.kill_worker()
        killed += 1
        if killed % 10 == 0 or killed == size.kills:
            say(f"killed {killed} times, {_settled(database)} of {size.orders} settled")
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


def _settled(database: psycopg.Connection[Any]) -> int:
    row = database.execute("SELECT count(*) FROM trade_order WHERE state = 'settled'").fetchone()
    return int(row[0]) if row else 0


def _has_settled(database: psycopg.Connection[Any], least: int) -> Callable[[], bool]:
    return lambda: _settled(database) >= least


def _waiting(database: psycopg.Connection[Any]) -> int:
    row = database.execute("SELECT count(*) FROM kernel_outboxevent").fetchone()
    return int(row[0]) if row else 0


def _wait(happened: Callable[[], bool]) -> None:
    if not until(happened, PATIENCE_SECONDS, step_seconds=0.002):
        raise Trouble(f"Nothing was settled for {PATIENCE_SECONDS:.0f} seconds: the worker does not come back.")
