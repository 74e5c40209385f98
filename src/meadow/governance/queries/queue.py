"""What the queue holds and what an operator must see of one case, without a word of anybody's private messages."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from meadow.governance.models import Case, CaseAct, Decision, Occurrence, Report, SavedFilter
from meadow.governance.queries.cases import reports_in
from meadow.governance.queries.decisions import decision, decisions_about
from meadow.governance.rules import cases as laws
from meadow.governance.rules.surfaces import PRIVATE, surface_of
from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.models import AuditEntry

Party = tuple[str, int]
KIND_NAMES = laws.KIND_NAMES
Filter = laws.Filter
filter_of = laws.filter_of
QUALITY_DAYS = 90


@dataclass(frozen=True, slots=True)
class Shown:
    """An event that brought a case, as an operator may see it: its text only where it was public."""

    occurrence_id: int
    event_type: str
    at: datetime
    outcome: str
    text: str
    is_private: bool
    features: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CasePage:
    """All that an operator needs to decide on one case."""

    case: Case
    decision: Decision | None
    parties: tuple[Party, ...]
    events: tuple[Shown, ...]
    reports: tuple[Report, ...]
    history: tuple[Decision, ...]
    acts: tuple[CaseAct, ...]


def case_page(case_id: int) -> CasePage:
    """Refuses: not_found."""
    found = Case.objects.select_related("decision__words", "held_by").filter(pk=case_id).first()
    if found is None:
        raise Refusal("not_found")
    history = decisions_about(found.subject_kind, found.subject_id, limit=20) if found.subject_id else []
    return CasePage(
        found, decision_under(found), tuple(parties_in(found)), tuple(_events(found)), tuple(reports_in(found.pk)),
        tuple(history), tuple(CaseAct.objects.filter(case=found).select_related("person").order_by("pk")),
    )  # fmt: skip


def decision_under(case: Case) -> Decision | None:
    """The decision that a case is about: what a rule held, or what was decided once more since."""
    if case.decision_id is not None:
        return decision(case.decision_id)
    _, _, last = case.key.rpartition(":")
    if case.kind != "review" or not last.isdigit():
        return None
    return Decision.objects.select_related("words").filter(pk=int(last)).first()


def parties_in(case: Case) -> list[Party]:
    """Who answers for what a case is about: its accounts, or else the party of its decision."""
    members = list(case.members.order_by("pk").values_list("party_kind", "party_id"))
    if members:
        return members
    made = decision_under(case)
    return [(made.party_kind, made.party_id)] if made is not None and made.party_id is not None else []


def waiting_cases(wanted: laws.Filter | None = None, *, for_person: int, limit: int = 100) -> list[Case]:
    """The queue as one operator sees it: escalated ones first, then the weightiest; held ones are marked, not hidden."""
    chosen = wanted or laws.Filter()
    found = Case.objects.exclude(state="closed").exclude(barred__contains=[for_person])
    if chosen.kinds:
        found = found.filter(kind__in=chosen.kinds)
    if chosen.rule:
        found = found.filter(rule_id=chosen.rule)
    if chosen.subject_kind:
        found = found.filter(subject_kind=chosen.subject_kind)
    if chosen.escalated:
        found = found.filter(state="escalated")
    found = found.filter(weight__gte=chosen.least_weight)
    return sorted(
        found.select_related("held_by").order_by("-weight", "pk")[:limit], key=lambda c: c.state != "escalated"
    )


def queue_counts() -> dict[str, Any]:
    """How much waits, by kind, how much is escalated or held, how old the oldest is."""
    rows = db.rows(
        "SELECT kind, count(*) AS waiting, count(*) FILTER (WHERE state = 'escalated') AS escalated, "
        "count(*) FILTER (WHERE held_until > %s) AS held, min(opened_at) AS oldest "
        "FROM governance_case WHERE state <> 'closed' GROUP BY kind ORDER BY kind",
        [clock.machine_now()],
    )
    return {
        "waiting": sum(row["waiting"] for row in rows), "escalated": sum(row["escalated"] for row in rows),
        "held": sum(row["held"] for row in rows), "oldest": min((row["oldest"] for row in rows), default=None),
        "kinds": {row["kind"]: row["waiting"] for row in rows},
    }  # fmt: skip


def is_held(case: Case) -> bool:
    """Whether somebody works on it at this moment."""
    return case.held_until is not None and case.held_until > clock.machine_now()


def acts_of(person_id: int, limit: int = 20) -> list[CaseAct]:
    """What an operator did lately, the newest first."""
    return list(CaseAct.objects.filter(person_id=person_id).select_related("case", "person").order_by("-pk")[:limit])


def filters_of(person_id: int) -> list[SavedFilter]:
    """The views an operator keeps, by name."""
    return list(SavedFilter.objects.filter(person_id=person_id).order_by("name"))


@dataclass(frozen=True, slots=True)
class RuleQuality:
    """How the decisions of one rule came out when somebody looked again."""

    rule_id: str
    decisions: int
    reviewed: int
    reversed: int

    @property
    def overturn_bp(self) -> int | None:
        return self.reversed * 10_000 // self.reviewed if self.reviewed else None


def rule_quality(days: int = QUALITY_DAYS) -> list[RuleQuality]:
    """The overturn rate of each rule: of the decisions that were looked at again, how many were taken back.

    A suspension that ended, or was kept, was not found wrong or right by that.
    """
    rows = db.rows(
        "SELECT d.rule_id, count(*) AS decisions, count(*) FILTER (WHERE r.reversed OR r.upheld) AS reviewed, "
        "count(*) FILTER (WHERE r.reversed) AS reversed FROM governance_decision d CROSS JOIN LATERAL ("
        " SELECT EXISTS (SELECT 1 FROM governance_decision x WHERE x.reverses_id = d.id"
        "   AND NOT EXISTS (SELECT 1 FROM governance_suspension s WHERE s.decision_id = d.id"
        "    AND s.ending IN ('operator', 'review', 'appeal'))) AS reversed,"
        "  EXISTS (SELECT 1 FROM governance_decision x WHERE x.cause_id = d.id AND x.action = 'uphold'"
        "   AND NOT EXISTS (SELECT 1 FROM governance_suspension s WHERE s.decision_id = d.id)) AS upheld"
        ") r WHERE d.made_at >= %s AND d.cause_id IS NULL AND d.action NOT IN ('reverse', 'uphold', 'restore') "
        "GROUP BY d.rule_id ORDER BY d.rule_id",
        [clock.now() - timedelta(days=days)],
    )
    return [RuleQuality(**row) for row in rows]


def private_openings(subject: Party | None = None, limit: int = 200) -> list[dict[str, Any]]:
    """Who opened which private messages by which report, the newest first."""
    found = AuditEntry.objects.filter(verb="open_private").order_by("-pk")
    if subject is not None:
        found = found.filter(subject_kind=subject[0], subject_id=subject[1])
    return [
        {"at": one.at, "person_id": one.person_id, "subject": (one.subject_kind, one.subject_id), **(one.after or {})}
        for one in found[:limit]
    ]


def _events(case: Case) -> list[Shown]:
    ids = list(case.members.exclude(occurrence=None).order_by("pk").values_list("occurrence_id", flat=True)[:20])
    under = decision_under(case)
    if under is not None and under.occurrence_id and under.occurrence_id not in ids:
        ids.append(under.occurrence_id)
    found = Occurrence.objects.filter(pk__in=ids).select_related("words").order_by("pk")
    return [_shown(one) for one in found]


def _shown(one: Occurrence) -> Shown:
    features = json.loads(one.features or "{}")
    private = _is_private(one.event_type, str(features.get("surface", "")))
    words = one.words.text if hasattr(one, "words") and not private else ""
    return Shown(one.pk, one.event_type, one.at, one.outcome, words, private, features)


def _is_private(event_type: str, name: str) -> bool:
    """A message is private unless its surface is known to be read by many."""
    surface = surface_of(name)
    return event_type == "message" if surface is None else surface in PRIVATE
