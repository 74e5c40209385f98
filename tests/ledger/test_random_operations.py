"""Does any sequence of ledger operations, eight at once on real PostgreSQL, keep every invariant?"""

import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import queries, rules, services
from meadow.ledger.services import Leg, NewPosting, Transfer

THREADS, STEPS = 8, 60
EXPECTED = {
    "insufficient_funds",
    "advance_exhausted",
    "posting_mismatch",
    "stale_state",
    "already_reversed",
    "not_found",
}


class Player:
    """Does random things to a few accounts that all players share, so that they collide as often as possible."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.seen: Counter[str] = Counter()
        self.replays: list[Callable[[], object]] = []

    def play(self, steps: int) -> None:
        moves = [
            self.pay, self.pay, self.settle, self.settle_batch, self.refund, self.refund, self.pay_out, self.hold,
            self.end_holds, self.release, self.net, self.correct, self.repeat, self.snapshot,
        ]  # fmt: skip
        for _ in range(steps):
            act = self.dice.choice(moves)
            try:
                act()
                self.seen[act.__name__] += 1
            except Refusal as refusal:
                if refusal.code not in EXPECTED:
                    raise
                self.seen[refusal.code] += 1

    def money(self, most: int = 1_000) -> Money:
        return Money(self.dice.randrange(1, most), self.currency)

    @property
    def currency(self) -> str:
        return self.dice.choice(("CNY", "CNY", "CNY", "JPY"))

    @property
    def order(self) -> int:
        return self.dice.randrange(6)

    @property
    def party(self) -> tuple[str, int]:
        return self.dice.choice((("merchant", 1), ("creator", 1), ("creator", 2)))

    def key(self) -> str:
        # From a small pool on purpose: two players often mean the same posting, or two different ones by one key.
        return f"k{self.dice.randrange(4_000)}"

    def do(self, verb: Callable[..., object], *args: object, **kwargs: object) -> None:
        """One verb, one transaction: two in one would lock accounts in an order of the player's own."""
        with db.atomic():
            verb(*args, **kwargs)

    def post(self, kind: str, transfers: list[Transfer]) -> None:
        inputs = {"key": self.key(), "cause": ("trade.order", self.order), "kind": kind, "transfers": transfers}
        self.do(services.post, **inputs)
        self.replays.append(lambda: self.do(services.post, **inputs))

    def pay(self) -> None:
        self.post("paid", [Transfer("psp:sandbox", f"escrow:o{self.order}", self.money(3_000))])

    def legs(self, order: int, amount: Money) -> list[Transfer]:
        part, until = rules.split(amount.minor, 2_000), None
        if self.dice.random() < 0.6:
            until = clock.now() + timedelta(hours=self.dice.randrange(1, 48))
        pairs = [
            ("merchant:1:available", part.merchant), (f"creator:{self.dice.randrange(1, 3)}:available", part.creator),
            ("platform:service_fee", part.service), ("platform:trade_fee", part.trade),
        ]  # fmt: skip
        return [
            Transfer(f"escrow:o{order}", name, Money(minor, amount.currency), until if "creator" in name else None)
            for name, minor in pairs
        ]

    def settle(self) -> None:
        self.post("settled", self.legs(self.order, self.money()))

    def settle_batch(self) -> None:
        keys = sorted({self.key() for _ in range(4)})
        orders = [self.order for _ in keys]
        self.do(services.post_batch, [
            NewPosting(key, ("trade.order", order), "settled", self.legs(order, self.money(200)))
            for key, order in zip(keys, orders, strict=True)
        ])  # fmt: skip

    def refund(self) -> None:
        amount, key = self.money(), self.key()
        target = f"refund:r{self.dice.randrange(50)}"
        self.do(
            services.collect,
            key=key, cause=("trade.refund", 1), kind="refund", target=target, currency=amount.currency,
            hold_cause=("trade.order", self.order),
            legs=[Leg("creator", 2, amount.minor // 5), Leg("merchant", 1, amount.minor), Leg("creator", 1, amount.minor)],
            transfers=[Transfer("platform:trade_fee", target, Money(amount.minor // 20, amount.currency))],
        )  # fmt: skip
        back = queries.balance(target, amount.currency)
        self.post("refunded", [Transfer(target, "psp:sandbox", Money(back, amount.currency))])

    def pay_out(self) -> None:
        kind, number = self.party
        amount, payout = self.money(), f"payout:p{self.dice.randrange(9)}"
        self.post("payout", [Transfer(f"{kind}:{number}:available", payout, amount)])
        back = self.dice.random() < 0.3
        self.post("ended", [Transfer(payout, f"{kind}:{number}:available" if back else "psp:sandbox", amount)])

    def hold(self) -> None:
        kind, number = self.party
        self.do(
            services.place_hold,
            key=f"h{self.dice.randrange(2_000)}", account=f"{kind}:{number}:available", amount=self.money(300),
            cause=("risk.case", 1), until=clock.now() + timedelta(hours=self.dice.randrange(1, 48)),
        )  # fmt: skip

    def end_holds(self) -> None:
        self.do(services.end_due_holds, limit=5, until=clock.now() + timedelta(hours=self.dice.randrange(0, 40)))

    def release(self) -> None:
        self.do(services.release_holds_of, cause=("trade.order", self.order))

    def net(self) -> None:
        self.do(services.net_receivable, key=f"n{self.dice.randrange(10**6)}", party=self.party, currency=self.currency)

    def correct(self) -> None:
        found = db.rows(
            "SELECT id FROM ledger_posting WHERE kind IN ('paid', 'settled', 'payout') ORDER BY id DESC LIMIT 30"
        )
        if found:
            self.do(services.reverse_posting, key=self.key(), posting_id=self.dice.choice(found)["id"])

    def repeat(self) -> None:
        if self.replays:
            before = db.call("SELECT count(*) FROM ledger_posting")
            self.dice.choice(self.replays)()
            if threading.current_thread() is threading.main_thread():
                assert db.call("SELECT count(*) FROM ledger_posting") == before

    def snapshot(self) -> None:
        services.take_snapshot()


def endow() -> None:
    """Money of the platform's own, since the players' refunds take fees back that no order of theirs paid."""
    transfers = [Transfer("psp:sandbox", "platform:trade_fee", Money(10**9, code)) for code in ("CNY", "JPY")]
    services.post(key="endow", cause=("test", 0), kind="endow", transfers=transfers)


def violations() -> dict[str, int]:
    return {name: n for name, n in queries.run_invariants().items() if n}


@pytest.mark.django_db
@given(seed=st.integers(0, 2**32))
@settings(
    max_examples=12, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_d5_3_any_sequence_keeps_every_invariant(seed: int) -> None:
    player = Player(seed)
    # Taken back, so that every example starts from nothing and a failure can be found again.
    start = transaction.savepoint()
    endow()
    player.play(40)
    assert violations() == {}
    transaction.savepoint_rollback(start)
    assert player.seen["pay"]


@pytest.mark.django_db(transaction=True)
def test_d5_3_eight_at_once_keep_every_invariant() -> None:
    endow()
    players = [Player(1_000 + n) for n in range(THREADS)]
    faults: list[BaseException] = []

    def run(player: Player) -> None:
        try:
            player.play(STEPS)
        except BaseException as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(player,)) for player in players]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert faults == []
    assert violations() == {}
    seen = sum((player.seen for player in players), Counter())
    # A run in which nothing was refused, or nothing was done, would prove nothing.
    assert {"pay", "settle", "refund", "insufficient_funds"} <= set(seen)
    assert db.call("SELECT count(*) FROM ledger_account WHERE name LIKE '%%:receivable'")
