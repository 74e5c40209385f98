"""Why somebody earns, or nobody, on an order line; what a creator earns; whether the stored decisions still hold."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from meadow.accounts import queries as accounts
from meadow.affiliate import rules
from meadow.affiliate.models import Attribution, CommissionLine, CreatorSite, Review, WriteOff
from meadow.affiliate.rules import REVIEW_TIME, SAYS, WINDOW
from meadow.kernel import db
from meadow.kernel.errors import Refusal

__all__ = [
    "INVARIANTS",
    "SAYS",
    "WINDOW",
    "REVIEW_TIME",
    "VOIDED_FOR",
    "CommissionLine",
    "CreatorStep",
    "CreatorTrail",
    "Replayed",
    "Review",
    "Trail",
    "TrailStep",
    "WriteOff",
    "click_owners",
    "commission_of_line",
    "commissions_of_creator",
    "commissions_of_order",
    "creator_of_review",
    "creator_sums",
    "creator_trails",
    "creators_under_review",
    "replay_period",
    "replays_alike",
    "review_of_line",
    "sites_of",
    "trail",
    "trails",
    "write_off",
    "write_offs",
    "voided_lines",
]


# By which codes a person may void a commission, in the networks' words.
VOIDED_FOR = {code: SAYS[code] for code in rules.ABUSE}


@dataclass(frozen=True, slots=True)
class TrailStep:
    """One candidate click and what became of it, in both languages."""

    click_id: str
    creator_id: int
    creator_name: str
    clicked_at: datetime
    surface: str
    carried_by: str
    product_id: int | None
    verdict: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Trail:
    """The whole decision about one order line, newest click first."""

    order_line_id: int
    order_id: int
    creator_id: int | None
    creator_name: str
    click_id: str
    rule: str
    reason: str
    rules_version: str
    plan_kind: str
    plan_version_id: int | None
    rate_bp: int
    decided_at: datetime
    steps: tuple[TrailStep, ...]
    en: str
    zh: str


def trail(order_line_id: int) -> Trail:
    """How it was decided who earns on an order line.  Refuses: not_found."""
    found = trails([order_line_id])
    if not found:
        raise Refusal("not_found")
    return found[0]


def trails(order_line_ids: Collection[int]) -> list[Trail]:
    """The same for several lines, in the order of their ids; lines without a decision are left out."""
    decisions = list(Attribution.objects.filter(order_line_id__in=list(order_line_ids)).order_by("order_line_id"))
    names = _creator_names(decisions)
    return [_trail(decision, names) for decision in decisions]


def _trail(of: Attribution, names: dict[int, str]) -> Trail:
    verdicts = {verdict.click_id: verdict.verdict for verdict in rules.replay(of.log).verdicts}
    steps = tuple(
        TrailStep(
            click_id=click["click_id"],
            creator_id=click["creator_id"],
            creator_name=names.get(click["creator_id"], ""),
            clicked_at=datetime.fromisoformat(click["clicked_at"]),
            surface=click["surface"],
            carried_by=click["carried_by"],
            product_id=click["product_id"],
            verdict=verdicts[click["click_id"]],
            en=SAYS[verdicts[click["click_id"]]][0],
            zh=SAYS[verdicts[click["click_id"]]][1],
        )
        for click in of.log["clicks"]
    )
    spoken = [of.reason] if of.creator_id is None else [of.reason, of.rule]
    return Trail(
        order_line_id=of.order_line_id, order_id=of.order_id, creator_id=of.creator_id,
        creator_name=names.get(of.creator_id or 0, ""), click_id=of.click_id, rule=of.rule, reason=of.reason,
        rules_version=of.rules_version, plan_kind=of.plan_kind, plan_version_id=of.plan_version_id,
        rate_bp=of.rate_bp, decided_at=of.decided_at, steps=steps,
        en=" ".join(SAYS[code][0] for code in spoken), zh="".join(SAYS[code][1] for code in spoken),
    )  # fmt: skip


def _creator_names(decisions: list[Attribution]) -> dict[int, str]:
    wanted = {click["creator_id"] for decision in decisions for click in decision.log["clicks"]}
    return dict(accounts.Creator.objects.filter(pk__in=wanted).values_list("pk", "name"))


def replays_alike(attribution_id: int) -> bool:
    """Whether a decision comes out the same from its log by the rules of its version.  Refuses: not_found."""
    found = Attribution.objects.filter(pk=attribution_id).first()
    if found is None:
        raise Refusal("not_found")
    return _is_same(found)


def _is_same(of: Attribution) -> bool:
    again = rules.replay(of.log)
    stored = (
        of.order_line_id, of.creator_id, of.click_id, of.plan_version_id, of.rate_bp, of.rule, of.reason, of.review
    )  # fmt: skip
    return stored == (
        again.line_id, again.creator_id, again.click_id or "", again.plan_version_id, again.rate_bp, again.rule,
        again.reason, again.review,
    )  # fmt: skip


def creator_of_review(review_id: int) -> tuple[str, int] | None:
    """Whose commission is held."""
    found = Review.objects.filter(pk=review_id).values_list("creator_id", flat=True).first()
    return None if found is None else ("accounts.creator", found)


def creators_under_review(order_id: int) -> set[int]:
    """Creators of whom something in an order waits for a look, or was voided and may come back."""
    found = db.rows(
        "SELECT r.creator_id FROM affiliate_review r JOIN affiliate_attribution a ON a.id = r.attribution_id"
        " WHERE a.order_id = %s AND r.state <> 'released'",
        [order_id],
    )
    return {row["creator_id"] for row in found}


def voided_lines(order_line_ids: Collection[int]) -> set[int]:
    """Which of these lines a person voided after a look."""
    found = Review.objects.filter(attribution__order_line_id__in=list(order_line_ids), state="voided")
    return set(found.values_list("attribution__order_line_id", flat=True))


def sites_of(creator_id: int) -> list[str]:
    """The sites that a creator has registered."""
    found = CreatorSite.objects.filter(creator_id=creator_id, removed_at__isnull=True)
    return list(found.order_by("host").values_list("host", flat=True))


def review_of_line(order_line_id: int) -> Review | None:
    return Review.objects.filter(attribution__order_line_id=order_line_id).first()


@dataclass(frozen=True, slots=True)
class CreatorStep:
    """A candidate click as one creator may see it: whose it is only if it is their own."""

    is_mine: bool
    clicked_at: datetime
    surface: str
    verdict: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class CreatorTrail:
    """A decision about a line that a click of the creator led to, without a word about the buyer."""

    attribution_id: int
    order_line_id: int
    counted: bool
    reason: str
    rule: str
    rules_version: str
    plan_kind: str
    rate_bp: int
    review: str
    review_state: str
    state: str
    void_reason: str
    creator_minor: int
    at_payment_minor: int | None
    at_receipt_minor: int | None
    final_minor: int | None
    en: str
    zh: str
    steps: tuple[CreatorStep, ...]


def creator_trails(
    creator_id: int, *, since: datetime, until: datetime, before_id: int | None = None, limit: int = 50
) -> list[CreatorTrail]:
    """Decisions that a creator's clicks were candidates of, the newest first."""
    found = Attribution.objects.filter(
        candidate_ids__contains=[creator_id], decided_at__gte=since, decided_at__lt=until
    )
    if before_id is not None:
        found = found.filter(pk__lt=before_id)
    rows = list(found.order_by("-pk")[: max(1, min(limit, 101))])
    earned = {c.attribution_id: c for c in CommissionLine.objects.filter(attribution__in=rows)}
    reviews = {r.attribution_id: r for r in Review.objects.filter(attribution__in=rows)}
    return [_creator_trail(row, creator_id, earned.get(row.pk), reviews.get(row.pk)) for row in rows]


