"""The verbs of after-sale claims: open, agree, refuse, send back, accept, replace, withdraw, dispute, and silence."""

from datetime import timedelta

from meadow.kernel import audit, clock, limits, rows
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.trade import queries
from meadow.trade import rules as trade_rules
from meadow.trade.models import Claim, Dispute, Order, OrderLine, Parcel, ReturnAddress
from meadow.trade.queries import claims as claim_reads
from meadow.trade.rules import claims as rules
from meadow.trade.rules import escrow as escrow_rules
from meadow.trade.rules.claims import Claimable
from meadow.trade.services import timers
from meadow.trade.services.access import require_buyer, require_staff
from meadow.trade.services.claim_steps import note, step
from meadow.trade.services.refunding import refund_lines


def open_claim(
    *,
    order_id: int,
    line_id: int,
    kind: str,
    reason: str,
    amount_minor: int | None = None,
    text: str = "",
    by: Actor,
) -> Claim:
    """The buyer asks for money back, with or without the goods, or for other goods; the order's timer stands.

    Nothing named asks for all that is left of the line.  A refund of goods that the seller should have sent by now
    needs no answer.
    Refuses: not_found, forbidden, stale_state, malformed, claim_too_late, claim_open, claims_used_up,
    nothing_to_claim, claim_too_large, rate_limited.
    """
    text = rules.check_text("text", text, is_needed=reason == "other")
    limits.hit("claims", str(by.person_id), per=timedelta(days=1), burst=rules.LIMITS["claims_a_day"])
    with atomic():
        order = queries.locked(order_id)
        require_buyer(order, by)
        line = rows.first(OrderLine, id=line_id, order_id=order.pk)
        if line is None:
            raise Refusal("not_found")
        claimable = _claimable(order, line)
        wanted = claimable.left_minor if amount_minor is None or kind == "exchange" else amount_minor
        rules.check_claim(claimable, kind, reason, wanted, clock.now())
        score, why = rules.risk(*claim_reads.risk_facts(order.buyer_id, clock.now()))
        claim = Claim(
            order=order, line=line, buyer_id=order.buyer_id, merchant_id=order.merchant_id, kind=kind, reason=reason,
            currency=order.currency, amount_minor=wanted, was_shipped=line.shipped_quantity > 0, opened_at=clock.now(),
            due_at=clock.now() + rules.SELLER_ANSWERS, risk_score=score, risk_reasons=why,
        )  # fmt: skip
        rows.add(claim)
        timers.pause(order)
        note(claim, "open", "", side="buyer", by=by, text=text)
        audit.record(by, "trade.open_claim", ("trade.order", order.pk), after={"claim": claim.public_id})
        if order.late_at is not None and not claim.was_shipped:
            pay_back(claim, order, "agree_refund", side="system", by=SYSTEM)
    return claim


def agree_to_claim(*, claim_id: int, return_to: str = "", by: Actor) -> Claim:
    """The seller agrees: the money goes back, or the goods first, to the address named or the one named last.

    From a refused or disputed claim on, agreeing pays at once.
    Refuses: not_found, forbidden, stale_state, malformed, return_address_needed.
    """
    return_to = rules.check_text("return_to", return_to)
    with atomic():
        claim, order = _locked(claim_id)
        require_staff(order, by)
        if claim.state in rules.CLAIM.sources("give_in"):
            pay_back(claim, order, "give_in", side="merchant", by=by)
        elif claim.kind == "refund_only":
            pay_back(claim, order, "agree_refund", side="merchant", by=by)
        else:
            where = return_to or claim_reads.return_address_of(order.shop_id)
            rules.CLAIM.next(claim.state, "agree_return")
            if not where:
                raise Refusal("return_address_needed")
            if return_to:
                ReturnAddress.objects.update_or_create(
                    shop_id=order.shop_id, defaults={"text": return_to, "changed_at": clock.now()}
                )
            step(claim, order, "agree_return", side="merchant", by=by, return_to=where)
        audit.record(by, "trade.agree_to_claim", ("trade.claim", claim.pk), after={"state": claim.state})
    return claim


