"""Operations of the public rulebook: every version for machines, drafts that everybody can comment, who accepts them."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import AwareDatetime, Field

from meadow.accounts import queries as accounts
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group
from meadow.governance import queries, services

group = Group("rulebook")

RuleId = Annotated[str, Field(max_length=60, examples=["conduct.fraud"])]
Version = Annotated[int, Field(ge=1, le=10**6, examples=[1])]
DraftId = Annotated[str, Field(pattern=r"^drf_[0-9a-hjkmnp-tv-z]{20}$", examples=["drf_01jd2m4q8r6t0v3x5z7y"])]
Title = Annotated[str, Field(min_length=1, max_length=200, examples=["No deception"])]
TitleZh = Annotated[str, Field(min_length=1, max_length=200, examples=["禁止欺诈"])]
RuleWords = Annotated[str, Field(min_length=1, max_length=20_000, examples=["Nobody deceives buyers or merchants."])]
RuleWordsZh = Annotated[str, Field(min_length=1, max_length=20_000, examples=["不得欺骗买家或商家。"])]
Why = Annotated[str, Field(min_length=1, max_length=2000, examples=["Invented reviews were not named so far."])]
At = Annotated[AwareDatetime | None, Query(description="The rules as they held at this moment; now, if left out.")]


class BothTitles(t.Out):
    en: Title
    zh: TitleZh


class BothTexts(t.Out):
    en: RuleWords
    zh: RuleWordsZh


class RuleVersion(t.Out):
    """One version of one rule, in both languages."""

    id: RuleId
    version: Version
    jurisdiction: str = Field(examples=["global"])
    in_force: bool
    published_at: t.Moment
    effective_from: t.Moment
    repeals: bool = Field(description="This version ends the rule.")
    title: BothTitles
    text: BothTexts


class Rulebook(t.Out):
    """The whole rulebook: all versions, and the table of points and steps."""

    format: str = Field(examples=["meadow.rulebook/1"])
    at: str = Field(examples=["2026-11-22T08:00:00+00:00"])
    rules: list[RuleVersion]
    penalties: dict[str, Any] = Field(examples=[{"schedule": 1, "steps": [{"grade": 1, "from_points": 3}]}])


class DraftIn(t.In):
    rule: RuleId
    jurisdiction: Literal["global", "cn"] = "global"
    title_en: Title
    title_zh: TitleZh
    text_en: RuleWords
    text_zh: RuleWordsZh
    why: Why
    repeals: bool = False


class DraftChange(t.In):
    title_en: Title | None = None
    title_zh: TitleZh | None = None
    text_en: RuleWords | None = None
    text_zh: RuleWordsZh | None = None


class CommentIn(t.In):
    text: Annotated[str, Field(min_length=1, max_length=4000, examples=["What about samples sent to creators?"])]


class CommentOut(t.Out):
    text: str = Field(examples=["What about samples sent to creators?"])
    at: t.Moment


class DraftOut(t.Out):
    id: DraftId
    rule: RuleId
    jurisdiction: str = Field(examples=["global"])
    state: str = Field(examples=["consultation"])
    title: BothTitles
    text: BothTexts
    why: Why
    repeals: bool
    written_at: t.Moment
    consulted_at: t.Moment | None
    comments: list[CommentOut]


class PublishIn(t.In):
    effective_from: Annotated[AwareDatetime, Field(examples=["2026-12-01T00:00:00Z"])]


class Blocked(t.Out):
    host: str = Field(examples=["elsewhere.example"])
    rule: RuleId
    version: Version
    code: str = Field(examples=["not_partner"])
    why_en: str = Field(examples=["elsewhere.example belongs to no partner."])
    why_zh: str = Field(examples=["elsewhere.example 不属于合作方。"])
    times: int
    last: t.Moment


class LeaveIn(t.In):
    rule: RuleId


class Acceptance(t.Out):
    """Which rules a merchant has not answered yet, and whether it leaves under the old ones."""

    unanswered: list[RuleVersion]
    state: str = Field(examples=["staying"], description="staying, leaving or left")
    rules_as_of: t.Moment | None


@group.get("/rulebook", gives=Rulebook, guests=True)
def get_rulebook(request: HttpRequest, at: At = None) -> Any:
    """The whole rulebook for machines, in both languages, as it holds now or held at any moment."""
    return queries.rulebook_export(at)


@group.get("/rules/coming", gives=list[RuleVersion], guests=True)
def list_coming_rules(request: HttpRequest) -> Any:
    """What was published and does not hold yet, the next first."""
    return [_version(rule, False) for rule in queries.coming_rules()]


@group.get("/rules/{rule}", gives=list[RuleVersion], guests=True)
def list_rule_versions(request: HttpRequest, rule: RuleId) -> Any:
    """Every version of one rule, the newest first."""
    held = queries.rule_in_force(rule)
    found = [one for one in queries.rulebook() if one.rule_id == rule]
    if not found:
        queries.rule_version(rule, 0)
    return [_version(one, held is not None and held.pk == one.pk) for one in found]


@group.get("/rules/{rule}/{version}", gives=RuleVersion, guests=True)
def get_rule_version(request: HttpRequest, rule: RuleId, version: Version) -> Any:
    """One version of one rule, also an old one, which never changes."""
    held = queries.rule_in_force(rule)
    found = queries.rule_version(rule, version)
    return _version(found, held is not None and held.pk == found.pk)


@group.get("/rule-drafts", gives=list[DraftOut], guests=True)
def list_drafts(request: HttpRequest) -> Any:
    """Rules in consultation; an operator also sees those not opened yet."""
    return [_draft(one) for one in queries.drafts(for_operator=caller_of(request).is_operator)]


@group.get("/rule-drafts/{draft}", gives=DraftOut, guests=True)
def get_draft(request: HttpRequest, draft: DraftId) -> Any:
    """One draft with what people said to it."""
    return _draft(queries.draft(draft, for_operator=caller_of(request).is_operator))


@group.post(
    "/rule-drafts", gives=DraftOut, status=201, scope="operate",
    refuses=["forbidden", "rule_draft_open", "rule_unknown"],
)  # fmt: skip
def draft_rule(request: HttpRequest, body: DraftIn) -> Any:
    """Begins a new rule or a change of one."""
    by = caller_of(request).operator()
    made = services.draft_rule(
        rule_id=body.rule, jurisdiction=body.jurisdiction, title_en=body.title_en, title_zh=body.title_zh,
        text_en=body.text_en, text_zh=body.text_zh, why=body.why, repeals=body.repeals, by=by,
    )  # fmt: skip
    return _draft(made)


@group.patch("/rule-drafts/{draft}", gives=DraftOut, scope="operate", refuses=["forbidden", "stale_state"])
def change_draft(request: HttpRequest, draft: DraftId, body: DraftChange) -> Any:
    """Rewrites what is given of a draft, also after comments."""
    by = caller_of(request).operator()
    found = queries.draft(draft, for_operator=True)
    return _draft(services.change_draft(draft_id=found.pk, by=by, **body.model_dump(exclude_none=True)))


@group.post("/rule-drafts/{draft}/consult", gives=DraftOut, scope="operate", refuses=["forbidden", "stale_state"])
def open_consultation(request: HttpRequest, draft: DraftId) -> Any:
    """Shows a draft to everybody and takes comments."""
    by = caller_of(request).operator()
    return _draft(services.open_consultation(draft_id=queries.draft(draft, for_operator=True).pk, by=by))


@group.post("/rule-drafts/{draft}/comments", gives=DraftOut, status=201, refuses=["stale_state", "link_blocked"])
def comment_on_draft(request: HttpRequest, draft: DraftId, body: CommentIn) -> Any:
    """Says what should be different about a rule in consultation."""
    found = queries.draft(draft)
    services.comment_on_draft(draft_id=found.pk, person_id=caller_of(request).person, text=body.text)
    return _draft(found)


@group.post(
    "/rule-drafts/{draft}/publish", gives=RuleVersion, status=201, scope="operate",
    refuses=["forbidden", "stale_state", "notice_too_short"],
)  # fmt: skip
def publish_draft(request: HttpRequest, draft: DraftId, body: PublishIn) -> Any:
    """Announces a rule that was consulted on; it holds from a date at least seven days ahead."""
    by = caller_of(request).operator()
    found = queries.draft(draft, for_operator=True)
    made = services.publish_draft(draft_id=found.pk, effective_from=body.effective_from, by=by)
    return _version(made, False)


@group.post("/rule-drafts/{draft}/withdraw", gives=DraftOut, scope="operate", refuses=["forbidden", "stale_state"])
def withdraw_draft(request: HttpRequest, draft: DraftId) -> Any:
    """Gives a draft up; it stays readable if it was public."""
    by = caller_of(request).operator()
    return _draft(services.withdraw_draft(draft_id=queries.draft(draft, for_operator=True).pk, by=by))


@group.get("/merchants/{merchant}/rules", gives=Acceptance, scope="catalog")
def get_acceptance(request: HttpRequest, merchant: t.MerchantId) -> Any:
    """Which rules the merchant has not answered yet, and whether it leaves."""
    found = accounts.merchant(merchant)
    caller_of(request).staff_of(found.pk)
    return _acceptance(found.pk)


@group.post("/merchants/{merchant}/rules/accept", gives=Acceptance, scope="catalog")
def accept_rules(request: HttpRequest, merchant: t.MerchantId) -> Any:
    """Accepts every rule in its newest version; a merchant that was leaving stays.  The owner's to do."""
    found = accounts.merchant(merchant)
    services.accept_rules(merchant_id=found.pk, by=caller_of(request).staff_of(found.pk))
    return _acceptance(found.pk)