def _creator_trail(
    of: Attribution, creator_id: int, earned: CommissionLine | None, review: Review | None
) -> CreatorTrail:
    again = rules.replay(of.log)
    verdicts = {verdict.click_id: verdict.verdict for verdict in again.verdicts}
    counted = of.creator_id == creator_id
    earned = earned if counted else None
    steps = tuple(
        CreatorStep(
            click["creator_id"] == creator_id, datetime.fromisoformat(click["clicked_at"]), click["surface"],
            verdicts[click["click_id"]], *SAYS[verdicts[click["click_id"]]],
        )
        for click in of.log["clicks"]
    )  # fmt: skip
    # Why not me: what became of the newest click of one's own; why me: the decision's own reason.
    mine = next((step for step in steps if step.is_mine), None)
    spoken = [of.reason, of.rule] if counted else [mine.verdict if mine else of.reason]
    if counted and review is not None and review.state == "pending":
        spoken.append(review.code)
    return CreatorTrail(
        of.pk, of.order_line_id, counted, spoken[0], of.rule, of.rules_version, of.plan_kind if counted else "",
        of.rate_bp if counted else 0, of.review if counted else "", review.state if review and counted else "",
        earned.state if earned else "", earned.void_reason if earned else "", earned.creator_minor if earned else 0,
        earned.at_payment_minor if earned else None, earned.at_receipt_minor if earned else None,
        earned.final_minor if earned else None,
        " ".join(SAYS[code][0] for code in spoken), "".join(SAYS[code][1] for code in spoken), steps,
    )  # fmt: skip


