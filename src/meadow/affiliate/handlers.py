"""What affiliate does when an order is paid, received, settled, refunded or closed."""

from meadow.affiliate import services
from meadow.kernel.events import LineRefunded, OrderClosed, OrderPaid, OrderSettled, ReceiptConfirmed
from meadow.kernel.outbox import handles


@handles(OrderPaid)
def open_commissions(events: list[OrderPaid]) -> None:
    services.open_commissions(order_ids={event.order_id for event in events})


@handles(ReceiptConfirmed)
def confirm_commissions(events: list[ReceiptConfirmed]) -> None:
    services.confirm_commissions(order_ids={event.order_id for event in events})


@handles(OrderSettled)
def finish_commissions(events: list[OrderSettled]) -> None:
    services.finish_commissions(order_ids={event.order_id for event in events})


@handles(LineRefunded)
def reduce_commissions(events: list[LineRefunded]) -> None:
    for event in events:
        services.reduce_commission(
            order_id=event.order_id, order_line_id=event.line_id, refunded_minor=event.refunded_minor
        )


@handles(OrderClosed)
def void_commissions(events: list[OrderClosed]) -> None:
    """A whole refund has voided them line by line already, with its own reason; this is for what is left."""
    services.void_commissions(order_ids={event.order_id for event in events}, reason="order_cancelled")
