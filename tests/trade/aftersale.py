"""Claims for tests: one in each state, and every verb on one by the name of what it does."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from tests.trade import bazaar
from tests.trade.bazaar import actor, at

from meadow.kernel import clock, outbox
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.ledger import queries as ledger
from meadow.trade import services
from meadow.trade.models import Claim, Dispute, Order
from meadow.trade.rules import ParcelIn

RETURN_TO = "Ada, Tea Road 7, Hangzhou"


def buyer(order: Order) -> Actor:
    return actor(order.buyer_id)


def keeper(order: Order) -> Actor:
    return actor(bazaar.accounts_owner(order))


def claim(order: Order, kind: str = "refund_only", minor: int | None = None, reason: str = "damaged") -> Claim:
    return services.open_claim(
        order_id=order.pk, line_id=bazaar.goods_line(order).pk, kind=kind, reason=reason, amount_minor=minor,
        by=buyer(order),
    )  # fmt: skip


def anew(of: Claim) -> Claim:
    return Claim.objects.get(pk=of.pk)


def dispute_of(of: Claim) -> Dispute:
    return Dispute.objects.filter(claim=of).latest("pk")


def agree(of: Claim) -> Claim:
    return services.agree_to_claim(claim_id=of.pk, return_to=RETURN_TO, by=keeper(of.order))


def refuse(of: Claim) -> Claim:
    return services.refuse_claim(claim_id=of.pk, reason="It was whole when it left.", by=keeper(of.order))


def send_back(of: Claim) -> Claim:
    return services.send_back(claim_id=of.pk, carrier="SF", number=f"SFR{of.pk}", by=buyer(of.order))


def accept(of: Claim) -> Claim:
    return services.accept_goods(claim_id=of.pk, by=keeper(of.order))


def replace(of: Claim) -> Claim:
    parcel = ParcelIn("express", "SF", f"SFX{of.pk}")
    return services.send_replacement(claim_id=of.pk, parcel=parcel, by=keeper(of.order))


def withdraw(of: Claim) -> Claim:
    return services.withdraw_claim(claim_id=of.pk, by=buyer(of.order))


def dispute(of: Claim) -> Any:
    return services.dispute_claim(claim_id=of.pk, by=buyer(of.order))


def ship(of: Claim) -> Any:
    parcel = ParcelIn("express", "SF", f"SFS{of.pk}")
    return services.ship_order(order_id=of.order_id, parcels=[parcel], by=keeper(of.order))


def refund_line(of: Claim) -> Any:
    """The seller refunds the line by the ordinary way."""
    left = of.line.amount_minor - of.line.refunded_minor
    return services.refund_order(
        key=f"all-{of.pk}-{of.state}", order_id=of.order_id, goods=[(of.line_id, left)], by=keeper(of.order)
    )


def silence(of: Claim) -> Any:
    """Nobody acts until the claim's clock ends; a claim without one stays as it is."""
    due = anew(of).due_at
    if due is None:
        raise Refusal("stale_state", state=of.state, event="silence")
    with at(due):
        services.pass_claims_due(bazaar.again(of.order))


def rule(outcome: str, minor: int = 0, by: Actor | None = None) -> Callable[[Claim], Any]:
    def ruled(of: Claim) -> Any:
        found = Dispute.objects.filter(claim=of).order_by("-pk").first()
        if found is None:
            raise Refusal("not_found")
        with at(max(clock.now(), found.evidence_until)):
            return services.rule_dispute(
                dispute_id=found.pk, outcome=outcome, reason_code="seller_at_fault", buyer_minor=minor,
                by=by or bazaar.operator(),
            )  # fmt: skip

    return ruled


VERBS: dict[str, Callable[[Claim], Any]] = {
    "agree": agree,
    "refuse": refuse,
    "send_back": send_back,
    "accept": accept,
    "replace": replace,
    "withdraw": withdraw,
    "dispute": dispute,
    "silence": silence,
    "rule_refund": rule("refund", 1000),
    "rule_return": rule("return"),
    "rule_reject": rule("reject"),
    "refund_line": refund_line,
}
# How each state is reached, by the verbs on a claim about shipped goods.
WAYS: dict[str, tuple[str, list[str]]] = {
    "asked": ("return_refund", []),
    "returning": ("return_refund", ["agree"]),
    "returned": ("return_refund", ["agree", "send_back"]),
    "replacing": ("exchange", ["agree", "send_back", "accept"]),
    "refused": ("return_refund", ["refuse"]),
    "disputed": ("return_refund", ["refuse", "dispute"]),
    "refunded": ("return_refund", ["agree", "send_back", "accept"]),
    "replaced": ("exchange", ["agree", "send_back", "accept", "replace"]),
    "withdrawn": ("return_refund", ["withdraw"]),
    "lapsed": ("return_refund", ["agree", "silence"]),
    "expired": ("return_refund", ["refuse", "silence"]),
    "rejected": ("return_refund", ["refuse", "dispute", "rule_reject"]),
    "overtaken": ("return_refund", ["refund_line"]),
}


def claim_in(state: str, kind: str = "", order: Order | None = None, minor: int | None = None) -> Claim:
    usual, verbs = WAYS[state]
    order = order or bazaar.shipped(bazaar.paid(bazaar.goods(bazaar.shop()), buyer=bazaar.person()))
    made = claim(order, kind or usual, minor)
    for verb in verbs:
        VERBS[verb](made)
        made = anew(made)
    assert made.state == state
    return made


def outcome_of(of: Claim, act: Callable[[Claim], Any]) -> str:
    """Where an act leads, or the code of its refusal, which must leave the ledger as it was; then all is undone."""
    before = ledger_of(of)
    with transaction.atomic():
        try:
            with transaction.atomic():
                act(of)
        except Refusal as refusal:
            assert ledger_of(of) == before
            answer = refusal.code
        else:
            answer = anew(of).state
        transaction.set_rollback(True)
    return answer


def ledger_of(of: Claim) -> list[int]:
    return [entry.posting_id for entry in ledger.entries_of(("trade.order", of.order_id))]


def run(moment: Any) -> None:
    bazaar.run_until(moment)
    outbox.drain_all()
