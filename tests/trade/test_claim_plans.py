"""Whatever the plan, the currency and the order of claims, refunds and settlement: does all the money stay accounted for?"""

import contextlib
import random
from datetime import timedelta

import pytest
from tests.trade import aftersale, bazaar
from tests.trade.bazaar import T0, at

from meadow.kernel import outbox
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import queries as ledger
from meadow.ledger import services as books
from meadow.ledger.services import Transfer
from meadow.trade import services
from meadow.trade.models import Claim, Order, OrderLine, Refund
from meadow.trade.rules.claims import OPEN

pytestmark = pytest.mark.django_db
STEP = timedelta(hours=30)


def take_out(order: Order) -> None:
    """The merchant and the creators take out all they have, so that later refunds must be advanced and owed."""
    names = [f"merchant:{order.merchant_id}:available"]
    names += [f"creator:{line.creator_id}:available" for line in bazaar.lines(order) if line.creator_id]
    for name in sorted(set(names)):
        free = ledger.available(name, order.currency)
        if free:
            books.post(
                key=f"out:{name}:{order.pk}:{bazaar.again(order).refunded_minor}", cause=("test.payout", order.pk),
                kind="payout", transfers=[Transfer(name, "psp:sandbox", Money(free, order.currency))],
            )  # fmt: skip


def act(dice: random.Random, order: Order) -> None:
    """One thing that somebody may do now; what is not allowed is refused and changes nothing."""
    order = bazaar.again(order)
    line = dice.choice([each for each in bazaar.lines(order) if each.kind == "goods"])
    left = line.amount_minor - line.refunded_minor
    claim = Claim.objects.filter(order=order, state__in=OPEN).first()
    if claim is not None and dice.random() < 0.8:
        verb = dice.choice([*aftersale.VERBS.values(), aftersale.rule("refund", dice.randint(1, max(1, left)))])
        verb(claim)
        return
    match dice.choice(["claim", "claim", "ship", "confirm", "refund", "out", "extend"]):
        case "claim":
            kind = dice.choice(["refund_only", "return_refund", "exchange"])
            services.open_claim(
                order_id=order.pk, line_id=line.pk, kind=kind, reason="damaged",
                amount_minor=dice.randint(1, max(1, left)), by=aftersale.buyer(order),
            )  # fmt: skip
        case "ship":
            bazaar.shipped(order)
        case "confirm":
            bazaar.confirmed(order)
        case "refund":
            services.refund_order(
                key=f"r{dice.random()}", order_id=order.pk, goods=[(line.pk, dice.randint(1, max(1, left)))],
                by=aftersale.keeper(order),
            )  # fmt: skip
        case "out":
            take_out(order)
        case "extend":
            services.extend_receipt(order_id=order.pk, days=3, by=aftersale.buyer(order))


@pytest.mark.parametrize(("currency", "seed"), [("CNY", 1), ("JPY", 2), ("KWD", 3), ("JPY", 4)])
def test_random_claims_before_and_after_settlement_and_payout_leave_no_money_unaccounted(
    currency: str, seed: int
) -> None:
    dice = random.Random(seed)
    shop = bazaar.shop(
        currency=currency, rate_bp=dice.choice([0, 1, 333, 2000, 4900]), shipping=dice.choice([0, 7, 999])
    )
    mei = bazaar.creator()
    orders = []
    with at(T0):
        for number in range(2):
            goods = [bazaar.goods(shop, dice.choice([1, 3, 99, 10_001, 123_457])) for _ in range(2)]
            bazaar.click(mei, goods[0], carrier=f"c{number}")
            orders.append(bazaar.paid(*goods, buyer=bazaar.person(), carrier=f"c{number}"))
    for turn in range(16):
        moment = T0 + turn * STEP
        bazaar.run_until(moment)
        with at(moment):
            for order in orders:
                with contextlib.suppress(Refusal):
                    act(dice, order)
            outbox.drain_all()
    with at(T0 + 16 * STEP):
        for claim in Claim.objects.filter(state="disputed"):
            aftersale.withdraw(claim)
    bazaar.run_until(T0 + timedelta(days=60))
    with at(T0 + timedelta(days=60)):
        for order in map(bazaar.again, orders):
            if order.state in ("paid", "part_shipped"):
                bazaar.shipped(order)
    bazaar.run_until(T0 + timedelta(days=120))
    outbox.drain_all()
    for order in map(bazaar.again, orders):
        assert order.state in ("settled", "closed"), (seed, order.state)
        assert not Claim.objects.filter(order=order, state__in=OPEN).exists()
        back = sum(Refund.objects.filter(order=order).values_list("amount_minor", flat=True))
        assert (
            back == order.refunded_minor == sum(line.refunded_minor for line in OrderLine.objects.filter(order=order))
        )
        assert back <= order.total_minor
        assert ledger.balance(f"escrow:{order.public_id}", currency) == 0
    assert bazaar.violations() == {}
