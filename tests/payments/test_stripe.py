"""Does Stripe carry orders from its page to transfers, reversals, refunds and disputes?  Against its simulator."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.trade import bazaar

from meadow.kernel import clock, outbox
from meadow.kernel.audit import SYSTEM
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import queries as ledger
from meadow.payments import queries, services
from meadow.payments.adapters import adapter, enabled
from meadow.payments.adapters.protocol import Operation, ProviderDown
from meadow.payments.simulators.stripe import StripeNotice, StripeSimulator
from meadow.payments.simulators.wire import Fault
from meadow.trade import services as trade
from meadow.trade.models import Order, Refund

FAULTS: tuple[Fault, ...] = ("error", "lost", "done_lost", "slow", "busy", "garbage")


@pytest.fixture
def stripe(settings: Any) -> Iterator[StripeSimulator]:
    simulator = StripeSimulator()
    settings.MEADOW = replace(settings.MEADOW, providers="stripe,sandbox", stripe=simulator.account())
    yield simulator
    simulator.close()


def deliver(notice: StripeNotice) -> None:
    """What the notice door does."""
    taken = services.verify(provider="stripe", headers=notice.headers, body=notice.body)
    if taken.payment_id is not None and taken.subject == "payment":
        trade.record_payment(taken)
    outbox.drain_all()


def paid_order(stripe: StripeSimulator) -> Order:
    """An order through Mei; she and the merchant have accounts at Stripe."""
    shop, mei, bo = bazaar.shop("Ada", currency="EUR"), bazaar.creator(), bazaar.person()
    for kind, party_id in (("merchant", shop.merchant_id), ("creator", mei.pk)):
        services.open_provider_account(
            party=(kind, party_id), provider="stripe", account=f"acct_{kind}", by=SYSTEM, is_stepped_up=True
        )
    goods = bazaar.goods(shop)
    bazaar.click(mei, goods, person_id=bo)
    (order,) = bazaar.place(goods, buyer=bo, provider="stripe").orders
    payment = services.hand_over(payment_id=order.payment_id)
    assert payment.pay_url.startswith("https://checkout.stripe.com/")
    deliver(*stripe.pay(payment.public_id))
    assert bazaar.again(order).state == "paid"
    return bazaar.again(order)


def settled(order: Order) -> Order:
    order = bazaar.confirmed(bazaar.shipped(order))
    assert order.release_due_at is not None
    bazaar.run_until(order.release_due_at + timedelta(minutes=5))
    return bazaar.again(order)


@pytest.mark.django_db(transaction=True)
def test_parties_get_transfers_and_a_refund_reverses_what_can_come_back(stripe: StripeSimulator) -> None:
    order = settled(paid_order(stripe))
    sent = {row["destination"]: row["amount"] for row in stripe.books.transfers.values()}
    assert sent == {"acct_merchant": 8_500}  # V1; the commission waits for the end of its hold
    bazaar.run_until(clock.now() + timedelta(days=30))
    sent = {row["destination"]: row["amount"] for row in stripe.books.transfers.values()}
    assert sent == {"acct_merchant": 8_500, "acct_creator": 1_800}
    stripe.empty_accounts.add("acct_creator")
    made = bazaar.refund(order, 10_000, 1_000)
    bazaar.run_until(clock.now() + timedelta(hours=1))
    assert Refund.objects.get(pk=made.pk).state == "completed"
    back = {row["destination"]: row["amount_reversed"] for row in stripe.books.transfers.values()}
    assert back == {"acct_merchant": 8_500, "acct_creator": 0}
    states = {(leg.direction, leg.party_kind): leg.state for leg in queries.legs_of(order.payment_id)}
    assert states["return", "merchant"] == "posted"
    assert states["return", "creator"] == "failed"  # so she owes it
    creator_id = bazaar.goods_line(order).creator_id
    assert ledger.balance(f"creator:{creator_id}:receivable", "EUR") == -1_800
    assert ledger.balance(f"merchant:{order.merchant_id}:receivable", "EUR") == 0
    outbox.drain_all()
    assert bazaar.violations() == {}


@pytest.mark.django_db(transaction=True)
def test_d2_5_whatever_the_wire_does_a_payment_is_made_once(stripe: StripeSimulator) -> None:
    goods, bo = bazaar.goods(bazaar.shop("Ada", currency="EUR"), left=20), bazaar.person()
    for fault in FAULTS:
        (order,) = bazaar.place(goods, buyer=bo, provider="stripe").orders
        stripe.wire.fault("checkout/sessions", fault)
        with pytest.raises(Refusal, match="provider_down"):
            services.hand_over(payment_id=order.payment_id)
        payment = services.hand_over(payment_id=order.payment_id)
        stripe.pay(payment.public_id)  # and its event is lost
        stripe.wire.fault("checkout/sessions", fault)
        services.query_payment(payment_id=payment.pk)
        assert queries.payment_by_id(payment.pk).state == "pending", fault
        services.query_payment(payment_id=payment.pk)
        outbox.drain_all()
        assert bazaar.again(order).state == "paid", fault
    assert len(stripe.books.sessions) == len(FAULTS)


@pytest.mark.django_db(transaction=True)
def test_settled_10_a_dispute_is_a_forced_refund_and_its_fee_the_platforms(stripe: StripeSimulator) -> None:
    order = settled(paid_order(stripe))
    name = queries.payment_by_id(order.payment_id).public_id
    deliver(stripe.dispute(name, 11_000))
    (back,) = queries.chargebacks()
    assert (back.state, back.amount_minor, back.fee_minor) == ("open", 11_000, 0)
    (refund,) = Refund.objects.filter(order=order)
    assert (refund.kind, refund.state, refund.amount_minor) == ("chargeback", "completed", 11_000)
    day = clock.machine_now().date()
    row = services.reconcile(provider="stripe", day=day)
    assert (row.found, row.fees_minor) == (0, {"EUR": 1_500 + 11_000 * 29 // 1000 + 30})
    assert ledger.balance("platform:provider_cost", "EUR") == -row.fees_minor["EUR"]
    deliver(stripe.dispute(name, 11_000, "won"))
    assert queries.chargebacks()[0].state == "won"
    outbox.drain_all()
    assert bazaar.violations() == {}


@pytest.mark.django_db(transaction=True)
def test_d2_6_its_balance_is_reconciled(stripe: StripeSimulator) -> None:
    order = settled(paid_order(stripe))
    bazaar.refund(order, 4_000)
    bazaar.run_until(clock.now() + timedelta(hours=1))
    day = clock.machine_now().date()
    charge = next(row for row in stripe.books.balance if row["type"] == "charge")
    charge["amount"] += 1
    stripe.books.balance.append({**charge, "id": "txn_extra", "source": {"id": "ch_extra", "metadata": {}}})
    services.reconcile(provider="stripe", day=day)
    assert sorted((row.kind, row.subject) for row in queries.differences()) == [
        ("amount", "payment"), ("extra", "payment"),
    ]  # fmt: skip


def test_what_the_adapter_says_of_transfers_reversals_and_refunds(stripe: StripeSimulator) -> None:
    at = adapter("stripe")
    bare = Operation("payment", "pay_00000001", Money(10_000, "EUR"), text="Order")
    assert at.query(bare).state == "unknown"
    assert at.close(bare).state == "closed"
    made = at.create(bare)
    charge = replace(bare, ref=made.ref or "")
    assert at.create(bare) == made  # asked twice, made once
    assert at.query(charge).state == "pending"
    stripe.pay("pay_00000001")
    assert (at.query(charge).state, at.close(charge).state) == ("succeeded", "succeeded")
    leg = Operation("split", "leg_0001", Money(8_000, "EUR"), charge=charge, account="acct_1", text="Order")
    assert at.query(leg).state == "unknown"
    sent = at.split(leg)
    assert (sent.state, at.split(leg)) == ("succeeded", sent)
    assert at.query(leg) == sent
    assert at.split(replace(leg, our_ref="leg_0002", amount=Money(2_001, "EUR"))).why == "balance_insufficient"
    assert at.split(replace(leg, our_ref="leg_0003", account="nobody")).why == "account_invalid"
    known = replace(leg, ref=sent.ref or "")
    back = Operation("return", "leg_0004", Money(3_000, "EUR"), charge=charge, account="acct_1", original=known)
    assert at.query(back).state == "unknown"
    assert at.give_back(back).state == "succeeded"
    assert at.query(back).state == "succeeded"
    assert at.give_back(replace(back, our_ref="leg_0005", amount=Money(5_001, "EUR"))).why == "amount_too_large"
    stripe.refund_as[:] = ["pending", "failed", "canceled"]
    refund = Operation("refund", "prf_0", Money(1_000, "EUR"), charge=charge)
    for number, state in enumerate(("pending", "failed", "failed", "succeeded")):
        one = replace(refund, our_ref=f"prf_{number}")
        assert at.query(one).state == "unknown"
        assert at.refund(one).state == state
        assert at.query(one).state == state
    assert at.refund(replace(refund, our_ref="prf_9", amount=Money(9_000, "EUR"))).why == "amount_too_large"
    assert at.pay_out(Operation("payout", "out_1", Money(1, "EUR"))).state == "failed"
    at.ping()
    stripe.wire.is_down = True
    with pytest.raises(ProviderDown):
        at.ping()


def test_an_unpaid_page_is_closed(stripe: StripeSimulator) -> None:
    at = adapter("stripe")
    bare = Operation("payment", "pay_00000002", Money(10_000, "EUR"), text="Order")
    charge = replace(bare, ref=at.create(bare).ref or "")
    assert at.close(charge).state == "closed"
    assert at.query(charge).state == "closed"


@pytest.mark.parametrize(
    ("account", "says"), [("", "secret_key"), ('{"secret_key": "sk", "webhook_secret": "w", "x": 1}', "x")]
)
def test_a_wrong_account_is_said_without_its_secrets(settings: Any, account: str, says: str) -> None:
    settings.MEADOW = replace(settings.MEADOW, providers="stripe", stripe=account)
    with pytest.raises(RuntimeError, match=says):
        enabled()


def test_without_its_client_the_installation_says_what_to_install(settings: Any, monkeypatch: Any) -> None:
    from meadow.payments import adapters

    def absent(name: str) -> None:
        raise ImportError("no", name="stripe")

    monkeypatch.setattr(adapters, "import_module", absent)
    settings.MEADOW = replace(settings.MEADOW, providers="stripe", stripe='{"absent": "client"}')
    with pytest.raises(RuntimeError, match="pip install -r requirements/providers.txt"):
        enabled()
