"""Whom messaging tells when something happens, and which windows a payment opens."""

from meadow.accounts import queries as accounts
from meadow.governance import queries as governance
from meadow.governance.services import contact as contacts
from meadow.governance.services import party_of, register_faces, register_owner, register_private
from meadow.kernel.errors import Refusal
from meadow.kernel.events import (
    AppealAsked,
    AppealDecided,
    AppealOverdue,
    ChannelAlarmRaised,
    ClaimChanged,
    DecisionMade,
    DecisionReversed,
    OrderClosed,
    OrderPaid,
    OrderShipped,
    OutletChanged,
    PayoutFailed,
    PayoutPaid,
    ReceiptExtended,
    ReceiptReminded,
    RefundCompleted,
    ShippingLate,
    SuspensionAnnounced,
    SuspensionEnded,
    SuspensionOverdue,
)
from meadow.kernel.outbox import handles
from meadow.messaging import queries, services
from meadow.messaging.rules import FORM_NAMES
from meadow.messaging.services import sales, stops
from meadow.sharing import queries as sharing
from meadow.trade import queries as trade

LINE = "messaging.chatline"
# What changes something for those concerned; the rest is inside work.
TOLD = ("suspend", "stop_new", "restore", "warn", "hold", "block", "violation", "limit")

register_owner(LINE, queries.author_of)
register_faces(LINE, queries.line_faces, queries.line_id_of)
register_private(LINE, queries.around)


@handles(OrderPaid)
def tell_paid(events: list[OrderPaid]) -> None:
    for event in events:
        contacts.open_window(person_id=event.buyer_id, party=("accounts.merchant", event.merchant_id), opening="paid")
        sales.tell_buyer("order_paid", event.order_id)
        sales.tell_seller("order_sold", event.order_id)


@handles(OrderShipped)
def tell_shipped(events: list[OrderShipped]) -> None:
    for event in events:
        sales.tell_buyer("order_shipped", event.order_id)


@handles(ShippingLate)
def tell_late(events: list[ShippingLate]) -> None:
    for event in events:
        sales.tell_buyer("shipping_late", event.order_id)
        sales.tell_seller("sale_late", event.order_id)


@handles(ReceiptReminded)
def tell_reminded(events: list[ReceiptReminded]) -> None:
    for event in events:
        sales.tell_buyer("receipt_reminder", event.order_id)


@handles(ReceiptExtended)
def tell_extended(events: list[ReceiptExtended]) -> None:
    for event in events:
        if event.side != "buyer":
            sales.tell_buyer("receipt_extended", event.order_id)


@handles(OrderClosed)
def tell_cancelled(events: list[OrderClosed]) -> None:
    for event in events:
        by = event.reason.removeprefix("cancelled_by_")
        if by not in (event.reason, "buyer"):
            sales.tell_buyer("order_cancelled", event.order_id)
        if by not in (event.reason, "merchant"):
            sales.tell_seller("sale_cancelled", event.order_id)


@handles(RefundCompleted)
def tell_refunded(events: list[RefundCompleted]) -> None:
    for event in events:
        sales.tell_buyer("refund_completed", event.order_id, ("trade.refund", event.refund_id))


@handles(ClaimChanged)
def tell_claims(events: list[ClaimChanged]) -> None:
    for event in events:
        sales.tell_of_claim(event.claim_id, event.entry_id, event.state)


@handles(PayoutPaid)
def tell_payouts(events: list[PayoutPaid]) -> None:
    for event in events:
        sales.tell_of_payout("payout_paid", event.payout_id)


@handles(PayoutFailed)
def tell_failed_payouts(events: list[PayoutFailed]) -> None:
    for event in events:
        sales.tell_of_payout("payout_failed", event.payout_id)


@handles(DecisionMade)
def tell_of_forbidden_goods(events: list[DecisionMade]) -> None:
    """Whose money is held because of what was found about the goods is told how to have it back."""
    for event in events:
        is_about_goods = event.subject_kind == "catalog.product" and event.action == "suspend"
        if is_about_goods and governance.forbids_goods(event.rule_id):
            for order_id in trade.orders_with_goods(event.subject_id, states=trade.IN_ESCROW):
                sales.tell_buyer("goods_prohibited", order_id)


@handles(DecisionMade)
def tell_decision(events: list[DecisionMade]) -> None:
    for event in events:
        if event.action not in TOLD:
            continue
        person_id = stops.reader_of(party_of((event.subject_kind, event.subject_id)))
        decision_id = _public_id(event.decision_id)
        if person_id is not None and decision_id is not None:
            services.notify(
                person_id=person_id, topic="decision_made", cause=("governance.decision", event.decision_id),
                decision=decision_id, action=queries.ACTIONS[event.action][0], action_zh=queries.ACTIONS[event.action][1],
                rule=f"{event.rule_id} v{event.rule_version}", link=stops.limits_link(),
            )  # fmt: skip


