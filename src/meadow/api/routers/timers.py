"""Operations on an order's timer: more time for the buyer, one correction of the tracking, one reminder."""

from typing import Annotated, Any

from django.http import HttpRequest
from pydantic import Field, StrictInt

from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group
from meadow.api.routers.orders import Link, OrderOut, buyer_or_staff, order_out, visible_order
from meadow.trade import services

group = Group("timers")

ParcelId = Annotated[str, Field(pattern=r"^pcl_[0-9a-hjkmnp-tv-z]{20}$", examples=["pcl_01jd2m4q8r6t0v3x5z7y"])]


class ExtendIn(t.In):
    days: Annotated[StrictInt, Field(ge=1, le=10, examples=[3])]


class CorrectIn(t.In):
    carrier: Annotated[str, Field(max_length=100, examples=["SF"])]
    number: Annotated[str, Field(max_length=100, examples=["SF1234567890"])]


@group.post(
    "/orders/{order}/extend", gives=OrderOut, scope=("buy", "ship"), guests=True, once=True,
    refuses=["forbidden", "stale_state", "extension_refused", "extension_used"],
)  # fmt: skip
def extend_receipt(request: HttpRequest, order: t.OrderId, body: ExtendIn, link: Link = "") -> Any:
    """Gives the buyer more time: 3, 5, 7 or 10 days from the seller, or 3 days once from the buyer."""
    found = visible_order(request, order, link)
    services.extend_receipt(order_id=found.order.pk, days=body.days, by=buyer_or_staff(request, found))
    return order_out(visible_order(request, order, link))


@group.post(
    "/orders/{order}/remind", gives=OrderOut, scope="ship", refuses=["forbidden", "stale_state", "reminded_already"]
)
def remind_buyer(request: HttpRequest, order: t.OrderId) -> Any:
    """The seller asks the buyer to confirm, once per order."""
    found = visible_order(request, order, "")
    services.remind_buyer(order_id=found.order.pk, by=caller_of(request).within(found.order.merchant_id))
    return order_out(visible_order(request, order, ""))


@group.post(
    "/orders/{order}/parcels/{parcel}/correct", gives=OrderOut, scope="ship",
    refuses=["forbidden", "stale_state", "parcel_refused", "corrected_already"],
)  # fmt: skip
def correct_tracking(request: HttpRequest, order: t.OrderId, parcel: ParcelId, body: CorrectIn) -> Any:
    """The seller corrects the tracking of a parcel, once per order; the buyer's time starts anew."""
    found = visible_order(request, order, "")
    services.correct_tracking(
        order_id=found.order.pk, parcel_id=parcel, carrier=body.carrier, number=body.number,
        by=caller_of(request).within(found.order.merchant_id),
    )  # fmt: skip
    return order_out(visible_order(request, order, ""))
