"""How money goes back to a buyer: promised in one transaction, funded from escrow or the parties, carried later.

Everything that changes what is refunded of an order locks the order's row first, so two at once cannot together
exceed what was paid.
"""

from collections.abc import Mapping, Sequence

from meadow.catalog import services as catalog
from meadow.kernel import audit, clock, db, rows
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import LineRefunded, RefundCompleted, RefundStuck
from meadow.kernel.money import Money
from meadow.kernel.outbox import emit
from meadow.ledger import services as ledger
from meadow.ledger.queries import Split, step
from meadow.ledger.services import Leg, NewPosting, Transfer
from meadow.payments import queries as payment_reads
from meadow.payments import services as payments
from meadow.payments.services import Payment, ProviderRefund, Share
from meadow.trade import queries, rules
from meadow.trade.models import Order, OrderLine, Parcel, Refund, RefundLine
from meadow.trade.queries.orders import lines_of, refundable, split_of
from meadow.trade.services.access import require_staff_or_operator
from meadow.trade.services.claim_steps import overtake
from meadow.trade.services.moving import advance_shipping, close, money_of, part_name, to_ship


def refund_order(
    *,
    key: str,
    order_id: int,
    goods: Sequence[tuple[int, int]] = (),
    shipping_minor: int = 0,
    reason: str = "",
    by: Actor,
) -> Refund:
    """Gives back amounts of goods lines (line id, minor) and of the shipping, by the merchant or the operator.

    Before release the escrow pays; after it, each party its part, and what they no longer have the platform advances.
    The same key gives the same refund.  A refund of all before settlement closes the order.
    Refuses: not_found, forbidden, stale_state, malformed, refund_refused, refund_too_large, idempotency_mismatch.
    """
    _check_texts(key, reason)
    with atomic():
        order = queries.locked(order_id)
        require_staff_or_operator(order, by)
        known = rows.first(Refund, order_id=order.pk, kind="refund", key=key)
        if known is not None:
            return _same(known, goods, shipping_minor)
        if order.state not in rules.REFUNDABLE:
            raise Refusal("stale_state", state=order.state, event="refund")
        lines = lines_of(order.pk)
        amounts = rules.refund_amounts(refundable(lines), goods, shipping_minor)
        refund = refund_lines(order, lines, amounts, key=key, kind="refund", reason=reason, by=by)
        audit.record(
            by, "trade.refund_order", ("trade.order", order.pk),
            after={"refund": refund.public_id, "amount_minor": refund.amount_minor},
        )  # fmt: skip
    return refund


def refund_lines(
    order: Order,
    lines: Sequence[OrderLine],
    amounts: Sequence[tuple[int, int]],
    *,
    key: str,
    kind: str,
    reason: str,
    by: Actor,
) -> Refund:
    """Amounts of a locked order's lines go back, from wherever its money is; a refund of all in escrow closes it."""
    in_escrow = order.state in rules.IN_ESCROW
    refund = promise(order, lines, amounts, in_escrow, key=key, kind=kind, reason=reason, by=by)
    if order.refunded_minor == order.total_minor and in_escrow:
        close(order, "refund_all", "refunded")
    elif order.state == "part_shipped":
        _finish_shipping(order, lines)
    fund(refund, order)
    return refund


def refund_everything(
    order: Order, *, key: str, kind: str, reason: str, by: Actor, event: str, close_reason: str
) -> Refund:
    """All that is left of a locked order goes back out of escrow, and the order closes."""
    lines = lines_of(order.pk)
    amounts = rules.everything_left(refundable(lines))
    # Closed first, so that the commission's end names the cancellation and not the refund that follows from it.
    close(order, event, close_reason)
    refund = promise(order, lines, amounts, True, key=key, kind=kind, reason=reason, by=by)
    fund(refund, order)
    return refund


def refund_late(order: Order, payment: Payment) -> Refund:
    """Money came for a locked order that is closed: it goes back whole and never reopens the order."""
    refund = Refund(
        order=order, key="late", kind="late", currency=order.currency, amount_minor=order.total_minor,
        is_from_escrow=False, reason="", asked_at=clock.now(),
    )  # fmt: skip
    rows.add(refund)
    ledger.post(
        key=f"late:{order.public_id}",
        cause=("trade.order", order.pk),
        kind="late",
        transfers=[Transfer(f"psp:{payment.provider}", _account(refund), _money(refund))],
    )
    _send(refund, order, "fund")
    return refund


