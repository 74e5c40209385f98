"""How it is decided who earns on the lines of an order, and how a commission follows the order's fate."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from meadow.accounts import queries as accounts
from meadow.affiliate import rules
from meadow.affiliate.models import Attribution, CommissionLine
from meadow.affiliate.rules import Candidate, Decision, Line, Offer
from meadow.kernel import clock, rows
from meadow.kernel.db import atomic
from meadow.ledger.queries import reversal, split
from meadow.plans import queries as plans
from meadow.sharing import queries as sharing
from meadow.sharing import services as sharing_verbs

__all__ = [
    "Attributed",
    "AttributionLine",
    "Claimed",
    "attribute_order",
    "confirm_commissions",
    "finish_commissions",
    "open_commissions",
    "reduce_commissions",
    "void_commissions",
]


@dataclass(frozen=True, slots=True)
class AttributionLine:
    """A line of an order that is being placed.  The ids were drawn before, so that one insert is enough."""

    line_id: int
    order_id: int
    shop_id: int
    product_id: int
    goods_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A partner site's claim that was believed, as a click; flag says why it cannot earn though it is genuine."""

    click: sharing.CandidateClick
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Attributed:
    """What trade freezes on the order line."""

    line_id: int
    attribution_id: int
    creator_id: int | None
    plan_version_id: int | None
    rate_bp: int
    click_id: str
    rule: str
    reason: str


def attribute_order(
    *,
    buyer_id: int,
    carrier: str,
    lines: Sequence[AttributionLine],
    at: datetime,
    opened_at: datetime | None = None,
    click_ids: Sequence[str] = (),
    claims: Sequence[Claimed] = (),
    contact_email: str = "",
    contact_phone: str = "",
) -> list[Attributed]:
    """Decides for each line who earns, and stores the decision with all it read; in the order of the lines.

    click_ids are the signed clicks that the cart or checkout carried: one carrier more, without precedence.  A forged
    one is left out and flagged by sharing.  claims are what partner sites said at the checkout, already believed.
    opened_at is when the checkout was opened: who takes the order over afterwards waits for a person's look.  Call it in the transaction that places the order.
    Refuses nothing: the worst that can come out is an organic order.
    """
    found = _clicks(buyer_id, carrier, {line.shop_id for line in lines}, at, click_ids)
    found |= {claim.click.click_id: (claim.click, "claim") for claim in claims}
    flags = {claim.click.click_id: claim.flag for claim in claims}
    candidates = _candidates(found, flags, buyer_id, contact_email, contact_phone)
    offers = _offers(lines, candidates, at)
    plain = [Line(line.line_id, line.shop_id, line.product_id) for line in lines]
    decisions = rules.attribute(plain, candidates, offers, at, opened_at)
    stored = [
        _row(line, each, decision, candidates, offers, at, opened_at, _origin_tag(found, line.shop_id))
        for line, each, decision in zip(lines, plain, decisions, strict=True)
    ]
    rows.add(*stored)
    return [
        Attributed(
            row.order_line_id, row.pk, row.creator_id, row.plan_version_id, row.rate_bp, row.click_id, row.rule,
            row.reason,
        )
        for row in stored
    ]  # fmt: skip


def _clicks(
    buyer_id: int, carrier: str, shop_ids: Collection[int], at: datetime, click_ids: Sequence[str]
) -> dict[str, tuple[sharing.CandidateClick, str]]:
    """Every click that reached this order, once, with how it reached it."""
    carried = (
        sharing_verbs.accept_clicks(click_ids=click_ids, shop_ids=shop_ids, carrier=carrier, person_id=buyer_id)
        if click_ids
        else []
    )
    known = sharing.candidate_clicks(
        person_id=buyer_id, carriers=[carrier] if carrier else [], shop_ids=shop_ids, since=at - rules.WINDOW
    )
    found = {click.click_id: (click, "cart") for click in carried}
    for click in known[: rules.LIMITS["candidate_clicks"]]:
        found[click.click_id] = (click, "carrier" if carrier and click.carrier == carrier else "person")
    return found


