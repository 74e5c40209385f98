"""All that can happen: the one catalogue of events, past tense, ids and integers only."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.  Its subject names whose order of events is kept."""

    SUBJECT: ClassVar[tuple[str, str]]  # (kind, field that carries the id)

    @property
    def subject(self) -> str:
        kind, field = self.SUBJECT
        return f"{kind}:{getattr(self, field)}"


# accounts


@dataclass(frozen=True, slots=True)
class PersonJoined(Event):
    SUBJECT = ("person", "person_id")
    person_id: int


@dataclass(frozen=True, slots=True)
class CreatorApproved(Event):
    SUBJECT = ("creator", "creator_id")
    creator_id: int
    person_id: int


@dataclass(frozen=True, slots=True)
class CreatorClosed(Event):
    """A creator gave their role up: their posts leave the lists."""

    SUBJECT = ("creator", "creator_id")
    creator_id: int


@dataclass(frozen=True, slots=True)
class GuestClaimed(Event):
    """A guest turned out to be a person who already has an account; their orders follow."""

    SUBJECT = ("person", "person_id")
    guest_id: int
    person_id: int


# governance


@dataclass(frozen=True, slots=True)
class DecisionMade(Event):
    """A rule's recorded answer; the context that owns the subject carries it out.  until: ISO time or None."""

    SUBJECT = ("decision", "decision_id")
    decision_id: int
    subject_kind: str
    subject_id: int
    action: str
    rule_id: str
    rule_version: int
    until: str | None

    @property
    def subject(self) -> str:
        return f"{self.subject_kind}:{self.subject_id}"


@dataclass(frozen=True, slots=True)
class DecisionReversed(Event):
    SUBJECT = ("decision", "decision_id")
    decision_id: int
    subject_kind: str
    subject_id: int
    action: str

    @property
    def subject(self) -> str:
        return f"{self.subject_kind}:{self.subject_id}"


@dataclass(frozen=True, slots=True)
class MerchantLeaving(Event):
    """A merchant does not accept a changed rule: nothing new is sold, what is on its way is finished."""

    SUBJECT = ("accounts.merchant", "merchant_id")
    merchant_id: int
    rule_id: str
    rule_version: int


@dataclass(frozen=True, slots=True)
class SuspensionAnnounced(Event):
    """Something will be stopped for a time; those concerned are told before it takes effect.  starts_at: ISO time."""

    SUBJECT = ("suspension", "suspension_id")
    suspension_id: int
    subject_kind: str
    subject_id: int
    starts_at: str

    @property
    def subject(self) -> str:
        return f"{self.subject_kind}:{self.subject_id}"


@dataclass(frozen=True, slots=True)
class SuspensionOverdue(Event):
    """The review of a suspension is due and nobody has looked."""

    SUBJECT = ("suspension", "suspension_id")
    suspension_id: int
    subject_kind: str
    subject_id: int

    @property
    def subject(self) -> str:
        return f"{self.subject_kind}:{self.subject_id}"


@dataclass(frozen=True, slots=True)
class SuspensionEnded(Event):
    """ending: operator, review, appeal, reversed or cancelled."""

    SUBJECT = ("suspension", "suspension_id")
    suspension_id: int
    subject_kind: str
    subject_id: int
    ending: str

    @property
    def subject(self) -> str:
        return f"{self.subject_kind}:{self.subject_id}"


@dataclass(frozen=True, slots=True)
class AppealOpened(Event):
    SUBJECT = ("appeal", "appeal_id")
    appeal_id: int
    decision_id: int


@dataclass(frozen=True, slots=True)
class AppealAsked(Event):
    """The clock of an appeal waits for somebody, most often for its author."""

    SUBJECT = ("appeal", "appeal_id")
    appeal_id: int


@dataclass(frozen=True, slots=True)
class AppealOverdue(Event):
    SUBJECT = ("appeal", "appeal_id")
    appeal_id: int


@dataclass(frozen=True, slots=True)
class AppealDecided(Event):
    """outcome: upheld or reversed."""

    SUBJECT = ("appeal", "appeal_id")
    appeal_id: int
    outcome: str


# catalog and plans


@dataclass(frozen=True, slots=True)
class ShopOpened(Event):
    SUBJECT = ("shop", "shop_id")
    shop_id: int
    merchant_id: int


@dataclass(frozen=True, slots=True)
class ShopClosed(Event):
    SUBJECT = ("shop", "shop_id")
    shop_id: int


@dataclass(frozen=True, slots=True)
class ProductChanged(Event):
    SUBJECT = ("product", "product_id")
    product_id: int
    shop_id: int


@dataclass(frozen=True, slots=True)
class ProductWithdrawn(Event):
    SUBJECT = ("product", "product_id")
    product_id: int
    shop_id: int


@dataclass(frozen=True, slots=True)
class PlanChanged(Event):
    SUBJECT = ("plan", "plan_id")
    plan_id: int
    shop_id: int


# content and sharing


@dataclass(frozen=True, slots=True)
class RecommendationPublished(Event):
    SUBJECT = ("recommendation", "recommendation_id")
    recommendation_id: int
    creator_id: int


@dataclass(frozen=True, slots=True)
class RecommendationEnded(Event):
    SUBJECT = ("recommendation", "recommendation_id")
    recommendation_id: int
    creator_id: int


@dataclass(frozen=True, slots=True)
class TokenMinted(Event):
    SUBJECT = ("token", "token_id")
    token_id: int
    creator_id: int


@dataclass(frozen=True, slots=True)
class OutletChanged(Event):
    """A channel hands out another form of a token by default from now on; creators want to know."""

    SUBJECT = ("outlet", "outlet_id")
    outlet_id: int
    form: str
    form_before: str
    change_id: int = 0