def promise(
    order: Order,
    lines: Sequence[OrderLine],
    amounts: Sequence[tuple[int, int]],
    is_from_escrow: bool,
    *,
    key: str,
    kind: str,
    reason: str,
    by: Actor,
) -> Refund:
    """Writes the refund with what each party gives of each line, the difference of two cumulative reversals."""
    refund = Refund(
        order=order, key=key, kind=kind, currency=order.currency, amount_minor=sum(minor for _, minor in amounts),
        is_from_escrow=is_from_escrow, reason=reason, by_id=by.person_id, asked_at=clock.now(),
    )  # fmt: skip
    by_id = {line.pk: line for line in lines}
    touched = [by_id[line_id] for line_id, _ in amounts]
    given, events = [], []
    for line, (_, minor) in zip(touched, amounts, strict=True):
        given.append(step(split_of(line), line.refunded_minor, line.refunded_minor + minor))
        line.refunded_minor += minor
        undone = line.quantity if line.refunded_minor == line.amount_minor else 0
        events.append(LineRefunded(order.pk, line.pk, line.sku_id, undone, minor, line.refunded_minor))
    _write(refund, touched, given)
    order.refunded_minor += refund.amount_minor
    _restock(order, lines, touched)
    emit(*events)
    overtake(order, lines)
    return refund


def _write(refund: Refund, lines: Sequence[OrderLine], given: Sequence[Split]) -> None:
    """Stores a refund with its lines, and what is refunded now of each order line and of the order; one statement."""
    refund.pk = db.call(
        "WITH refund AS ("
        " INSERT INTO trade_refund (public_id, order_id, key, kind, state, currency, amount_minor, is_from_escrow,"
        "  reason, by_id, asked_at, tries) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0) RETURNING *"
        "), given AS ("
        " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])"
        "  AS g(line_id, merchant, creator, service, trade)"
        "), lines AS ("
        " INSERT INTO trade_refundline (refund_id, line_id, amount_minor, merchant_minor, creator_minor,"
        "  service_minor, trade_minor)"
        " SELECT r.id, g.line_id, g.merchant + g.creator + g.service + g.trade, g.merchant, g.creator, g.service,"
        "  g.trade FROM refund r, given g"
        "), taken AS ("
        " UPDATE trade_orderline l SET refunded_minor = refunded_minor + g.merchant + g.creator + g.service + g.trade"
        " FROM given g WHERE l.id = g.line_id"
        "), total AS ("
        " UPDATE trade_order o SET refunded_minor = o.refunded_minor + r.amount_minor FROM refund r"
        " WHERE o.id = r.order_id"
        ") SELECT id FROM refund",
        [
            refund.public_id, refund.order_id, refund.key, refund.kind, refund.state, refund.currency,
            refund.amount_minor, refund.is_from_escrow, refund.reason, refund.by_id, refund.asked_at,
            [line.pk for line in lines], [back.merchant for back in given], [back.creator for back in given],
            [back.service for back in given], [back.trade for back in given],
        ],
    )  # fmt: skip
    refund._state.adding = False


def _restock(order: Order, lines: Sequence[OrderLine], touched: Sequence[OrderLine]) -> None:
    """What was refunded whole before it was sent can be sold again; a line becomes wholly refunded only once.

    Gifts cost nothing, so they come back with the last refund of their order.
    """
    is_last = order.refunded_minor == order.total_minor
    gifts = [line for line in lines if is_last and line.kind == "goods" and line.amount_minor == 0]
    back = [
        (line.sku_id, line.quantity - line.shipped_quantity)
        for line in [*touched, *gifts]
        if line.sku_id and line.refunded_minor == line.amount_minor and line.shipped_quantity < line.quantity
    ]
    if back:
        catalog.restock(lines=back)


def _finish_shipping(order: Order, lines: Sequence[OrderLine]) -> None:
    """If all that was still to be sent is refunded now, the parcels that went out were the last."""
    if not any(line.left for line in to_ship(lines)):
        kinds = [parcel.kind for parcel in rows.find(Parcel, order_id=order.pk)]
        advance_shipping(order, lines, kinds, clock.now())