def _candidates(
    found: Mapping[str, tuple[sharing.CandidateClick, str]],
    flags: Mapping[str, str],
    buyer_id: int,
    contact_email: str,
    contact_phone: str,
) -> list[Candidate]:
    """The clicks with the facts about their creators as of now, the creation of the order."""
    if not found:
        return []
    active = accounts.active_creators({click.creator_id for click, _ in found.values()})
    owners = accounts.identity_keys_of({buyer_id, *active.values()})
    buyer = owners[buyer_id]
    if contact_email or contact_phone:
        # A guest has verified nothing yet; where the parcel's mail goes to says as much.
        buyer = accounts.identity_keys(buyer_id, contact_email=contact_email, contact_phone=contact_phone)
    return [
        Candidate(
            click_id=click.click_id,
            creator_id=click.creator_id,
            shop_id=click.shop_id,
            product_id=click.product_id,
            clicked_at=click.at,
            surface=click.surface,
            carried_by=carried_by,
            is_token_valid=True,  # a token that was dead when it was clicked made no click
            is_creator_active=click.creator_id in active,
            is_buyer=not buyer.isdisjoint(owners.get(active.get(click.creator_id, 0), ())),
            flag=flags.get(click.click_id, ""),
        )
        for click, carried_by in found.values()
    ]


def _offers(lines: Sequence[AttributionLine], candidates: Sequence[Candidate], at: datetime) -> list[Offer]:
    if not candidates:
        return []
    in_force = plans.plans_for_shops(
        shop_ids={candidate.shop_id for candidate in candidates},
        product_ids={line.product_id for line in lines},
        creator_ids={candidate.creator_id for candidate in candidates},
        at=at,
    )
    return [Offer(o.plan_id, o.version_id, o.kind, o.rate_bp, o.shop_id, o.product_id, o.creator_ids) for o in in_force]


def _row(
    line: AttributionLine,
    plain: Line,
    decision: Decision,
    candidates: Sequence[Candidate],
    offers: Sequence[Offer],
    at: datetime,
    opened_at: datetime | None,
    origin_tag: int | None,
) -> Attribution:
    return Attribution(
        order_line_id=line.line_id, order_id=line.order_id, shop_id=line.shop_id, creator_id=decision.creator_id,
        click_id=decision.click_id or "", plan_version_id=decision.plan_version_id,
        plan_kind=decision.plan_kind or "", rate_bp=decision.rate_bp, goods_minor=line.goods_minor,
        currency=line.currency, rule=decision.rule, reason=decision.reason, rules_version=rules.RULES_VERSION,
        log=rules.log_of(plain, candidates, offers, at, opened_at), decided_at=at, review=decision.review,
        candidate_ids=sorted({c.creator_id for c in candidates if c.shop_id == line.shop_id}), origin_tag=origin_tag,
    )  # fmt: skip


def _origin_tag(found: dict[str, tuple[sharing.CandidateClick, str]], shop_id: int) -> int | None:
    """By which way the buyer came to a shop last: the tag of an outlet, 0, -1 for our own surfaces, None for no click."""
    clicks = [click for click, _ in found.values() if click.shop_id == shop_id]
    if not clicks:
        return None
    newest = max(clicks, key=lambda click: (click.at, click.click_id))
    return newest.tag if newest.token_id is not None else -1


# The commission's life.  Each verb may be repeated: it acts on the states it leads from and on no other.


def open_commissions(*, order_ids: Collection[int]) -> int:
    """The orders are paid: each line with a creator gets its first estimate.  Returns how many."""
    now = clock.now()
    attributions = rows.find(Attribution, order_id=order_ids)
    fresh = [_opened(attribution, now) for attribution in attributions if attribution.creator_id is not None]
    rows.add(*fresh, or_nothing=True)
    return len(fresh)


