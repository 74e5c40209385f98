"""Operations of creators' reports: clicks, orders and why each line counted or did not; and of the single-level report."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import AwareDatetime, Field

from meadow.accounts import queries as accounts
from meadow.affiliate import queries as affiliate
from meadow.affiliate import services as affiliate_services
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.language import language_of
from meadow.api.lists import page
from meadow.api.operations import Group
from meadow.kernel import clock, cursors
from meadow.kernel.errors import Refusal
from meadow.trade import queries

group = Group("earnings")

Since = Annotated[AwareDatetime | None, Query(description="Thirty days ago unless said.")]
Until = Annotated[AwareDatetime | None, Query(description="Now unless said.")]
LONGEST = timedelta(days=400)
MONTH = timedelta(days=30)


class StepOut(t.Out):
    """A candidate click; whose it was is told only of one's own."""

    mine: bool
    clicked_at: t.Moment
    surface: str = Field(examples=["landing"])
    verdict: str = Field(examples=["won"])
    says: str = Field(examples=["This click wins: it is the newest valid one."])


class StoryOut(t.Out):
    """An order line that a click of the creator led to, and why it counted or did not.  Nothing says who bought."""

    line: t.LineId
    placed_at: t.Moment
    title: str = Field(examples=["Linen shirt"])
    shop: str = Field(examples=["Linen & Co"])
    goods_minor: int = Field(examples=[10000])
    currency: str = Field(examples=["CNY"])
    counted: bool
    reason: str = Field(examples=["newest_valid_click"])
    says: str = Field(examples=["The newest valid click within 15 days in this shop earns the commission."])
    rule: str = Field(examples=["clicked_product"])
    rules_version: str = Field(examples=["attribution.2"])
    plan: str = Field(examples=["general"])
    rate_bp: int = Field(examples=[2000])
    state: str = Field(examples=["final"])
    void_reason: str = Field(examples=[""])
    review: str = Field(examples=[""], description="Why it waits for a person's look, and how that stands.")
    review_state: str = Field(examples=[""])
    creator_minor: int = Field(examples=[1800])
    steps: list[StepOut]


class StoryPage(t.Out):
    items: list[StoryOut]
    next_cursor: str | None


class Amount(t.Out):
    state: str = Field(examples=["estimated_at_payment"])
    currency: str = Field(examples=["CNY"])
    minor: int = Field(examples=[1800])


class SumsOut(t.Out):
    since: t.Moment
    until: t.Moment
    clicks: int = Field(examples=[120])
    orders: int = Field(examples=[7])
    lines_counted: int = Field(examples=[8])
    lines_not_counted: dict[str, int] = Field(examples=[{"older": 2}])
    amounts: list[Amount]


class EarnerOut(t.Out):
    creator: t.CreatorId
    name: str = Field(examples=["Mei"])
    currency: str = Field(examples=["CNY"])
    earned_minor: int = Field(examples=[1800])
    own_bp: int = Field(description="Of ten thousand, how much came from orders they led to themselves.")
    orders: int


class CompensationOut(t.Out):
    """max_depth is 1 where every payment went to the creator of the attributed click."""

    since: t.Moment
    until: t.Moment
    payments: int
    max_depth: int = Field(examples=[1])
    earners: list[EarnerOut]
    strangers: list[dict[str, Any]] = Field(description="Payments for what somebody else sold: none.", examples=[[]])


class ReplayOut(t.Out):
    decisions: int
    different: int = Field(examples=[0])
    by_reason: dict[str, int] = Field(examples=[{"newest_valid_click": 12}])
    digest: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])


class SiteIn(t.In):
    host: Annotated[str, Field(min_length=1, max_length=253, examples=["blog.example.com"])]


class AttributionClaimIn(t.In):
    token: t.TokenId
    site: Annotated[str, Field(min_length=1, max_length=253, examples=["blog.example.com"])]


class EarningsClaimOut(t.Out):
    """What a partner site's server puts into affiliate_attribution; the token is good for one checkout."""

    provider: str = Field(examples=["meadow.example.com"])
    token: str = Field(examples=["eyJqIjoi…"])
    publisher_id: t.CreatorId
    campaign_id: t.TokenId
    issued_at: t.Moment
    expires_at: t.Moment


@group.get("/attribution/sites", gives=list[str], scope="share", refuses=["creator_required"])
def list_sites(request: HttpRequest) -> Any:
    """The sites on which the calling creator promotes."""
    return affiliate.sites_of(_creator(request))


@group.post(
    "/attribution/sites", gives=list[str], status=201, scope="share", refuses=["creator_required", "too_many_sites"]
)
def register_site(request: HttpRequest, body: SiteIn) -> Any:
    """Registers a site; a claim that comes from anywhere else earns nothing."""
    creator_id = _creator(request)
    affiliate_services.register_site(creator_id=creator_id, host=body.host)
    return affiliate.sites_of(creator_id)