@dataclass(frozen=True, slots=True)
class ChannelAlarmRaised(Event):
    """Far less came by an outlet's form than was forecast; the operator must look."""

    SUBJECT = ("outlet", "outlet_id")
    alarm_id: int
    outlet_id: int
    form: str


# payments


@dataclass(frozen=True, slots=True)
class PaymentNoticed(Event):
    """A verified notice of a provider waits to be carried out by the order's owner."""

    SUBJECT = ("payment", "payment_id")
    payment_id: int
    notice_id: int


@dataclass(frozen=True, slots=True)
class ProviderRefunded(Event):
    """A refund at the provider ended; cause names the refund it belongs to."""

    SUBJECT = ("provider_refund", "provider_refund_id")
    provider_refund_id: int
    cause_kind: str
    cause_id: int
    state: str


@dataclass(frozen=True, slots=True)
class HoldReleased(Event):
    """A provider would not hold a payment any longer: what was not passed on is with its merchants."""

    SUBJECT = ("payment", "payment_id")
    payment_id: int


@dataclass(frozen=True, slots=True)
class PaymentChargedBack(Event):
    """A buyer's bank took a payment, or a part of it, back by force."""

    SUBJECT = ("payment", "payment_id")
    chargeback_id: int
    payment_id: int


@dataclass(frozen=True, slots=True)
class ChargebackWon(Event):
    """What a bank had taken back came again."""

    SUBJECT = ("payment", "payment_id")
    chargeback_id: int
    payment_id: int


@dataclass(frozen=True, slots=True)
class MerchantApplicationMoved(Event):
    """A merchant's application for payment went on; state: the one it is in now."""

    SUBJECT = ("merchant_application", "application_id")
    application_id: int
    merchant_id: int
    state: str


@dataclass(frozen=True, slots=True)
class PayoutPaid(Event):
    SUBJECT = ("payout", "payout_id")
    payout_id: int


@dataclass(frozen=True, slots=True)
class PayoutFailed(Event):
    SUBJECT = ("payout", "payout_id")
    payout_id: int


# trade


@dataclass(frozen=True, slots=True)
class OrderPlaced(Event):
    SUBJECT = ("order", "order_id")
    order_id: int
    buyer_id: int
    shop_id: int
    merchant_id: int


@dataclass(frozen=True, slots=True)
class OrderPaid(Event):
    SUBJECT = ("order", "order_id")
    order_id: int
    buyer_id: int
    merchant_id: int
    total_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class OrderClosed(Event):
    SUBJECT = ("order", "order_id")
    order_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class OrderShipped(Event):
    SUBJECT = ("order", "order_id")
    order_id: int
    buyer_id: int


@dataclass(frozen=True, slots=True)
class ParcelsEntered(Event):
    """Tracking was entered or corrected; whether it can be believed is asked then."""

    SUBJECT = ("order", "order_id")
    order_id: int


@dataclass(frozen=True, slots=True)
class ShippingLate(Event):
    """The seller did not send everything in time."""

    SUBJECT = ("order", "order_id")
    order_id: int


@dataclass(frozen=True, slots=True)
class ReceiptReminded(Event):
    SUBJECT = ("order", "order_id")
    order_id: int


@dataclass(frozen=True, slots=True)
class ReceiptExtended(Event):
    SUBJECT = ("order", "order_id")
    order_id: int
    days: int
    side: str


@dataclass(frozen=True, slots=True)
class ClaimChanged(Event):
    """A step of an after-sale claim; state is where it led."""

    SUBJECT = ("order", "order_id")
    order_id: int
    claim_id: int
    entry_id: int
    state: str


@dataclass(frozen=True, slots=True)
class ReceiptConfirmed(Event):
    """The goods arrived; lines are (line_id, sku_id, quantity)."""

    SUBJECT = ("order", "order_id")
    order_id: int
    buyer_id: int
    merchant_id: int
    lines: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class OrderSettled(Event):
    SUBJECT = ("order", "order_id")
    order_id: int
    merchant_id: int


@dataclass(frozen=True, slots=True)
class CommissionReleased(Event):
    """A commission that was held for a look is free; what of the order was held for it need not be any more."""

    SUBJECT = ("order", "order_id")
    order_id: int
    creator_id: int


@dataclass(frozen=True, slots=True)
class CommissionVoided(Event):
    """A person voided the commission of a line: from now on its creator earns nothing on it, its merchant the more."""

    SUBJECT = ("order", "order_id")
    order_id: int
    line_id: int
    decision_id: int


@dataclass(frozen=True, slots=True)
class CommissionReinstated(Event):
    """That was taken back: the line pays its creator again."""

    SUBJECT = ("order", "order_id")
    order_id: int
    line_id: int
    decision_id: int


@dataclass(frozen=True, slots=True)
class LineRefunded(Event):
    """Part of a line's money went back; undoes ReceiptConfirmed for the quantity named.

    refunded_minor is what went back of the line so far, this part included: what reads it can be repeated.
    """

    SUBJECT = ("order", "order_id")
    order_id: int
    line_id: int
    sku_id: int | None
    quantity: int
    amount_minor: int
    refunded_minor: int


@dataclass(frozen=True, slots=True)
class RefundCompleted(Event):
    SUBJECT = ("order", "order_id")
    refund_id: int
    order_id: int


@dataclass(frozen=True, slots=True)
class RefundStuck(Event):
    """A refund waits because the platform's advance is used up; the operator must act."""

    SUBJECT = ("order", "order_id")
    refund_id: int
    order_id: int


CATALOGUE: dict[str, type[Event]] = {cls.__name__: cls for cls in Event.__subclasses__()}