@handles(DecisionReversed)
def tell_reversal(events: list[DecisionReversed]) -> None:
    """Once for what everything else followed from; an appeal's own answer tells it better."""
    for event in events:
        try:
            made = governance.decision(event.decision_id)
        except Refusal:
            continue
        last = governance.last_appeal_of(made.public_id)
        if made.cause_id is not None or made.action == "restore" or (last is not None and last.state == "reversed"):
            continue
        party = (made.party_kind, made.party_id) if made.party_id is not None else None
        if (person_id := stops.reader_of(party)) is not None:
            services.notify(
                person_id=person_id, topic="decision_reversed", cause=("governance.decision", made.pk),
                decision=made.public_id, rule=f"{made.rule_id} v{made.rule_version}",
            )  # fmt: skip


@handles(SuspensionAnnounced)
def tell_announced(events: list[SuspensionAnnounced]) -> None:
    for event in events:
        stops.tell_announced(event.suspension_id)


@handles(SuspensionOverdue)
def tell_overdue(events: list[SuspensionOverdue]) -> None:
    for event in events:
        stops.tell_again("suspension_overdue", event.suspension_id)


@handles(SuspensionEnded)
def tell_ended(events: list[SuspensionEnded]) -> None:
    for event in events:
        stops.tell_again("suspension_ended", event.suspension_id)


@handles(AppealAsked)
def tell_asked(events: list[AppealAsked]) -> None:
    for event in events:
        found = governance.appeal(event.appeal_id)
        because = governance.PAUSES.get(found.paused_for)
        if because is not None:  # else it was answered before this was told
            turn = str(sum(note.kind == "paused" for note in governance.notes_on(found.pk)))
            _tell_of_appeal("appeal_asked", found, turn=turn, because=because[0], because_zh=because[1])


@handles(AppealOverdue)
def tell_appeal_overdue(events: list[AppealOverdue]) -> None:
    for event in events:
        _tell_of_appeal("appeal_overdue", governance.appeal(event.appeal_id))


@handles(AppealDecided)
def tell_answer(events: list[AppealDecided]) -> None:
    for event in events:
        found = governance.appeal(event.appeal_id)
        outcome = queries.OUTCOMES[event.outcome]
        _tell_of_appeal(
            "appeal_decided", found, outcome=outcome[0], outcome_zh=outcome[1], reason=found.reason,
            reason_zh=found.reason_zh or found.reason,
        )  # fmt: skip


def _tell_of_appeal(topic: str, found: governance.Appeal, **values: str) -> None:
    services.notify(
        person_id=found.person_id, topic=topic, cause=("governance.appeal", found.pk), appeal=found.public_id, **values
    )


@handles(OutletChanged)
def tell_outlet(events: list[OutletChanged]) -> None:
    """The creators by whose links people came through that channel; all others read it where they share."""
    for event in events:
        if not event.form:
            continue
        outlet = sharing.outlet_by_id(event.outlet_id)
        words = {"outlet": outlet.name_en, "outlet_zh": outlet.name_zh}
        for key, form in (("form", event.form), ("form_before", event.form_before)):
            words[key], words[f"{key}_zh"] = FORM_NAMES[form]
        for person_id in accounts.active_creators(sharing.creators_using(event.outlet_id)).values():
            services.notify(
                person_id=person_id, topic="outlet_changed", cause=("sharing.outlet_change", event.change_id), **words
            )


@handles(ChannelAlarmRaised)
def tell_alarm(events: list[ChannelAlarmRaised]) -> None:
    for event in events:
        alarm = sharing.alarm(event.alarm_id)
        form, form_zh = FORM_NAMES[alarm.form]
        for person_id in accounts.operator_ids():
            services.notify(
                person_id=person_id, cause=("sharing.channel_alarm", alarm.pk),
                topic="channel_reported" if alarm.cause == "reports" else "channel_alarm",
                outlet=alarm.outlet.name_en, outlet_zh=alarm.outlet.name_zh, form=form, form_zh=form_zh,
                observed=str(alarm.observed), expected=str(alarm.expected), minutes=str(alarm.window_minutes),
            )  # fmt: skip


def _public_id(decision_id: int) -> str | None:
    """What the notice links to.  A notice that finds nothing to tell must never hold up what was decided."""
    try:
        return governance.decision(decision_id).public_id
    except Refusal:
        return None
