"""What is allowed and what was decided; import every read from here."""

from meadow.governance.models import Decision, Partner, Rule
from meadow.governance.queries.decisions import decision, decisions_about, is_suspended, suspended_among
from meadow.governance.queries.links import allowlist, blocked_hosts, decide_link, judge_link, partners
from meadow.governance.queries.rulebook import rulebook
from meadow.governance.rules import (
    SURFACES,
    Allowlist,
    FoundLink,
    LinkDecision,
    PartnerPages,
    build_allowlist,
    links_in_text,
)

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
