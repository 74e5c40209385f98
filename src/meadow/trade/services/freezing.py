"""How operators stop an order's money and let it go again: one person up to the threshold, two above it."""

from meadow.kernel import audit, clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.trade import queries
from meadow.trade import rules as trade_rules
from meadow.trade.models import Freeze, Order
from meadow.trade.rules import claims as rules
from meadow.trade.services import timers
from meadow.trade.services.disputes import needs_two, require_outsider


def freeze_order(*, order_id: int, reason_code: str, text: str = "", by: Actor) -> Freeze:
    """Stops the release of an order's money; above the threshold once another operator approves.

    What is refunded meanwhile still goes to the buyer.
    Refuses: not_found, forbidden, own_case, stale_state, malformed, order_frozen.
    """
    text = rules.check_text("text", text)
    rules.check_reason("reason_code", reason_code, rules.FREEZE_REASONS)
    with atomic():
        order = queries.locked(order_id)
        operator_id = require_outsider(order, by)
        if order.state not in trade_rules.IN_ESCROW:
            raise Refusal("stale_state", state=order.state, event="freeze")
        if Freeze.objects.filter(order=order, state__in=rules.FREEZE_OPEN).exists():
            raise Refusal("order_frozen")
        freeze = Freeze.objects.create(
            order=order, reason_code=reason_code, text=text, proposed_by_id=operator_id, proposed_at=clock.now()
        )
        if not needs_two(order):
            _activate(freeze, order)
        audit.record(
            by, "trade.freeze_order", ("trade.order", order.pk), after={"freeze": freeze.public_id, "why": reason_code}
        )
    return freeze


def end_freeze(*, freeze_id: int, reason: str, by: Actor) -> Freeze:
    """Lets the money go again; above the threshold once another operator approves.

    Refuses: not_found, forbidden, own_case, stale_state, malformed.
    """
    reason = rules.check_text("reason", reason, is_needed=True)
    with atomic():
        freeze, order = _locked(freeze_id)
        operator_id = require_outsider(order, by)
        is_over = not needs_two(order)
        db.move(
            freeze, rules.FREEZE, "end" if is_over else "propose_end", end_reason=reason, end_proposed_by_id=operator_id,
            ended_at=clock.now() if is_over else None,
        )  # fmt: skip
        timers.resume(order)
        audit.record(by, "trade.end_freeze", ("trade.order", order.pk), after={"freeze": freeze.public_id})
    return freeze


def approve_freeze(*, freeze_id: int, by: Actor) -> Freeze:
    """Another operator agrees with a freeze, or with its end.

    Refuses: not_found, forbidden, own_case, second_person_needed, stale_state.
    """
    with atomic():
        freeze, order = _locked(freeze_id)
        operator_id = require_outsider(order, by)
        rules.FREEZE.next(freeze.state, "approve")
        proposer = freeze.proposed_by_id if freeze.state == "proposed" else freeze.end_proposed_by_id
        if operator_id == proposer:
            raise Refusal("second_person_needed")
        if freeze.state == "proposed":
            _activate(freeze, order, approved_by_id=operator_id)
        else:
            db.move(freeze, rules.FREEZE, "approve", end_approved_by_id=operator_id, ended_at=clock.now())
            timers.resume(order)
        audit.record(by, "trade.approve_freeze", ("trade.order", order.pk), after={"state": freeze.state})
    return freeze


def decline_freeze(*, freeze_id: int, by: Actor) -> Freeze:
    """A proposed freeze, or its proposed end, is not carried out.

    Refuses: not_found, forbidden, own_case, stale_state.
    """
    with atomic():
        freeze, order = _locked(freeze_id)
        require_outsider(order, by)
        if freeze.state == "proposed":
            db.move(freeze, rules.FREEZE, "decline", ended_at=clock.now())
        else:
            db.move(freeze, rules.FREEZE, "decline", end_reason="", end_proposed_by_id=None)
        audit.record(by, "trade.decline_freeze", ("trade.order", order.pk), after={"state": freeze.state})
    return freeze


def _activate(freeze: Freeze, order: Order, approved_by_id: int | None = None) -> None:
    if order.state not in trade_rules.IN_ESCROW:
        raise Refusal("stale_state", state=order.state, event="freeze")
    db.move(freeze, rules.FREEZE, "approve", approved_by_id=approved_by_id, active_at=clock.now())
    timers.pause(order)


def _locked(freeze_id: int) -> tuple[Freeze, Order]:
    """A freeze and its order, whose lock guards both.  Refuses: not_found."""
    order_id = Freeze.objects.filter(pk=freeze_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise Refusal("not_found")
    order = queries.locked(order_id)
    return Freeze.objects.get(pk=freeze_id), order
