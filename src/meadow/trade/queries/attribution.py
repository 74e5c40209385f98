"""Why somebody earns on an order line, or nobody: all of it for operators, and to everybody else only what is theirs."""

from dataclasses import dataclass, replace
from datetime import datetime

from meadow.accounts import queries as accounts
from meadow.affiliate import queries as affiliate
from meadow.kernel.errors import Refusal
from meadow.trade.models import OrderLine
from meadow.trade.queries.orders import role_in


def line_trail(public_id: str, *, person_id: int) -> affiliate.Trail:
    """The decision about an order line: for who sees the order, and for creators whose click was looked at.

    Operators see whose every click was.  To buyer and merchant only who earns is named; to a creator nobody but
    themselves.  Who is not named has neither an id nor a name nor a click's id.  Refuses: not_found.
    """
    line = OrderLine.objects.filter(public_id=public_id, kind="goods").select_related("order").first()
    if line is None:
        raise Refusal("not_found")
    creator = accounts.creator_of(person_id)
    found = affiliate.trail(line.pk)
    me = creator.pk if creator is not None and creator.pk in {step.creator_id for step in found.steps} else None
    if accounts.is_operator(person_id):
        return found
    try:
        role_in(line.order, person_id)
        named = {me, found.creator_id}
    except Refusal:
        if me is None:
            raise
        named = {me}
    return _named_only(found, {each for each in named if each is not None})


def _named_only(of: affiliate.Trail, named: set[int]) -> affiliate.Trail:
    steps = tuple(
        step if step.creator_id in named else replace(step, creator_id=0, creator_name="", click_id="")
        for step in of.steps
    )
    if of.creator_id is None or of.creator_id in named:
        return replace(of, steps=steps)
    return replace(of, steps=steps, creator_id=0, creator_name="", click_id="", rate_bp=0, plan_kind="")


@dataclass(frozen=True, slots=True)
class LineCase:
    """All that is known of who earns on one line, for an operator."""

    line: str
    order: str
    title: str
    shop: str
    placed_at: datetime
    goods_minor: int
    currency: str
    trail: affiliate.Trail
    review: affiliate.Review | None
    commission: affiliate.CommissionLine | None
    is_same: bool  # judged again from its log alone, it comes out the same


def line_cases(ref: str) -> list[LineCase]:
    """The goods lines of an order, or one line, by public id.  For operators alone.  Refuses: not_found."""
    wanted = {"order__public_id": ref} if ref.startswith("ord_") else {"public_id": ref}
    lines = list(OrderLine.objects.filter(kind="goods", **wanted).select_related("order__shop").order_by("pk"))
    trails = {one.order_line_id: one for one in affiliate.trails([line.pk for line in lines])}
    if not trails:
        raise Refusal("not_found")
    return [
        LineCase(
            line.public_id, line.order.public_id, line.title, line.order.shop.name, line.order.placed_at,
            line.amount_minor, line.order.currency, trails[line.pk], affiliate.review_of_line(line.pk),
            affiliate.commission_of_line(line.pk),
            line.attribution_id is None or affiliate.replays_alike(line.attribution_id),
        )
        for line in lines
        if line.pk in trails
    ]  # fmt: skip
