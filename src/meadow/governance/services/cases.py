"""How cases come about: the same content from a cluster of accounts, reports by people, things held for a look.

Reports never act by themselves, whatever their number: they raise a case in the queue, weighed by how many independent
groups of people they come from.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from meadow.governance import queries, rules
from meadow.governance.models import Case, CaseMember, Report
from meadow.governance.rules.lifecycles import CASE
from meadow.governance.services.decisions import cited
from meadow.governance.services.digests import key_of
from meadow.governance.services.guards import require_subject
from meadow.governance.services.parties import Subject
from meadow.kernel import clock, db, limits
from meadow.kernel.db import atomic, move
from meadow.kernel.errors import Refusal

SAME_CONTENT_ACCOUNTS = 5
SAME_CONTENT_WINDOW = timedelta(hours=24)
REPORTS_A_DAY = 50


def open_case(
    *,
    kind: str,
    key: str,
    subject: Subject | None = None,
    rule_id: str = "",
    members: Sequence[tuple[Subject, int | None]] = (),
    weight: int = 1,
) -> Case:
    """Opens a case, or joins the open one of the same kind and key; accounts are listed once.

    A case cites a rule that people can read, or none.  Refuses: rule_unknown.
    """
    if rule_id and not queries.is_in_rulebook(rule_id):
        raise Refusal("rule_unknown", rule=rule_id)
    with atomic():
        case, _ = Case.objects.get_or_create(
            kind=kind, key=key[:120], closed_at=None,
            defaults={
                "subject_kind": subject[0] if subject else "", "subject_id": subject[1] if subject else None,
                "rule_id": rule_id, "weight": weight, "opened_at": clock.now(),
            },
        )  # fmt: skip
        if weight > case.weight:
            Case.objects.filter(pk=case.pk).update(weight=weight)
        CaseMember.objects.bulk_create(
            [
                CaseMember(case=case, party_kind=kind, party_id=pk, occurrence_id=occurrence_id, at=clock.now())
                for (kind, pk), occurrence_id in members
            ],
            ignore_conflicts=True,
        )
    return case


def close_case(*, case_id: int) -> Case:
    """Somebody has decided; what comes after opens a new one.  Refuses: not_found, stale_state."""
    with atomic():
        case = Case.objects.select_for_update().filter(pk=case_id).first()
        if case is None:
            raise Refusal("not_found")
        move(case, CASE, "close", closed_at=clock.now())
    return case


def note_same_content(
    *, actor: Subject, content_key: int | None, cluster_key: int | None, at: datetime, occurrence_id: int
) -> Case | None:
    """Opens one case when enough accounts of a cluster posted the same; it lists every one of them."""
    found = db.rows(
        "SELECT actor_kind, actor_id, min(id) AS occurrence FROM governance_occurrence "
        "WHERE content_key = %s AND cluster_key = %s AND at > %s AND actor_id > 0 GROUP BY 1, 2 ORDER BY 3",
        [content_key, cluster_key, at - SAME_CONTENT_WINDOW],
    )
    if len(found) < SAME_CONTENT_ACCOUNTS:
        return None
    return open_case(
        kind="same_content", key=f"{content_key}:{cluster_key}", rule_id="conduct.evasion", subject=actor,
        members=[((row["actor_kind"], row["actor_id"]), row["occurrence"]) for row in found], weight=len(found),
    )  # fmt: skip


def report(*, subject: Subject, rule_id: str, person_id: int, text: str = "", cluster: str = "") -> Report:
    """Somebody says that something breaks a rule.  The same person reporting it again changes nothing.

    Refuses: malformed, rule_unknown, rate_limited.
    """
    require_subject(subject)
    cited(rule_id)
    key = f"{subject[0]}:{subject[1]}"
    known = Report.objects.filter(case__kind="report", case__key=key, case__closed_at=None, person_id=person_id).first()
    if known is not None:
        return known
    limits.hit("reports", str(person_id), per=timedelta(days=1), burst=REPORTS_A_DAY)
    with atomic():
        case = open_case(kind="report", key=key, subject=subject, rule_id=rule_id)
        made, _ = Report.objects.get_or_create(
            case=case, person_id=person_id,
            defaults={
                "rule_id": rule_id, "text": rules.clean_text(text, rules.COMMENT_LENGTH), "at": clock.now(),
                "cluster_key": key_of(cluster, "cluster"),
            },
        )  # fmt: skip
        Case.objects.filter(pk=case.pk).update(weight=max(1, queries.independent_reports(case.pk)))
    return made


def resolve_reports(*, case_id: int, upheld: bool) -> int:
    """Says of a case's open reports whether they were right; returns how many.  Who is often wrong weighs less."""
    return Report.objects.filter(case_id=case_id, outcome="").update(outcome="upheld" if upheld else "dismissed")


def erase_reports(*, person_id: int) -> int:
    """Empties what a person wrote in reports; that they reported stays."""
    return Report.objects.filter(person_id=person_id).exclude(text="").update(text="")
