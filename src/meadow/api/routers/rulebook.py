"""Operations of the rulebook: read the rules, judge a link, suspend and restore, keep partners."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from pydantic import AwareDatetime, Field

from meadow.accounts import queries as accounts
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.language import language_of
from meadow.api.operations import Group
from meadow.catalog import queries as catalog
from meadow.content import queries as content
from meadow.governance import queries, services
from meadow.kernel import clock
from meadow.kernel.errors import Refusal

group = Group("rulebook")

Kind = Literal["creator", "merchant", "shop", "product", "recommendation"]
KINDS: dict[str, str] = {
    "creator": "accounts.creator", "merchant": "accounts.merchant", "shop": "catalog.shop",
    "product": "catalog.product", "recommendation": "content.recommendation",
}  # fmt: skip
SubjectId = Annotated[str, Field(max_length=40, examples=["cre_01jd2m4q8r6t0v3x5z7y"])]
RuleId = Annotated[str, Field(max_length=60, examples=["conduct.fraud"])]
Reason = Annotated[str, Field(min_length=1, max_length=2000, examples=["Twelve invented orders in one night."])]
Host = Annotated[str, Field(max_length=253, examples=["item.example.com"])]
Pattern = Annotated[str, Field(max_length=300, examples=["https://item.example.com/item/{id}"])]


class RuleOut(t.Out):
    id: RuleId
    version: int
    title: str = Field(examples=["No deception"])
    text: str = Field(examples=["Nobody deceives buyers, merchants or the platform."])
    published_at: t.Moment


class DecisionIn(t.In):
    kind: Kind
    id: SubjectId
    action: Literal["suspend", "restore"]
    rule: RuleId
    reason: Reason
    scope: Literal["new", "existing", "all"] | None = Field(default=None, description="Needed to suspend.")
    ground: Literal["fraud", "security", "legal"] | None = Field(default=None, description="Needed to suspend.")
    until: Annotated[AwareDatetime, Field(examples=["2026-12-22T00:00:00Z"])] | None = Field(
        default=None, description="Needed to suspend: when it is looked at again, within thirty days."
    )


class ReverseIn(t.In):
    reason: Reason


class DecisionOut(t.Out):
    id: t.DecisionId
    subject_kind: str = Field(examples=["accounts.creator"])
    action: str = Field(examples=["suspend"])
    rule: str = Field(examples=["conduct.fraud"])
    rule_version: int
    reason: str = Field(examples=["Twelve invented orders in one night."])
    made_at: t.Moment
    until: t.Moment | None


class LinkIn(t.In):
    url: Annotated[str, Field(min_length=1, max_length=2000, examples=["https://item.example.com/item/7"])]
    surface: Annotated[str, Field(max_length=30, examples=["post"])] = "post"


class LinkOut(t.Out):
    verdict: str = Field(examples=["block"])
    url: str = Field(examples=["https://item.example.com/item/7"])
    rule: str = Field(examples=["link.partners v1"])
    code: str = Field(examples=["not_partner"])
    reason: str = Field(examples=["This site is not among our partners."])


class PartnerIn(t.In):
    name: t.Name
    hosts: Annotated[list[Host], Field(min_length=1, max_length=50)]
    product_patterns: Annotated[list[Pattern], Field(min_length=1, max_length=100)]
    contract: Annotated[str, Field(min_length=1, max_length=2000, examples=["2026-17, signed on 1 November"])]
    after_sale_contact: Annotated[str, Field(min_length=1, max_length=254, examples=["care@example.com"])]
    contract_until: t.Moment | None = Field(None, description="From then on it is as good as ended; null: open.")


class PartnerOut(t.Out):
    id: str = Field(examples=["prt_01jd2m4q8r6t0v3x5z7y"])
    name: t.Name
    hosts: list[Host]
    product_patterns: list[Pattern]
    active: bool
    since: t.Moment


@group.get("/rules", gives=list[RuleOut], guests=True)
def list_rules(request: HttpRequest) -> Any:
    """The published rulebook: every version of every rule, the newest first."""
    zh = language_of(request) == "zh"
    return [
        {
            "id": rule.rule_id, "version": rule.version, "published_at": rule.published_at,
            "title": rule.title_zh if zh else rule.title_en, "text": rule.text_zh if zh else rule.text_en,
        }
        for rule in queries.rulebook()
    ]  # fmt: skip


@group.post(
    "/decisions", gives=DecisionOut, status=201, scope="operate",
    refuses=["forbidden", "rule_unknown", "not_found", "suspended_already"],
)  # fmt: skip
def decide(request: HttpRequest, body: DecisionIn) -> Any:
    """Suspends at once for fraud, security or the law, or restores, a creator, merchant, shop, product or recommendation.

    A suspension made here is one like those of /suspensions, and needs what they need: scope, ground, and `until`, by
    which it is reviewed.  What policy alone asks for has seven days' notice: announce it at /suspensions.
    """
    by = caller_of(request).operator()
    subject = (KINDS[body.kind], _subject_id(body.kind, body.id))
    if body.action == "restore":
        return _decision(
            services.decide(
                subject=subject, action="restore", rule=body.rule, reason=body.reason, until=body.until, by=by
            )
        )
    if body.scope is None or body.ground is None or body.until is None:
        missing = next(name for name in ("scope", "ground", "until") if getattr(body, name) is None)
        raise Refusal("malformed", field=missing, why="a suspension says how far, on what ground and until when")
    made = services.announce_suspension(
        subject=subject, scope=body.scope, ground=body.ground, rule=body.rule, reason=body.reason,
        starts_at=clock.now(), review_by=body.until, at_review="lift", by=by,
    )  # fmt: skip
    assert made.decision is not None
    return {**_decision(made.decision), "until": made.review_by}


@group.get("/decisions/{kind}/{subject}", gives=list[DecisionOut], scope="operate", refuses=["forbidden"])
def list_decisions(request: HttpRequest, kind: Kind, subject: SubjectId) -> Any:
    """What was decided about a subject, the newest first."""
    caller_of(request).operator()
    return [_decision(made) for made in queries.decisions_about(KINDS[kind], _subject_id(kind, subject))]


@group.post(
    "/decisions/{decision}/reverse", gives=DecisionOut, status=201, scope="operate",
    refuses=["forbidden", "decision_reversed", "stale_state"],
)  # fmt: skip
def reverse_decision(request: HttpRequest, decision: t.DecisionId, body: ReverseIn) -> Any:
    """Takes a decision back; what was before it is restored."""
    by = caller_of(request).operator()
    first = queries.decision(decision)
    return _decision(services.reverse_decision(decision_id=first.pk, reason=body.reason, by=by))


@group.post("/links/check", gives=LinkOut, scope="content")
def check_link(request: HttpRequest, body: LinkIn) -> Any:
    """Whether an address may be posted, by which rule and why; nothing is fetched, nothing recorded."""
    if body.surface not in queries.SURFACES:
        raise Refusal("malformed", field="surface", why=f"one of {', '.join(queries.SURFACES)}")
    made = queries.judge_link(body.url, body.surface)
    reason = made.reason_in(language_of(request))
    return {"verdict": made.verdict, "url": made.url, "rule": made.rule, "code": made.code, "reason": reason}


@group.get("/partners", gives=list[PartnerOut], guests=True)
def list_partners(request: HttpRequest) -> Any:
    """The platforms whose product pages may be linked."""
    return [partner_out(partner) for partner in queries.partners(active_only=True)]


@group.post(
    "/partners",
    gives=PartnerOut,
    status=201,
    scope="operate",
    refuses=["forbidden", "pattern_invalid", "partner_exists"],
)
def add_partner(request: HttpRequest, body: PartnerIn) -> Any:
    """Adds a platform whose product pages may be linked from now on."""
    made = services.add_partner(
        name=body.name, hosts=body.hosts, product_patterns=body.product_patterns, contract=body.contract,
        after_sale_contact=body.after_sale_contact, contract_until=body.contract_until,
        by=caller_of(request).operator(),
    )  # fmt: skip
    return partner_out(made)


def _subject_id(kind: str, public_id: str) -> int:
    """Refuses: not_found."""
    if kind == "creator":
        return accounts.creator(public_id).pk
    if kind == "merchant":
        return accounts.merchant(public_id).pk
    if kind == "shop":
        return catalog.shop(public_id).shop_id
    if kind == "product":
        return catalog.product_page(public_id, keeper=True).card.product_id
    return content.recommendation(public_id, for_operator=True).recommendation_id


def _decision(made: queries.Decision) -> dict[str, Any]:
    return {
        "id": made.public_id, "subject_kind": made.subject_kind, "action": made.action, "rule": made.rule_id,
        "rule_version": made.rule_version, "reason": made.reason, "made_at": made.made_at, "until": made.until,
    }  # fmt: skip


def partner_out(partner: queries.Partner) -> dict[str, Any]:
    return {
        "id": partner.public_id, "name": partner.name, "hosts": partner.hosts,
        "product_patterns": partner.product_patterns, "active": partner.runs_at(clock.now()), "since": partner.since,
    }  # fmt: skip
