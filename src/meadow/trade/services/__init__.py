"""The verbs of trade: fill a cart, check out, pay, ship, confirm, settle, cancel, refund."""

from meadow.trade.rules import ParcelIn
from meadow.trade.services.addresses import drop_address, erase_addresses, save_address
from meadow.trade.services.attribution import note_attribution
from meadow.trade.services.buyers import claim_orders, merge_cart
from meadow.trade.services.carts import add_to_cart, remove_from_cart, set_quantity
from meadow.trade.services.checkouts import LineIn, open_cart_checkout, open_checkout, show_again
from meadow.trade.services.claims import (
    accept_goods,
    agree_to_claim,
    dispute_claim,
    open_claim,
    pass_claims_due,
    refuse_claim,
    send_back,
    send_replacement,
    withdraw_claim,
)
from meadow.trade.services.closing import cancel_order, expire_order
from meadow.trade.services.commissions import free_commission, reinstate_commission, void_commission
from meadow.trade.services.disputes import approve_ruling, decline_ruling, mark_overdue, rule_dispute
from meadow.trade.services.evidence import add_evidence
from meadow.trade.services.favourites import drop_favourite, keep_favourite, merge_favourites
from meadow.trade.services.forced import charge_back, hold_with_merchants, win_chargeback
from meadow.trade.services.freezing import approve_freeze, decline_freeze, end_freeze, freeze_order
from meadow.trade.services.keeping import (
    clear_tracking,
    correct_tracking,
    doubt_tracking,
    extend_receipt,
    mark_late,
    remind,
    remind_buyer,
)
from meadow.trade.services.paying import pay_otherwise, record_payment, record_payments
from meadow.trade.services.placing import Placed, place_orders
from meadow.trade.services.prohibited import freeze_for_goods, unfreeze_goods
from meadow.trade.services.refunding import complete_refunds, refund_order, retry_refund
from meadow.trade.services.settling import settle_order
from meadow.trade.services.shipping import auto_confirm, confirm_receipt, ship_order

__all__ = [
    "LineIn",
    "ParcelIn",
    "Placed",
    "accept_goods",
    "add_evidence",
    "add_to_cart",
    "agree_to_claim",
    "approve_freeze",
    "approve_ruling",
    "auto_confirm",
    "cancel_order",
    "charge_back",
    "claim_orders",
    "clear_tracking",
    "complete_refunds",
    "confirm_receipt",
    "correct_tracking",
    "decline_freeze",
    "decline_ruling",
    "dispute_claim",
    "doubt_tracking",
    "drop_address",
    "drop_favourite",
    "end_freeze",
    "erase_addresses",
    "expire_order",
    "extend_receipt",
    "free_commission",
    "freeze_for_goods",
    "freeze_order",
    "hold_with_merchants",
    "keep_favourite",
    "mark_late",
    "mark_overdue",
    "merge_cart",
    "merge_favourites",
    "note_attribution",
    "open_cart_checkout",
    "open_checkout",
    "open_claim",
    "pass_claims_due",
    "pay_otherwise",
    "place_orders",
    "record_payment",
    "record_payments",
    "refund_order",
    "refuse_claim",
    "reinstate_commission",
    "remind",
    "remind_buyer",
    "remove_from_cart",
    "retry_refund",
    "rule_dispute",
    "save_address",
    "send_back",
    "send_replacement",
    "set_quantity",
    "settle_order",
    "ship_order",
    "show_again",
    "unfreeze_goods",
    "void_commission",
    "win_chargeback",
    "withdraw_claim",
]
