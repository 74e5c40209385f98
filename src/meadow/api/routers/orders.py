"""Operations on orders: look, cancel, ship, confirm, refund; who earned on them and why; where the money is."""

import hashlib
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import Field

from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.lists import page
from meadow.api.operations import Group
from meadow.catalog import queries as catalog
from meadow.kernel import cursors
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.trade import queries, services

group = Group("orders")

Link = Annotated[str, Query(max_length=400, description="The signed link of a guest's order.")]
ANY_SIDE = ("buy", "ship", "money", "operate")
State = Literal["", "placed", "paid", "part_shipped", "shipped", "confirmed", "settled", "closed"]


class OrderShort(t.Out):
    id: t.OrderId
    state: str = Field(examples=["paid"])
    shop: t.ShopId
    currency: str = Field(examples=["CNY"])
    goods_minor: int = Field(examples=[10000])
    shipping_minor: int = Field(examples=[1000])
    total_minor: int = Field(examples=[11000])
    refunded_minor: int = Field(examples=[0])
    payment: t.PaymentId
    placed_at: t.Moment


class OrderLine(t.Out):
    id: t.LineId
    kind: str = Field(examples=["goods"])
    title: str = Field(examples=["Linen shirt"])
    option_text: str = Field(examples=["Blue / M"])
    quantity: int
    shipped_quantity: int = Field(examples=[0])
    unit_price_minor: int = Field(examples=[10000])
    amount_minor: int = Field(examples=[10000])
    tax_minor: int = Field(examples=[0])
    refunded_minor: int = Field(examples=[0])


class Parcel(t.Out):
    id: str = Field(examples=["pcl_01jd2m4q8r6t0v3x5z7y"])
    kind: str = Field(examples=["express"])
    carrier: str = Field(examples=["SF"])
    number: str = Field(examples=["SF1234567890"])
    shipped_at: t.Moment


class Refund(t.Out):
    id: t.RefundId
    kind: str = Field(examples=["refund"])
    state: str = Field(examples=["completed"])
    amount_minor: int = Field(examples=[4000])
    goods_minor: int = Field(examples=[4000])
    shipping_minor: int = Field(examples=[0])
    currency: str = Field(examples=["CNY"])
    reason: str = Field(examples=["One button missing."])
    asked_at: t.Moment
    completed_at: t.Moment | None


class RefundWithParties(Refund):
    merchant_minor: int = Field(examples=[3000])
    creator_minor: int = Field(examples=[720])
    platform_minor: int = Field(examples=[280])


class OrderOut(OrderShort):
    role: str = Field(description="What the caller is to it: buyer, merchant or operator.", examples=["buyer"])
    close_reason: str = Field(examples=[""])
    address: dict[str, str]
    contact: dict[str, str]
    lines: list[OrderLine]
    parcels: list[Parcel]
    refunds: list[Refund]
    unpaid_due_at: t.Moment | None
    paid_at: t.Moment | None
    shipped_at: t.Moment | None
    auto_confirm_due_at: t.Moment | None
    confirmed_at: t.Moment | None
    release_due_at: t.Moment | None
    settled_at: t.Moment | None
    after_sale_until: t.Moment | None
    escrow: str = Field(description="Where the money is.", examples=["running"])
    ship_due_at: t.Moment | None
    late_at: t.Moment | None
    paused_at: t.Moment | None = Field(description="Since when its timer stands.")
    timer_left_seconds: int | None = Field(description="What is left of a timer that stands.", examples=[None])


class OrderPage(t.Out):
    items: list[OrderShort]
    next_cursor: str | None


class OrderReasonIn(t.In):
    reason: Annotated[str, Field(max_length=500, examples=["Ordered twice."])] = ""


class ParcelLineIn(t.In):
    line: t.LineId
    quantity: t.Quantity


class ParcelIn(t.In):
    kind: Literal["express", "pickup", "virtual", "post"] = "express"
    carrier: Annotated[str, Field(max_length=100, examples=["SF"])] = ""
    number: Annotated[str, Field(max_length=100, examples=["SF1234567890"])] = ""
    lines: Annotated[
        list[ParcelLineIn], Field(max_length=100, description="Left out: all that is still to be sent.", examples=[[]])
    ] = []


class ShipIn(t.In):
    parcels: Annotated[list[ParcelIn], Field(min_length=1, max_length=50)]


class RefundLineIn(t.In):
    line: t.LineId
    amount_minor: t.PositiveMinor


