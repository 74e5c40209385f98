"""Which cases are open and who is in them, and how many independent voices a report has."""

from typing import Any

from meadow.governance.models import Case, Report
from meadow.kernel import db
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import is_id

REPORT = "governance.report"  # what pictures shown as evidence belong to
# From here on somebody whose reports were never right counts for nothing.
DISMISSED_MOST = 5


def case(case_id: int | str) -> Case:
    """A case by id or public id.  Refuses: not_found."""
    if isinstance(case_id, str):
        found = Case.objects.filter(public_id=case_id).first() if is_id(case_id, "cas") else None
    else:
        found = Case.objects.filter(pk=case_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def open_cases(limit: int = 100) -> list[Case]:
    """The queue: the weightiest first, then the oldest."""
    return list(Case.objects.exclude(state="closed").order_by("-weight", "pk")[:limit])


def accounts_in(case_id: int) -> list[tuple[str, int]]:
    """Every account of a case, in the order in which they came."""
    return list(case(case_id).members.order_by("pk").values_list("party_kind", "party_id"))


def report_of(public_id: str) -> Report:
    """A report by its public id.  Refuses: not_found."""
    found = (
        Report.objects.select_related("case").filter(public_id=public_id).first() if is_id(public_id, "rpt") else None
    )
    if found is None:
        raise Refusal("not_found")
    return found


def reports_in(case_id: int) -> list[Report]:
    """What was reported, oldest first."""
    return list(Report.objects.filter(case_id=case_id).order_by("pk"))


def independent_reports(case_id: int) -> int:
    """How many independent groups reported: people of one cluster count once, who was always wrong not at all."""
    return int(
        db.call(
            "SELECT count(DISTINCT coalesce('c' || r.cluster_key, 'p' || r.person_id)) FROM governance_report r "
            "WHERE r.case_id = %s AND NOT EXISTS (SELECT 1 FROM governance_report o WHERE o.person_id = r.person_id"
            " HAVING count(*) FILTER (WHERE o.outcome = 'dismissed') >= %s"
            " AND count(*) FILTER (WHERE o.outcome = 'upheld') = 0)",
            [case_id, DISMISSED_MOST],
        )
    )


def report_record(person_id: int) -> dict[str, Any]:
    """How somebody's reports came out: {reports, upheld, dismissed}."""
    row = db.one(
        "SELECT count(*) AS reports, count(*) FILTER (WHERE outcome = 'upheld') AS upheld, "
        "count(*) FILTER (WHERE outcome = 'dismissed') AS dismissed FROM governance_report WHERE person_id = %s",
        [person_id],
    )
    return dict(row or {})