def _opened(of: Attribution, now: datetime) -> CommissionLine:
    assert of.creator_id is not None  # the query asks for decisions that name somebody
    parts = split(of.goods_minor, of.rate_bp)
    return CommissionLine(
        attribution=of, creator_id=of.creator_id, order_line_id=of.order_line_id, order_id=of.order_id,
        currency=of.currency, goods_minor=of.goods_minor, rate_bp=of.rate_bp, creator_minor=parts.creator,
        service_minor=parts.service, at_payment_minor=parts.creator, paid_at=now,
        state="void" if parts.void else rules.COMMISSION.start, void_reason=parts.void or "",
        voided_at=now if parts.void else None,
    )  # fmt: skip


def confirm_commissions(*, order_ids: Collection[int]) -> int:
    """The goods arrived: the second estimate is what is left after refunds so far."""
    return _advance(order_ids, "receive", "at_receipt_minor", "received_at")


def finish_commissions(*, order_ids: Collection[int]) -> int:
    """The money was released: what is left is final."""
    return _advance(order_ids, "settle", "final_minor", "settled_at")


def _advance(order_ids: Collection[int], event: str, amount_field: str, time_field: str) -> int:
    from_states, now = rules.COMMISSION.sources(event), clock.now()
    with atomic():
        lines = rows.find(CommissionLine, order_id=order_ids, state=from_states, locked=True)
        for line in lines:
            line.state = rules.COMMISSION.next(line.state, event)
            setattr(line, amount_field, line.creator_minor)
            setattr(line, time_field, now)
        rows.change_each(lines, "state", amount_field, time_field)
    return len(lines)


def reduce_commissions(*, refunded: Mapping[int, int]) -> int:
    """So much of each order line is refunded by now (line to minor): its commission follows, and a line that is
    refunded whole earns nothing.  Returns how many commissions changed."""
    with atomic():
        lines = rows.find(CommissionLine, order_line_id=sorted(refunded), locked=True)
        changed = [line for line in lines if _reduce(line, refunded[line.order_line_id])]
        rows.change_each(
            changed,
            "refunded_minor",
            "creator_minor",
            "service_minor",
            "final_minor",
            "state",
            "void_reason",
            "voided_at",
        )
    return len(changed)


def _reduce(line: CommissionLine, refunded_minor: int) -> bool:
    """Whether anything changes on a line of which so much is refunded."""
    if refunded_minor <= line.refunded_minor:
        return False
    if line.state == "void":
        if line.void_reason not in rules.ABUSE:
            return False
        line.refunded_minor = refunded_minor  # it may come back one day, to what is left by then
        return True
    parts = split(line.goods_minor, line.rate_bp)
    left = parts - reversal(parts, refunded_minor)
    line.refunded_minor, line.creator_minor, line.service_minor = refunded_minor, left.creator, left.service
    if line.state == "final":
        line.final_minor = left.creator
    if refunded_minor == line.goods_minor:
        _void(line, _REFUND_REASONS[line.state])
    return True


_REFUND_REASONS = {
    "estimated_at_payment": "refund_before_receipt",
    "estimated_at_receipt": "refund_before_release",
    "final": "refund_after_release",
}


def void_commissions(*, order_ids: Collection[int], reason: str) -> int:
    """The orders came to nothing before release: nobody earns on them.  Commissions that are final stay."""
    with atomic():
        estimated = ("estimated_at_payment", "estimated_at_receipt")
        lines = rows.find(CommissionLine, order_id=order_ids, state=estimated, locked=True)
        for line in lines:
            _void(line, reason)
        rows.change_each(lines, "state", "void_reason", "voided_at", "creator_minor", "service_minor")
    return len(lines)


def _void(line: CommissionLine, reason: str) -> None:
    line.state = rules.COMMISSION.next(line.state, "void")
    line.void_reason, line.voided_at = reason, clock.now()
    line.creator_minor = line.service_minor = 0
