"""How somebody reports an item: any post, comment, product, shop, message or person, with what they saw as evidence."""

from collections.abc import Sequence

from meadow.content import services as content
from meadow.governance import queries as governance
from meadow.governance import services as decisions
from meadow.governance.services import Report
from meadow.kernel.db import atomic
from meadow.messaging import queries, rules


def report_item(
    *, kind: str, public_id: str, rule_id: str, person_id: int, text: str = "", evidence: Sequence[str] = ()
) -> Report:
    """Files a report; reports about one thing are one case.  A private message is reported by its two sides alone.

    evidence: one's own pictures that were sent for this use.
    Refuses: malformed, not_found, rule_unknown, rate_limited, too_many_pictures, picture_taken.
    """
    subject = queries.reportable(kind, public_id, person_id=person_id)
    shown = content.pictures_to_attach(
        evidence, person_id=person_id, use="evidence", most=rules.LIMITS["evidence_pictures"]
    )
    with atomic():
        made = decisions.report(subject=subject, rule_id=rule_id, person_id=person_id, text=text)
        content.attach(shown, governance.REPORT, made.pk)
    return made