@group.post(
    "/merchants/{merchant}/rules/leave", gives=Acceptance, scope="catalog",
    refuses=["nothing_to_refuse", "already_leaving"],
)  # fmt: skip
def leave_under_old_rules(request: HttpRequest, merchant: t.MerchantId, body: LeaveIn) -> Any:
    """Says no to a changed rule: nothing new is sold, orders on their way are finished by the old rules."""
    found = accounts.merchant(merchant)
    services.leave_under_old_rules(merchant_id=found.pk, rule_id=body.rule, by=caller_of(request).staff_of(found.pk))
    return _acceptance(found.pk)


@group.get("/blocked-hosts", gives=list[Blocked], scope="operate", refuses=["forbidden"])
def list_blocked_hosts(request: HttpRequest) -> Any:
    """Which hosts were blocked, by which rule and why, how often, and when last."""
    caller_of(request).operator()
    return queries.blocked_report()


@group.get("/blocked-hosts.csv", scope="operate", refuses=["forbidden"], media_type="text/csv")
def export_blocked_hosts(request: HttpRequest) -> HttpResponse:
    """The same as a file for a spreadsheet."""
    caller_of(request).operator()
    return HttpResponse(queries.blocked_csv(), content_type="text/csv; charset=utf-8")


def _version(rule: queries.Rule, in_force: bool) -> dict[str, Any]:
    return {
        "id": rule.rule_id, "version": rule.version, "jurisdiction": rule.jurisdiction, "in_force": in_force,
        "published_at": rule.published_at, "effective_from": rule.effective_from, "repeals": rule.repeals,
        "title": {"en": rule.title_en, "zh": rule.title_zh}, "text": {"en": rule.text_en, "zh": rule.text_zh},
    }  # fmt: skip


def _draft(one: queries.RuleDraft) -> dict[str, Any]:
    return {
        "id": one.public_id, "rule": one.rule_id, "jurisdiction": one.jurisdiction, "state": one.state,
        "title": {"en": one.title_en, "zh": one.title_zh}, "text": {"en": one.text_en, "zh": one.text_zh},
        "why": one.why, "repeals": one.repeals, "written_at": one.written_at, "consulted_at": one.consulted_at,
        "comments": queries.comments_on(one.pk),
    }  # fmt: skip


def _acceptance(merchant_id: int) -> dict[str, Any]:
    leaving = queries.farewell(merchant_id)
    return {
        "unanswered": [_version(rule, False) for rule in queries.unanswered_rules(merchant_id)],
        "state": leaving.state if leaving else "staying",
        "rules_as_of": leaving.rules_as_of if leaving else None,
    }