@group.post("/attribution/sites/remove", gives=list[str], scope="share", refuses=["creator_required", "not_found"])
def remove_site(request: HttpRequest, body: SiteIn) -> Any:
    """Takes a site off the list; claims that it was given stay good."""
    creator_id = _creator(request)
    affiliate_services.remove_site(creator_id=creator_id, host=body.host.strip().lower())
    return affiliate.sites_of(creator_id)


@group.post(
    "/attribution/claims", gives=EarningsClaimOut, status=201, scope="share",
    refuses=["creator_required", "not_found", "site_unregistered", "token_gone"],
)  # fmt: skip
def issue_claim(request: HttpRequest, body: AttributionClaimIn) -> Any:
    """A signed claim that a partner site's server sends along at the checkout: one buyer, one checkout, seven days."""
    return affiliate_services.issue_claim(creator_id=_creator(request), token_id=body.token, site=body.site)


@group.get("/earnings", gives=SumsOut, scope="money", refuses=["creator_required"])
def get_earnings(request: HttpRequest, since: Since = None, until: Until = None) -> Any:
    """The calling creator's clicks, orders and money of a period."""
    start, end = _period(since, until)
    sums = queries.creator_sums(_creator(request), since=start, until=end)
    return {
        "since": start, "until": end, "clicks": sums.clicks, "orders": sums.orders,
        "lines_counted": sums.lines_counted, "lines_not_counted": dict(sums.lines_not_counted),
        "amounts": [
            {"state": state, "currency": currency, "minor": minor}
            for (state, currency), minor in sums.by_state.items()
        ],
    }  # fmt: skip


@group.get("/earnings/lines", gives=StoryPage, scope="money", refuses=["creator_required"])
def list_earning_lines(
    request: HttpRequest, since: Since = None, until: Until = None, cursor: t.Cursor = "", limit: t.PageSize = t.PAGE
) -> HttpResponse:
    """Every order line that a click of the calling creator led to, the newest first: why me, or why not me."""
    creator_id, (start, end) = _creator(request), _period(since, until)
    name = f"earnings:{creator_id}"
    before = cursors.unseal(cursor, name)[0] if cursor else None
    found = queries.creator_lines(creator_id, since=start, until=end, before_id=before, limit=limit + 1)
    zh = language_of(request) == "zh"
    items = [StoryOut.model_validate(_story(one, zh)) for _, one in found[:limit]]
    return page(request, items, cursors.seal([found[limit - 1][0]], name) if len(found) > limit else None)


@group.get("/reports/compensation", gives=CompensationOut, scope="operate", refuses=["forbidden"])
def get_compensation(request: HttpRequest, since: Since = None, until: Until = None) -> Any:
    """How deep compensation went in a period, and how much top earners had from their own sales: read from the ledger."""
    caller_of(request).operator()
    start, end = _period(since, until)
    made = queries.compensation(since=start, until=end)
    return {
        "since": start, "until": end, "payments": made.payments, "max_depth": made.max_depth, "earners": made.earners,
        "strangers": [
            {"creator": who, "cause_kind": kind, "cause_id": cause, "minor": minor}
            for who, kind, cause, minor in made.strangers
        ],
    }  # fmt: skip


@group.get("/reports/attribution-replay", gives=ReplayOut, scope="operate", refuses=["forbidden"])
def replay_attribution(request: HttpRequest, since: Since = None, until: Until = None) -> Any:
    """Judges every attribution of a period again from its log, by the rules of its time; at most a month at once."""
    caller_of(request).operator()
    start, end = _period(since, until, longest=timedelta(days=31))
    made = affiliate.replay_period(since=start, until=end)
    return {
        "decisions": made.decisions, "different": len(made.different), "by_reason": made.by_reason,
        "digest": made.digest,
    }  # fmt: skip


def _creator(request: HttpRequest) -> int:
    """Refuses: creator_required."""
    found = accounts.creator_of(caller_of(request).person)
    if found is None:
        raise Refusal("creator_required")
    return found.pk


def _period(since: datetime | None, until: datetime | None, longest: timedelta = LONGEST) -> tuple[datetime, datetime]:
    """Refuses: malformed."""
    end = until or clock.now()
    start = since or end - MONTH
    if not timedelta(0) < end - start <= longest:
        raise Refusal("malformed", field="since", why=f"before until, and at most {longest.days} days earlier")
    return start, end


def _story(one: queries.LineStory, zh: bool) -> dict[str, Any]:
    trail = one.trail
    return {
        "line": one.line, "placed_at": one.placed_at, "title": one.title, "shop": one.shop,
        "goods_minor": one.goods_minor, "currency": one.currency, "counted": one.counted, "reason": trail.reason,
        "says": trail.zh if zh else trail.en, "rule": trail.rule, "rules_version": trail.rules_version,
        "plan": trail.plan_kind, "rate_bp": trail.rate_bp, "state": one.state, "void_reason": trail.void_reason,
        "review": trail.review, "review_state": trail.review_state, "creator_minor": one.creator_minor,
        "steps": [
            {
                "mine": step.is_mine, "clicked_at": step.clicked_at, "surface": step.surface,
                "verdict": step.verdict, "says": step.zh if zh else step.en,
            }
            for step in trail.steps
        ],
    }  # fmt: skip