class RefundIn(t.In):
    goods: Annotated[list[RefundLineIn], Field(max_length=100)] = []
    shipping_minor: t.Minor = 0
    reason: Annotated[str, Field(max_length=500, examples=["One button missing."])] = ""


@group.get("/orders", gives=OrderPage, scope="buy")
def list_orders(
    request: HttpRequest, state: State = "", cursor: t.Cursor = "", limit: t.PageSize = t.PAGE
) -> HttpResponse:
    """What the caller bought, the newest first."""
    before = cursors.unseal(cursor, "orders")[0] if cursor else None
    states = [state] if state else []
    found = queries.orders_of(caller_of(request).person, states=states, before_id=before, limit=limit + 1)
    return _page(request, found, limit, "orders")


@group.get("/shops/{shop}/orders", gives=OrderPage, scope="ship")
def list_shop_orders(
    request: HttpRequest, shop: t.ShopId, state: State = "", cursor: t.Cursor = "", limit: t.PageSize = t.PAGE
) -> HttpResponse:
    """What a shop sold, the newest first, for who keeps it."""
    found = catalog.shop(shop)
    caller_of(request).staff_of(found.merchant_id)
    name = f"orders:{found.shop_id}"
    before = cursors.unseal(cursor, name)[0] if cursor else None
    states = [state] if state else []
    orders = queries.orders_of_shop(found.shop_id, states=states, before_id=before, limit=limit + 1)
    return _page(request, orders, limit, name)


@group.get("/orders/{order}", gives=OrderOut, scope=ANY_SIDE, guests=True)
def get_order(request: HttpRequest, order: t.OrderId, link: Link = "") -> Any:
    """An order, to its buyer, the merchant's staff and the operator; to a guest by its signed link."""
    return order_out(visible_order(request, order, link))


@group.post(
    "/orders/{order}/cancel", gives=OrderOut, scope=("buy", "ship", "operate"), guests=True, once=True,
    refuses=["stale_state"],
)  # fmt: skip
def cancel_order(request: HttpRequest, order: t.OrderId, body: OrderReasonIn, link: Link = "") -> Any:
    """Ends an order before it is shipped; what was paid goes back whole."""
    found = visible_order(request, order, link)
    services.cancel_order(order_id=found.order.pk, by=buyer_or_staff(request, found), reason=body.reason)
    return order_out(visible_order(request, order, link))


@group.post(
    "/orders/{order}/ship", gives=OrderOut, scope="ship",
    refuses=["forbidden", "stale_state", "parcel_refused", "too_many_parcels", "nothing_to_ship"],
)  # fmt: skip
def ship_order(request: HttpRequest, order: t.OrderId, body: ShipIn) -> Any:
    """Sends parcels; with the last one the auto-confirm timer starts."""
    found = visible_order(request, order, "")
    ids = {line.public_id: line.line_id for line in found.lines}
    if any(item.line not in ids for parcel in body.parcels for item in parcel.lines):
        raise Refusal("not_found")
    parcels = [
        services.ParcelIn(
            parcel.kind, parcel.carrier, parcel.number,
            tuple((ids[item.line], item.quantity) for item in parcel.lines),
        )
        for parcel in body.parcels
    ]  # fmt: skip
    services.ship_order(order_id=found.order.pk, parcels=parcels, by=caller_of(request).within(found.order.merchant_id))
    return order_out(visible_order(request, order, ""))


@group.post(
    "/orders/{order}/confirm", gives=OrderOut, scope="buy", guests=True, once=True,
    refuses=["forbidden", "stale_state"],
)  # fmt: skip
def confirm_receipt(request: HttpRequest, order: t.OrderId, link: Link = "") -> Any:
    """The buyer has the goods: the money is released one day later."""
    found = visible_order(request, order, link)
    services.confirm_receipt(order_id=found.order.pk, by=buyer_or_staff(request, found))
    return order_out(visible_order(request, order, link))


@group.post(
    "/orders/{order}/refunds", gives=RefundWithParties, status=201, scope=("money", "operate"), once=True,
    refuses=["forbidden", "stale_state", "refund_refused", "refund_too_large"],
)  # fmt: skip
def refund_order(request: HttpRequest, order: t.OrderId, body: RefundIn) -> Any:
    """Gives back amounts of goods lines and of the shipping, before release or after it."""
    found, caller = visible_order(request, order, ""), caller_of(request)
    ids = {line.public_id: line.line_id for line in found.lines}
    if any(item.line not in ids for item in body.goods):
        raise Refusal("not_found")
    refund = services.refund_order(
        key=own_key(request), order_id=found.order.pk, goods=[(ids[item.line], item.amount_minor) for item in body.goods],
        shipping_minor=body.shipping_minor, reason=body.reason, by=caller.within(found.order.merchant_id),
    )  # fmt: skip
    return _refund(queries.refund_for(refund.pk, person_id=caller.person))


