"""The verbs of commission plans: set, make, change, end, invite.  Every change is a version; none rewrites the past."""

from collections.abc import Sequence
from datetime import datetime

from meadow.accounts import queries as accounts
from meadow.catalog import queries as catalog
from meadow.kernel import audit, clock
from meadow.kernel.audit import Actor
from meadow.kernel.compensation import prohibited_in, prohibited_terms
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import PlanChanged
from meadow.kernel.outbox import emit
from meadow.ledger.queries import split
from meadow.plans import queries, rules
from meadow.plans.models import Plan, PlanMember, PlanProduct, PlanVersion

__all__ = [
    "add_members",
    "change_rate",
    "create_directed_plan",
    "create_exclusive_plan",
    "create_marketing_plan",
    "end_plan",
    "remove_member",
    "require_single_level",
    "set_general_plan",
]

# Large enough that rounding cannot hide that fees come to more than the goods.
_WHOLE_MINOR = 1_000_000


def require_single_level(terms: object) -> None:
    """What somebody wants to configure names no upline, level, recruit, joining fee or second creator.

    Refuses: prohibited_compensation.
    """
    found = prohibited_terms(terms)
    if found:
        place, kind = found[0]
        raise Refusal("prohibited_compensation", field=place.strip("/").replace("/", "."), what=place[1:], kind=kind)


def set_general_plan(*, shop_id: int, rate_bp: int, by: Actor) -> Plan:
    """The shop's one general plan pays this rate: a raise at once, a cut after 24 hours.

    Refuses: not_found, forbidden, rate_out_of_range, fees_exceed_goods, plan_conflict.
    """
    _check_rate(rate_bp)
    with atomic():
        _lock_shop(shop_id, by)
        plan = Plan.objects.filter(shop_id=shop_id, kind="general").first()
        if plan is None:
            _check_general(shop_id, None)
            return _create(shop_id, "general", rate_bp, [], [], None, None, "", by)
        _add_version(plan, rate_bp, by)
    return plan


def create_directed_plan(
    *,
    shop_id: int,
    product_ids: Sequence[int],
    rate_bp: int,
    creator_ids: Sequence[int],
    by: Actor,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    name: str = "",
) -> Plan:
    """Named creators earn a rate on named products.

    Refuses: not_found, forbidden, rate_out_of_range, fees_exceed_goods, malformed, plan_conflict.
    """
    return _make(shop_id, "directed", rate_bp, product_ids, creator_ids, starts_at, ends_at, name, by)


def create_marketing_plan(
    *,
    shop_id: int,
    product_ids: Sequence[int],
    rate_bp: int,
    by: Actor,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    name: str = "",
) -> Plan:
    """Every creator earns a rate on named products, usually between two dates.  Refuses: as a directed plan."""
    return _make(shop_id, "marketing", rate_bp, product_ids, [], starts_at, ends_at, name, by)


def create_exclusive_plan(
    *,
    shop_id: int,
    product_ids: Sequence[int],
    rate_bp: int,
    creator_ids: Sequence[int],
    by: Actor,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    name: str = "",
) -> Plan:
    """Only named creators earn on named products, which no other plan may cover.  Refuses: as a directed plan."""
    return _make(shop_id, "exclusive", rate_bp, product_ids, creator_ids, starts_at, ends_at, name, by)


def change_rate(*, plan_id: int, rate_bp: int, by: Actor) -> Plan:
    """A raise counts at once, a cut after 24 hours; whatever was announced before and is not yet in effect falls away.

    Refuses: not_found, rate_out_of_range, fees_exceed_goods, plan_ended, plan_conflict.
    """
    _check_rate(rate_bp)
    with atomic():
        plan = _locked_plan(plan_id, by)
        _add_version(plan, rate_bp, by)
    return plan


def end_plan(*, plan_id: int, by: Actor) -> Plan:
    """The plan ends after the same 24 hours of notice as a cut.  Refuses: not_found, plan_ended."""
    with atomic():
        plan = _locked_plan(plan_id, by)
        now = clock.now()
        current = _current(plan, now)
        if current.ends_at is not None and current.ends_at <= now:
            raise Refusal("plan_ended")
        ends_at = max(now + rules.NOTICE, current.starts_at or now)
        if current.ends_at is None or ends_at < current.ends_at:
            _write_version(plan, current.rate_bp, now, now, (current.starts_at, ends_at), by)
    return plan


