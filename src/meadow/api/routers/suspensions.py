"""Operations of what is stopped for a time: what it is and until when, announce, keep, lift, and who did so."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query
from pydantic import AwareDatetime, Field

from meadow.api import types as t
from meadow.api.callers import Caller, caller_of
from meadow.api.language import language_of
from meadow.api.operations import Group
from meadow.governance import queries, services
from meadow.kernel.errors import Refusal

group = Group("suspensions")

Kind = Literal["creator", "merchant", "shop", "product", "recommendation", "token", "feature"]
SuspensionId = Annotated[str, Field(pattern=r"^sus_[0-9a-hjkmnp-tv-z]{20}$", examples=["sus_01jd2m4q8r6t0v3x5z7y"])]
SubjectId = Annotated[str, Field(max_length=40, examples=["shp_01jd2m4q8r6t0v3x5z7y"])]
Scope = Literal["new", "existing", "all"]
Ground = Literal["policy", "fraud", "security", "legal"]
AtReview = Literal["lift", "escalate"]
RuleId = Annotated[str, Field(max_length=60, examples=["operation.safety"])]
Reason = Annotated[str, Field(min_length=1, max_length=2000, examples=["Addresses of buyers were leaking."])]
ReasonZh = Annotated[str, Field(max_length=2000, examples=["买家地址泄露。"])]
Day = Annotated[AwareDatetime, Field(examples=["2026-12-01T00:00:00Z"])]
State = Annotated[
    Literal["", "announced", "active", "overdue", "lifted", "cancelled"], Query(description="Of this state only.")
]


class Target(t.Out):
    kind: str = Field(examples=["shop"])
    id: str = Field(examples=["shp_01jd2m4q8r6t0v3x5z7y"])
    title: str = Field(examples=["Green Ear"])


class SuspensionIn(t.In):
    kind: Kind
    id: SubjectId
    scope: Scope
    ground: Ground
    reason: Reason
    reason_zh: ReasonZh = ""
    rule: RuleId
    starts_at: Day
    review_by: Day
    at_review: AtReview = "lift"
    notice_days: Annotated[int, Field(ge=0, le=90, examples=[7])] | None = Field(
        default=None, description="Seven unless the ground is fraud, security or legal, where it is none."
    )


class SuspensionOut(t.Out):
    """Something that is stopped for a time, with why, by which rule, and until when."""

    id: SuspensionId
    target: Target
    scope: str = Field(examples=["new"])
    stops: str = Field(examples=["New orders; pages stay, orders on their way are finished."])
    ground: str = Field(examples=["security"])
    reason: str = Field(examples=["Addresses of buyers were leaking."])
    rule: str = Field(examples=["operation.safety v1"])
    state: str = Field(examples=["active"])
    announced_at: t.Moment
    starts_at: t.Moment
    review_by: t.Moment
    at_review: str = Field(examples=["lift"])
    decision: str | None = Field(examples=["dec_01jd2m4q8r6t0v3x5z7y"])
    ended_at: t.Moment | None
    ending: str = Field(examples=[""])
    end_reason: str = Field(examples=[""])


class KeepIn(t.In):
    reason: Reason
    reason_zh: ReasonZh = ""
    review_by: Day


class LiftIn(t.In):
    reason: Reason


class TrailEntry(t.Out):
    at: t.Moment
    verb: str = Field(examples=["keep_suspension"])
    by: str | None = Field(examples=["Otto"])
    before: dict[str, Any] | None = Field(examples=[{"state": "active"}])
    after: dict[str, Any] | None = Field(examples=[{"state": "lifted"}])


@group.get("/suspensions", gives=list[SuspensionOut], guests=True)
def list_suspensions(request: HttpRequest) -> Any:
    """What is stopped now or will be: features, merchants, shops and products.  Open to everybody."""
    return _many(request, queries.public_suspensions())


@group.get("/suspensions/all", gives=list[SuspensionOut], scope="operate", refuses=["forbidden"])
def list_all_suspensions(request: HttpRequest, state: State = "") -> Any:
    """Every suspension, the newest first, also those of people and those that ended."""
    caller_of(request).operator()
    return _many(request, queries.suspensions(states=[state] if state else ()))


@group.post(
    "/suspensions", gives=SuspensionOut, status=201, scope="operate",
    refuses=["forbidden", "rule_unknown", "not_found", "suspended_already"],
)  # fmt: skip
def announce_suspension(request: HttpRequest, body: SuspensionIn) -> Any:
    """Announces a suspension: target, scope, ground, public reason, rule, start and review are all needed.

    It begins when its notice is over, seven days unless fraud, security or the law asks for less, and is reviewed
    within thirty days.  What is on its way is finished, and everybody's data stays theirs to export.
    """
    made = services.announce_suspension(
        subject=queries.subject_named(body.kind, body.id), scope=body.scope, ground=body.ground, reason=body.reason,
        reason_zh=body.reason_zh, rule=body.rule, starts_at=body.starts_at, review_by=body.review_by,
        at_review=body.at_review, notice_days=body.notice_days, by=caller_of(request).operator(),
    )  # fmt: skip
    return _one(request, made.pk)


@group.get("/suspensions/{suspension}", gives=SuspensionOut, guests=True)
def get_suspension(request: HttpRequest, suspension: SuspensionId) -> Any:
    """One suspension; those of people are seen by themselves and operators only."""
    found = _visible(caller_of(request), suspension)
    return _one(request, found.pk)


@group.post(
    "/suspensions/{suspension}/keep", gives=SuspensionOut, scope="operate", refuses=["forbidden", "stale_state"]
)
def keep_suspension(request: HttpRequest, suspension: SuspensionId, body: KeepIn) -> Any:
    """A review that keeps it, with a new public reason and a new date within thirty days."""
    by = caller_of(request).operator()
    found = services.keep_suspension(
        suspension_id=queries.suspension(suspension).pk, reason=body.reason, reason_zh=body.reason_zh,
        review_by=body.review_by, by=by,
    )  # fmt: skip
    return _one(request, found.pk)


@group.post(
    "/suspensions/{suspension}/lift", gives=SuspensionOut, scope="operate", refuses=["forbidden", "stale_state"]
)
def lift_suspension(request: HttpRequest, suspension: SuspensionId, body: LiftIn) -> Any:
    """Ends it, also before it began; what was before it is restored exactly."""
    by = caller_of(request).operator()
    found = services.lift_suspension(suspension_id=queries.suspension(suspension).pk, reason=body.reason, by=by)
    return _one(request, found.pk)


@group.get("/suspensions/{suspension}/trail", gives=list[TrailEntry], scope="operate", refuses=["forbidden"])
def get_suspension_trail(request: HttpRequest, suspension: SuspensionId) -> Any:
    """Who did what to it, when and why, with what was before and after."""
    caller_of(request).operator()
    trail = queries.suspension_trail(queries.suspension(suspension).pk)
    people = queries.faces(("accounts.person", one["person_id"]) for one in trail if one["person_id"])
    return [
        {**one, "by": people[("accounts.person", one["person_id"])].title if one["person_id"] else None}
        for one in trail
    ]


def _visible(caller: Caller, public_id: str) -> queries.Suspension:
    """Refuses: not_found."""
    found = queries.suspension(public_id)
    if caller.is_operator or found.subject_kind in queries.PUBLIC_KINDS:
        return found
    mine = queries.parties_of(caller.person_id) if caller.person_id else []
    if (found.party_kind, found.party_id) not in mine:
        raise Refusal("not_found")
    return found


def _one(request: HttpRequest, pk: int) -> dict[str, Any]:
    return _many(request, [queries.suspension(pk)])[0]


def _many(request: HttpRequest, found: Iterable[queries.Suspension]) -> list[dict[str, Any]]:
    listed = list(found)
    faces = queries.faces((one.subject_kind, one.subject_id) for one in listed)
    language = language_of(request)
    return [_suspension(one, faces[(one.subject_kind, one.subject_id)], language) for one in listed]


def _suspension(one: queries.Suspension, face: queries.Face, language: str) -> dict[str, Any]:
    stops = queries.TARGETS[one.subject_kind].stops[one.scope]
    return {
        "id": one.public_id, "target": {"kind": face.name, "id": face.public_id, "title": face.title},
        "scope": one.scope, "stops": stops[1] if language == "zh" else stops[0], "ground": one.ground,
        "reason": (one.reason_zh or one.reason) if language == "zh" else one.reason, "rule": str(one.rule),
        "state": one.state, "announced_at": one.announced_at, "starts_at": one.starts_at,
        "review_by": one.review_by, "at_review": one.at_review,
        "decision": one.decision and one.decision.public_id, "ended_at": one.ended_at, "ending": one.ending,
        "end_reason": one.end_reason,
    }  # fmt: skip
