"""Which commission plans there are, which pays whom for what, and what a rate would cost."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import Q

from meadow.catalog import queries as catalog
from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.ledger.queries import Split, split
from meadow.payments import queries as payments
from meadow.plans import rules
from meadow.plans.models import Plan, PlanMember, PlanProduct, PlanVersion
from meadow.plans.rules import NOTICE, Offer, PlanChoice, rate_from, rate_text

__all__ = [
    "NOTICE",
    "Offer",
    "Plan",
    "PlanChoice",
    "PlanSummary",
    "PlanVersion",
    "cannot_carry",
    "general_plan_for",
    "has_commission",
    "highest_rates",
    "open_exclusive_plans",
    "open_plans_on",
    "pairs_with_commission",
    "plan",
    "plan_for",
    "plans_for_shops",
    "plans_of_shop",
    "preview",
    "products_of_plans",
    "rate_from",
    "rate_text",
    "share_of",
    "summary",
    "terms_of_goods",
]

WHOLE_MINOR = 1_000_000  # large enough that rounding hides nothing
NOBODY = 0  # stands for a creator whom nobody invited

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """A plan as its merchant and its creators see it.  next_* tell of a cut or an end that was announced."""

    plan_id: int
    public_id: str
    kind: str
    name: str
    state: str  # scheduled, active or ended
    rate_bp: int
    version: int
    starts_at: datetime | None
    ends_at: datetime | None
    next_rate_bp: int | None
    next_from: datetime | None
    product_ids: tuple[int, ...]
    creator_ids: tuple[int, ...]


_IN_FORCE = (
    "SELECT p.id AS plan_id, v.id AS version_id, p.kind, v.rate_bp, p.shop_id, i.product_id, "
    "CASE WHEN p.kind IN ('exclusive', 'directed') THEN (SELECT coalesce(array_agg(m.creator_id), '{}') "
    "FROM plans_planmember m WHERE m.plan_id = p.id AND m.creator_id = ANY(%(creators)s) AND m.joined_at <= %(at)s "
    "AND (m.leaves_at IS NULL OR %(at)s < m.leaves_at)) END AS creator_ids "
    "FROM plans_plan p CROSS JOIN LATERAL (SELECT * FROM plans_planversion v WHERE v.plan_id = p.id "
    "AND v.effective_from <= %(at)s AND NOT v.is_withdrawn ORDER BY v.version DESC LIMIT 1) v "
    "LEFT JOIN plans_planproduct i ON i.plan_id = p.id AND i.product_id = ANY(%(products)s) "
    "WHERE p.shop_id = ANY(%(shops)s) AND (p.kind = 'general' OR i.product_id IS NOT NULL) "
    "AND (v.starts_at IS NULL OR v.starts_at <= %(at)s) AND (v.ends_at IS NULL OR %(at)s < v.ends_at) "
    "ORDER BY p.id, i.product_id"
)


def plans_for_shops(
    *, shop_ids: Collection[int], product_ids: Collection[int], creator_ids: Collection[int], at: datetime
) -> list[Offer]:
    """All plans in force at a moment that touch these products, one Offer per plan and product.  One statement.

    Members are told among the creators asked about only.
    """
    rows = db.rows(
        _IN_FORCE,
        {"shops": list(shop_ids), "products": list(product_ids), "creators": list(creator_ids), "at": at},
    )
    return [
        Offer(
            row["plan_id"], row["version_id"], row["kind"], row["rate_bp"], row["shop_id"],
            None if row["kind"] == "general" else row["product_id"],
            None if row["creator_ids"] is None else frozenset(row["creator_ids"]),
        )
        for row in rows
    ]  # fmt: skip


# The same with every member: what a read table keeps.
_TERMS = _IN_FORCE.replace("AND m.creator_id = ANY(%(creators)s) ", "")
_CHANGES = (
    "SELECT c.product_id, min(c.at) AS at FROM (SELECT w.product AS product_id, t.at FROM "
    "unnest(%(products)s::bigint[], %(product_shops)s::bigint[]) AS w(product, shop) JOIN plans_plan p "
    "ON p.shop_id = w.shop AND (p.kind = 'general' OR EXISTS (SELECT 1 FROM plans_planproduct i "
    "WHERE i.plan_id = p.id AND i.product_id = w.product)) CROSS JOIN LATERAL ("
    "SELECT unnest(ARRAY[v.effective_from, v.starts_at, v.ends_at]) AS at FROM plans_planversion v "
    "WHERE v.plan_id = p.id AND NOT v.is_withdrawn UNION ALL SELECT m.leaves_at FROM plans_planmember m "
    "WHERE m.plan_id = p.id AND m.leaves_at IS NOT NULL) t WHERE t.at > %(at)s) c GROUP BY c.product_id"
)


def terms_of_goods(
    shop_of: Mapping[int, int], at: datetime
) -> tuple[dict[int, PlanChoice | None], dict[int, dict[int, PlanChoice]], dict[int, datetime]]:
    """What products (id to shop) pay at a moment, two statements for any number of them.

    By product: what every creator earns (one choice or None), what each invited creator earns instead, and when
    the next plan begins, changes, ends or loses a member.
    """
    shops = sorted(set(shop_of.values()))
    rows = db.rows(_TERMS, {"shops": shops, "products": list(shop_of), "at": at})
    named: dict[int, list[Offer]] = {}
    shop_wide: dict[int, list[Offer]] = {}
    for row in rows:
        is_general = row["kind"] == "general"
        offer = Offer(
            row["plan_id"], row["version_id"], row["kind"], row["rate_bp"], row["shop_id"],
            None if is_general else row["product_id"],
            None if row["creator_ids"] is None else frozenset(row["creator_ids"]),
        )  # fmt: skip
        if is_general:
            shop_wide.setdefault(row["shop_id"], []).append(offer)
        else:
            named.setdefault(row["product_id"], []).append(offer)
    everybody: dict[int, PlanChoice | None] = {}
    invited: dict[int, dict[int, PlanChoice]] = {}
    for product_id, shop_id in shop_of.items():
        here = [*named.get(product_id, ()), *shop_wide.get(shop_id, ())]
        everybody[product_id] = rules.choose(here, shop_id=shop_id, product_id=product_id, creator_id=NOBODY)
        for creator_id in sorted({each for offer in here for each in offer.creator_ids or ()}):
            choice = rules.choose(here, shop_id=shop_id, product_id=product_id, creator_id=creator_id)
            if choice is not None and choice != everybody[product_id]:
                invited.setdefault(product_id, {})[creator_id] = choice
    changes = db.rows(_CHANGES, {"products": list(shop_of), "product_shops": list(shop_of.values()), "at": at})
    return everybody, invited, {row["product_id"]: row["at"] for row in changes}


def products_of_plans(plan_ids: Collection[int]) -> tuple[set[int], set[int]]:
    """The products that these plans name, and the shops that they cover whole."""
    named = PlanProduct.objects.filter(plan_id__in=list(plan_ids)).values_list("product_id", flat=True)
    whole = Plan.objects.filter(pk__in=list(plan_ids), kind="general").values_list("shop_id", flat=True)
    return set(named), set(whole)


def plan_for(
    *, product_id: int, creator_id: int, at: datetime | None = None, is_clicked: bool = True
) -> PlanChoice | None:
    """The plan that pays a creator for a product at a moment, or None.  Refuses: not_found."""
    shop_id = _shop_of(product_id)
    offers = plans_for_shops(
        shop_ids=[shop_id], product_ids=[product_id], creator_ids=[creator_id], at=at or clock.now()
    )
    return rules.choose(offers, shop_id=shop_id, product_id=product_id, creator_id=creator_id, is_clicked=is_clicked)


def highest_rates(products: Iterable[tuple[int, int]], at: datetime) -> dict[int, int]:
    """The most that any plan in force pays anybody for each (product, shop), in basis points; one statement."""
    pairs = dict(products)
    found = plans_for_shops(shop_ids=set(pairs.values()), product_ids=list(pairs), creator_ids=[], at=at)
    return {
        product: max((o.rate_bp for o in found if o.shop_id == shop and o.product_id in (None, product)), default=0)
        for product, shop in pairs.items()
    }


def general_plan_for(shop_id: int, at: datetime | None = None) -> PlanChoice | None:
    """The shop's general plan in force at a moment, or None."""
    offers = plans_for_shops(shop_ids=[shop_id], product_ids=[], creator_ids=[], at=at or clock.now())
    return next((PlanChoice(o.plan_id, o.version_id, o.kind, o.rate_bp) for o in offers if o.kind == "general"), None)


