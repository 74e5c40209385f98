"""Operations of the operators' queue: next, approve, reject, escalate, undo; views, quality; reports and what they open."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query
from pydantic import Field

from meadow.api import types as t
from meadow.api.callers import Caller, caller_of
from meadow.api.language import language_of
from meadow.api.operations import Group
from meadow.api.routers.suspensions import Target
from meadow.content import queries as content
from meadow.governance import queries, services
from meadow.governance.services import Against
from meadow.kernel.errors import Refusal
from meadow.messaging import queries as messages
from meadow.messaging import services as messaging

group = Group("cases")

ReportKind = Literal[
    "recommendation", "comment", "picture", "product", "shop", "creator", "merchant", "person", "message"
]

CaseId = Annotated[str, Field(pattern=r"^cas_[0-9a-hjkmnp-tv-z]{20}$", examples=["cas_01jd2m4q8r6t0v3x5z7y"])]
ReportId = Annotated[str, Field(pattern=r"^rpt_[0-9a-hjkmnp-tv-z]{20}$", examples=["rpt_01jd2m4q8r6t0v3x5z7y"])]
RuleId = Annotated[str, Field(max_length=60, examples=["conduct.fraud"])]
Note = Annotated[str, Field(max_length=2000, examples=["A bread knife."])]
Reason = Annotated[str, Field(min_length=1, max_length=2000, examples=["It sells what it must not."])]
ViewName = Annotated[str, Field(min_length=1, max_length=60, examples=["appeals first"])]
View = Annotated[str, Query(max_length=60, description="A saved view's name; without one, everything.")]


class FilterDoc(t.In):
    kinds: Annotated[list[str], Field(max_length=10, examples=[["appeal", "review"]])] = []
    rule: Annotated[str, Field(max_length=60, examples=["conduct.fraud"])] = ""
    subject_kind: Annotated[str, Field(max_length=40, examples=["content.recommendation"])] = ""
    escalated: bool = False
    least_weight: Annotated[int, Field(ge=0, le=1_000_000, examples=[0])] = 0


class SavedOut(t.Out):
    name: ViewName
    query: dict[str, Any] = Field(examples=[{"kinds": ["appeal"]}])


class CaseShort(t.Out):
    id: CaseId
    kind: str = Field(examples=["review"])
    state: str = Field(examples=["open"])
    rule: RuleId
    weight: int
    target: Target
    opened_at: t.Moment
    held_by: str | None = Field(examples=[None])


class CaseEvent(t.Out):
    event_type: str = Field(examples=["text"])
    at: t.Moment
    outcome: str = Field(examples=["review"])
    text: str = Field(examples=["A very sharp one."], description="Empty where it was said in private.")
    is_private: bool
    features: dict[str, Any] = Field(examples=[{"weak_terms": 1}])


class ReportShort(t.Out):
    id: ReportId
    rule: RuleId
    text: str = Field(examples=["They pay for this."])
    at: t.Moment
    evidence: list[str] = Field(
        description="Pictures sent with it; see /pictures/{picture}/content.", examples=[["pic_01jd2m4q8r6t0v3x5z7y"]]
    )


class ActOut(t.Out):
    id: t.Number
    case: CaseId
    act: str = Field(examples=["approve"])
    note: str = Field(examples=["A bread knife."])
    by: str = Field(examples=["Otto"])
    at: t.Moment
    undone_at: t.Moment | None


class HistoryEntry(t.Out):
    id: t.DecisionId
    action: str = Field(examples=["hold"])
    rule: str = Field(examples=["goods.prohibited v1"])
    reason: str = Field(examples=["It may be forbidden."])
    made_at: t.Moment


class CaseOut(CaseShort):
    """All that is needed to decide on one case."""

    decision: HistoryEntry | None
    fired: list[dict[str, Any]] = Field(examples=[[{"detector": "posts.price_bait", "version": 1, "action": "hold"}]])
    parties: list[Target]
    events: list[CaseEvent]
    reports: list[ReportShort]
    history: list[HistoryEntry]
    acts: list[ActOut]


class CaseApproval(t.In):
    note: Note = ""


class CaseRejection(t.In):
    reason: Reason
    reason_zh: Annotated[str, Field(max_length=2000, examples=["该商品不得销售。"])] = ""
    rule: Annotated[str, Field(max_length=60, examples=["goods.prohibited"])] = ""
    violation: Annotated[str, Field(max_length=24, examples=["goods"])] = ""
    severity: Annotated[str, Field(max_length=12, examples=["minor"])] = ""
    answer: Annotated[
        str,
        Field(
            max_length=30, examples=["traffic_hijack"],
            description="For a held commission: by which of the networks' codes it is voided; empty: the one that fits.",
        ),
    ] = ""  # fmt: skip


class CaseEscalation(t.In):
    note: Reason


class Counts(t.Out):
    waiting: int
    escalated: int
    held: int
    oldest: t.Moment | None
    kinds: dict[str, int] = Field(examples=[{"review": 3}])


class RuleQualityOut(t.Out):
    rule_id: RuleId
    decisions: int
    reviewed: int
    reversed: int
    overturn_bp: int | None


class ReportIn(t.In):
    kind: ReportKind
    id: Annotated[str, Field(max_length=40, examples=["rec_01jd2m4q8r6t0v3x5z7y"])]
    rule: RuleId
    text: Annotated[str, Field(max_length=2000, examples=["They pay for this."])] = ""
    evidence: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=10, examples=[[]])] = []


class ReportFiled(ReportShort):
    advice: str = Field(
        description="What who was led outside must know: that no escrow protects what is paid there.", examples=[""]
    )


class OpenIn(t.In):
    why: Reason


class OpenedOut(t.Out):
    report: ReportId
    lines: list[dict[str, Any]] = Field(examples=[[{"from": "Mei", "text": "pay me on the side"}]])


class Opening(t.Out):
    at: t.Moment
    by: str = Field(examples=["Otto"])
    report: str = Field(examples=["rpt_01jd2m4q8r6t0v3x5z7y"])
    why: str = Field(examples=["to judge the report"])


HELD = ["forbidden", "case_not_yours", "stale_state", "own_decision"]


@group.get("/cases", gives=list[CaseShort], scope="operate", refuses=["forbidden"])
def list_cases(request: HttpRequest, view: View = "") -> Any:
    """The queue, escalated cases first, then the weightiest; what others hold is marked."""
    caller = _operator(request)
    return _shorts(queries.waiting_cases(_wanted(caller, view), for_person=caller.person))


@group.get("/cases/counts", gives=Counts, scope="operate", refuses=["forbidden"])
def get_case_counts(request: HttpRequest) -> Any:
    """How much waits, by kind, how much is escalated or held, how old the oldest is."""
    _operator(request)
    return queries.queue_counts()


@group.get("/cases/quality", gives=list[RuleQualityOut], scope="operate", refuses=["forbidden"])
def get_rule_quality(request: HttpRequest) -> Any:
    """The overturn rate of each rule over the last ninety days."""
    _operator(request)
    return queries.rule_quality()


@group.get("/cases/views", gives=list[SavedOut], scope="operate", refuses=["forbidden"])
def list_views(request: HttpRequest) -> Any:
    """The views of the queue that the caller keeps."""
    return queries.filters_of(_operator(request).person)


@group.put("/cases/views/{name}", gives=SavedOut, scope="operate", refuses=["forbidden", "filters_full"])
def save_view(request: HttpRequest, name: ViewName, body: FilterDoc) -> Any:
    """Keeps a view under a name, or changes it."""
    return services.save_filter(name=name, query=body.model_dump(), by=_operator(request).actor)


@group.delete("/cases/views/{name}", status=204, scope="operate", refuses=["forbidden"])
def drop_view(request: HttpRequest, name: ViewName) -> None:
    """Forgets a view."""
    services.drop_filter(name=name, by=_operator(request).actor)


@group.post("/cases/next", gives=CaseOut | None, scope="operate", refuses=["forbidden"])
def take_next_case(request: HttpRequest, view: View = "") -> Any:
    """The next case, held for the caller for fifteen minutes; null when none is left.  No two people get the same."""
    caller = _operator(request)
    found = services.next_case(by=caller.actor, wanted=_wanted(caller, view))
    return found and _case(found.pk)


@group.get("/cases/{case}", gives=CaseOut, scope="operate", refuses=["forbidden"])
def get_case(request: HttpRequest, case: CaseId) -> Any:
    """One case with all that is known of it, and nothing that was said in private."""
    _operator(request)
    return _case(queries.case(case).pk)


@group.post(
    "/cases/{case}/claim", gives=CaseOut, scope="operate",
    refuses=["forbidden", "stale_state", "case_held", "own_decision"],
)  # fmt: skip
def claim_case(request: HttpRequest, case: CaseId) -> Any:
    """Takes one certain case, or renews one's hold."""
    caller = _operator(request)
    return _case(services.claim_case(case_id=queries.case(case).pk, by=caller.actor).pk)


