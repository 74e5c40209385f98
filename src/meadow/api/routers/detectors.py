"""Operations of the rules that judge by themselves: write, try on the past, run in shadow, for a part, for all, back."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from pydantic import Field

from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.language import language_of
from meadow.api.operations import Group
from meadow.governance import queries, services

group = Group("detectors")

DetectorId = Annotated[str, Field(max_length=60, examples=["diversion.phones"])]
Version = Annotated[int, Field(ge=1, le=10**6, examples=[1])]
EventName = Annotated[str, Field(max_length=24, examples=["text"])]
Condition = Annotated[str, Field(min_length=1, max_length=8000, examples=["phones > 0 and actor_age_days < 30"])]
Action = Literal["note", "warn", "review", "hold", "block"]
Reason = Annotated[str, Field(min_length=1, max_length=300, examples=["Telephone numbers do not belong in posts."])]
ReasonZh = Annotated[str, Field(min_length=1, max_length=300, examples=["内容中不得出现电话号码。"])]
Note = Annotated[str, Field(max_length=2000, examples=["Numbers in shop notices went up."])]


class ConditionIn(t.In):
    event_type: EventName
    condition: Condition


class Validity(t.Out):
    """Whether a condition can be saved, or where it is at fault."""

    is_good: bool
    features: list[str] = Field(examples=[["actor_age_days", "phones"]])
    cost: int
    code: str = Field(examples=[""])
    column: int
    why: str = Field(examples=[""])


class ExampleIn(t.In):
    features: dict[str, Any] = Field(examples=[{"phones": 1, "actor_age_days": 2}])
    hits: bool


class DetectorIn(ConditionIn):
    id: DetectorId
    rule: Annotated[str, Field(max_length=60, examples=["conduct.diversion"])]
    action: Action
    layer: Annotated[str, Field(max_length=16, examples=["rule"])] = "rule"
    reason_en: Reason
    reason_zh: ReasonZh
    violation: Annotated[str, Field(max_length=24, examples=["diversion"])] = ""
    severity: Annotated[str, Field(max_length=12, examples=["minor"])] = ""
    examples: Annotated[list[ExampleIn], Field(max_length=20)] = []
    note: Note = ""


class Quality(t.Out):
    hits: int
    decisions: int
    reviewed: int
    reversed: int
    overturn_percent: int | None


class DetectorOut(t.Out):
    id: DetectorId
    version: Version
    event_type: EventName
    condition: Condition
    rule: str = Field(examples=["conduct.diversion v1"])
    cites_old_rule: bool
    action: str = Field(examples=["warn"])
    layer: str = Field(examples=["rule"])
    state: str = Field(examples=["shadow"])
    percent: int
    reason_en: Reason
    reason_zh: ReasonZh
    violation: str = Field(examples=[""])
    severity: str = Field(examples=[""])
    written_at: t.Moment
    changed_at: t.Moment
    quality: Quality | None = None


class MoveIn(t.In):
    to: Literal["shadow", "partial", "live", "retired"]
    percent: Annotated[int, Field(ge=0, le=99, examples=[0])] = 0
    note: Note = ""


class Change(t.Out):
    version: Version
    from_state: str = Field(examples=["shadow"])
    to_state: str = Field(examples=["live"])
    percent: int
    note: str = Field(examples=["Two weeks in shadow without a wrong hit."])
    by: str | None = Field(examples=["Otto"])
    at: t.Moment


class BacktestIn(ConditionIn):
    days: Annotated[int, Field(ge=1, le=400, examples=[7])] = 7
    action: Action = "review"
    violation: Annotated[str, Field(max_length=24, examples=["diversion"])] = ""
    severity: Annotated[str, Field(max_length=12, examples=["minor"])] = ""


class Overlap(t.Out):
    detector_id: DetectorId
    version: Version
    state: str = Field(examples=["live"])
    hits: int
    both: int


class BacktestOut(t.Out):
    """What a rule would have hit: counts, whom it would have limited, what else hit the same, a sample of 20."""

    events: int
    hits: int
    missing: int = Field(description="Events that lack a feature the rule asks for.")
    missing_by: dict[str, int] = Field(examples=[{"links_disguised": 12}])
    unknown: int = Field(description="Events left undecided by what they lack.")
    by_day: dict[str, int] = Field(examples=[{"2026-11-21": 3}])
    people: int
    limited: dict[int, int] = Field(examples=[{"1": 2}])
    overlap: list[Overlap]
    sample: list[dict[str, Any]] = Field(examples=[[{"id": 7, "outcome": "allow", "text": "call me"}]])


class FeatureOut(t.Out):
    name: str = Field(examples=["phones"])
    kind: str = Field(examples=["number"])
    meaning: str = Field(examples=["phone numbers, however written"])


class EventTypeOut(t.Out):
    name: EventName
    meaning: str = Field(examples=["A text is posted"])
    is_judged: bool = Field(description="Whether such events happen here by themselves so far.")
    features: list[FeatureOut]


@group.get("/event-types", gives=list[EventTypeOut], guests=True)
def list_event_types(request: HttpRequest) -> Any:
    """What is judged, and what a rule may ask about each."""
    zh = language_of(request) == "zh"
    return [
        {
            "name": event.name, "meaning": event.zh if zh else event.en,
            "is_judged": event.name in queries.JUDGED,
            "features": [
                {"name": name, "kind": one.kind.value, "meaning": one.zh if zh else one.en}
                for name, one in event.features.items()
            ],
        }
        for event in queries.EVENT_TYPES.values()
    ]  # fmt: skip


@group.post("/detectors/validate", gives=Validity, scope="operate", refuses=["forbidden"])
def validate_condition(request: HttpRequest, body: ConditionIn) -> Any:
    """Reads a condition without saving it: its features and cost, or its fault with the column."""
    caller_of(request).operator()
    found = services.validate(event_type=body.event_type, condition=body.condition)
    why = found.why_zh if language_of(request) == "zh" else found.why
    return {
        "is_good": found.is_good, "features": list(found.features), "cost": found.cost, "code": found.code,
        "column": found.column, "why": why,
    }  # fmt: skip


@group.post("/detectors/backtest", gives=BacktestOut, scope="operate", refuses=["forbidden", "detector_faulty"])
def backtest(request: HttpRequest, body: BacktestIn) -> Any:
    """What a condition would have hit in the last days, by the function that judges live; nothing is stored."""
    caller_of(request).operator()
    return queries.backtest(
        event_type=body.event_type, condition=body.condition, days=body.days, action=body.action,
        violation=body.violation, severity=body.severity,
    )  # fmt: skip


@group.get("/detectors", gives=list[DetectorOut], scope="operate", refuses=["forbidden"])
def list_detectors(request: HttpRequest) -> Any:
    """Every version of every detector with its state, and how those that ran came out."""
    caller_of(request).operator()
    how = {one.detector: one for one in queries.quality()}
    return [_detector(one, how.get(one.pk)) for one in queries.detectors()]


@group.post(
    "/detectors", gives=DetectorOut, status=201, scope="operate",
    refuses=["forbidden", "detector_faulty", "detector_example_failed", "rule_unknown"],
)  # fmt: skip
def write_detector(request: HttpRequest, body: DetectorIn) -> Any:
    """Saves a new version as a draft, which judges nothing yet."""
    made = services.write_detector(
        detector_id=body.id, event_type=body.event_type, condition=body.condition, rule=body.rule, action=body.action,
        layer=body.layer, reason_en=body.reason_en, reason_zh=body.reason_zh, violation=body.violation,
        severity=body.severity, examples=[(one.features, one.hits) for one in body.examples], note=body.note,
        by=caller_of(request).operator(),
    )  # fmt: skip
    return _detector(queries.detector(made.detector_id, made.version))


@group.get("/detectors/{detector}", gives=list[DetectorOut], scope="operate", refuses=["forbidden"])
def get_detector(request: HttpRequest, detector: DetectorId) -> Any:
    """Every version of one detector, the newest first."""
    caller_of(request).operator()
    queries.detector(detector)
    how = {one.detector: one for one in queries.quality()}
    return [_detector(one, how.get(one.pk)) for one in queries.detectors() if one.detector_id == detector]


@group.get("/detectors/{detector}/changes", gives=list[Change], scope="operate", refuses=["forbidden"])
def list_detector_changes(request: HttpRequest, detector: DetectorId) -> Any:
    """Who moved which version where, why and when, the newest first."""
    caller_of(request).operator()
    return [
        {
            "version": one.detector.version, "from_state": one.from_state, "to_state": one.to_state,
            "percent": one.percent, "note": one.note, "by": one.person and one.person.name, "at": one.at,
        }
        for one in queries.detector_changes(detector)
    ]  # fmt: skip


@group.post(
    "/detectors/{detector}/{version}/move", gives=DetectorOut, scope="operate",
    refuses=["forbidden", "stale_state", "too_many_detectors"],
)  # fmt: skip
def move_detector(request: HttpRequest, detector: DetectorId, version: Version, body: MoveIn) -> Any:
    """Puts a version to shadow, a percentage, live or retired; it counts from the next event on."""
    services.move_detector(
        detector_id=detector, version=version, to=body.to, percent=body.percent, note=body.note,
        by=caller_of(request).operator(),
    )  # fmt: skip
    return _detector(queries.detector(detector, version))


def _detector(one: queries.Detector, how: queries.Quality | None = None) -> dict[str, Any]:
    return {
        "id": one.detector_id, "version": one.version, "event_type": one.event_type, "condition": one.condition,
        "rule": str(one.rule), "cites_old_rule": queries.cites_old_rule(one), "action": one.action,
        "layer": one.layer, "state": one.state, "percent": one.percent, "reason_en": one.reason_en,
        "reason_zh": one.reason_zh, "violation": one.violation, "severity": one.severity,
        "written_at": one.written_at, "changed_at": one.changed_at, "quality": how,
    }  # fmt: skip
