"""What keeps an order's timer honest: longer time, corrected tracking, one reminder, lateness, and doubtful tracking."""

from meadow.governance import services as governance
from meadow.kernel import audit, clock, rows
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import ParcelsEntered, ReceiptExtended, ReceiptReminded, ShippingLate
from meadow.kernel.outbox import emit
from meadow.trade import queries, rules
from meadow.trade.models import Order, Parcel
from meadow.trade.rules import escrow as escrow_rules
from meadow.trade.services import timers
from meadow.trade.services.access import require_staff, role_of
from meadow.trade.services.disputes import require_outsider


def extend_receipt(*, order_id: int, days: int, by: Actor) -> Order:
    """The buyer gets more time: 3, 5, 7 or 10 days from the seller, or 3 days once by themselves.

    Refuses: not_found, forbidden, stale_state, extension_refused, extension_used.
    """
    with atomic():
        order = queries.locked(order_id)
        side = role_of(order, by)
        if side == "operator":
            require_staff(order, by)
        if order.state != "shipped":
            raise Refusal("stale_state", state=order.state, event="extend")
        longer = escrow_rules.check_extension(days, side, is_used=order.buyer_extended_at is not None)
        if side == "buyer":
            order.buyer_extended_at = clock.now()
            order.save(update_fields=["buyer_extended_at"])
        timers.lengthen(order, longer)
        audit.record(by, "trade.extend_receipt", ("trade.order", order.pk), after={"days": days, "side": side})
        emit(ReceiptExtended(order.pk, longer.days, side))
    return order


def correct_tracking(*, order_id: int, parcel_id: str, carrier: str, number: str, by: Actor) -> Order:
    """The seller corrects the tracking of a parcel, once per order; the buyer's time starts anew.

    Refuses: not_found, forbidden, stale_state, parcel_refused, corrected_already.
    """
    with atomic():
        order = queries.locked(order_id)
        require_staff(order, by)
        if order.state not in ("part_shipped", "shipped"):
            raise Refusal("stale_state", state=order.state, event="correct")
        parcel = Parcel.objects.filter(order=order, public_id=parcel_id).first()
        if parcel is None:
            raise Refusal("not_found")
        if order.corrected_at is not None:
            raise Refusal("corrected_already")
        checked = rules.check_parcel(rules.ParcelIn(parcel.kind, carrier, number))
        before = {"carrier": parcel.carrier, "number": parcel.number}
        parcel.first_carrier, parcel.first_number = parcel.carrier, parcel.number
        parcel.carrier, parcel.number = checked.carrier, checked.number
        parcel.bare_number = escrow_rules.bare_number(checked.number)
        parcel.save(update_fields=["first_carrier", "first_number", "carrier", "number", "bare_number"])
        order.corrected_at = clock.now()
        order.save(update_fields=["corrected_at"])
        if order.state == "shipped":
            kinds = Parcel.objects.filter(order=order).values_list("kind", flat=True)
            timers.start(order, rules.auto_confirm_due(kinds, clock.now()))
        audit.record(
            by, "trade.correct_tracking", ("trade.order", order.pk), before=before,
            after={"carrier": checked.carrier, "number": checked.number},
        )  # fmt: skip
        emit(ParcelsEntered(order.pk))
    return order


def remind_buyer(*, order_id: int, by: Actor) -> Order:
    """The seller asks the buyer to confirm, once per order.

    Refuses: not_found, forbidden, stale_state, reminded_already.
    """
    with atomic():
        order = queries.locked(order_id)
        require_staff(order, by)
        if order.state != "shipped":
            raise Refusal("stale_state", state=order.state, event="remind")
        if order.reminded_at is not None:
            raise Refusal("reminded_already")
        remind(order)
        audit.record(by, "trade.remind_buyer", ("trade.order", order.pk))
    return order


def remind(order: Order) -> None:
    """The order is about to be confirmed by itself: the buyer is told, once.  The row is locked."""
    order.reminded_at, order.remind_due_at = clock.now(), None
    order.save(update_fields=["reminded_at", "remind_due_at"])
    emit(ReceiptReminded(order.pk))


def mark_late(order: Order) -> None:
    """The time to send is over: both sides are told, and what was not sent is refunded on the buyer's word.

    The row is locked by the sweep.
    """
    order.late_at = clock.now()
    order.save(update_fields=["late_at"])
    emit(ShippingLate(order.pk))


def doubt_tracking(*, order_id: int) -> list[int]:
    """Asks of an order's tracking numbers whether they can be believed; returns the orders that are in doubt now.

    One number on too many orders, or one that no carrier would print, stops the auto-confirm of all its orders until
    an operator has looked.  The orders are locked in the order of their ids.
    """
    with atomic():
        numbers = {parcel.bare_number for parcel in rows.find(Parcel, order_id=order_id)} - {""}
        doubted: list[int] = []
        for number in sorted(numbers):
            sharing = sorted({parcel.order_id for parcel in rows.find(Parcel, bare_number=number)})
            if len(sharing) > escrow_rules.TRACKING_SHARED_BY or escrow_rules.is_made_up(number):
                doubted += _flag(number, sharing)
    return doubted


def _flag(number: str, order_ids: list[int]) -> list[int]:
    flagged = []
    for order in Order.objects.select_for_update(no_key=True).filter(pk__in=order_ids).order_by("pk"):
        if order.flagged_at is not None or order.state not in ("part_shipped", "shipped"):
            continue
        order.flagged_at = clock.now()
        order.save(update_fields=["flagged_at"])
        timers.pause(order)
        flagged.append(order)
    if flagged:
        governance.file_case(
            kind="tracking", key=number, subject=("trade.order", flagged[0].pk), rule_id="orders.tracking",
            members=[(("accounts.merchant", each), None) for each in {order.merchant_id for order in flagged}],
            weight=len(order_ids),
        )  # fmt: skip
    return [order.pk for order in flagged]


def clear_tracking(*, order_id: int, reason: str, by: Actor) -> Order:
    """An operator has looked and believes the tracking: the timer goes on.

    Refuses: not_found, forbidden, own_case, stale_state, malformed.
    """
    if not reason.strip() or len(reason) > rules.LIMITS["reason_characters"]:
        raise Refusal("malformed", field="reason", why="say in a few words why")
    with atomic():
        order = queries.locked(order_id)
        require_outsider(order, by)
        if order.flagged_at is None or order.flag_cleared_at is not None:
            raise Refusal("stale_state", state=order.state, event="clear_tracking")
        believe(order)
        audit.record(by, "trade.clear_tracking", ("trade.order", order.pk), after={"reason": reason.strip()})
    return order


def believe(order: Order) -> None:
    """The doubt is over: an operator says so, or the buyer has the goods."""
    order.flag_cleared_at = clock.now()
    order.save(update_fields=["flag_cleared_at"])
    timers.resume(order)
