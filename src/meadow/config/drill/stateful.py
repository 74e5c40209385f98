"""Eight clients do what they like at once while providers fail, the worker is killed and the clock jumps: all must add up.

Every client draws its acts from a seed of its own, so the same seed tries the same things again; what another client
was faster at may differ, and no outcome may break an invariant.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from meadow.config.drill.ground import PLACE, Ground, Leaps, Report, Say, dice_of
from meadow.config.supervise import Instance
from meadow.config.tour.talk import Reply, Talk
from meadow.config.trouble import Trouble

OPERATIONS, LEAST_OPERATIONS = 100_000, 400
CLIENTS = 8
CHECK_EVERY = 500  # operations; then all invariants are run
MOST_CHECKS = 100
KEPT_ORDERS = 40  # that a client goes on dealing with
SENT_TWICE = 0.1
ENVIRONMENT = {"MEADOW_LIMIT_FACTOR": "0", "MEADOW_PROVIDERS": "sandbox,sandbox2"}
PROVIDERS = ("sandbox", "sandbox2")
KINDS = ("refund_only", "return_refund", "exchange")
DAY = 86_400
REST_DAYS = 40
BEHAVIOURS = ("succeed",) * 9 + ("notify_twice", "fail", "late", "out_of_order", "timeout", "wrong_amount")
MOST_TOLD = 10
# What an honest client never causes: then the drill is wrong, or the server is.
UNEXPECTED = {"malformed", "not_found", "forbidden", "sign_in_required", "scope_missing", "idempotency_mismatch"}


@dataclass
class Deal:
    """An order as its client knows it."""

    order: str
    payment: str
    lines: list[str]
    goods_minor: int
    claims: list[str] = field(default_factory=list)
    is_shipped: bool = False


@dataclass
class Found:
    """What all clients saw; counted under one lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    done: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    doubled: int = 0
    orders: set[str] = field(default_factory=set)

    def note(self, act: str, reply: Reply) -> None:
        with self.lock:
            self.done += 1
            self.answers[f"{act} {reply.code or reply.status}"] += 1
            if reply.status >= 500 and reply.code not in ("unavailable", "provider_down"):
                self.faults.append(f"{act} answered {reply.status} {reply.code}")
            elif reply.code in UNEXPECTED:
                self.faults.append(f"{act} was refused: {reply.code} {reply.json.get('detail', '')}")


def run(seed: int, share: float, say: Say, clients: int = CLIENTS) -> Report:
    """The whole drill."""
    wanted = max(LEAST_OPERATIONS, round(OPERATIONS * share))
    report, found = Report(seed), Found()
    with Instance(env=ENVIRONMENT, say=say) as instance, Leaps(instance) as clock:
        ground = Ground(instance)
        products = [ground.product(f"Thing {n}", 10**6 if n else 5) for n in range(4)]
        click = ground.click(products[1])
        people = [Client(n, seed, ground, products, click, found) for n in range(clients)]
        threads = [threading.Thread(target=_work, args=(one, wanted, found), daemon=True) for one in people]
        for thread in threads:
            thread.start()
        _disturb(clock, ground, dice_of(seed), found, wanted, threads, report, say)
        for thread in threads:
            thread.join()
        say("Letting all timers run out ...")
        _come_to_rest(clock, ground)
        report.operations, report.orders, report.doubled = found.done, len(found.orders), found.doubled
        _judge(ground, found, report)
        if found.faults:
            words = [f"{times} x {line}" for line, times in Counter(found.faults).most_common(MOST_TOLD)]
            report.faults = words + _errors(instance.log_file)
    for line in report.faults:
        say(line)
    return report


def _errors(log: Path | None) -> list[str]:
    """The first tracebacks in an instance's log, which is gone with the instance.  That a provider is away is logged without
    one, and is the drill's own doing."""
    lines = log.read_text(errors="replace").splitlines() if log else []
    return [line for line in lines if '"error": ' in line][:MOST_TOLD]


def _work(client: Client, wanted: int, found: Found) -> None:
    try:
        while found.done < wanted:
            client.act()
    except Exception as error:  # a client that breaks is a finding, and the others go on
        found.faults.append(f"a client ended: {error}")


