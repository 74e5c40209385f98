"""Which tables payments keeps, by family; import every table from here."""

from meadow.payments.models.legs import Chargeback, Leg, new_chargeback_id, new_leg_id
from meadow.payments.models.notices import Notice, new_notice_id
from meadow.payments.models.paying import (
    Payment,
    PaymentPart,
    ProviderRefund,
    new_part_id,
    new_payment_id,
    new_provider_refund_id,
)
from meadow.payments.models.payouts import (
    BankAccount,
    Payout,
    PayoutApproval,
    PayoutBatch,
    VerifiedName,
    new_bank_account_id,
    new_batch_id,
    new_payout_id,
)
from meadow.payments.models.providers import (
    ProviderAccount,
    ProviderContract,
    ProviderHealth,
    ProviderMerchant,
    new_account_id,
)
from meadow.payments.models.reconciling import Difference, Reconciliation, StatementLine, new_difference_id
from meadow.payments.models.sandbox import SandboxNotice, SandboxOperation, SandboxOutage, SandboxScript

__all__ = [
    "BankAccount",
    "Chargeback",
    "Difference",
    "Leg",
    "Notice",
    "Payment",
    "PaymentPart",
    "Payout",
    "PayoutApproval",
    "PayoutBatch",
    "ProviderAccount",
    "ProviderContract",
    "ProviderHealth",
    "ProviderMerchant",
    "ProviderRefund",
    "Reconciliation",
    "SandboxNotice",
    "SandboxOperation",
    "SandboxOutage",
    "SandboxScript",
    "StatementLine",
    "VerifiedName",
    "new_account_id",
    "new_bank_account_id",
    "new_batch_id",
    "new_chargeback_id",
    "new_difference_id",
    "new_leg_id",
    "new_notice_id",
    "new_part_id",
    "new_payment_id",
    "new_payout_id",
    "new_provider_refund_id",
]