def has_commission(product_ids: Collection[int], at: datetime | None = None) -> set[int]:
    """The products among these that somebody earns commission on."""
    shops = {product_id: card.shop_id for product_id, card in catalog.cards(list(product_ids)).items()}
    paid = pairs_with_commission([(product_id, shop_id, None) for product_id, shop_id in shops.items()], at)
    return {product_id for product_id, _, _ in paid}


def pairs_with_commission(
    pairs: Sequence[tuple[int, int, int | None]], at: datetime | None = None
) -> set[tuple[int, int, int | None]]:
    """The triples (product, shop, creator) among these that a plan pays; creator None asks for anybody.

    One statement: the same SQL function that `content` calls for its lists.
    """
    if not pairs:
        return set()
    columns = zip(*pairs, strict=True)
    rows = db.rows(
        "SELECT n FROM plans_paying(%s::bigint[], %s::bigint[], %s::bigint[], %s) AS n",
        [*(list(column) for column in columns), at or clock.now()],
    )
    return {pairs[row["n"] - 1] for row in rows}


def preview(*, goods_minor: int, rate_bp: int) -> Split:
    """Who would get how much of a sale at a rate, by the rules that settle it.  Refuses: rate_out_of_range."""
    rules.check_rate(rate_bp)
    return split(goods_minor, rate_bp)