@group.post("/cases/{case}/release", status=204, scope="operate", refuses=["forbidden"])
def release_case(request: HttpRequest, case: CaseId) -> None:
    """Puts a case back into the queue."""
    caller = _operator(request)
    services.release_case(case_id=queries.case(case).pk, by=caller.actor)


@group.post("/cases/{case}/approve", gives=ActOut, scope="operate", refuses=HELD)
def approve_case(request: HttpRequest, case: CaseId, body: CaseApproval) -> Any:
    """Lets it pass: what was held is shown, reports are dismissed, an appeal is granted, a suspension ends."""
    caller = _operator(request)
    return _act(services.approve_case(case_id=queries.case(case).pk, by=caller.actor, note=body.note))


@group.post("/cases/{case}/reject", gives=ActOut, scope="operate", refuses=[*HELD, "rule_unknown"])
def reject_case(request: HttpRequest, case: CaseId, body: CaseRejection) -> Any:
    """Acts against it in the name of a rule, as a violation if its kind is named."""
    caller = _operator(request)
    against = Against(body.reason, body.reason_zh, body.rule, body.violation, body.severity, body.answer)
    return _act(services.reject_case(case_id=queries.case(case).pk, by=caller.actor, against=against))


@group.post("/cases/{case}/escalate", gives=ActOut, scope="operate", refuses=["forbidden", "case_not_yours"])
def escalate_case(request: HttpRequest, case: CaseId, body: CaseEscalation) -> Any:
    """Hands a case to somebody else; it comes first, and not to the caller again."""
    caller = _operator(request)
    return _act(services.escalate_case(case_id=queries.case(case).pk, by=caller.actor, note=body.note))