def refuse_claim(*, claim_id: int, reason: str, by: Actor) -> Claim:
    """The seller says no, or that what came back is not what it should be; the buyer may dispute it.

    Refuses: not_found, forbidden, stale_state, malformed.
    """
    reason = rules.check_text("reason", reason, is_needed=True)
    with atomic():
        claim, order = _locked(claim_id)
        require_staff(order, by)
        step(claim, order, "refuse", side="merchant", by=by, text=reason)
        audit.record(by, "trade.refuse_claim", ("trade.claim", claim.pk), after={"reason": reason})
    return claim


def send_back(*, claim_id: int, carrier: str, number: str, by: Actor) -> Claim:
    """The buyer sends the goods back.  Refuses: not_found, forbidden, stale_state, parcel_refused."""
    parcel = trade_rules.check_parcel(trade_rules.ParcelIn("express", carrier, number))
    with atomic():
        claim, order = _locked(claim_id)
        require_buyer(order, by)
        step(
            claim, order, "send_back", side="buyer", by=by, text=f"{parcel.carrier} {parcel.number}",
            return_carrier=parcel.carrier, return_number=parcel.number, returned_at=clock.now(),
        )  # fmt: skip
    return claim


def accept_goods(*, claim_id: int, by: Actor) -> Claim:
    """The seller has the goods back: the money follows, or the replacement is due.

    Refuses: not_found, forbidden, stale_state.
    """
    with atomic():
        claim, order = _locked(claim_id)
        require_staff(order, by)
        _accept(claim, order, "accept", "merchant", by)
        audit.record(by, "trade.accept_goods", ("trade.claim", claim.pk), after={"state": claim.state})
    return claim


def send_replacement(*, claim_id: int, parcel: trade_rules.ParcelIn, by: Actor) -> Claim:
    """The seller sends other goods; no money moves, and the order's timer starts anew with that parcel.

    Refuses: not_found, forbidden, stale_state, parcel_refused, too_many_parcels.
    """
    parcel = trade_rules.check_parcel(parcel)
    with atomic():
        claim, order = _locked(claim_id)
        require_staff(order, by)
        rules.CLAIM.next(claim.state, "replace")
        if Parcel.objects.filter(order=order).count() >= trade_rules.LIMITS["parcels"]:
            raise Refusal("too_many_parcels", most=trade_rules.LIMITS["parcels"])
        Parcel.objects.create(
            order=order, kind=parcel.kind, carrier=parcel.carrier, number=parcel.number, contents=[],
            bare_number=escrow_rules.bare_number(parcel.number), shipped_at=clock.now(), claim=claim,
        )  # fmt: skip
        if order.state in escrow_rules.TIMER_FIELD:
            timers.start(order, clock.now() + trade_rules.AUTO_CONFIRM[parcel.kind])
        step(claim, order, "replace", side="merchant", by=by, text=f"{parcel.carrier} {parcel.number}".strip())
        audit.record(by, "trade.send_replacement", ("trade.claim", claim.pk))
    return claim


def withdraw_claim(*, claim_id: int, by: Actor) -> Claim:
    """The buyer takes a claim back; the order's timer goes on.  Refuses: not_found, forbidden, stale_state."""
    with atomic():
        claim, order = _locked(claim_id)
        require_buyer(order, by)
        step(claim, order, "withdraw", side="buyer", by=by)
    return claim


