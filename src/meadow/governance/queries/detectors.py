"""Which detectors run, compiled once per event type and process, at this moment or at any stamp of the past."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from meadow.governance.models import Detector, DetectorChange
from meadow.governance.rules.detectors import QUALITY_DAYS, Ruleset, Running, is_overturned
from meadow.governance.rules.lifecycles import RUNNING
from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal

_COLUMNS = (
    "d.id AS pk, d.detector_id, d.version, d.condition, r.rule_id, d.action, d.layer, d.state, d.percent, "
    "d.reason_en, d.reason_zh, d.violation, d.severity"
)
# What each process compiled, by event type; the stamp tells whether it still holds.
_compiled: dict[str, Ruleset] = {}
# Past sets by (stamp, event type), for replay; bounded, because a long log passes many stamps.
_past: dict[tuple[int, str], Ruleset] = {}
_MOST_PAST = 64


@dataclass(frozen=True, slots=True)
class Quality:
    """How a version of a detector did in the last 90 days: events hit, decided upon, looked at again, taken back."""

    detector: int
    detector_id: str
    version: int
    state: str
    hits: int
    decisions: int
    reviewed: int
    reversed: int

    @property
    def overturn_percent(self) -> int | None:
        return self.reversed * 100 // self.reviewed if self.reviewed else None

    @property
    def is_overturned(self) -> bool:
        return is_overturned(self.reviewed, self.reversed)


def current_ruleset(event_type: str) -> Ruleset:
    """The running detectors of an event type as one function; compiled again only when the stamp has moved."""
    stamp = current_stamp()
    cached = _compiled.get(event_type)
    if cached is None or cached.stamp != stamp:
        cached = _compiled[event_type] = _load(event_type)
    return cached


def current_stamp() -> int:
    """The number of the set of running detectors; it grows with every change."""
    return int(db.call("SELECT stamp FROM governance_rulesetstamp WHERE id = 1"))


def ruleset_at(stamp: int, event_type: str) -> Ruleset:
    """The set as it was at a stamp, read back from the log of changes alone."""
    key = (stamp, event_type)
    if key not in _past:
        rows = db.rows(
            f"SELECT {_COLUMNS.replace('d.state, d.percent', 'c.to_state AS state, c.percent')} FROM ("
            " SELECT DISTINCT ON (detector_id) detector_id AS of, to_state, percent FROM governance_detectorchange"
            " WHERE stamp <= %s ORDER BY detector_id, stamp DESC) c "
            "JOIN governance_detector d ON d.id = c.of JOIN governance_rule r ON r.id = d.rule_id "
            "WHERE d.event_type = %s AND c.to_state = ANY(%s) ORDER BY d.id",
            [stamp, event_type, list(RUNNING)],
        )
        while len(_past) >= _MOST_PAST:
            _past.pop(next(iter(_past)))
        _past[key] = Ruleset(stamp, event_type, tuple(Running(**row) for row in rows))
    return _past[key]


def with_candidate(base: Ruleset, candidate: Running) -> Ruleset:
    """A set with one more rule at its end; the version that it would replace stays, so that the two can be compared."""
    return replace(base, detectors=(*base.detectors, candidate))


def detector(detector_id: str, version: int | None = None) -> Detector:
    """One version of a detector, the newest unless said otherwise.  Refuses: not_found."""
    found = Detector.objects.select_related("rule").filter(detector_id=detector_id).order_by("-version")
    one = (found if version is None else found.filter(version=version)).first()
    if one is None:
        raise Refusal("not_found")
    return one


def detectors(*, states: Iterable[str] | None = None) -> list[Detector]:
    """Every version of every detector, or those in some states, by name, the newest first."""
    found = Detector.objects.select_related("rule").order_by("detector_id", "-version")
    return list(found if states is None else found.filter(state__in=list(states)))


def detector_changes(detector_id: str, limit: int = 200) -> list[DetectorChange]:
    """What happened to a detector, the newest first: who moved which version where, why and when."""
    found = DetectorChange.objects.filter(detector__detector_id=detector_id).select_related("detector", "person")
    return list(found.order_by("-stamp")[:limit])


def cites_old_rule(given: Detector) -> bool:
    """Whether the public rule has a newer version in force than the one the detector was written for."""
    newer = type(given.rule).objects.filter(
        rule_id=given.rule.rule_id, version__gt=given.rule.version, effective_from__lte=clock.now()
    )
    return newer.exists()


def quality(detector_pk: int | None = None, *, days: int = QUALITY_DAYS) -> list[Quality]:
    """How every detector that ever ran did, or one version of one; an event counts once however much followed."""
    since = clock.now() - timedelta(days=days)
    rows = db.rows(
        "WITH decided AS ("
        " SELECT d.detector_id AS pk, d.occurrence_id,"
        "  bool_or(EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = d.id)) AS reversed,"
        "  bool_or(EXISTS (SELECT 1 FROM governance_decision u WHERE u.cause_id = d.id AND u.action = 'uphold'))"
        "   AS upheld"
        " FROM governance_decision d WHERE d.detector_id IS NOT NULL AND d.made_at >= %(since)s"
        "  AND d.action NOT IN ('reverse', 'uphold') AND (%(one)s::bigint IS NULL OR d.detector_id = %(one)s)"
        " GROUP BY 1, 2"
        "), tallied AS ("
        " SELECT pk, count(*) AS decisions, count(*) FILTER (WHERE reversed OR upheld) AS reviewed,"
        "  count(*) FILTER (WHERE reversed) AS reversed FROM decided GROUP BY 1"
        "), hit AS ("
        " SELECT f AS pk, count(*) AS hits FROM governance_occurrence o, unnest(o.fired) AS f"
        " WHERE o.fired IS NOT NULL AND o.at >= %(since)s AND (%(one)s::bigint IS NULL OR f = %(one)s) GROUP BY 1"
        ") SELECT d.id AS detector, d.detector_id, d.version, d.state, coalesce(h.hits, 0) AS hits,"
        " coalesce(t.decisions, 0) AS decisions, coalesce(t.reviewed, 0) AS reviewed,"
        " coalesce(t.reversed, 0) AS reversed "
        "FROM governance_detector d LEFT JOIN tallied t ON t.pk = d.id LEFT JOIN hit h ON h.pk = d.id "
        "WHERE (%(one)s::bigint IS NULL AND d.state <> 'draft') OR d.id = %(one)s ORDER BY d.detector_id, d.version DESC",
        {"since": since, "one": detector_pk},
    )
    return [Quality(**row) for row in rows]


def overturned(detector_pk: int, since: datetime) -> bool:
    """Whether too many of a version's decisions since a moment were taken back; cheaper than its whole quality."""
    row = db.one(
        "SELECT count(*) FILTER (WHERE reversed OR upheld) AS reviewed, count(*) FILTER (WHERE reversed) AS reversed "
        "FROM (SELECT bool_or(EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = d.id)) AS reversed,"
        " bool_or(EXISTS (SELECT 1 FROM governance_decision u WHERE u.cause_id = d.id AND u.action = 'uphold')) AS upheld"
        " FROM governance_decision d WHERE d.detector_id = %s AND d.made_at >= %s"
        " AND d.action NOT IN ('reverse', 'uphold') GROUP BY d.occurrence_id) AS decided",
        [detector_pk, since],
    )
    return row is not None and is_overturned(row["reviewed"], row["reversed"])


def _load(event_type: str) -> Ruleset:
    """Stamp and detectors in one statement, so that the set is the one of its stamp."""
    rows: list[dict[str, Any]] = db.rows(
        f"SELECT s.stamp, {_COLUMNS} FROM governance_rulesetstamp s "
        "LEFT JOIN governance_detector d ON d.event_type = %s AND d.state = ANY(%s) "
        "LEFT JOIN governance_rule r ON r.id = d.rule_id WHERE s.id = 1 ORDER BY d.id",
        [event_type, list(RUNNING)],
    )
    stamp = int(rows[0]["stamp"])
    found = tuple(
        Running(**{name: value for name, value in row.items() if name != "stamp"})
        for row in rows
        if row["pk"] is not None
    )
    return Ruleset(stamp, event_type, found)