@group.get("/acts", gives=list[ActOut], scope="operate", refuses=["forbidden"])
def list_acts(request: HttpRequest) -> Any:
    """What the caller did lately, the newest first."""
    return [_act(one) for one in queries.acts_of(_operator(request).person)]


@group.post("/acts/{act}/undo", gives=CaseOut, scope="operate", refuses=["forbidden", "cannot_undo", "stale_state"])
def undo_act(request: HttpRequest, act: t.Number) -> Any:
    """Takes one's own latest act on a case back, within a day; the case is in one's hands again."""
    return _case(services.undo_act(act_id=act, by=_operator(request).actor).pk)


@group.post(
    "/reports", gives=ReportFiled, status=201,
    refuses=["rule_unknown", "not_found", "too_many_pictures", "picture_taken"],
)  # fmt: skip
def report(request: HttpRequest, body: ReportIn) -> Any:
    """Says that something breaks a rule.  People look at it; however many reports there are, none acts by itself."""
    made = messaging.report_item(
        kind=body.kind, public_id=body.id, rule_id=body.rule, person_id=caller_of(request).person, text=body.text,
        evidence=body.evidence,
    )  # fmt: skip
    advice = messages.NO_ESCROW[language_of(request).startswith("zh")] if body.rule == queries.OUTSIDE else ""
    return _reports([made])[0] | {"advice": advice}