def share_of(rate_bp: int) -> int:
    """How much of a sale goes to others than the merchant at a rate, in basis points, rounded up."""
    parts = preview(goods_minor=WHOLE_MINOR, rate_bp=rate_bp)
    return -(-(WHOLE_MINOR - parts.merchant) * 10_000 // WHOLE_MINOR)


def cannot_carry(rate_bp: int) -> list[tuple[str, int]]:
    """The payment providers that could not pass on what a rate gives away, with the most that each can (basis points).

    A buyer is not offered these for such a product: a merchant is told so when they save the plan.
    """
    named = payments.cannot_carry(share_of(rate_bp))
    return [(name, payments.limits_of(name).max_split_ratio_bp or 0) for name in named]


def plan(plan_id: int | str) -> Plan:
    """A plan by id or public id.  Refuses: not_found."""
    found = Plan.objects.filter(**{"public_id" if isinstance(plan_id, str) else "pk": plan_id}).first()
    if found is None:
        raise Refusal("not_found")
    return found


def summary(plan_id: int | str) -> PlanSummary:
    """A plan with what it pays now and what was announced.  Refuses: not_found."""
    return _summaries([plan(plan_id)])[0]


def plans_of_shop(shop_id: int, limit: int = 100) -> list[PlanSummary]:
    """A shop's plans, the general one first, then the newest."""
    found = Plan.objects.filter(shop_id=shop_id).order_by("-id")[:limit]
    return _summaries(sorted(found, key=lambda each: each.kind != "general"))


def open_plans_on(shop_id: int, product_ids: Collection[int]) -> list[PlanSummary]:
    """Plans of a shop that cover any of these products and have not ended; the general one covers all."""
    covering = PlanProduct.objects.filter(product_id__in=list(product_ids)).values("plan_id")
    found = Plan.objects.filter(Q(kind="general") | Q(pk__in=covering), shop_id=shop_id).order_by("pk")
    return [each for each in _summaries(found) if each.state != "ended"]


def open_exclusive_plans(shop_id: int) -> list[PlanSummary]:
    """A shop's exclusive plans that have not ended, whatever they cover."""
    found = Plan.objects.filter(kind="exclusive", shop_id=shop_id).order_by("pk")
    return [each for each in _summaries(found) if each.state != "ended"]


def _summaries(plans: Iterable[Plan]) -> list[PlanSummary]:
    plans, now = list(plans), clock.now()
    ids = [each.pk for each in plans]
    versions = _grouped(
        (row.plan_id, row) for row in PlanVersion.objects.filter(plan__in=ids, is_withdrawn=False).order_by("version")
    )
    products = _grouped(PlanProduct.objects.filter(plan__in=ids).order_by("pk").values_list("plan_id", "product_id"))
    members = _grouped(
        (row.plan_id, row.creator_id)
        for row in PlanMember.objects.filter(plan__in=ids).order_by("pk")
        if row.leaves_at is None or now < row.leaves_at
    )
    return [
        _summary(each, versions[each.pk], tuple(products.get(each.pk, ())), tuple(members.get(each.pk, ())), now)
        for each in plans
    ]


def _summary(
    of: Plan, versions: list[PlanVersion], products: tuple[int, ...], members: tuple[int, ...], now: datetime
) -> PlanSummary:
    current = [version for version in versions if version.effective_from <= now][-1]
    coming = next((version for version in versions if version.effective_from > now), None)
    if current.ends_at is not None and current.ends_at <= now:
        state = "ended"
    else:
        state = "scheduled" if current.starts_at is not None and current.starts_at > now else "active"
    return PlanSummary(
        plan_id=of.pk, public_id=of.public_id, kind=of.kind, name=of.name, state=state, rate_bp=current.rate_bp,
        version=current.version, starts_at=current.starts_at, ends_at=current.ends_at,
        next_rate_bp=coming.rate_bp if coming else None, next_from=coming.effective_from if coming else None,
        product_ids=products, creator_ids=members,
    )  # fmt: skip


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _shop_of(product_id: int) -> int:
    card = catalog.cards([product_id]).get(product_id)
    if card is None:
        raise Refusal("not_found")
    return int(card.shop_id)
