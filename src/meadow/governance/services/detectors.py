"""How a detector is written, tried, put to work step by step and taken back; every change is logged and counts at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from meadow.governance import queries, rules
from meadow.governance.language import Condition, Fault, check, compile_rules
from meadow.governance.models import Detector, DetectorChange, Rule, RulesetStamp
from meadow.governance.rules import detectors as d
from meadow.governance.rules import points
from meadow.governance.rules.faults import fault_zh
from meadow.governance.rules.features import EVENT_TYPES, EventType, FeatureFault, clean_features, for_rules
from meadow.governance.rules.lifecycles import DETECTOR, RUNNING
from meadow.governance.services.decisions import cited
from meadow.governance.services.guards import require_operator
from meadow.kernel import clock, db
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic, move
from meadow.kernel.errors import Refusal

_EVENT_TO = {"shadow": "shadow", "partial": "stage", "live": "enforce", "retired": "retire"}
MOST_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Validation:
    """Whether a condition may be saved: its cost and features, or the fault with its column in both languages."""

    is_good: bool
    features: tuple[str, ...] = ()
    cost: int = 0
    code: str = ""
    column: int = 0
    why: str = ""
    why_zh: str = ""


def validate(*, event_type: str, condition: str) -> Validation:
    """Reads a condition without saving anything.  Refuses: malformed, for an event type that does not exist."""
    try:
        found = check(condition, _event_type(event_type).kinds)
    except Fault as fault:
        return Validation(
            False, code=fault.code, column=fault.column, why=fault.met, why_zh=fault_zh(fault.code, fault.met)
        )
    return Validation(True, tuple(sorted(found.features)), found.cost)


def write_detector(
    *,
    detector_id: str,
    event_type: str,
    condition: str,
    rule: str,
    action: str,
    reason_en: str,
    reason_zh: str,
    by: Actor,
    layer: str = "rule",
    violation: str = "",
    severity: str = "",
    examples: Sequence[tuple[dict[str, Any], bool]] = (),
    note: str = "",
) -> Detector:
    """Saves a new version as a draft, which judges nothing yet; earlier versions go on as they are.

    Refuses: forbidden, malformed, detector_faulty, detector_example_failed, rule_unknown.
    """
    require_operator(by)
    event = _event_type(event_type)
    _check_choices(detector_id, action, layer, violation, severity)
    texts = [rules.clean_text(text, 300) for text in (reason_en, reason_zh)]
    if not all(texts):
        raise Refusal("malformed", field="reason", why="those concerned read it, in English or in Chinese")
    checked = _checked(event, condition)
    _run_examples(event, checked, examples)
    with atomic():
        rule_id, rule_version = cited(rule)
        stamp = _next_stamp()
        last = Detector.objects.filter(detector_id=detector_id).order_by("-version").first()
        if last is not None and last.event_type != event_type:
            raise Refusal("malformed", field="event_type", why=f"this detector judges {last.event_type}")
        made = Detector.objects.create(
            detector_id=detector_id, version=last.version + 1 if last else 1, event_type=event_type,
            condition=condition, rule=Rule.objects.get(rule_id=rule_id, version=rule_version), action=action,
            layer=layer, reason_en=texts[0], reason_zh=texts[1], violation=violation, severity=severity,
            examples=[[features, wanted] for features, wanted in examples], written_by_id=by.person_id,
            written_at=clock.now(), changed_at=clock.now(), note=_note(note),
        )  # fmt: skip
        _log(made, stamp, "", note, by)
    return made


def move_detector(*, detector_id: str, version: int, to: str, by: Actor, percent: int = 0, note: str = "") -> Detector:
    """Puts a version to shadow, partial (a percentage of subjects), live or retired; the version it replaces retires.

    Refuses: forbidden, not_found, malformed, stale_state, too_many_detectors.
    """
    require_operator(by)
    if to not in _EVENT_TO:
        raise Refusal("malformed", field="to", why=f"use one of {', '.join(_EVENT_TO)}")
    if (to == "partial") is not (1 <= percent <= 99):
        raise Refusal("malformed", field="percent", why="1 to 99 for partial, 0 otherwise")
    with atomic():
        # Taken first by every change, so that stamps and the rows they stamp have one order.
        _lock_stamp()
        found = Detector.objects.select_for_update().filter(detector_id=detector_id, version=version).first()
        if found is None:
            raise Refusal("not_found")
        _require_room(found, to)
        if to in ("partial", "live"):
            # At most one version is live and one staged: going live, the version before retires.
            others = Detector.objects.filter(detector_id=detector_id).exclude(pk=found.pk)
            replaced = ("live", "partial") if to == "live" else ("partial",)
            for other in others.filter(state__in=replaced).order_by("version"):
                _move(other, "retired", 0, f"replaced by version {version}", by)
        _move(found, to, percent, note, by)
    return found


def demote_if_overturned(detector_pk: int) -> bool:
    """Sends a rule whose decisions were taken back too often back to shadow by itself; returns whether it did."""
    with atomic():
        _lock_stamp()
        found = Detector.objects.select_for_update().filter(pk=detector_pk, state__in=("partial", "live")).first()
        # What was taken back before the operator put it to work again is forgiven.
        if found is None or not queries.overturned(
            found.pk, max(found.changed_at, clock.now() - timedelta(days=d.QUALITY_DAYS))
        ):
            return False
        note = f"over {d.OVERTURN_PERCENT} % of the decisions looked at again were taken back"
        _move(found, "shadow", 0, note, SYSTEM)
    return True


def _move(found: Detector, to: str, percent: int, note: str, by: Actor) -> None:
    before = found.state
    # The deciding moment stays when only the percentage moves, so that quality is counted on.
    moved = {} if before in ("partial", "live") and to in ("partial", "live") else {"changed_at": clock.now()}
    move(found, DETECTOR, _EVENT_TO[to], percent=percent, note=_note(note), **moved)
    _log(found, _next_stamp(), before, note, by)


def _log(found: Detector, stamp: int, before: str, note: str, by: Actor) -> None:
    DetectorChange.objects.create(
        stamp=stamp, detector=found, from_state=before, to_state=found.state, percent=found.percent, note=_note(note),
        person_id=by.person_id, at=clock.now(),
    )  # fmt: skip


def _lock_stamp() -> None:
    RulesetStamp.objects.select_for_update().get(pk=1)


def _next_stamp() -> int:
    """A number never given before, also not by a transaction that was rolled back; the row's lock keeps their order."""
    _lock_stamp()
    return int(
        db.call("UPDATE governance_rulesetstamp SET stamp = nextval('governance_stamp') WHERE id = 1 RETURNING stamp")
    )