@group.post(
    "/reports/{report}/open", gives=OpenedOut, scope="operate",
    refuses=["forbidden", "report_needed", "case_not_yours"],
)  # fmt: skip
def open_private(request: HttpRequest, report: ReportId, body: OpenIn) -> Any:
    """Shows a reported private message to the operator who holds its case, and writes down that they read it."""
    opened = services.open_private(report_id=report, by=_operator(request).actor, why=body.why)
    return {"report": opened.report, "lines": opened.lines}


@group.get("/private-openings", gives=list[Opening], scope="operate", refuses=["forbidden"])
def list_private_openings(request: HttpRequest) -> Any:
    """Who opened which private messages by which report, the newest first."""
    _operator(request)
    found = queries.private_openings()
    people = queries.faces(("accounts.person", one["person_id"]) for one in found)
    return [{**one, "by": people[("accounts.person", one["person_id"])].title} for one in found]


def _operator(request: HttpRequest) -> Caller:
    """Refuses: forbidden."""
    caller = caller_of(request)
    caller.operator()
    return caller


def _wanted(caller: Caller, name: str) -> queries.Filter | None:
    """Refuses: not_found."""
    if not name:
        return None
    for one in queries.filters_of(caller.person):
        if one.name == name:
            return queries.filter_of(one.query)
    raise Refusal("not_found")


def _case(pk: int) -> dict[str, Any]:
    page = queries.case_page(pk)
    faces = queries.faces(page.parties)
    return {
        **_shorts([page.case])[0], "decision": page.decision and _entry(page.decision),
        "fired": page.decision.fired if page.decision else [],
        "parties": [_target(faces[party]) for party in page.parties], "events": list(page.events),
        "reports": _reports(page.reports), "history": [_entry(one) for one in page.history],
        "acts": [_act(one) for one in page.acts],
    }  # fmt: skip


def _shorts(found: list[queries.Case]) -> list[dict[str, Any]]:
    subjects = {one.pk: (one.subject_kind, one.subject_id or 0) for one in found}
    faces = queries.faces(subject for subject in subjects.values() if subject[1])
    return [
        {
            "id": one.public_id, "kind": one.kind, "state": one.state, "rule": one.rule_id, "weight": one.weight,
            "target": _target(faces.get(subjects[one.pk])), "opened_at": one.opened_at,
            "held_by": one.held_by.name if one.held_by and queries.is_held(one) else None,
        }
        for one in found
    ]  # fmt: skip


def _target(face: queries.Face | None) -> dict[str, str]:
    return (
        {"kind": face.name, "id": face.public_id, "title": face.title} if face else {"kind": "", "id": "", "title": ""}
    )


def _entry(made: queries.Decision) -> dict[str, Any]:
    return {
        "id": made.public_id, "action": made.action, "rule": f"{made.rule_id} v{made.rule_version}",
        "reason": made.reason, "made_at": made.made_at,
    }  # fmt: skip


def _reports(found: Sequence[queries.Report]) -> list[dict[str, Any]]:
    evidence = content.evidence_of(queries.REPORT, [one.pk for one in found])
    return [
        {"id": one.public_id, "rule": one.rule_id, "text": one.text, "at": one.at, "evidence": evidence.get(one.pk, [])}
        for one in found
    ]


def _act(one: services.CaseAct) -> dict[str, Any]:
    return {
        "id": one.pk, "case": one.case.public_id, "act": one.act, "note": one.note, "by": one.person.name,
        "at": one.at, "undone_at": one.undone_at,
    }  # fmt: skip