def add_members(*, plan_id: int, creator_ids: Sequence[int], by: Actor) -> None:
    """Invites creators into a directed or exclusive plan, at once.  Refuses: not_found, plan_is_open, malformed."""
    with atomic():
        plan = _locked_plan(plan_id, by)
        _invite(plan, creator_ids)
        _changed(plan, by, "add_members", {"creator_ids": list(creator_ids)})


def remove_member(*, plan_id: int, creator_id: int, by: Actor) -> None:
    """A creator leaves a plan after 24 hours of notice.  Refuses: not_found."""
    with atomic():
        plan = _locked_plan(plan_id, by)
        member = PlanMember.objects.filter(plan=plan, creator_id=creator_id, leaves_at__isnull=True)
        if not member.update(leaves_at=clock.now() + rules.NOTICE):
            raise Refusal("not_found")
        _changed(plan, by, "remove_member", {"creator_id": creator_id})


def _make(
    shop_id: int,
    kind: str,
    rate_bp: int,
    product_ids: Sequence[int],
    creator_ids: Sequence[int],
    starts_at: datetime | None,
    ends_at: datetime | None,
    name: str,
    by: Actor,
) -> Plan:
    """A plan for named products, checked and stored."""
    _check_rate(rate_bp)
    rules.check_dates(starts_at, ends_at, clock.now())
    products = list(dict.fromkeys(product_ids))
    if not 0 < len(products) <= rules.LIMITS["products_per_plan"]:
        raise Refusal("malformed", field="product_ids", why=f"1 to {rules.LIMITS['products_per_plan']} products")
    if len(name) > rules.LIMITS["name_characters"]:
        raise Refusal("malformed", field="name", why=f"at most {rules.LIMITS['name_characters']} characters")
    if found := prohibited_in(name):
        raise Refusal("prohibited_compensation", field="name", what=name, kind=found)
    with atomic():
        _lock_shop(shop_id, by)
        cards = catalog.cards(products)
        if any(product not in cards or cards[product].shop_id != shop_id for product in products):
            raise Refusal("not_found")
        _check_exclusive(shop_id, kind, products, starts_at, ends_at)
        return _create(shop_id, kind, rate_bp, products, creator_ids, starts_at, ends_at, name, by)


def _create(
    shop_id: int,
    kind: str,
    rate_bp: int,
    product_ids: Sequence[int],
    creator_ids: Sequence[int],
    starts_at: datetime | None,
    ends_at: datetime | None,
    name: str,
    by: Actor,
) -> Plan:
    now = clock.now()
    plan = Plan.objects.create(shop_id=shop_id, kind=kind, name=name, created_at=now)
    PlanProduct.objects.bulk_create(PlanProduct(plan=plan, product_id=product) for product in product_ids)
    if kind in rules.BY_INVITATION:
        _invite(plan, creator_ids)
    _write_version(plan, rate_bp, now, now, (starts_at, ends_at), by)
    return plan


def _add_version(plan: Plan, rate_bp: int, by: Actor) -> None:
    """A new rate for a plan that runs.  A general plan that has ended or is about to lives on with it."""
    now = clock.now()
    current = _current(plan, now)
    ends_at, promised_bp = current.ends_at, current.rate_bp
    if plan.kind == "general" and ends_at is not None:
        _check_general(plan.shop_id, ends_at)
        if ends_at > now:
            _write_version(plan, promised_bp, now, now, (None, None), by)
        else:
            promised_bp = 0
        ends_at = None
    elif ends_at is not None and ends_at <= now:
        raise Refusal("plan_ended")
    pending = PlanVersion.objects.filter(plan=plan, is_withdrawn=False, effective_from__gt=now)
    if rate_bp == current.rate_bp and ends_at == current.ends_at and not pending.exists():
        return
    counts_from = rules.effective_from(rate_bp, promised_bp, now)
    _write_version(plan, rate_bp, now, counts_from, (current.starts_at, ends_at), by)