def dispute_claim(*, claim_id: int, text: str = "", by: Actor) -> Dispute:
    """The buyer takes a refused claim to the operator.  Refuses: not_found, forbidden, stale_state, malformed."""
    text = rules.check_text("text", text)
    with atomic():
        claim, order = _locked(claim_id)
        require_buyer(order, by)
        step(claim, order, "dispute", side="buyer", by=by, text=text)
        until = clock.now() + rules.EVIDENCE_WINDOW
        dispute = Dispute.objects.create(
            claim=claim, opened_at=clock.now(), evidence_until=until, rule_due_at=until + rules.RULING_WITHIN
        )
        audit.record(by, "trade.dispute_claim", ("trade.claim", claim.pk), after={"dispute": dispute.public_id})
    return dispute


def pass_claims_due(order: Order) -> None:
    """Whoever should have acted was silent: each claim of the order that is due moves on by itself.

    The order's row is locked by the sweep; a claim that somebody moved meanwhile is not due any more.
    """
    due = Claim.objects.filter(order=order, state__in=rules.DUE_IN, due_at__lte=clock.now())
    for claim in due.order_by("due_at", "pk"):
        _silence(claim, order)


def _silence(claim: Claim, order: Order) -> None:
    if claim.state == "asked":
        where = claim_reads.return_address_of(order.shop_id)
        event = rules.after_agreement(claim.kind, knows_where=bool(where), how="silence")
        if event == "silence_return":
            step(claim, order, event, side="system", return_to=where)
        else:
            pay_back(claim, order, event, side="system", by=SYSTEM)
    elif claim.state == "returned":
        _accept(claim, order, "silence", "system", SYSTEM)
    elif claim.state == "replacing":
        pay_back(claim, order, "silence_refund", side="system", by=SYSTEM)
    else:
        step(claim, order, "silence", side="system")


def _accept(claim: Claim, order: Order, how: str, side: str, by: Actor) -> None:
    if claim.kind == "exchange":
        step(claim, order, f"{how}_exchange", side=side, by=by)
    else:
        pay_back(claim, order, f"{how}_refund", side=side, by=by)


def pay_back(
    claim: Claim, order: Order, event: str, *, side: str, by: Actor, minor: int | None = None, text: str = ""
) -> None:
    """A claim ends with money for the buyer: what it asks for or what was ruled, never more than is left of the line.

    When nothing was sent and this was the last of the goods, the shipping goes back too.
    """
    step(claim, order, event, side=side, by=by, text=text)
    lines = queries.lines_of(order.pk)
    amounts = []
    for line in lines:
        if line.pk == claim.line_id:
            amounts.append((line.pk, min(minor or claim.amount_minor, line.amount_minor - line.refunded_minor)))
    goods_left = sum(line.amount_minor - line.refunded_minor for line in lines if line.kind == "goods")
    if goods_left == amounts[0][1] and not any(line.shipped_quantity for line in lines):
        amounts += [
            (line.pk, line.amount_minor - line.refunded_minor)
            for line in lines
            if line.kind == "shipping" and line.refunded_minor < line.amount_minor
        ]
    refund = refund_lines(order, lines, amounts, key=f"claim:{claim.public_id}", kind="claim", reason=text, by=by)
    rows.change(claim, refund_id=refund.pk)


def _claimable(order: Order, line: OrderLine) -> Claimable:
    earlier = rows.find(Claim, line_id=line.pk)
    return Claimable(
        order_state=order.state, line_kind=line.kind, amount_minor=line.amount_minor,
        left_minor=line.amount_minor - line.refunded_minor, shipped_quantity=line.shipped_quantity,
        after_sale_until=order.after_sale_until, confirmed_at=order.confirmed_at, earlier=len(earlier),
        is_claimed=any(claim.state in rules.OPEN for claim in earlier),
    )  # fmt: skip


def _locked(claim_id: int) -> tuple[Claim, Order]:
    """A claim and its order, whose lock guards both.  Refuses: not_found."""
    found = rows.first(Claim, id=claim_id)
    if found is None:
        raise Refusal("not_found")
    order = queries.locked(found.order_id)
    return rows.find(Claim, id=claim_id)[0], order
