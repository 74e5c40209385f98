"""How goods go out and arrive: parcels, the timer that starts with the last of them, and the receipt."""

from collections.abc import Sequence

from meadow.kernel import audit, clock, db, rows
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import ParcelsEntered, ReceiptConfirmed
from meadow.kernel.outbox import emit
from meadow.trade import queries, rules
from meadow.trade.models import Claim, Order, OrderLine, Parcel
from meadow.trade.queries.orders import lines_of
from meadow.trade.rules import LIMITS, ParcelIn
from meadow.trade.rules import claims as claim_rules
from meadow.trade.rules import escrow as escrow_rules
from meadow.trade.services import timers
from meadow.trade.services.access import require_buyer, require_staff
from meadow.trade.services.claim_steps import overtake_sent
from meadow.trade.services.keeping import believe
from meadow.trade.services.moving import advance_shipping, to_ship


def ship_order(*, order_id: int, parcels: Sequence[ParcelIn], by: Actor) -> Order:
    """The merchant sends parcels; with the last one the auto-confirm timer starts.

    Refuses: not_found, forbidden, stale_state, malformed, parcel_refused, too_many_parcels, nothing_to_ship.
    """
    if not parcels:
        raise Refusal("malformed", field="parcels", why="one at least")
    checked = [rules.check_parcel(parcel) for parcel in parcels]
    with atomic():
        order = queries.locked(order_id)
        require_staff(order, by)
        if order.state not in rules.ORDER.sources("ship"):
            raise Refusal("stale_state", state=order.state, event="ship")
        before = rows.find(Parcel, order_id=order.pk)
        if len(before) + len(checked) > LIMITS["parcels"]:
            raise Refusal("too_many_parcels", most=LIMITS["parcels"])
        lines = lines_of(order.pk)
        packed = rules.pack(checked, to_ship(lines))
        _send(order, checked, packed, lines)
        overtake_sent(order, {line_id for contents in packed for line_id, _ in contents})
        kinds = [parcel.kind for parcel in before] + [parcel.kind for parcel in checked]
        advance_shipping(order, lines, kinds, clock.now())
        audit.record(by, "trade.ship_order", ("trade.order", order.pk), after={"parcels": len(checked)})
        emit(ParcelsEntered(order.pk))
    return order


def _send(
    order: Order,
    parcels: Sequence[ParcelIn],
    packed: Sequence[Sequence[tuple[int, int]]],
    lines: Sequence[OrderLine],
) -> None:
    now = clock.now()
    sent = [
        Parcel(
            order=order, kind=parcel.kind, carrier=parcel.carrier, number=parcel.number, contents=list(contents),
            bare_number=escrow_rules.bare_number(parcel.number), shipped_at=now,
        )
        for parcel, contents in zip(parcels, packed, strict=True)
    ]  # fmt: skip
    rows.add(*sent)
    by_id = {line.pk: line for line in lines}
    for contents in packed:
        for line_id, quantity in contents:
            by_id[line_id].shipped_quantity += quantity
    rows.change_each(lines, "shipped_quantity")


def confirm_receipt(*, order_id: int, by: Actor) -> Order:
    """The buyer has the goods: the money is released one day later, or once what holds it ends.

    Refuses: not_found, forbidden, stale_state, claim_open.
    """
    with atomic():
        order = queries.locked(order_id)
        require_buyer(order, by)
        rules.ORDER.next(order.state, "confirm")
        if rows.first(Claim, order_id=order.pk, state=claim_rules.OPEN) is not None:
            raise Refusal("claim_open")
        if order.flagged_at is not None and order.flag_cleared_at is None:
            believe(order)
        _confirm(order, "buyer")
    return order


def auto_confirm(order: Order) -> None:
    """The buyer said nothing in time: the system confirms.  The row is locked by the sweep."""
    _confirm(order, "system")


def _confirm(order: Order, who: str) -> None:
    now = clock.now()
    db.move(
        order, rules.ORDER, "confirm", confirmed_at=now, confirmed_by=who, timer_left=None, remind_due_at=None,
        after_sale_until=now + rules.AFTER_SALE_WINDOW,
    )  # fmt: skip
    timers.start(order, now + rules.SETTLE_DELAY)
    goods = tuple((line.pk, line.sku_id or 0, line.quantity) for line in lines_of(order.pk) if line.kind == "goods")
    emit(ReceiptConfirmed(order.pk, order.buyer_id, order.merchant_id, goods))
