"""Operations of the limits on one's account and of appeals: what and why, ask for a second look, answer, the numbers."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query
from pydantic import AwareDatetime, Field

from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.language import language_of
from meadow.api.operations import Group
from meadow.api.routers.suspensions import Target
from meadow.governance import queries, services

group = Group("appeals")

AppealId = Annotated[str, Field(pattern=r"^apl_[0-9a-hjkmnp-tv-z]{20}$", examples=["apl_01jd2m4q8r6t0v3x5z7y"])]
Words = Annotated[str, Field(min_length=1, max_length=4000, examples=["The orders came from one office."])]
Evidence = Annotated[str, Field(max_length=4000, examples=["The receipt of the sale is number 1234."])]
Reason = Annotated[str, Field(min_length=1, max_length=2000, examples=["The orders shared one device."])]
ReasonZh = Annotated[str, Field(max_length=2000, examples=["这些订单来自同一设备。"])]
Moment = Annotated[AwareDatetime | None, Query()]


class LimitOut(t.Out):
    """Something that is limited or withheld: what, why, by which rule and version, until when, and the way back."""

    what: str = Field(examples=["post"])
    says: str = Field(examples=["No new posts, comments, questions or listings"])
    target: Target
    reason: str = Field(examples=["invented orders"])
    rule: str = Field(examples=["conduct.fraud v1"])
    since: t.Moment
    until: t.Moment | None
    review_by: t.Moment | None = Field(description="When somebody looks at it again, where it has no end of its own.")
    decision: t.DecisionId
    held: list[t.Money]
    appeal: str | None = Field(examples=[None], description="The id of the appeal that is open or was the last.")


class MyLimits(t.Out):
    points: dict[str, int] = Field(examples=[{"creator": 3000}], description="Thousandths of a point, by role.")
    limits: list[LimitOut]


class AppealIn(t.In):
    text: Words
    evidence: Evidence = Field(default="", description="Needed for a second appeal: what was not known before.")


class NoteIn(t.In):
    text: Words


class NoteOut(t.Out):
    kind: str = Field(examples=["said"])
    pause: str = Field(examples=[""])
    text: str = Field(examples=["The orders came from one office."])
    at: t.Moment


class AppealOut(t.Out):
    """An appeal with its clock.  left_seconds stands still while it is paused, and is below zero when overdue."""

    id: AppealId
    decision: t.DecisionId
    rule: str = Field(examples=["conduct.fraud v1"])
    round: int
    state: str = Field(examples=["open"])
    text: str = Field(examples=["The orders came from one office."])
    evidence: str = Field(examples=[""])
    opened_at: t.Moment
    due_at: t.Moment
    left_seconds: int | None
    paused_for: str = Field(examples=[""])
    paused_because: str = Field(examples=[""])
    lifted_at: t.Moment | None
    ended_at: t.Moment | None
    reason: str = Field(examples=[""])
    notes: list[NoteOut]


class PauseIn(t.In):
    cause: Literal["answer", "evidence", "third_party"]
    text: Reason


class AnswerIn(t.In):
    outcome: Literal["uphold", "reverse"]
    reason: Reason
    reason_zh: ReasonZh = ""


class Numbers(t.Out):
    rule_id: str = Field(examples=["conduct.fraud"])
    decisions: int
    appealed: int
    upheld: int
    reversed: int
    withdrawn: int
    pending: int
    overdue: int
    median_hours: int | None
    overturn_bp: int | None = Field(description="Of ten thousand decided, how many were taken back.")


class StatisticsOut(t.Out):
    since: t.Moment
    until: t.Moment
    total: Numbers
    rules: list[Numbers]


@group.get("/me/limits", gives=MyLimits)
def list_my_limits(request: HttpRequest) -> Any:
    """Every limit on the caller's account and everything of theirs that is withheld.  Nothing is limited in secret."""
    person_id, zh = caller_of(request).person, language_of(request) == "zh"
    found = queries.limits_on(person_id)
    parties = queries.parties_of(person_id)
    faces = queries.faces(one.subject for one in found)
    return {
        "points": {queries.SHORT_NAMES[kind]: queries.points_of(kind, pk) for kind, pk in parties},
        "limits": [_limit(one, faces[one.subject], zh) for one in found],
    }


@group.get("/me/appeals", gives=list[AppealOut])
def list_my_appeals(request: HttpRequest) -> Any:
    """What the caller's side appealed, the newest first."""
    return _many(request, queries.appeals_of(queries.parties_of(caller_of(request).person)))


@group.post(
    "/decisions/{decision}/appeal", gives=AppealOut, status=201,
    refuses=["not_appealable", "decision_reversed", "appeal_too_late", "appeal_open", "appeal_used",
             "evidence_needed"],
)  # fmt: skip
def open_appeal(request: HttpRequest, decision: t.DecisionId, body: AppealIn) -> Any:
    """Asks for a second look at a decision, by somebody who did not take part in it, on a clock."""
    made = services.open_appeal(
        decision_id=decision, person_id=caller_of(request).person, text=body.text, evidence=body.evidence
    )
    return _one(request, made.pk)


