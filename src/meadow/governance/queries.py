"""What is allowed and what was decided: the link decision, the rulebook, standing suspensions, partners."""

from datetime import datetime

from django.conf import settings

from meadow.governance import rules
from meadow.governance.models import Decision, Partner, Rule
from meadow.governance.rules import (
    SURFACES,
    Allowlist,
    FoundLink,
    LinkDecision,
    PartnerPages,
    build_allowlist,
    links_in_text,
)
from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import is_id

__all__ = [
    "SURFACES",
    "Allowlist",
    "Decision",
    "FoundLink",
    "LinkDecision",
    "Partner",
    "PartnerPages",
    "Rule",
    "allowlist",
    "blocked_hosts",
    "build_allowlist",
    "decide_link",
    "decision",
    "decisions_about",
    "is_suspended",
    "judge_link",
    "links_in_text",
    "partners",
    "rulebook",
    "suspended_among",
]

decide_link = rules.decide_link
"""decide_link(url, surface, partners: Allowlist, *, own="") -> LinkDecision; pure, microseconds, no network."""


def allowlist() -> Allowlist:
    """The partners as the link decision needs them, in one statement; a partner that ends is gone at once."""
    rows = Partner.objects.order_by("pk").values_list("public_id", "name", "hosts", "product_patterns", "active")
    return build_allowlist(tuple(PartnerPages(i, n, tuple(h), tuple(p), a) for i, n, h, p, a in rows))


def judge_link(url: str, surface: str) -> LinkDecision:
    """The decision about one address with today's partners, recording nothing."""
    return rules.decide_link(url, surface, allowlist(), own=settings.MEADOW.base_url)


def rulebook() -> list[Rule]:
    """Every published version of every rule, the newest version of each first."""
    return list(Rule.objects.order_by("rule_id", "-version"))


def decision(decision_id: int | str) -> Decision:
    """A decision by id or public id.  Refuses: not_found."""
    if isinstance(decision_id, str):
        found = Decision.objects.filter(public_id=decision_id).first() if is_id(decision_id, "dec") else None
    else:
        found = Decision.objects.filter(pk=decision_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def decisions_about(kind: str, subject_id: int, limit: int = 100) -> list[Decision]:
    """What was decided about a subject, the newest first."""
    return list(Decision.objects.filter(subject_kind=kind, subject_id=subject_id).order_by("-pk")[:limit])


def is_suspended(kind: str, subject_id: int, *, at: datetime | None = None) -> bool:
    """Whether a decision suspends a subject now, though its owner may not have carried it out yet."""
    return subject_id in suspended_among(kind, [subject_id], at=at)


def suspended_among(kind: str, subject_ids: list[int], *, at: datetime | None = None) -> set[int]:
    """Those of the subjects that are suspended: not reversed, not ended, not restored by a later decision."""
    found = db.rows(
        "SELECT DISTINCT d.subject_id FROM governance_decision d "
        "WHERE d.subject_kind = %(kind)s AND d.subject_id = ANY(%(ids)s) AND d.action = 'suspend' "
        "AND (d.until IS NULL OR d.until > %(at)s) "
        "AND NOT EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = d.id) "
        "AND NOT EXISTS (SELECT 1 FROM governance_decision l WHERE l.subject_kind = d.subject_kind "
        " AND l.subject_id = d.subject_id AND l.action = 'restore' AND l.id > d.id "
        " AND NOT EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = l.id))",
        {"kind": kind, "ids": subject_ids, "at": at or clock.now()},
    )
    return {row["subject_id"] for row in found}


def partners(*, active_only: bool = False) -> list[Partner]:
    """The partners by name."""
    return list((Partner.objects.filter(active=True) if active_only else Partner.objects.all()).order_by("name"))


def blocked_hosts(limit: int = 1000) -> list[dict[str, object]]:
    """Which hosts were blocked, by which rule and why, how often: {host, rule_id, rule_version, code, times, last}."""
    return db.rows(
        "SELECT inputs->>'host' AS host, rule_id, rule_version, inputs->>'code' AS code, count(*) AS times, "
        "max(made_at) AS last FROM governance_decision WHERE action = 'block_link' "
        "GROUP BY 1, 2, 3, 4 ORDER BY times DESC, host LIMIT %s",
        [limit],
    )