# Funding and carrying


def fund(refund: Refund, order: Order) -> bool:
    """Sets the money of a pending refund apart and asks the provider; False if the platform's advance is used up."""
    cause, kind, key = ("trade.order", order.pk), "refund", f"refund:{refund.public_id}"
    note = {"refund": refund.public_id}
    if refund.is_from_escrow:
        source = Transfer(money_of(order), _account(refund), _money(refund))
        ledger.post(key=key, cause=cause, kind=kind, transfers=[source], note=note)
    else:
        legs, transfers = _legs(refund, order)
        _ask_parties(refund, order, legs, transfers)
        try:
            ledger.collect(
                key=key, legs=legs, target=_account(refund), currency=refund.currency, cause=cause, kind=kind,
                hold_cause=cause, transfers=transfers, note=note,
            )  # fmt: skip
        except Refusal as refusal:
            if refusal.code != "advance_exhausted":
                raise
            _stuck(refund)
            return False
    if refund.kind == "chargeback":
        # The money has left the provider already: there is nobody to ask.
        db.move(refund, rules.REFUND, "fund", sent_at=clock.now(), retry_due_at=None)
        _finish([(refund, order)])
    else:
        _send(refund, order, "fund")
    return True


def _ask_parties(refund: Refund, order: Order, legs: Sequence[Leg], transfers: Sequence[Transfer]) -> None:
    """What left the provider for its parties is fetched back there; before the ledger collects, for the locks' order."""
    shares = [Share(leg.kind, leg.party_id, leg.minor) for leg in legs]
    shares.append(Share("platform", None, sum(transfer.amount.minor for transfer in transfers)))
    payments.take_back(
        key=f"refund:{refund.public_id}", payment_id=order.payment_id, of=part_name(order.shop_id),
        order=("trade.order", order.pk), cause=("trade.refund", refund.pk), shares=shares,
    )  # fmt: skip


def _legs(refund: Refund, order: Order) -> tuple[list[Leg], list[Transfer]]:
    """What each party of a released order gives back, and the platform's own part."""
    merchant = service = trade = 0
    creators: dict[int, int] = {}
    for given in db.rows(
        "SELECT g.merchant_minor, g.creator_minor, g.service_minor, g.trade_minor, l.creator_id"
        " FROM trade_refundline g JOIN trade_orderline l ON l.id = g.line_id WHERE g.refund_id = %s",
        [refund.pk],
    ):
        merchant += given["merchant_minor"]
        service += given["service_minor"]
        trade += given["trade_minor"]
        if given["creator_id"] is not None:
            creators[given["creator_id"]] = creators.get(given["creator_id"], 0) + given["creator_minor"]
    legs = [Leg("merchant", order.merchant_id, merchant)]
    legs += [Leg("creator", creator_id, minor) for creator_id, minor in sorted(creators.items())]
    fees: Mapping[str, int] = {"platform:service_fee": service, "platform:trade_fee": trade}
    return legs, [Transfer(account, _account(refund), Money(minor, refund.currency)) for account, minor in fees.items()]


def _send(refund: Refund, order: Order, event: str) -> None:
    """Asks the provider; it answers later with ProviderRefunded."""
    db.move(refund, rules.REFUND, event, sent_at=clock.now(), retry_due_at=None, tries=refund.tries + 1)
    payments.request_refund(
        key=_provider_key(refund), payment_id=order.payment_id, amount=_money(refund),
        cause=("trade.refund", refund.pk), of=part_name(order.shop_id),
    )  # fmt: skip


def _stuck(refund: Refund) -> None:
    """The refund waits: it is tried again by itself, less and less often, and the operator is told once."""
    is_news = refund.retry_due_at is None
    rows.change(refund, retry_due_at=rules.retry_refund_at(refund.asked_at, clock.now()))
    if is_news:
        emit(RefundStuck(refund.pk, refund.order_id))


def retry_refund(*, refund_id: int, by: Actor) -> Refund:
    """The operator has made room: a refund that waits is tried again now, by the sweep.

    Refuses: not_found, forbidden, stale_state.
    """
    with atomic():
        refund = Refund.objects.select_related("order").filter(pk=refund_id).first()
        if refund is None:
            raise Refusal("not_found")
        require_staff_or_operator(refund.order, by)
        due_now = Refund.objects.filter(pk=refund_id, retry_due_at__isnull=False).update(retry_due_at=clock.now())
        if not due_now:
            raise Refusal("stale_state", state=refund.state, event="retry")
    return refund