def _require_room(found: Detector, to: str) -> None:
    """Refuses: too_many_detectors."""
    if to in RUNNING and found.state not in RUNNING:
        running = Detector.objects.filter(event_type=found.event_type, state__in=RUNNING).count()
        if running >= d.MOST_RUNNING:
            raise Refusal("too_many_detectors", most=d.MOST_RUNNING)


def _event_type(name: str) -> EventType:
    found = EVENT_TYPES.get(name)
    if found is None:
        raise Refusal("malformed", field="event_type", why=f"use one of {', '.join(EVENT_TYPES)}")
    return found


def _checked(event: EventType, condition: str) -> Condition:
    """Refuses: detector_faulty."""
    try:
        return check(condition, event.kinds)
    except Fault as fault:
        zh = fault_zh(fault.code, fault.met)
        raise Refusal("detector_faulty", column=fault.column, why=fault.met, why_zh=zh) from None


def _run_examples(event: EventType, condition: Condition, examples: Sequence[tuple[dict[str, Any], bool]]) -> None:
    """Refuses: detector_example_failed, malformed."""
    if len(examples) > MOST_EXAMPLES:
        raise Refusal("malformed", field="examples", why=f"at most {MOST_EXAMPLES}")
    program = compile_rules([condition], event.kinds)
    for number, (features, wanted) in enumerate(examples, 1):
        try:
            row = program.row(for_rules(event, clean_features(event, features)))
        except FeatureFault as fault:
            raise Refusal("malformed", field="examples", why=str(fault)) from None
        if bool(program.decide(row)) is not wanted:
            raise Refusal("detector_example_failed", number=number)


def _check_choices(detector_id: str, action: str, layer: str, violation: str, severity: str) -> None:
    """Refuses: malformed."""
    if not rules.is_rule_id(detector_id):
        raise Refusal("malformed", field="detector", why="name it like diversion.phones, in small letters")
    if action not in d.DETECTOR_ACTIONS:
        raise Refusal("malformed", field="action", why=f"use one of {', '.join(d.DETECTOR_ACTIONS)}")
    if layer not in d.LAYERS:
        raise Refusal("malformed", field="layer", why=f"use one of {', '.join(d.LAYERS)}")
    if bool(violation) is not bool(severity):
        raise Refusal("malformed", field="violation", why="name the kind and the severity, or neither")
    if violation and (violation not in points.CURRENT.offences or severity not in points.SEVERITIES):
        raise Refusal("malformed", field="violation", why=f"use one of {', '.join(points.CURRENT.offences)}")


def _note(text: str) -> str:
    return rules.clean_text(text, rules.LIMITS["reason_length"])