def _disturb(
    clock: Leaps, ground: Ground, dice: random.Random, found: Found, wanted: int,
    threads: list[threading.Thread], report: Report, say: Say,
) -> None:  # fmt: skip
    """Between the clients' acts: kills, outages, leaps of the clock and checks, each after so many acts."""
    otto = Talk(ground.url, ground.cast.otto.secret)
    steps = 3 * min(MOST_CHECKS, max(1, wanted // CHECK_EVERY))
    for step in range(1, steps + 1):
        while found.done < wanted * step // steps and any(thread.is_alive() for thread in threads):
            threads[0].join(0.01) if threads[0].is_alive() else next(t for t in threads if t.is_alive()).join(0.01)
        what = dice.choice(("kill", "outage", "leap", "leap"))
        if what == "kill":
            ground.instance.kill_worker()
        elif what == "outage":
            for provider in PROVIDERS:
                is_down = provider == dice.choice(PROVIDERS)
                otto.attempt("POST", "sandbox/outage", {"provider": provider, "is_down": is_down})
        else:
            # The worker finds what has fallen due meanwhile, as after a night in which nobody looked.
            clock.leap(dice.randint(600, 3 * DAY))
        if step % 3 == 0:
            _check(ground, report)
            say(f"{found.done} of {wanted} operations, {len(found.orders)} orders, {len(found.faults)} faults")


def _check(ground: Ground, report: Report) -> None:
    for name, count in ground.invariants().items():
        report.violations[name] = max(report.violations.get(name, 0), count)


def _come_to_rest(clock: Leaps, ground: Ground) -> None:
    """Providers answer again, and time passes until every timer has fired."""
    for provider in PROVIDERS:
        ground.cast.otto.post("sandbox/outage", {"provider": provider, "is_down": False})
    clock.leap(REST_DAYS * DAY, works=True)


def _judge(ground: Ground, found: Found, report: Report) -> None:
    _check(ground, report)
    there = {order["id"] for order in ground.orders()}
    report.lost = len(found.orders - there)
    dead = len(ground.cast.otto.get("outbox/dead-letters"))
    report.violations |= {"random_no_faults": len(found.faults), "random_no_dead_letters": dead}
    if not any("claim" in answer and answer.endswith("201") for answer in found.answers) and found.done > 5000:
        raise Trouble("The drill never opened a claim; it does not prove what it should.")


class Client:
    """One buyer with the seller, the creator and the operator behind the same chair."""

    def __init__(
        self, number: int, seed: int, ground: Ground, products: list[dict[str, Any]], click: str, found: Found
    ) -> None:
        self._dice = random.Random(f"{seed}/{number}")  # noqa: S311 - not for secrets
        self._ground, self._products, self._click, self._found = ground, products, click, found
        self._me = ground.buyer(f"Bo{number}")
        self._buyers = 1
        self._ada, self._mei, self._otto = (
            Talk(ground.url, one.secret) for one in (ground.cast.ada, ground.cast.mei, ground.cast.otto)
        )
        self._creator: str = self._mei.get("me")["creator"]["id"]
        self._deals: list[Deal] = []
        self._serial = 0
        self._number = number

    def act(self) -> None:
        """One thing, drawn by chance; often that which the oldest deals are ready for."""
        acts: list[tuple[int, Callable[[], None]]] = [
            (20, self._buy), (18, self._pay), (16, self._ship), (10, self._confirm), (9, self._claim),
            (9, self._answer_claim), (4, self._dispute), (3, self._rule), (6, self._refund), (3, self._cancel),
            (3, self._withdraw), (3, self._look),
        ]  # fmt: skip
        chosen = self._dice.choices([act for _, act in acts], [weight for weight, _ in acts])[0]
        if chosen != self._buy and not self._deals:
            chosen = self._buy
        chosen()

    def _do(self, by: Talk, what: str, path: str, body: dict[str, Any] | None = None) -> Reply:
        """One act with a key of its own, sometimes sent twice: the second must give the same answer."""
        self._serial += 1
        key = f"random-{self._number}-{self._serial}"
        reply = by.attempt("POST", path, body or {}, key)
        self._found.note(what, reply)
        if reply.status < 300 and self._dice.random() < SENT_TWICE:
            again = by.attempt("POST", path, body or {}, key)
            same_id = isinstance(again.json, dict) and again.json.get("id") == (reply.json or {}).get("id")
            if again.status < 300 and not same_id:
                with self._found.lock:
                    self._found.doubled += 1
        return reply

    def _deal(self) -> Deal:
        return self._dice.choice(self._deals)

    def _buy(self) -> None:
        product = self._products[0] if self._dice.random() < 0.03 else self._dice.choice(self._products[1:])
        click = self._click if self._dice.random() < 0.7 else ""
        line = {"sku": product["skus"][0]["id"], "quantity": self._dice.randint(1, 3), "click": click}
        opened = self._me.attempt("POST", "checkouts", {"lines": [line]})
        self._found.note("open checkout", opened)
        if opened.status != 201:
            return
        provider = self._dice.choice(PROVIDERS)
        placed = self._do(self._me, "place", f"checkouts/{opened.json['id']}/place", PLACE | {"provider": provider})
        if placed.status != 201:
            return
        for order in placed.json["orders"]:
            whole = self._me.get(f"orders/{order['id']}")
            lines = [each["id"] for each in whole["lines"] if each["kind"] == "goods"]
            payment = placed.json["payments"][0]["id"]
            self._deals.append(Deal(order["id"], payment, lines, whole["goods_minor"]))
            with self._found.lock:
                self._found.orders.add(order["id"])
        self._pay_one(self._deals[-1])
        del self._deals[:-KEPT_ORDERS]

    def _pay(self) -> None:
        self._pay_one(self._deal())

    def _pay_one(self, deal: Deal) -> None:
        behaviour = self._dice.choice(BEHAVIOURS)
        reply = self._me.attempt(
            "POST", f"payments/{deal.payment}/sandbox-pay",
            {"behaviour": behaviour, "delay_seconds": self._dice.randint(1, 2 * DAY)},
        )  # fmt: skip
        if behaviour in ("wrong_amount",) and reply.code == "notice_refused":
            reply = Reply(200, {})
        self._found.note(f"pay {behaviour}", reply)

    def _ship(self) -> None:
        kind = self._dice.choice(("express", "express", "pickup", "virtual", "post"))
        parcel = {
            "kind": kind,
            "carrier": "SF",
            "number": f"SF{self._number}{self._serial:07d}{self._dice.randint(0, 9)}",
        }
        deal = self._deal()
        if self._do(self._ada, "ship", f"orders/{deal.order}/ship", {"parcels": [parcel]}).status < 300:
            deal.is_shipped = True

    def _confirm(self) -> None:
        self._do(self._me, "confirm", f"orders/{self._deal().order}/confirm")

    def _cancel(self) -> None:
        self._do(self._dice.choice((self._me, self._ada)), "cancel", f"orders/{self._deal().order}/cancel")

    def _claim(self) -> None:
        deal = self._deal()
        body: dict[str, Any] = {
            "line": self._dice.choice(deal.lines), "kind": self._dice.choice(KINDS if deal.is_shipped else KINDS[:1]),
            "reason": "not_as_described", "text": "It is not as described.",
        }  # fmt: skip
        if self._dice.random() < 0.6 and body["kind"] != "exchange":
            body["amount_minor"] = self._dice.randint(1, deal.goods_minor)
        reply = self._do(self._me, "claim", f"orders/{deal.order}/claims", body)
        if reply.status == 201:
            deal.claims.append(reply.json["id"])
        elif reply.code == "rate_limited":
            self._go_home()

    def _go_home(self) -> None:
        """Who has claimed as often as one may in a day leaves the chair to somebody else; the old orders run on."""
        self._me = self._ground.buyer(f"Bo{self._number}.{self._buyers}")
        self._buyers += 1
        self._deals = []

    def _answer_claim(self) -> None:
        deal = self._claimed()
        if deal is None:
            return
        claim, what = (
            deal.claims[-1],
            self._dice.choice(("agree", "agree", "refuse", "send-back", "accept", "withdraw")),
        )
        bodies: dict[str, dict[str, Any]] = {
            "agree": {"return_to": "Ada, Tea Road 7, Hangzhou"}, "refuse": {"reason": "It is as described."},
            "send-back": {"carrier": "SF", "number": f"SF9{self._serial:08d}"},
        }  # fmt: skip
        by = self._me if what in ("send-back", "withdraw") else self._ada
        self._do(by, f"claim {what}", f"claims/{claim}/{what}", bodies.get(what))

    def _dispute(self) -> None:
        deal = self._claimed()
        if deal is not None:
            self._do(self._me, "claim dispute", f"claims/{deal.claims[-1]}/dispute", {"text": "Please look."})

    def _rule(self) -> None:
        deal = self._claimed()
        if deal is None:
            return
        found = self._otto.attempt("GET", f"operator/claims/{deal.claims[-1]}/dispute", {})
        if found.status != 200:
            return
        # Who has sent nothing can get nothing back.
        outcomes = ("refund", "return", "reject") if deal.is_shipped else ("refund", "reject")
        body = {
            "outcome": self._dice.choice(outcomes), "reason_code": "shared_fault",
            "buyer_minor": self._dice.randint(1, deal.goods_minor), "text": "Both have a part in it.",
        }  # fmt: skip
        self._do(self._otto, "claim rule", f"operator/disputes/{found.json['id']}/ruling", body)

    def _refund(self) -> None:
        deal = self._deal()
        minor = self._dice.randint(1, max(1, deal.goods_minor // self._dice.randint(1, 4)))
        body: dict[str, Any] = {
            "goods": [{"line": self._dice.choice(deal.lines), "amount_minor": minor}],
            "reason": "A button is missing.",
        }
        if self._dice.random() < 0.3:
            body["shipping_minor"] = self._dice.randint(0, 1000)
        self._do(self._dice.choice((self._ada, self._otto)), "refund", f"orders/{deal.order}/refunds", body)

    def _withdraw(self) -> None:
        kind, party, by = self._dice.choice(
            (("merchant", self._ground.merchant, self._ada), ("creator", self._creator, self._mei))
        )
        body = {"kind": kind, "id": party, "amount_minor": self._dice.randint(100, 60_000), "currency": "CNY"}
        self._do(by, "withdraw", "payouts", body)

    def _look(self) -> None:
        order = self._me.get(f"orders/{self._deal().order}")
        self._found.note("look", Reply(200, order))

    def _claimed(self) -> Deal | None:
        with_claims = [deal for deal in self._deals if deal.claims]
        return self._dice.choice(with_claims) if with_claims else None
