"""Many buyers at once on little stock, and the last step of checkouts sent twice: nothing oversold, nothing doubled."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from meadow.config.drill.ground import PLACE, Ground, Report, Say, at_once, dice_of
from meadow.config.supervise import Instance
from meadow.config.tour.talk import Reply, Talk
from meadow.config.waiting import pause

BUYERS, STOCK, CHECKOUTS = 100, 10, 16
LEAST_BUYERS, LEAST_STOCK, LEAST_CHECKOUTS = 8, 2, 4
MOST_REPEATS = 60


@dataclass(frozen=True, slots=True)
class Size:
    """How many buyers want how many pieces, and how many checkouts are sent twice."""

    buyers: int
    stock: int
    checkouts: int

    @classmethod
    def of(cls, share: float) -> Size:
        return cls(
            max(LEAST_BUYERS, round(BUYERS * share)),
            max(LEAST_STOCK, round(STOCK * share)),
            max(LEAST_CHECKOUTS, round(CHECKOUTS * share)),
        )


def run(seed: int, share: float, say: Say) -> Report:
    """The whole drill on a private installation of two web processes."""
    size, report = Size.of(share), Report(seed)
    with Instance(say=say) as instance:
        ground = Ground(instance)
        _last_pieces(ground, size, dice_of(seed), report, say)
        _sent_twice(ground, size, dice_of(seed + 1), report, say)
        say("Checking every invariant ...")
        report.violations |= ground.invariants()
    return report


def _last_pieces(ground: Ground, size: Size, dice: random.Random, report: Report, say: Say) -> None:
    product = ground.product("Last pieces", size.stock)
    click = ground.click(product)
    talks = [Talk(ground.url) for _ in range(size.buyers)]
    checkouts = [ground.checkout(talk, product, click) for talk in talks]
    pairs = list(zip(talks, checkouts, strict=True))
    dice.shuffle(pairs)
    say(f"{size.buyers} buyers want the last {size.stock} pieces at the same moment ...")
    replies = at_once([_buys(talk, checkout) for talk, checkout in pairs])
    placed = [reply for reply in replies if reply.status == 201]
    refused = Counter(reply.code for reply in replies if reply.status != 201)
    paid = {order["id"] for order in ground.orders("paid")}
    left = Talk(ground.url).get(f"products/{product['id']}")["skus"][0]["left"]
    acknowledged = {reply.json["orders"][0]["id"] for reply in placed}
    say(f"{len(paid)} paid orders, {left} pieces left, refused: {dict(refused)}")
    report.operations += len(replies) + len(placed)
    report.orders += len(paid)
    report.lost += len(acknowledged - paid)
    report.doubled += max(0, len(paid) - size.stock)
    report.violations |= {
        "race_all_pieces_sold": abs(size.stock - len(paid)) + left,
        "race_refused_as_sold_out": sum(n for code, n in refused.items() if code != "out_of_stock"),
    }


def _buys(talk: Talk, checkout: str) -> Callable[[], Reply]:
    def act() -> Reply:
        reply = _patiently(talk, f"checkouts/{checkout}/place", PLACE, secrets.token_hex(8))
        if reply.status == 201:
            talk.post(f"payments/{reply.json['payments'][0]['id']}/sandbox-pay")
        return reply

    return act


def _sent_twice(ground: Ground, size: Size, dice: random.Random, report: Report, say: Say) -> None:
    """Half of them as one client repeats itself, with one key; half as two tabs do, with a key each."""
    product = ground.product("Plenty", size.checkouts * 10)
    before = {order["id"] for order in ground.orders()}
    opener = Talk(ground.url)
    checkouts = [ground.checkout(opener, product) for _ in range(size.checkouts)]
    sends: list[tuple[int, str, str]] = []
    for n, checkout in enumerate(checkouts):
        first, second = secrets.token_hex(8), secrets.token_hex(8)
        sends += [(n, checkout, first), (n, checkout, first if n % 2 else second)]
    dice.shuffle(sends)
    say(f"The last step of {size.checkouts} checkouts is sent twice at the same moment ...")
    talks = [Talk(ground.url) for _ in sends]
    replies = at_once([_sends(talk, checkout, key) for talk, (_, checkout, key) in zip(talks, sends, strict=True)])
    answers: dict[int, set[tuple[str, str]]] = {}
    for (n, _, _), reply in zip(sends, replies, strict=True):
        if reply.status == 201:
            order, payment = reply.json["orders"][0]["id"], reply.json["payments"][0]["id"]
            answers.setdefault(n, set()).add((order, payment))
    _count_twice(ground, size, before, answers, report, say)
    report.operations += len(sends) * 2
    report.violations["twice_every_send_answered"] = sum(reply.status != 201 for reply in replies)


def _count_twice(
    ground: Ground, size: Size, before: set[str], answers: dict[int, set[tuple[str, str]]], report: Report, say: Say
) -> None:
    payments = sorted({payment for pairs in answers.values() for _, payment in pairs})
    acts = [_tries_to_pay(Talk(ground.url), payment) for payment in payments for _ in range(2)]
    accepted = sum(reply.status == 200 for reply in at_once(acts))
    made = [order for order in ground.orders() if order["id"] not in before]
    found_payments = {order["payment"] for order in made}
    say(f"{len(made)} orders, {len(found_payments)} payments, {accepted} of {len(acts)} tries to pay were accepted")
    report.orders += len(made)
    report.lost += max(0, size.checkouts - len(made))
    report.doubled += max(0, len(made) - size.checkouts) + max(0, len(found_payments) - size.checkouts)
    report.violations |= {
        "twice_one_answer_each": sum(len(pairs) != 1 for pairs in answers.values()),
        "twice_paid_once_each": abs(accepted - size.checkouts) + sum(order["state"] != "paid" for order in made),
    }


def _sends(talk: Talk, checkout: str, key: str) -> Callable[[], Reply]:
    return lambda: _patiently(talk, f"checkouts/{checkout}/place", PLACE, key)


def _tries_to_pay(talk: Talk, payment: str) -> Callable[[], Reply]:
    return lambda: talk.attempt("POST", f"payments/{payment}/sandbox-pay", {"behaviour": "succeed"})


def _patiently(talk: Talk, path: str, body: dict[str, Any], key: str) -> Reply:
    """Sends until it is decided: what is still in flight is asked again, as the answer says."""
    reply = talk.attempt("POST", path, body, key)
    for _ in range(MOST_REPEATS):
        if reply.code != "in_flight":
            break
        pause(0.2)
        reply = talk.attempt("POST", path, body, key)
    return reply