def try_again(refund: Refund) -> None:
    """A refund that waits for the advance, or that the provider refused.  Its row is locked by the sweep.

    The order is locked after it; nobody who holds an order waits for the row of such a refund.
    """
    order = queries.locked(refund.order_id)
    if refund.state == "pending":
        fund(refund, order)
    else:
        _send(refund, order, "send_again")


def complete_refunds(*, answers: Sequence[tuple[int, int]]) -> None:
    """The provider's answers (refund, refund at the provider): the money is with the buyer, or the refund failed there
    and is tried again.  A repeat changes nothing.  Locks the orders in the order of their ids.
    """
    with atomic():
        told = payment_reads.provider_refunds_by_id([answer_id for _, answer_id in answers])
        refund_ids = sorted({refund_id for refund_id, _ in answers})
        order_ids = {refund.order_id for refund in rows.find(Refund, id=refund_ids)}
        orders = {order.pk: order for order in rows.find(Order, id=sorted(order_ids), locked=True)}
        # Read again, now that nobody else can move them.
        sent = {refund.pk: refund for refund in rows.find(Refund, id=refund_ids, state="sent")}
        done = []
        for refund_id, answer_id in answers:
            refund, answer = sent.get(refund_id), told.get(answer_id)
            if refund is None or answer is None or not _is_answer_to(answer, refund):
                continue
            del sent[refund_id]
            if answer.state == "failed":
                db.move(refund, rules.REFUND, "fail")
                _stuck(refund)
            else:
                done.append((refund, orders[refund.order_id]))
        _finish(done)


def _is_answer_to(answer: ProviderRefund, refund: Refund) -> bool:
    named = (answer.cause_kind, answer.cause_id, answer.key)
    return named == ("trade.refund", refund.pk, _provider_key(refund))


def _finish(done: Sequence[tuple[Refund, Order]]) -> None:
    """The money of each refund is with the buyer, and no longer at the provider; four statements for any number."""
    if not done:
        return
    providers = payment_reads.providers_of(sorted({order.payment_id for _, order in done}))
    ledger.post_batch(
        [
            NewPosting(
                key=f"refunded:{refund.public_id}", cause=("trade.order", order.pk), kind="refunded",
                transfers=[Transfer(_account(refund), f"psp:{providers[order.payment_id]}", _money(refund))],
                note={"refund": refund.public_id},
            )
            for refund, order in done
        ]
    )  # fmt: skip
    db.move_all([refund for refund, _ in done], rules.REFUND, "complete", completed_at=clock.now())
    emit(*(RefundCompleted(refund.pk, order.pk) for refund, order in done))


def _same(known: Refund, goods: Sequence[tuple[int, int]], shipping_minor: int) -> Refund:
    """The refund that this key made before, if it was for the same.  Refuses: idempotency_mismatch."""
    given = {
        (row.line_id, row.line.kind): row.amount_minor
        for row in RefundLine.objects.filter(refund=known).select_related("line")
    }
    asked = {(line_id, "goods"): minor for line_id, minor in goods}
    shipping = {key: minor for key, minor in given.items() if key[1] == "shipping"}
    goods_given = {key: minor for key, minor in given.items() if key[1] == "goods"}
    if goods_given != asked or sum(shipping.values()) != shipping_minor:
        raise Refusal("idempotency_mismatch")
    return known


def _check_texts(key: str, reason: str) -> None:
    if not 0 < len(key) <= 255:
        raise Refusal("idempotency_key_required")
    if len(reason) > rules.LIMITS["reason_characters"]:
        raise Refusal("malformed", field="reason", why=f"at most {rules.LIMITS['reason_characters']} characters")


def _provider_key(refund: Refund) -> str:
    """A new key for each try: a refund that failed at the provider stays failed there."""
    return f"{refund.public_id}:{refund.tries}"


def _account(refund: Refund) -> str:
    return f"refund:{refund.public_id}"


def _money(refund: Refund) -> Money:
    return Money(refund.amount_minor, refund.currency)
