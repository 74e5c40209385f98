"""One payment provider is lost with orders in flight: the other is offered, everyone is charged once, every order ends."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from meadow.config.drill.ground import PLACE, Ground, Report, Say, at_once, dice_of, share_out
from meadow.config.supervise import Instance
from meadow.config.tour.talk import Talk
from meadow.config.waiting import until

ORDERS, LEAST_ORDERS = 100, 10
BUYERS = 6
LOST, OTHER = "sandbox", "sandbox2"
FALLBACK_SECONDS = 60.0
AFTER_SECONDS = 3 * 3600
# What becomes of an order at the provider before it is lost: nothing yet; the money was taken and nobody said so; the
# notice comes an hour later; or all went well.
FATES = ("unpaid", "timeout", "late", "succeed")


@dataclass(slots=True)
class Flight:
    """An order under way, and every try to pay for it."""

    order: str
    total_minor: int
    fate: str
    moves: bool  # whether its buyer goes to the other provider
    payments: list[str] = field(default_factory=list)


def run(seed: int, share: float, say: Say) -> Report:
    """The whole drill on a private installation with two providers."""
    number, report, dice = max(LEAST_ORDERS, round(ORDERS * share)), Report(seed), dice_of(seed)
    with Instance(env={"MEADOW_PROVIDERS": f"{LOST},{OTHER}"}, say=say) as instance:
        ground = Ground(instance)
        product = ground.product("Plenty", number * 2)
        say(f"{number} orders are placed with {LOST} ...")
        flights = _placed(ground, product, number, dice)
        _outage(ground, is_down=True)
        _try_in_vain(ground, flights, report)
        seconds = _offered_after(ground, product)
        say(f"{LOST} is lost; {OTHER} is offered first after {seconds:.0f} seconds. Buyers go there ...")
        for each in at_once([_goes_on(ground, part) for part in share_out(flights, BUYERS)]):
            report.violations["provider_refused_to_move"] = report.violations.get("provider_refused_to_move", 0) + each
        _outage(ground, is_down=False)
        say(f"{LOST} is back, and some hours pass ...")
        ground.cast.otto.post("clock/advance", {"by_seconds": AFTER_SECONDS})
        report.violations["provider_other_offered_in_time"] = int(seconds > FALLBACK_SECONDS)
        _judge(ground, product, number, flights, report, say)
        report.violations |= ground.invariants()
    return report


def _placed(ground: Ground, product: dict[str, Any], number: int, dice: random.Random) -> list[Flight]:
    """Orders placed by several buyers, each with its fate at the provider."""
    wanted = [(dice.choice(FATES), dice.random() < 2 / 3) for _ in range(number)]

    def act(part: Sequence[tuple[str, bool]]) -> Callable[[], list[Flight]]:
        talk = Talk(ground.url)
        return lambda: [_place(ground, talk, product, fate, moves) for fate, moves in part]

    return [flight for made in at_once([act(part) for part in share_out(wanted, BUYERS)]) for flight in made]


def _place(ground: Ground, talk: Talk, product: dict[str, Any], fate: str, moves: bool) -> Flight:
    placed = talk.post(f"checkouts/{ground.checkout(talk, product)}/place", {**PLACE, "provider": LOST})
    order, payment = placed["orders"][0], placed["payments"][0]
    if fate != "unpaid":
        talk.post(f"payments/{payment['id']}/sandbox-pay", {"behaviour": fate})
    flight = Flight(order["id"], payment["amount_minor"], fate, moves, [payment["id"]])
    if moves and fate != "succeed":
        flight.payments.append(order["link"])  # taken off again when the buyer moves
    return flight


def _goes_on(ground: Ground, flights: Sequence[Flight]) -> Callable[[], int]:
    """Those who move pay by the other provider; the others find theirs away.  Counts who was refused without cause."""

    def act() -> int:
        talk, refused = Talk(ground.url), 0
        for flight in flights:
            if len(flight.payments) == 1:
                continue
            link = flight.payments.pop()
            path = f"payments/{flight.payments[0]}/otherwise?link={link}"
            reply = talk.attempt("POST", path, {"provider": OTHER}, f"{flight.order}-otherwise")
            if reply.status != 201:
                refused += reply.code not in ("stale_state", "already_paid")
                continue
            flight.payments.append(reply.json["id"])
            talk.post(f"payments/{reply.json['id']}/sandbox-pay")
        return refused

    return act


def _outage(ground: Ground, *, is_down: bool) -> None:
    ground.cast.otto.post("sandbox/outage", {"provider": LOST, "is_down": is_down})


def _try_in_vain(ground: Ground, flights: list[Flight], report: Report) -> None:
    """Some who have not paid find the provider away; nobody is charged by that."""
    talk = Talk(ground.url)
    unpaid = [flight for flight in flights if flight.fate == "unpaid"][:3]
    replies = [
        talk.attempt("POST", f"payments/{flight.payments[0]}/sandbox-pay", {"behaviour": "succeed"})
        for flight in unpaid
    ]
    report.violations["provider_away_is_said"] = sum(reply.code != "provider_down" for reply in replies)


def _offered_after(ground: Ground, product: dict[str, Any]) -> float:
    """How long until a new checkout is no longer offered the lost provider, but the other."""
    began, talk = time.monotonic(), Talk(ground.url)
    checkout = ground.checkout(talk, product)

    def is_so() -> bool:
        (found,) = talk.get(f"checkouts/{checkout}/ways-to-pay").values()
        why = {one["provider"]: one["why_not"] for one in found}
        return why[LOST] == "down" and not why[OTHER]

    until(is_so, FALLBACK_SECONDS + 5, step_seconds=0.5)
    return time.monotonic() - began


def _judge(
    ground: Ground, product: dict[str, Any], number: int, flights: list[Flight], report: Report, say: Say
) -> None:
    """Every order has ended paid or closed, its buyer was charged once or got everything back, and the stock agrees."""
    states = {order["id"]: order["state"] for order in ground.orders()}
    ends = Counter(states[flight.order] for flight in flights if flight.order in states)
    kept_wrongly = 0
    for flight in flights:
        tries = [ground.cast.otto.get(f"payments/{payment}") for payment in flight.payments]
        kept = sum(one["amount_minor"] - one["refunded_minor"] for one in tries if one["state"] == "succeeded")
        kept_wrongly += kept != (flight.total_minor if states.get(flight.order) == "paid" else 0)
        report.doubled += kept > flight.total_minor
    left = Talk(ground.url).get(f"products/{product['id']}")["skus"][0]["left"]
    paid = ends["paid"]
    say(f"{dict(ends)}; {left} pieces left of {number * 2}")
    report.orders, report.operations = len(flights), len(flights) + sum(len(flight.payments) for flight in flights)
    report.lost = sum(flight.order not in states for flight in flights)
    report.violations |= {
        "provider_every_order_ended": sum(n for state, n in ends.items() if state not in ("paid", "closed")),
        "provider_charged_once": kept_wrongly,
        "provider_paid_ones_are_paid": sum(
            states.get(flight.order) != "paid" for flight in flights if flight.fate == "succeed" or flight.moves
        ),
        "provider_stock_agrees": abs(number * 2 - paid - left),
        "provider_no_dead_letters": len(ground.cast.otto.get("outbox/dead-letters")),
    }