def creator_sums(
    creator_id: int, *, since: datetime, until: datetime
) -> tuple[int, dict[str, int], dict[tuple[str, str], int], int]:
    """(lines counted, lines not counted by reason, money by state and currency, orders) of a period."""
    counted, reasons = 0, Counter[str]()
    orders: set[int] = set()
    found = Attribution.objects.filter(
        candidate_ids__contains=[creator_id], decided_at__gte=since, decided_at__lt=until
    )
    for of in found.iterator(1000):
        trail_ = _creator_trail(of, creator_id, None, None)
        if trail_.counted:
            counted += 1
            orders.add(of.order_id)
        else:
            reasons[trail_.reason] += 1
    sums = (
        CommissionLine.objects.filter(
            creator_id=creator_id, attribution__decided_at__gte=since, attribution__decided_at__lt=until
        )
        .values("state", "currency")
        .annotate(minor=Sum("creator_minor"))
        .order_by("state", "currency")
    )
    return counted, dict(reasons), {(row["state"], row["currency"]): row["minor"] for row in sums}, len(orders)


def click_owners(order_ids: Collection[int]) -> dict[int, set[int]]:
    """For each order the creators who own the click that decided about one of its lines, read from the stored logs."""
    owners: dict[int, set[int]] = {}
    found = Attribution.objects.filter(order_id__in=list(order_ids), creator__isnull=False)
    for order_id, click_id, log in found.values_list("order_id", "click_id", "log").iterator(1000):
        owners.setdefault(order_id, set()).update(
            click["creator_id"] for click in log["clicks"] if click["click_id"] == click_id
        )
    return owners


@dataclass(frozen=True, slots=True)
class Replayed:
    """What judging a period again found: ids of decisions that come out different, and a digest of all answers."""

    decisions: int
    different: tuple[int, ...]
    by_reason: dict[str, int]
    digest: str


def replay_period(*, since: datetime, until: datetime) -> Replayed:
    """Judges every decision of a period again, from its log alone, by the rules of its version."""
    different: list[int] = []
    reasons: Counter[str] = Counter()
    digest, count = hashlib.sha256(), 0
    found = Attribution.objects.filter(decided_at__gte=since, decided_at__lt=until).order_by("pk")
    for count, of in enumerate(found.iterator(2000), start=1):  # noqa: B007 - the last number is how many there were
        again = rules.replay(of.log)
        reasons[again.reason] += 1
        answer = [again.line_id, again.creator_id, again.click_id, again.rate_bp, again.reason, again.review]
        digest.update(json.dumps(answer).encode())
        if not _is_same(of):
            different.append(of.pk)
    return Replayed(count, tuple(different), dict(reasons), digest.hexdigest())


def commission_of_line(order_line_id: int) -> CommissionLine | None:
    """The commission of an order line, if anybody earns on it and it was paid."""
    return CommissionLine.objects.filter(order_line_id=order_line_id).first()


def commissions_of_order(order_id: int) -> list[CommissionLine]:
    """The commissions of an order's lines."""
    return list(CommissionLine.objects.filter(order_id=order_id).order_by("order_line_id"))


def commissions_of_creator(creator_id: int, *, before_id: int | None = None, limit: int = 50) -> list[CommissionLine]:
    """A creator's commissions, the newest first."""
    found = CommissionLine.objects.filter(creator_id=creator_id)
    if before_id is not None:
        found = found.filter(pk__lt=before_id)
    return list(found.order_by("-pk")[: max(1, min(limit, 100))])


def commission_pays_its_click() -> int:
    """A commission belongs to the creator of its decision, and that creator owns the click which decided."""
    return int(
        db.call(
            "SELECT count(*) FROM affiliate_commissionline c JOIN affiliate_attribution a ON a.id = c.attribution_id "
            "WHERE c.creator_id IS DISTINCT FROM a.creator_id OR c.order_line_id <> a.order_line_id"
        )
    ) + int(
        db.call(
            "SELECT count(*) FROM affiliate_attribution a WHERE a.creator_id IS NOT NULL AND NOT EXISTS ("
            " SELECT FROM jsonb_array_elements(a.log->'clicks') AS c WHERE c->>'click_id' = a.click_id"
            " AND (c->>'creator_id')::bigint = a.creator_id AND (c->>'shop_id')::bigint = a.shop_id)"
        )
    )


def newest_decisions_replay(newest: int = 500) -> int:
    """The newest decisions come out the same from their logs; all of them were checked when they were the newest."""
    return sum(not _is_same(decision) for decision in Attribution.objects.order_by("-pk")[:newest])


INVARIANTS: dict[str, Callable[[], int]] = {
    "affiliate_commission_pays_its_click": commission_pays_its_click,
    "affiliate_decisions_replay": newest_decisions_replay,
}


def write_off(public_id: str) -> WriteOff:
    """Refuses: not_found."""
    found = WriteOff.objects.filter(public_id=public_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def write_offs(limit: int = 100) -> list[WriteOff]:
    """The debts that were given up or are to be, the newest first."""
    return list(WriteOff.objects.select_related("proposed_by", "decided_by").order_by("-pk")[:limit])
