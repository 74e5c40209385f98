"""Which appeals there are, who may look at each, what is left on its clock, and the numbers that are published."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from meadow.governance.models import Appeal, AppealNote, Decision, Sanction
from meadow.governance.queries.standing import parties_of
from meadow.governance.rules import PARTY_KINDS
from meadow.governance.rules import appeals as laws
from meadow.governance.rules.appeals import Decided
from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import is_id

Party = tuple[str, int]
PAUSES = laws.PAUSES
ROUNDS = laws.ROUNDS
APPEAL_PERIOD_DAYS = 365


def appeal(appeal_id: int | str, *, person_id: int | None = None) -> Appeal:
    """An appeal by id or public id, of this person's side if one is named.  Refuses: not_found."""
    if isinstance(appeal_id, str):
        known = Appeal.objects.filter(public_id=appeal_id) if is_id(appeal_id, "apl") else None
    else:
        known = Appeal.objects.filter(pk=appeal_id)
    found = known.select_related("decision__words").first() if known is not None else None
    if found is None:
        raise Refusal("not_found")
    if person_id is not None:
        require_appellant(found, person_id)
    return found


def appeals_of(parties: Iterable[Party], limit: int = 100) -> list[Appeal]:
    """What these parties appealed, the newest first."""
    wanted = Q(pk__in=[])
    for kind, party_id in parties:
        wanted |= Q(party_kind=kind, party_id=party_id)
    return list(Appeal.objects.select_related("decision__words").filter(wanted).order_by("-pk")[:limit])


def last_appeal_of(decision_id: str) -> Appeal | None:
    """The newest appeal of the matter that a decision belongs to."""
    made = Decision.objects.filter(public_id=decision_id).first()
    if made is None or made.action in laws.NOT_APPEALABLE:
        return None
    return Appeal.objects.filter(decision=root_decision(made)).order_by("-pk").first()


def pending_appeals(limit: int = 200) -> list[Appeal]:
    """What waits for an answer, the next due first."""
    found = Appeal.objects.select_related("decision__words").filter(state__in=laws.PENDING)
    return list(found.order_by("due_at")[:limit])


def notes_on(appeal_id: int) -> list[AppealNote]:
    """What both sides said and what stopped the clock, oldest first."""
    return list(AppealNote.objects.filter(appeal_id=appeal_id).order_by("pk"))


def left_on_clock(found: Appeal) -> timedelta | None:
    """How much time is left for an answer; none while nothing runs any more, negative when it is overdue."""
    if not found.is_pending:
        return None
    return found.due_at - (found.paused_at or clock.now())


def root_decision(given: Decision) -> Decision:
    """What a decision goes back to: a sanction to its violation, a violation to what met it.  Refuses:
    not_appealable."""
    if given.action in laws.NOT_APPEALABLE:
        raise Refusal("not_appealable")
    root = given
    while root.cause is not None:
        root = root.cause
    return root


def sanctions_from(root: Decision) -> list[Sanction]:
    """The sanctions that go back to a decision and stand."""
    ids = db.rows(
        "WITH RECURSIVE below(id) AS (SELECT %s::bigint UNION SELECT d.id FROM governance_decision d "
        "JOIN below b ON d.cause_id = b.id) "
        "SELECT s.id FROM governance_sanction s JOIN below b ON s.violation_id = b.id WHERE s.state <> 'reversed'",
        [root.pk],
    )
    return list(Sanction.objects.filter(pk__in=[row["id"] for row in ids]).order_by("pk"))


def taken_down_by(root: Decision) -> list[Decision]:
    """What a decision took down that is no account, and still keeps away; suspensions are left out, they have dates.

    What a decision about something else keeps away as well is left out too.  The newest decision of each subject.
    """
    rows = db.rows(
        "WITH RECURSIVE below(id) AS (SELECT %s::bigint UNION SELECT d.id FROM governance_decision d "
        "JOIN below b ON d.cause_id = b.id) SELECT max(d.id) AS id FROM governance_decision d JOIN below b ON b.id = d.id "
        "WHERE d.action IN ('suspend', 'hold', 'review') AND d.subject_kind <> ALL(%s) "
        "AND NOT EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = d.id) "
        "AND NOT EXISTS (SELECT 1 FROM governance_decision o WHERE o.subject_kind = d.subject_kind "
        " AND o.subject_id = d.subject_id AND o.action IN ('suspend', 'stop_new', 'hold', 'review') "
        " AND NOT EXISTS (SELECT 1 FROM below x WHERE x.id = o.id) "
        " AND NOT EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = o.id)) "
        "AND NOT EXISTS (SELECT 1 FROM governance_suspension s WHERE s.decision_id = d.id) "
        "GROUP BY d.subject_kind, d.subject_id",
        [root.pk, list(PARTY_KINDS)],
    )
    return list(Decision.objects.select_related("words").filter(pk__in=[row["id"] for row in rows]).order_by("pk"))


