"""What a claim is to each side and to the operator: its clock, its trail, its evidence, its dispute; and who claims much."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from meadow.kernel import clock, db, rows
from meadow.kernel.errors import Refusal
from meadow.trade import rules as trade_rules
from meadow.trade.models import Claim, ClaimEntry, Dispute, Evidence, Freeze, Order, OrderLine, Parcel, ReturnAddress
from meadow.trade.queries.orders import role_in
from meadow.trade.rules import claims as rules
from meadow.trade.rules.escrow import escrow_state


@dataclass(frozen=True, slots=True)
class EntryView:
    event: str
    before: str
    after: str
    side: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EvidenceView:
    public_id: str
    side: str
    text: str
    picture: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim whole, in the hands of a buyer, a merchant or an operator."""

    claim: Claim
    role: str
    line: OrderLine
    entries: tuple[EntryView, ...]
    evidence: tuple[EvidenceView, ...]
    disputes: tuple[Dispute, ...]

    @property
    def turn(self) -> str:
        """Whose word is awaited; nobody's when it is over."""
        return rules.TURN.get(self.claim.state, "")

    @property
    def due_at(self) -> datetime | None:
        """Until when."""
        if self.claim.state == "disputed":
            return self.dispute.rule_due_at if self.dispute else None
        return self.claim.due_at

    @property
    def dispute(self) -> Dispute | None:
        return self.disputes[-1] if self.disputes else None

    @property
    def may(self) -> frozenset[str]:
        """What its holder can do with it now."""
        return frozenset(_MAY.get(self.role, {}).get(self.claim.state, ())) | (
            {"evidence"} if self.claim.state in rules.OPEN else set()
        )


_MAY: dict[str, dict[str, tuple[str, ...]]] = {
    "buyer": {
        "asked": ("withdraw",),
        "returning": ("send_back", "withdraw"),
        "refused": ("dispute", "withdraw"),
        "disputed": ("withdraw",),
    },
    "merchant": {
        "asked": ("agree", "refuse"),
        "returned": ("accept", "refuse"),
        "replacing": ("replace",),
        "refused": ("agree",),
        "disputed": ("agree",),
    },
    "operator": {"disputed": ("rule",)},
}


def claim_for(which: int | str, *, person_id: int) -> ClaimView:
    """A claim to somebody who may see its order.  Refuses: not_found."""
    claim = _claim(which)
    return claim_view(claim, role_in(claim.order, person_id))


def claim_by_id(claim_id: int) -> Claim:
    """A claim as the house itself reads it.  Refuses: not_found."""
    return _claim(claim_id)


def claim_in_order(which: str, *, order_id: int) -> ClaimView:
    """A claim of an order that the reader holds as its buyer.  Refuses: not_found."""
    claim = _claim(which)
    if claim.order_id != order_id:
        raise Refusal("not_found")
    return claim_view(claim, "buyer")


def claim_view(claim: Claim, role: str) -> ClaimView:
    """A claim with its trail, in four statements."""
    entries = tuple(
        EntryView(entry.event, entry.before, entry.after, entry.side, entry.text, entry.at)
        for entry in rows.find(ClaimEntry, claim_id=claim.pk)
    )
    shown = tuple(
        EvidenceView(each.public_id, each.side, each.text, each.picture, each.at)
        for each in rows.find(Evidence, claim_id=claim.pk)
    )
    disputes = tuple(Dispute.objects.filter(claim=claim).select_related("ruled_by", "approved_by").order_by("pk"))
    return ClaimView(claim, role, claim.line, entries, shown, disputes)


def claims_of_order(order_id: int) -> list[Claim]:
    """An order's claims, the oldest first."""
    return list(Claim.objects.filter(order_id=order_id).select_related("line", "refund").order_by("pk"))


def claims_of_buyer(person_id: int, *, before_id: int | None = None, limit: int = 20) -> list[Claim]:
    return _page({"buyer_id": person_id}, before_id, limit)


def claims_of_merchant(
    merchant_id: int, *, is_open: bool = False, before_id: int | None = None, limit: int = 20
) -> list[Claim]:
    """A merchant's claims, the newest first.  Whether the reader is staff is the door's to ask."""
    return _page({"merchant_id": merchant_id} | ({"state__in": rules.OPEN} if is_open else {}), before_id, limit)


def all_claims(*, states: Iterable[str] = (), before_id: int | None = None, limit: int = 20) -> list[Claim]:
    """Every claim, the newest first, for operators."""
    return _page({"state__in": list(states)} if states else {}, before_id, limit)


def disputes(*, is_open: bool = True, limit: int = 100) -> list[Dispute]:
    """Disputes by their clock, the most urgent first; or the newest that ended."""
    found = Dispute.objects.select_related("claim__order", "claim__line")
    if is_open:
        return list(found.filter(state__in=rules.DISPUTE_OPEN).order_by("rule_due_at", "pk")[:limit])
    return list(found.exclude(state__in=rules.DISPUTE_OPEN).order_by("-pk")[:limit])