def _write_version(
    plan: Plan,
    rate_bp: int,
    now: datetime,
    counts_from: datetime,
    dates: tuple[datetime | None, datetime | None],
    by: Actor,
) -> None:
    """Announces a version; what was announced before and is not yet in effect is withdrawn."""
    PlanVersion.objects.filter(plan=plan, is_withdrawn=False, effective_from__gt=now).update(is_withdrawn=True)
    last = PlanVersion.objects.filter(plan=plan).order_by("-version").values_list("version", flat=True).first() or 0
    PlanVersion.objects.create(
        plan=plan, version=last + 1, rate_bp=rate_bp, announced_at=now, effective_from=counts_from,
        starts_at=dates[0], ends_at=dates[1],
    )  # fmt: skip
    _changed(plan, by, "set_plan", {"version": last + 1, "rate_bp": rate_bp, "from": counts_from.isoformat()})


def _invite(plan: Plan, creator_ids: Sequence[int]) -> None:
    creators = list(dict.fromkeys(creator_ids))
    if plan.kind not in rules.BY_INVITATION:
        raise Refusal("plan_is_open", kind=plan.kind)
    if not 0 < len(creators) <= rules.LIMITS["members_per_call"]:
        raise Refusal("malformed", field="creator_ids", why=f"1 to {rules.LIMITS['members_per_call']} creators at once")
    if set(creators) - accounts.active_creators(creators).keys():
        raise Refusal("not_found")
    if PlanMember.objects.filter(plan=plan).count() + len(creators) > rules.LIMITS["members_per_plan"]:
        raise Refusal(
            "malformed", field="creator_ids", why=f"a plan has {rules.LIMITS['members_per_plan']} members at most"
        )
    now = clock.now()
    PlanMember.objects.bulk_create(
        [PlanMember(plan=plan, creator_id=creator, joined_at=now) for creator in creators],
        update_conflicts=True, unique_fields=["plan", "creator"], update_fields=["leaves_at"],
    )  # fmt: skip


def _check_exclusive(
    shop_id: int, kind: str, product_ids: list[int], starts_at: datetime | None, ends_at: datetime | None
) -> None:
    """An exclusive plan and another one never cover the same product at a time.  Called with the shop locked."""
    for other in queries.open_plans_on(shop_id, product_ids):
        apart = rules.are_apart((starts_at, ends_at), (other.starts_at, other.ends_at))
        if "exclusive" in (kind, other.kind) and not apart:
            raise Refusal("plan_conflict", kind=other.kind)


def _check_general(shop_id: int, since: datetime | None) -> None:
    """A general plan covers every product, so it neither begins nor lives on where an exclusive one runs or will."""
    for other in queries.open_exclusive_plans(shop_id):
        if not rules.are_apart((since, None), (other.starts_at, other.ends_at)):
            raise Refusal("plan_conflict", kind=other.kind)


def _check_rate(rate_bp: int) -> None:
    rules.check_rate(rate_bp)
    split(_WHOLE_MINOR, rate_bp)  # refuses a rate that leaves the merchant less than nothing


def _locked_plan(plan_id: int, by: Actor) -> Plan:
    """A plan of a shop that the actor keeps; another merchant's plans are not there for them."""
    plan = queries.plan(plan_id)
    try:
        _lock_shop(plan.shop_id, by)
    except Refusal:
        raise Refusal("not_found") from None
    return plan


def _lock_shop(shop_id: int, by: Actor) -> None:
    """One change of a shop's plans at a time, by somebody who keeps it."""
    catalog.kept_shop(shop_id, by, lock=True)


def _current(plan: Plan, now: datetime) -> PlanVersion:
    """The version in effect, within its dates or not; a plan's first one is in effect from its birth on."""
    found = PlanVersion.objects.filter(plan=plan, is_withdrawn=False, effective_from__lte=now)
    return found.order_by("-version")[0]


def _changed(plan: Plan, by: Actor, verb: str, after: dict[str, object]) -> None:
    audit.record(by, f"plans.{verb}", ("plans.plan", plan.pk), after=after)
    emit(PlanChanged(plan.pk, plan.shop_id))
