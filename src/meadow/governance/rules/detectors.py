"""What a detector's hit means: its actions in order, who is in a percentage, and the outcome of a judged event.

One function, `outcome_of`, turns fired conditions into the outcome; live judging, replay and backtest all call it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from meadow.governance.language import Condition, Program, check, compile_rules
from meadow.governance.rules.features import EVENT_TYPES

# The strongest last: of what fires, the strongest decides.
DETECTOR_ACTIONS = ("note", "warn", "review", "hold", "block")
OUTCOMES = ("allow", *DETECTOR_ACTIONS)
_RANK = {action: rank for rank, action in enumerate(OUTCOMES)}
LAYERS = ("rule", "link", "term", "contact", "goods", "picture", "behaviour", "model")
MOST_RUNNING = 400
SAMPLE = 20

# A rule whose decisions are taken back too often goes back to shadow by itself.
OVERTURN_PERCENT = 30
OVERTURN_REVIEWED_LEAST = 5
QUALITY_DAYS = 90


@dataclass(frozen=True, slots=True)
class Running:
    """A version of a detector as judging needs it."""

    pk: int
    detector_id: str
    version: int
    condition: str
    rule_id: str
    action: str
    layer: str
    state: str  # shadow, partial or live
    percent: int = 0
    reason_en: str = ""
    reason_zh: str = ""
    violation: str = ""
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Fired:
    """A condition that was true for an event, and whether it counts: shadow and out-of-percentage ones do not."""

    detector: Running
    is_enforced: bool

    def as_dict(self) -> dict[str, Any]:
        d = self.detector
        return {
            "detector": d.detector_id, "version": d.version, "state": d.state, "action": d.action,
            "rule": d.rule_id, "layer": d.layer, "enforced": self.is_enforced,
        }  # fmt: skip


@dataclass(frozen=True)
class Ruleset:
    """All running detectors of one event type at one stamp, as one function."""

    stamp: int
    event_type: str
    detectors: tuple[Running, ...]

    @cached_property
    def checked(self) -> tuple[Condition, ...]:
        kinds = EVENT_TYPES[self.event_type].kinds
        return tuple(check(d.condition, kinds) for d in self.detectors)

    @cached_property
    def program(self) -> Program:
        return compile_rules(self.checked, EVENT_TYPES[self.event_type].kinds)

    @cached_property
    def staged(self) -> frozenset[str]:
        """Detectors of which one version runs for a percentage, beside the live one or alone."""
        return frozenset(d.detector_id for d in self.detectors if d.state == "partial")

    @cached_property
    def percents(self) -> dict[str, int]:
        return {d.detector_id: d.percent for d in self.detectors if d.state == "partial"}


def bucket(detector_id: str, subject: tuple[str, int]) -> int:
    """Where a subject stands among a hundred, the same for ever and different for each detector."""
    text = f"{detector_id}\0{subject[0]}\0{subject[1]}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") % 100


def outcome_of(ruleset: Ruleset, positions: Sequence[int], subject: tuple[str, int]) -> tuple[str, list[Fired]]:
    """What follows for a subject when the conditions at these positions were true: the outcome and each fired rule."""
    if not positions:
        return "allow", []
    fired: list[Fired] = []
    strongest = 0
    for position in positions:
        detector = ruleset.detectors[position]
        enforced = _is_enforced(ruleset, detector, subject)
        fired.append(Fired(detector, enforced))
        if enforced:
            strongest = max(strongest, _RANK[detector.action])
    return OUTCOMES[strongest], fired


def deciding(fired: Sequence[Fired], outcome: str) -> Running | None:
    """The detector that an outcome rests on: of the strongest, the first by name and version."""
    found = [f.detector for f in fired if f.is_enforced and f.detector.action == outcome]
    return min(found, key=lambda d: (d.detector_id, d.version)) if found else None


def _is_enforced(ruleset: Ruleset, detector: Running, subject: tuple[str, int]) -> bool:
    if detector.state == "shadow":
        return False
    if detector.detector_id not in ruleset.staged:
        return True
    # Within the percentage the newer version answers, outside of it the live one.
    inside = bucket(detector.detector_id, subject) < ruleset.percents[detector.detector_id]
    return inside is (detector.state == "partial")


def is_overturned(reviewed: int, reversed_: int) -> bool:
    """Whether a rule's decisions were taken back so often that it must not go on by itself."""
    return reviewed >= OVERTURN_REVIEWED_LEAST and reversed_ * 100 > OVERTURN_PERCENT * reviewed


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer about one event: what follows, by which rule and why, and every rule that was true.

    outcome: allow, note, warn (shown with a warning), review (hidden until somebody looked), hold, block.
    """

    outcome: str
    ruleset: int
    fired: tuple[Fired, ...] = ()
    occurrence_id: int | None = None
    decision_id: str | None = None
    detector: Running | None = None
    rule_version: int = 0

    @property
    def is_allowed(self) -> bool:
        """Whether it is shown now, with a warning or without."""
        return self.outcome in ("allow", "note", "warn")

    @property
    def is_hidden(self) -> bool:
        return self.outcome in ("review", "hold")

    @property
    def rule(self) -> str:
        return f"{self.detector.rule_id} v{self.rule_version}" if self.detector else ""

    def reason_in(self, language: str) -> str:
        if self.detector is None:
            return ""
        return self.detector.reason_zh if language.startswith("zh") else self.detector.reason_en
