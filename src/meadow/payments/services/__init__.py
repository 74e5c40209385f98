"""Which verbs take money in, send it back and pay it out."""

from meadow.payments.models import Notice, Payment, Payout, ProviderRefund
from meadow.payments.services.asking import ask_payment, ask_payout, ask_refund, query_payment
from meadow.payments.services.notices import Accepted, accept_notice, verify
from meadow.payments.services.paying import close_payment, start_payment
from meadow.payments.services.payouts import withdraw
from meadow.payments.services.refunds import request_refund
from meadow.payments.services.sandbox import SandboxPaid, sandbox_pay, sandbox_script, send_sandbox_notice

__all__ = [
    "Accepted",
    "Notice",
    "Payment",
    "Payout",
    "ProviderRefund",
    "SandboxPaid",
    "accept_notice",
    "ask_payment",
    "ask_payout",
    "ask_refund",
    "close_payment",
    "query_payment",
    "request_refund",
    "sandbox_pay",
    "sandbox_script",
    "send_sandbox_notice",
    "start_payment",
    "verify",
    "withdraw",
]