@group.get("/appeals/statistics", gives=StatisticsOut, guests=True)
def get_appeal_statistics(request: HttpRequest, since: Moment = None, until: Moment = None) -> Any:
    """How many decisions were appealed, how they came out and how long it took, in all and by rule.  Public."""
    return queries.appeal_statistics(since=since, until=until)


@group.get("/appeals/pending", gives=list[AppealOut], scope="operate", refuses=["forbidden"])
def list_pending_appeals(request: HttpRequest) -> Any:
    """What waits for an answer, the next due first."""
    caller_of(request).operator()
    return _many(request, queries.pending_appeals())


@group.get("/appeals/{appeal}", gives=AppealOut)
def get_appeal(request: HttpRequest, appeal: AppealId) -> Any:
    """One appeal with its clock, for its side and operators."""
    caller = caller_of(request)
    found = queries.appeal(appeal, person_id=None if caller.is_operator else caller.person)
    return _one(request, found.pk)


@group.post("/appeals/{appeal}/notes", gives=AppealOut, status=201, refuses=["stale_state"])
def add_to_appeal(request: HttpRequest, appeal: AppealId, body: NoteIn) -> Any:
    """Adds to one's appeal; a clock that waited for this goes on."""
    found = queries.appeal(appeal)
    services.add_to_appeal(appeal_id=found.pk, person_id=caller_of(request).person, text=body.text)
    return _one(request, found.pk)


@group.post("/appeals/{appeal}/withdraw", gives=AppealOut, refuses=["stale_state"])
def withdraw_appeal(request: HttpRequest, appeal: AppealId) -> Any:
    """No longer asks; the decision stands."""
    found = queries.appeal(appeal)
    services.withdraw_appeal(appeal_id=found.pk, person_id=caller_of(request).person)
    return _one(request, found.pk)


@group.post(
    "/appeals/{appeal}/pause", gives=AppealOut, scope="operate",
    refuses=["forbidden", "stale_state", "own_decision", "pauses_used"],
)  # fmt: skip
def pause_appeal(request: HttpRequest, appeal: AppealId, body: PauseIn) -> Any:
    """Stops the clock for a named reason, two weeks at most; the appealing side is told."""
    by = caller_of(request).operator()
    found = services.pause_appeal(appeal_id=queries.appeal(appeal).pk, cause=body.cause, text=body.text, by=by)
    return _one(request, found.pk)


@group.post("/appeals/{appeal}/resume", gives=AppealOut, scope="operate", refuses=["forbidden", "stale_state"])
def resume_appeal(request: HttpRequest, appeal: AppealId) -> Any:
    """The clock goes on with what was left."""
    by = caller_of(request).operator()
    return _one(request, services.resume_appeal(appeal_id=queries.appeal(appeal).pk, by=by).pk)


@group.post(
    "/appeals/{appeal}/decide", gives=AppealOut, scope="operate", refuses=["forbidden", "stale_state", "own_decision"]
)
def decide_appeal(request: HttpRequest, appeal: AppealId, body: AnswerIn) -> Any:
    """The second look: takes the decision back with all that followed, or confirms it."""
    by = caller_of(request).operator()
    found = services.decide_appeal(
        appeal_id=queries.appeal(appeal).pk, reverse=body.outcome == "reverse", reason=body.reason,
        reason_zh=body.reason_zh, by=by,
    )  # fmt: skip
    return _one(request, found.pk)


def _limit(one: queries.Limit, face: queries.Face, zh: bool) -> dict[str, Any]:
    last = queries.last_appeal_of(one.decision)
    return {
        "what": one.what, "says": one.zh if zh else one.en,
        "target": {"kind": face.name, "id": face.public_id, "title": face.title},
        "reason": (one.reason_zh or one.reason) if zh else one.reason,
        "rule": f"{one.rule_id} v{one.rule_version}", "since": one.since, "until": one.until,
        "review_by": one.review_by, "decision": one.decision, "appeal": last and last.public_id,
        "held": [{"amount_minor": minor, "currency": currency} for minor, currency in one.held],
    }  # fmt: skip


def _one(request: HttpRequest, pk: int) -> dict[str, Any]:
    return _many(request, [queries.appeal(pk)])[0]


def _many(request: HttpRequest, found: Iterable[queries.Appeal]) -> list[dict[str, Any]]:
    zh = language_of(request) == "zh"
    return [_appeal(one, zh) for one in found]


def _appeal(one: queries.Appeal, zh: bool) -> dict[str, Any]:
    left = queries.left_on_clock(one)
    pause = queries.PAUSES.get(one.paused_for, ("", ""))
    return {
        "id": one.public_id, "decision": one.decision.public_id,
        "rule": f"{one.decision.rule_id} v{one.decision.rule_version}", "round": one.round, "state": one.state,
        "text": one.text, "evidence": one.evidence, "opened_at": one.opened_at, "due_at": one.due_at,
        "left_seconds": None if left is None else left // timedelta(seconds=1), "paused_for": one.paused_for,
        "paused_because": pause[1] if zh else pause[0], "lifted_at": one.lifted_at, "ended_at": one.ended_at,
        "reason": (one.reason_zh or one.reason) if zh else one.reason, "notes": queries.notes_on(one.pk),
    }  # fmt: skip
