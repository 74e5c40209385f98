"""Which verbs take money in, pass it on, send it back and pay it out, and how we stand with those who carry it."""

from meadow.payments.models import Leg, Notice, Payment, Payout, ProviderRefund
from meadow.payments.services.applications import (
    cancel_application,
    check_application,
    sign_application,
    start_application,
    submit_application,
)
from meadow.payments.services.asking import query_payment, work_legs, work_payments, work_payouts, work_refunds
from meadow.payments.services.bank import (
    close_provider_account,
    note_verified_name,
    open_provider_account,
    set_bank_account,
    state_verified_name,
)
from meadow.payments.services.batches import (
    BatchReport,
    Results,
    batch_file,
    batch_report,
    export_batch,
    import_results,
)
from meadow.payments.services.calling import probe_due, probe_providers
from meadow.payments.services.contracts import require_step_up, set_contract, set_order
from meadow.payments.services.documents import (
    add_document,
    forget_application,
    view_document,
)
from meadow.payments.services.holding import work_holds
from meadow.payments.services.legs import Share, share_out, take_back
from meadow.payments.services.notices import Accepted, accept_notice, verify
from meadow.payments.services.paying import (
    PartIn,
    close_payment,
    hand_over,
    in_one_purchase,
    start_again,
    start_payment,
    win_back,
)
from meadow.payments.services.payouts import approve_payout, free_payout, refuse_payout, withdraw
from meadow.payments.services.proving import (
    answer_challenge,
    send_again,
)
from meadow.payments.services.reconciling import close_difference, reconcile, work_days
from meadow.payments.services.reconciling import next_due as next_day_due
from meadow.payments.services.refunds import STRAY, finish_stray, refund_stray, request_refund
from meadow.payments.services.reviewing import (
    admit_merchant,
    approve_application,
    turn_down_application,
)
from meadow.payments.services.sandbox import (
    SandboxPaid,
    sandbox_charge_back,
    sandbox_outage,
    sandbox_pay,
    sandbox_script,
    send_sandbox_notice,
)

__all__ = [
    "Accepted",
    "BatchReport",
    "Leg",
    "Notice",
    "PartIn",
    "Payment",
    "Payout",
    "ProviderRefund",
    "Results",
    "STRAY",
    "SandboxPaid",
    "Share",
    "accept_notice",
    "add_document",
    "admit_merchant",
    "answer_challenge",
    "approve_application",
    "approve_payout",
    "batch_file",
    "batch_report",
    "cancel_application",
    "check_application",
    "close_difference",
    "close_payment",
    "close_provider_account",
    "export_batch",
    "finish_stray",
    "forget_application",
    "free_payout",
    "hand_over",
    "import_results",
    "in_one_purchase",
    "next_day_due",
    "note_verified_name",
    "open_provider_account",
    "probe_due",
    "probe_providers",
    "query_payment",
    "reconcile",
    "refund_stray",
    "refuse_payout",
    "request_refund",
    "require_step_up",
    "sandbox_charge_back",
    "sandbox_outage",
    "sandbox_pay",
    "sandbox_script",
    "send_again",
    "send_sandbox_notice",
    "set_bank_account",
    "set_contract",
    "set_order",
    "share_out",
    "sign_application",
    "start_again",
    "start_application",
    "start_payment",
    "submit_application",
    "state_verified_name",
    "take_back",
    "turn_down_application",
    "verify",
    "view_document",
    "win_back",
    "withdraw",
    "work_days",
    "work_holds",
    "work_legs",
    "work_payments",
    "work_payouts",
    "work_refunds",
]
