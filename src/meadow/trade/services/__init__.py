"""The verbs of trade: fill a cart, check out, pay, ship, confirm, settle, cancel, refund."""

from meadow.trade.rules import ParcelIn
from meadow.trade.services.buyers import claim_orders, merge_cart
from meadow.trade.services.carts import add_to_cart, remove_from_cart, set_quantity
from meadow.trade.services.checkouts import LineIn, open_cart_checkout, open_checkout, show_again
from meadow.trade.services.closing import cancel_order, expire_order
from meadow.trade.services.favourites import drop_favourite, keep_favourite, merge_favourites
from meadow.trade.services.forced import charge_back, hold_with_merchants, win_chargeback
from meadow.trade.services.paying import pay_otherwise, record_payment, record_payments
from meadow.trade.services.placing import Placed, place_orders
from meadow.trade.services.refunding import complete_refund, refund_order, retry_refund
from meadow.trade.services.settling import settle_order
from meadow.trade.services.shipping import auto_confirm, confirm_receipt, ship_order

__all__ = [
    "LineIn",
    "ParcelIn",
    "Placed",
    "add_to_cart",
    "auto_confirm",
    "cancel_order",
    "charge_back",
    "claim_orders",
    "complete_refund",
    "confirm_receipt",
    "drop_favourite",
    "expire_order",
    "keep_favourite",
    "hold_with_merchants",
    "merge_cart",
    "merge_favourites",
    "open_cart_checkout",
    "open_checkout",
    "pay_otherwise",
    "place_orders",
    "record_payment",
    "record_payments",
    "refund_order",
    "remove_from_cart",
    "retry_refund",
    "set_quantity",
    "settle_order",
    "ship_order",
    "show_again",
    "win_chargeback",
]