@group.get("/refunds/{refund}", gives=RefundWithParties, scope=("money", "operate"))
def get_refund(request: HttpRequest, refund: t.RefundId) -> Any:
    """A refund with what each party gives for it."""
    return _refund(queries.refund_for(refund, person_id=caller_of(request).person))


def visible_order(request: HttpRequest, order: str, link: str) -> queries.OrderView:
    """An order that the caller may see, as who they are to it.  Refuses: not_found, sign_in_required."""
    caller = caller_of(request)
    if not link:
        return queries.order_for(order, person_id=caller.person)
    found = queries.order_by_link(link)
    if found.order.public_id != order:
        raise Refusal("not_found")
    return found


def own_key(request: HttpRequest) -> str:
    """A service's idempotency key made of the caller's: apart for each caller, and short enough for every table."""
    caller, key = caller_of(request), request.headers.get("Idempotency-Key", "")
    return "api:" + hashlib.sha256(f"{caller.identity}\n{request.path}\n{key}".encode()).hexdigest()


def buyer_or_staff(request: HttpRequest, order: queries.OrderView) -> Actor:
    """The caller; or who holds the order's link, which only its buyer was given."""
    caller = caller_of(request)
    if caller.person_id is None:
        return Actor("person", order.order.buyer_id)
    return caller.actor if order.role == "buyer" else caller.within(order.order.merchant_id)


def _page(request: HttpRequest, found: list[Any], limit: int, name: str) -> HttpResponse:
    items = [OrderShort.model_validate(order_short(order)) for order in found[:limit]]
    more = cursors.seal([found[limit - 1].pk], name) if len(found) > limit else None
    return page(request, items, more)


def order_short(order: Any) -> dict[str, Any]:
    return {
        "id": order.public_id, "state": order.state, "shop": order.shop.public_id, "currency": order.currency,
        "goods_minor": order.goods_minor, "shipping_minor": order.shipping_minor, "total_minor": order.total_minor,
        "refunded_minor": order.refunded_minor, "payment": order.payment.public_id, "placed_at": order.placed_at,
    }  # fmt: skip


def order_out(view: queries.OrderView) -> dict[str, Any]:
    order = view.order
    moments = (
        "unpaid_due_at", "paid_at", "shipped_at", "auto_confirm_due_at", "confirmed_at", "release_due_at", "settled_at",
        "after_sale_until", "ship_due_at", "late_at", "paused_at",
    )  # fmt: skip
    return {
        **order_short(order), "role": view.role, "close_reason": order.close_reason, "address": order.address,
        "contact": order.contact, "lines": [_line(line) for line in view.lines],
        "parcels": [
            {
                "id": parcel.public_id, "kind": parcel.kind, "carrier": parcel.carrier, "number": parcel.number,
                "shipped_at": parcel.shipped_at,
            }
            for parcel in view.parcels
        ],
        "refunds": [_refund(refund) for refund in view.refunds],
        **{name: getattr(order, name) for name in moments}, "escrow": queries.escrow_of(order),
        "timer_left_seconds": int(order.timer_left.total_seconds()) if order.timer_left is not None else None,
    }  # fmt: skip


def _line(line: queries.LineView) -> dict[str, Any]:
    return {
        "id": line.public_id, "kind": line.kind, "title": line.title, "option_text": line.option_text,
        "quantity": line.quantity, "shipped_quantity": line.shipped_quantity,
        "unit_price_minor": line.unit_price_minor, "amount_minor": line.amount_minor, "tax_minor": line.tax_minor,
        "refunded_minor": line.refunded_minor,
    }  # fmt: skip


def _refund(refund: queries.RefundView) -> dict[str, Any]:
    return {
        "id": refund.public_id, "kind": refund.kind, "state": refund.state, "amount_minor": refund.amount_minor,
        "goods_minor": refund.goods_minor, "shipping_minor": refund.shipping_minor, "currency": refund.currency,
        "reason": refund.reason, "asked_at": refund.asked_at, "completed_at": refund.completed_at,
        "merchant_minor": refund.merchant_minor, "creator_minor": refund.creator_minor,
        "platform_minor": refund.platform_minor,
    }  # fmt: skip
