"""Does every state of claims, disputes, freezes, orders and escrow answer every event as its table says, in every cell?"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from tests.trade import aftersale, bazaar
from tests.trade.aftersale import VERBS, anew, claim_in, outcome_of
from tests.trade.bazaar import DAY, T0, actor, at

from meadow.kernel.errors import Refusal
from meadow.ledger import queries as ledger
from meadow.trade import queries, services
from meadow.trade.models import Claim, Dispute, Freeze, Order
from meadow.trade.rules import ORDER, ParcelIn
from meadow.trade.rules.claims import CLAIM, DISPUTE, FREEZE, OPEN
from meadow.trade.rules.escrow import ESCROW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_t0() -> Iterator[None]:
    with at(T0):
        yield


NO = "stale_state"
# state -> verb -> where it leads; what is not named is refused as stale_state (a ruling without a dispute: not_found).
BY_VERB: dict[str, dict[str, str]] = {
    "asked": {
        "agree": "returning", "refuse": "refused", "withdraw": "withdrawn", "silence": "refunded",
        "refund_line": "overtaken",
    },
    "returning": {
        "send_back": "returned", "withdraw": "withdrawn", "silence": "lapsed", "refund_line": "overtaken",
    },
    "returned": {"accept": "refunded", "refuse": "refused", "silence": "refunded", "refund_line": "overtaken"},
    "replacing": {"replace": "replaced", "silence": "refunded", "refund_line": "overtaken"},
    "refused": {
        "agree": "refunded", "dispute": "disputed", "withdraw": "withdrawn", "silence": "expired",
        "refund_line": "overtaken",
    },
    "disputed": {
        "agree": "refunded", "withdraw": "withdrawn", "rule_refund": "refunded", "rule_return": "returning",
        "rule_reject": "rejected", "refund_line": "overtaken",
    },
    # A claim that is over stays over, whatever happens to its order.
    "refunded": {}, "replaced": {"refund_line": "replaced"}, "withdrawn": {"refund_line": "withdrawn"},
    "lapsed": {"refund_line": "lapsed"}, "expired": {"refund_line": "expired"},
    "rejected": {"refund_line": "rejected"}, "overtaken": {},
}  # fmt: skip


@pytest.mark.parametrize("state", CLAIM.states)
def test_d4_every_cell_of_the_after_sale_matrix_by_its_verbs(state: str) -> None:
    claim = claim_in(state)
    for verb, act in VERBS.items():
        wanted = BY_VERB[state].get(verb)
        found = outcome_of(claim, act)
        if wanted is None:
            refused = {NO, "not_found"} if verb.startswith("rule_") else {NO}
            if verb == "refund_line":
                refused |= {"refund_refused", "refund_too_large"}
            assert found in refused, (state, verb, found)
        else:
            assert found == wanted, (state, verb)


@pytest.mark.parametrize(
    ("kind", "state", "verb", "wanted"),
    [
        ("refund_only", "asked", "agree", "refunded"),
        ("refund_only", "asked", "silence", "refunded"),
        ("refund_only", "refused", "agree", "refunded"),
        ("exchange", "asked", "agree", "returning"),
        ("exchange", "returned", "accept", "replacing"),
        ("exchange", "returned", "silence", "replacing"),
        ("exchange", "disputed", "rule_return", "returning"),
    ],
)
def test_d4_what_a_step_leads_to_by_kind(kind: str, state: str, verb: str, wanted: str) -> None:
    assert outcome_of(claim_in(state, kind), VERBS[verb]) == wanted


def test_d4_every_cell_of_the_tables_is_a_way_or_a_refusal() -> None:
    """The tables alone: an event leads where the row says, every other event is refused; ends have no way out."""
    for machine in (CLAIM, DISPUTE, FREEZE, ORDER, ESCROW):
        for state in machine.states:
            for event in machine.events:
                if event in machine.table[state]:
                    assert machine.next(state, event) in machine.states
                else:
                    with pytest.raises(Refusal) as refused:
                        machine.next(state, event)
                    assert refused.value.code == NO
        assert all(not machine.table[state] for state in machine.ends)
    assert {state for state in CLAIM.states if state not in OPEN} == set(CLAIM.ends)


# Disputes, with two people deciding


def _with(settings: Any, **more: Any) -> Any:
    return replace(settings, **more)


@pytest.mark.parametrize("state", DISPUTE.states)
def test_d4_every_cell_of_the_dispute_matrix_by_its_verbs(state: str, settings: Any) -> None:
    dispute, verbs = _dispute_at(state, settings)
    for event, act in verbs.items():
        found = _answer(act, lambda: Dispute.objects.get(pk=dispute.pk).state)
        assert found == DISPUTE.table[state].get(event, NO), (state, event)


def _dispute_at(state: str, settings: Any) -> tuple[Dispute, dict[str, Any]]:
    """The clock stands after the evidence deadline once the dispute is there."""
    dispute, verbs = _dispute_in_time(state, settings)
    return dispute, {name: (lambda act=act: _later(act, T0 + 4 * DAY)) for name, act in verbs.items()}


def _dispute_in_time(state: str, settings: Any) -> tuple[Dispute, dict[str, Any]]:
    settings.MEADOW = _with(settings.MEADOW, ruling_approval_minor=0)
    one, two = bazaar.operator("Otto"), bazaar.operator("Olga")
    claim = claim_in("disputed")
    dispute = aftersale.dispute_of(claim)
    verbs: dict[str, Any] = {
        "propose": lambda: services.rule_dispute(
            dispute_id=dispute.pk, outcome="reject", reason_code="buyer_at_fault", by=one
        ),
        "approve": lambda: services.approve_ruling(dispute_id=dispute.pk, by=two),
        "decline": lambda: services.decline_ruling(dispute_id=dispute.pk, reason="Look again.", by=two),
        "settle": lambda: aftersale.agree(anew(claim)),
        "withdraw": lambda: aftersale.withdraw(anew(claim)),
    }
    ways = {
        "open": [], "proposed": ["propose"], "ruled": ["propose", "approve"], "settled": ["settle"],
        "withdrawn": ["withdraw"],
    }  # fmt: skip
    for verb in ways[state]:
        _later(verbs[verb], T0 + 4 * DAY)
    dispute.refresh_from_db()
    assert dispute.state == state
    return dispute, verbs


def _later(act: Any, moment: Any) -> Any:
    with at(moment):
        return act()


def _answer(act: Any, state: Any) -> str:
    with transaction.atomic():
        try:
            with transaction.atomic():
                act()
        except Refusal as refusal:
            answer = refusal.code
        else:
            answer = str(state())
        transaction.set_rollback(True)
    return answer


# Freezes


@pytest.mark.parametrize("state", FREEZE.states)
def test_d4_every_cell_of_the_freeze_matrix_by_its_verbs(state: str, settings: Any) -> None:
    settings.MEADOW = _with(settings.MEADOW, ruling_approval_minor=0)
    one, two = bazaar.operator("Otto"), bazaar.operator("Olga")
    order = bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person())
    freeze = services.freeze_order(order_id=order.pk, reason_code="authority", by=one)
    verbs: dict[str, Any] = {
        "approve": lambda: services.approve_freeze(freeze_id=freeze.pk, by=two),
        "decline": lambda: services.decline_freeze(freeze_id=freeze.pk, by=two),
        "propose_end": lambda: services.end_freeze(freeze_id=freeze.pk, reason="Cleared up.", by=one),
        "close": lambda: services.cancel_order(order_id=order.pk, by=actor(order.buyer_id)),
    }
    ways = {
        "proposed": [], "active": ["approve"], "ending": ["approve", "propose_end"], "dropped": ["decline"],
        "ended": ["approve", "propose_end", "approve"],
    }  # fmt: skip
    for verb in ways[state]:
        verbs[verb]()
    for event, act in verbs.items():
        found = _answer(act, lambda: Freeze.objects.get(pk=freeze.pk).state)
        # The order of a freeze that is over can be cancelled; that changes nothing about the freeze.
        wanted = FREEZE.table[state].get(event, state if event == "close" else NO)
        assert found == wanted, (state, event)


# Orders and escrow


def _order_in(state: str) -> Order:
    bowl = bazaar.goods(bazaar.shop())
    others = [bazaar.goods(bowl.shop) for _ in range(2)]  # three lines: after a first parcel a second one is a part too
    if state == "placed":
        return bazaar.place(bowl, *others, buyer=bazaar.person()).orders[0]
    order = bazaar.paid(bowl, *others, buyer=bazaar.person())
    if state == "part_shipped":
        parcel = ParcelIn("express", "SF", "SFP1", ((bazaar.goods_line(order).pk, 1),))
        services.ship_order(order_id=order.pk, parcels=[parcel], by=bowl.shop.keeper)
    if state in ("shipped", "confirmed", "settled"):
        order = bazaar.shipped(order)
    if state in ("confirmed", "settled"):
        order = bazaar.confirmed(order)
    if state == "settled":
        bazaar.run_until(T0 + DAY)
    if state == "closed":
        services.cancel_order(order_id=order.pk, by=actor(order.buyer_id))
    return bazaar.again(order)


def _order_verbs(order: Order) -> dict[str, Any]:
    keeper, buyer = actor(bazaar.accounts_owner(order)), actor(order.buyer_id)
    lines = [line for line in bazaar.lines(order) if line.kind == "goods"]
    shipping = sum(line.amount_minor - line.refunded_minor for line in bazaar.lines(order) if line.kind != "goods")
    part = tuple((line.pk, 1) for line in lines if line.shipped_quantity < line.quantity)[:1]
    return {
        "pay": lambda: bazaar.pay(order.payment_id),
        "cancel": lambda: services.cancel_order(order_id=order.pk, by=buyer),
        "ship_part": lambda: services.ship_order(
            order_id=order.pk, parcels=[ParcelIn("express", "SF", "SFQ1", part)], by=keeper
        ),
        "ship": lambda: services.ship_order(order_id=order.pk, parcels=[ParcelIn("express", "SF", "SFQ2")], by=keeper),
        "confirm": lambda: services.confirm_receipt(order_id=order.pk, by=buyer),
        "settle": lambda: _later(lambda: services.settle_order(order_id=order.pk), T0 + 30 * DAY),
        "refund_all": lambda: services.refund_order(
            key="everything", order_id=order.pk, by=keeper, shipping_minor=shipping,
            goods=[(line.pk, line.amount_minor - line.refunded_minor) for line in lines
                   if line.amount_minor > line.refunded_minor],
        ),
        "expire": lambda: services.expire_order(bazaar.again(order)),
    }  # fmt: skip


# An event in a state that its table does not name is refused; but a refund after settlement leaves the order settled.
ORDER_ELSE = {("refund_all", "settled"): "settled"}


@pytest.mark.parametrize("state", ORDER.states)
def test_d3_4_every_cell_of_the_order_matrix_by_its_verbs(state: str) -> None:
    order = _order_in(state)
    before = len(ledger.entries_of(("trade.order", order.pk)))
    for event, act in _order_verbs(order).items():
        found = _answer(act, lambda: bazaar.again(order).state)
        wanted = ORDER.table[state].get(event) or ORDER_ELSE.get((event, state))
        if wanted is None:
            assert found in (NO, "nothing_to_ship", "refund_refused", "refund_too_large"), (state, event, found)
            assert len(ledger.entries_of(("trade.order", order.pk))) == before
        else:
            assert found == wanted, (state, event)


ESCROW_WAYS = {
    "none": ("placed", []), "void": ("placed", ["close"]), "waiting": ("paid", []), "waiting_paused": ("paid", ["pause"]),
    "running": ("shipped", []), "paused": ("shipped", ["pause"]), "releasing": ("confirmed", []),
    "releasing_paused": ("confirmed", ["pause"]), "released": ("settled", []), "returned": ("paid", ["give_back"]),
}  # fmt: skip


@pytest.mark.parametrize("state", ESCROW.states)
def test_d3_every_cell_of_the_escrow_matrix_by_its_verbs(state: str) -> None:
    begin, events = ESCROW_WAYS[state]
    order, operator = _order_in(begin), bazaar.operator()
    orders = _order_verbs(order)
    keeper, buyer = actor(bazaar.accounts_owner(order)), actor(order.buyer_id)

    def resume() -> None:
        freeze = Freeze.objects.filter(order=order, state="active").first()
        if freeze is None:
            raise Refusal(NO, state=state, event="resume")
        services.end_freeze(freeze_id=freeze.pk, reason="Cleared up.", by=operator)

    def correct() -> None:
        found = queries.order_for(order.pk, person_id=order.buyer_id).parcels
        parcel_id = found[0].public_id if found else "pcl_none"
        services.correct_tracking(order_id=order.pk, parcel_id=parcel_id, carrier="SF", number="SFC9", by=keeper)

    verbs = {
        "pay": orders["pay"], "ship": orders["ship"], "confirm": orders["confirm"], "release": orders["settle"],
        "close": lambda: services.expire_order(bazaar.again(order)), "give_back": orders["refund_all"],
        "extend": lambda: services.extend_receipt(order_id=order.pk, days=3, by=buyer),
        "pause": lambda: services.freeze_order(order_id=order.pk, reason_code="authority", by=operator),
        "resume": resume, "correct": correct,
    }  # fmt: skip
    for event in events:
        verbs[event]()
    assert queries.escrow_of(bazaar.again(order)) == state
    refusals = (NO, "order_frozen", "nothing_to_ship", "refund_refused", "refund_too_large", "not_found")
    for event, act in verbs.items():
        found = _answer(act, lambda: queries.escrow_of(bazaar.again(order)))
        wanted = ESCROW.table[state].get(event)
        if wanted is not None:
            assert found == wanted, (state, event, found)
        elif event in ("pay", "give_back"):
            assert found in (state, *refusals), (state, event, found)
        else:
            assert found in refusals, (state, event, found)


def test_the_newest_claim_is_the_only_open_one_of_its_line() -> None:
    claim = claim_in("asked")
    with pytest.raises(Refusal) as refused:
        aftersale.claim(bazaar.again(claim.order))
    assert refused.value.code == "claim_open"
    assert Claim.objects.filter(line=claim.line, state__in=OPEN).count() == 1
    assert claim.due_at == T0 + 2 * DAY
