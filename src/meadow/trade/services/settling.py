"""How an order's money leaves escrow to its parties, once, one day after receipt."""

from datetime import datetime

from meadow.accounts import queries as accounts
from meadow.affiliate import queries as affiliate
from meadow.governance.services import cite
from meadow.kernel import clock, db
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import OrderSettled
from meadow.kernel.money import Money
from meadow.kernel.outbox import emit
from meadow.ledger import services as ledger
from meadow.ledger.queries import Split, reversal
from meadow.ledger.services import Transfer
from meadow.payments import services as payments
from meadow.payments.services import Share
from meadow.trade import queries, rules
from meadow.trade.models import Order, OrderLine
from meadow.trade.queries.orders import lines_of, split_of
from meadow.trade.services.moving import money_of, part_name


def settle_order(*, order_id: int) -> Order:
    """Releases a confirmed order whose time has come.  Refuses: not_found, stale_state, merchant_suspended."""
    with atomic():
        order = queries.locked(order_id)
        if order.release_due_at is None or order.release_due_at > clock.now():
            raise Refusal("stale_state", state=order.state, event="settle")
        accounts.require_merchant(order.merchant_id)
        settle(order)
    return order


def settle(order: Order) -> None:
    """Posts what each party gets: its share of each line without what was refunded so far (settled question 4).

    The order's row is locked by the caller; a crash before the commit leaves it due, and the posting's key makes a
    second release impossible even then.
    """
    db.move(order, rules.ORDER, "settle", settled_at=clock.now())
    lines = lines_of(order.pk)
    transfers = _transfers(order, lines)
    ledger.post(
        key=f"settle:{order.public_id}",
        cause=("trade.order", order.pk),
        kind="settle",
        transfers=transfers,
        note={
            # Every fee names the rule it rests on, in the version that holds for this merchant.
            "rule": cite("platform.fees", ("accounts.merchant", order.merchant_id)),
            "lines": [[line.pk, line.plan_version_id, *_left(line)] for line in lines],
        },
    )
    payments.share_out(
        payment_id=order.payment_id, of=part_name(order.shop_id), cause=("trade.order", order.pk),
        shares=[_share(transfer) for transfer in transfers],
    )  # fmt: skip
    emit(OrderSettled(order.pk, order.merchant_id))


def _transfers(order: Order, lines: list[OrderLine]) -> list[Transfer]:
    merchant = service = trade = 0
    creators: dict[int, int] = {}
    for line in lines:
        to_merchant, to_creator, to_service, to_trade = _left(line)
        merchant, service, trade = merchant + to_merchant, service + to_service, trade + to_trade
        if line.creator_id is not None:
            creators[line.creator_id] = creators.get(line.creator_id, 0) + to_creator
    escrow = money_of(order)
    # What a person must look at first is held until then, at most for the time that a review may take.
    waiting = affiliate.creators_under_review(order.pk) if creators else set()
    longest = clock.now() + affiliate.REVIEW_TIME

    def until(creator_id: int) -> datetime | None:
        end = order.after_sale_until
        return max(end, longest) if end and creator_id in waiting else end

    def out(target: str, minor: int) -> Transfer:
        return Transfer(escrow, target, Money(minor, order.currency))

    return [
        out(f"merchant:{order.merchant_id}:available", merchant),
        # A commission is final now but can be withdrawn only when the buyer can no longer send the goods back.
        *(
            Transfer(escrow, f"creator:{creator_id}:available", Money(minor, order.currency), until(creator_id))
            for creator_id, minor in sorted(creators.items())
        ),
        out("platform:service_fee", service),
        out("platform:trade_fee", trade),
    ]


def _share(transfer: Transfer) -> Share:
    """The same for the provider, if it is to pass the parts on."""
    kind, _, rest = transfer.target.partition(":")
    party_id = None if kind == "platform" else int(rest.partition(":")[0])
    return Share(kind, party_id, transfer.amount.minor, transfer.hold_until)


def _left(line: OrderLine) -> tuple[int, int, int, int]:
    original = split_of(line)
    left: Split = original - reversal(original, line.refunded_minor)
    return left.merchant, left.creator, left.service, left.trade