def dispute(which: str) -> Dispute:
    """Refuses: not_found."""
    found = Dispute.objects.filter(public_id=which).select_related("claim").first()
    if found is None:
        raise Refusal("not_found")
    return found


def freezes(*, order_id: int | None = None, is_open: bool = True, limit: int = 100) -> list[Freeze]:
    """Frozen orders, the newest first."""
    found = Freeze.objects.select_related("order__shop", "proposed_by", "end_proposed_by").order_by("-pk")
    if order_id is not None:
        found = found.filter(order_id=order_id)
    if is_open:
        found = found.filter(state__in=rules.FREEZE_OPEN)
    return list(found[:limit])


def freeze(which: str) -> Freeze:
    """Refuses: not_found."""
    found = Freeze.objects.filter(public_id=which).select_related("order").first()
    if found is None:
        raise Refusal("not_found")
    return found


def doubted_orders(limit: int = 100) -> list[Order]:
    """Orders whose tracking is in doubt, the oldest first."""
    found = Order.objects.filter(flagged_at__isnull=False, flag_cleared_at__isnull=True, paused_at__isnull=False)
    return list(found.exclude(state="closed").select_related("shop").order_by("flagged_at", "pk")[:limit])


def tracking_of(orders: Sequence[Order]) -> dict[int, list[str]]:
    """Carrier and number of every parcel of these orders; one statement."""
    found: dict[int, list[str]] = {}
    parcels = Parcel.objects.filter(order__in=[order.pk for order in orders]).order_by("pk")
    for order_id, carrier, number in parcels.values_list("order_id", "carrier", "number"):
        found.setdefault(order_id, []).append(f"{carrier} {number}".strip())
    return found


def evidence_picture(which: str, *, person_id: int | None = None, order_id: int | None = None) -> str:
    """The name of a picture, to who may see its claim or holds its order's link.  Refuses: not_found."""
    found = Evidence.objects.filter(public_id=which).exclude(picture="").select_related("claim__order").first()
    if found is None:
        raise Refusal("not_found")
    if order_id is None or found.claim.order_id != order_id:
        role_in(found.claim.order, person_id or 0)
    return found.picture


def return_address_of(shop_id: int) -> str:
    """Where a shop's goods go back to, as it said last; empty if it never did."""
    return ReturnAddress.objects.filter(shop_id=shop_id).values_list("text", flat=True).first() or ""


def left_of(claim: Claim) -> int:
    """How much of the claimed line was not refunded yet."""
    line = OrderLine.objects.get(pk=claim.line_id)
    return line.amount_minor - line.refunded_minor


def escrow_of(order: Order) -> str:
    """Where an order's money is, as a state of the escrow table."""
    return escrow_state(order.state, is_paused=order.paused_at is not None, was_paid=order.paid_at is not None)


def risk_facts(buyer_id: int, now: datetime) -> tuple[int, int, int]:
    """How many orders a buyer paid lately, how many of those were refunded by claims, and from how many browsers."""
    found = db.one(
        "SELECT count(*) AS orders, count(DISTINCT nullif(c.carrier, '')) AS devices, count(*) FILTER (WHERE EXISTS"
        " (SELECT FROM trade_claim m WHERE m.order_id = o.id AND m.state = 'refunded')) AS refunded"
        " FROM trade_order o JOIN trade_checkout c ON c.id = o.checkout_id WHERE o.buyer_id = %s AND o.paid_at > %s",
        [buyer_id, now - rules.RISK_WINDOW],
    )
    assert found is not None
    return found["orders"], found["refunded"], found["devices"]


def claimable_line_ids(order: Order) -> set[int]:
    """The goods lines on which a claim can be opened now, as far as the order and its open claims tell."""
    if order.state not in rules.CLAIMABLE_STATES:
        return set()
    if order.after_sale_until is not None and clock.now() > order.after_sale_until:
        return set()
    taken = Claim.objects.filter(order=order, state__in=rules.OPEN).values("line_id")
    lines = OrderLine.objects.filter(order=order, kind="goods", refunded_minor__lt=F("amount_minor"))
    return set(lines.exclude(pk__in=taken).values_list("pk", flat=True))


def has_open_claim(order_id: int) -> bool:
    return Claim.objects.filter(order_id=order_id, state__in=rules.OPEN).exists()


def _claim(which: int | str) -> Claim:
    claim = rows.first(Claim, public_id=which) if isinstance(which, str) else rows.first(Claim, id=which)
    if claim is None:
        raise Refusal("not_found")
    for name in ("order", "line"):
        rows.fill([claim], name)
    rows.fill([claim.order], "shop")
    if claim.refund_id is not None:
        rows.fill([claim], "refund")
    return claim


def _page(wanted: dict[str, object], before_id: int | None, limit: int) -> list[Claim]:
    if before_id is not None:
        wanted["pk__lt"] = before_id
    found = Claim.objects.filter(**wanted).select_related("order__shop", "line", "refund").order_by("-pk")
    return list(found[: max(1, min(limit, trade_rules.LIMITS["page"]))])