def shown_meanwhile(root: Decision) -> list[Decision]:
    """The restorations that an overdue appeal of this decision has made and that stand."""
    rows = db.rows(
        "WITH RECURSIVE below(id) AS (SELECT %s::bigint UNION SELECT d.id FROM governance_decision d "
        "JOIN below b ON d.cause_id = b.id) SELECT d.id FROM governance_decision d JOIN below b ON b.id = d.id "
        "WHERE d.action = 'restore' AND d.cause_id IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = d.id) ORDER BY d.id",
        [root.pk],
    )
    return list(Decision.objects.select_related("words").filter(pk__in=[row["id"] for row in rows]).order_by("pk"))


def party_appealing(root: Decision, person_id: int) -> Party:
    """As whom somebody may appeal a decision: as the party that it weighs on.  Refuses: not_found."""
    mine = parties_of(person_id)
    concerned = (root.party_kind, root.party_id or 0)
    if concerned in mine:
        return concerned
    subject = (root.subject_kind, root.subject_id)
    if subject in mine:
        return subject
    raise Refusal("not_found")


def require_appellant(found: Appeal, person_id: int) -> None:
    """Refuses: not_found, for who does not answer for the party that appealed."""
    if (found.party_kind, found.party_id) not in parties_of(person_id):
        raise Refusal("not_found")


def barred_from(found: Appeal) -> set[int]:
    """Who must not decide an appeal: whoever decided before, and the side that appealed."""
    chain = db.rows(
        "WITH RECURSIVE below(id) AS (SELECT %s::bigint UNION SELECT d.id FROM governance_decision d "
        "JOIN below b ON d.cause_id = b.id) "
        "SELECT DISTINCT d.decided_by_id AS person FROM governance_decision d JOIN below b ON b.id = d.id "
        "WHERE d.decided_by_id IS NOT NULL",
        [found.decision_id],
    )
    before = Appeal.objects.filter(decision_id=found.decision_id).exclude(pk=found.pk).exclude(decided_by=None)
    return {row["person"] for row in chain} | set(before.values_list("decided_by_id", flat=True)) | {found.person_id}


@dataclass(frozen=True, slots=True)
class RuleNumbers:
    """The published numbers of one rule, or of all together (rule_id empty)."""

    rule_id: str
    decisions: int
    appealed: int
    upheld: int
    reversed: int
    withdrawn: int
    pending: int
    overdue: int
    median_hours: int | None
    overturn_bp: int | None

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is published about appeals of a period: in all, and by rule, the most appealed first."""

    since: datetime
    until: datetime
    total: RuleNumbers
    rules: tuple[RuleNumbers, ...]


def appeal_statistics(*, since: datetime | None = None, until: datetime | None = None) -> Statistics:
    """Counts, median time and the share of decisions taken back, of appeals opened in a period; a year unless said.

    The time is counted without pauses.  overdue counts those that ever fell due without an answer.
    """
    end = until or clock.now()
    begin = since or end - timedelta(days=APPEAL_PERIOD_DAYS)
    rows = db.rows(
        "SELECT d.rule_id, a.state, a.overdue_at IS NOT NULL AS overdue, a.ended_at - a.opened_at - coalesce("
        " (SELECT sum(coalesce((SELECT min(r.at) FROM governance_appealnote r WHERE r.appeal_id = a.id"
        "   AND r.kind = 'resumed' AND r.id > p.id), a.ended_at) - p.at)"
        "  FROM governance_appealnote p WHERE p.appeal_id = a.id AND p.kind = 'paused'), interval '0') AS took "
        "FROM governance_appeal a JOIN governance_decision d ON d.id = a.decision_id "
        "WHERE a.opened_at >= %s AND a.opened_at < %s",
        [begin, end],
    )
    made = db.rows(
        "SELECT rule_id, count(*) AS decisions FROM governance_decision WHERE made_at >= %s AND made_at < %s "
        "AND action NOT IN ('reverse', 'uphold', 'restore') AND cause_id IS NULL GROUP BY rule_id",
        [begin, end],
    )
    counted = {row["rule_id"]: int(row["decisions"]) for row in made}
    by_rule: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_rule[row["rule_id"]].append(row)
    numbers = [_numbers(rule, counted.get(rule, 0), by_rule[rule]) for rule in sorted({*counted, *by_rule})]
    return Statistics(
        begin, end, _numbers("", sum(counted.values()), rows),
        tuple(sorted(numbers, key=lambda one: (-one.appealed, one.rule_id))),
    )  # fmt: skip


def _numbers(rule_id: str, decisions: int, rows: list[dict[str, Any]]) -> RuleNumbers:
    decided = [
        Decided(rule_id, row["state"], row["took"], row["overdue"])
        for row in rows
        if row["state"] in ("upheld", "reversed")
    ]
    states = [row["state"] for row in rows]
    return RuleNumbers(
        rule_id, decisions, len(rows), states.count("upheld"), states.count("reversed"), states.count("withdrawn"),
        sum(state in laws.PENDING for state in states), sum(row["overdue"] for row in rows),
        laws.median_hours(one.took for one in decided), laws.overturn_bp(decided),
    )  # fmt: skip
