"""What governance does, by verb family; import every verb from here."""

from meadow.governance.models import (
    Case,
    Decision,
    Detector,
    Farewell,
    Partner,
    Report,
    Rule,
    RuleDraft,
    Sanction,
    Violation,
)
from meadow.governance.rules import LinkDecision
from meadow.governance.rules.detectors import Verdict
from meadow.governance.services.cases import (
    close_case,
    erase_reports,
    open_case,
    report,
    resolve_reports,
)
from meadow.governance.services.decisions import decide
from meadow.governance.services.detectors import (
    Validation,
    demote_if_overturned,
    move_detector,
    validate,
    write_detector,
)
from meadow.governance.services.digests import key_of
from meadow.governance.services.judging import (
    Happening,
    empty_due_texts,
    erase_decision_words,
    erase_texts,
    judge,
    judge_batch,
    seal_decisions,
    weigh,
)
from meadow.governance.services.limits import require_allowed
from meadow.governance.services.links import check_link, require_links
from meadow.governance.services.merchants import (
    accept_rules,
    finish_farewell,
    leave_under_old_rules,
    require_staying,
)
from meadow.governance.services.parties import party_of, register_owner
from meadow.governance.services.partners import add_partner, end_partner
from meadow.governance.services.reversal import (
    reverse_decision,
    reverse_sanction,
    uphold_decision,
    uphold_sanction,
)
from meadow.governance.services.rulebook import (
    change_draft,
    comment_on_draft,
    draft_rule,
    erase_comments,
    open_consultation,
    publish_draft,
    publish_rules,
    withdraw_draft,
)
from meadow.governance.services.sanctions import appeal_sanction, expire_sanction, lift_sanction, record_violation

__all__ = [
    "Case",
    "Decision",
    "Detector",
    "Farewell",
    "Happening",
    "LinkDecision",
    "Partner",
    "Report",
    "Rule",
    "RuleDraft",
    "Sanction",
    "Validation",
    "Verdict",
    "Violation",
    "accept_rules",
    "add_partner",
    "appeal_sanction",
    "change_draft",
    "check_link",
    "close_case",
    "comment_on_draft",
    "decide",
    "demote_if_overturned",
    "draft_rule",
    "empty_due_texts",
    "end_partner",
    "erase_comments",
    "erase_decision_words",
    "erase_reports",
    "erase_texts",
    "expire_sanction",
    "finish_farewell",
    "judge",
    "judge_batch",
    "key_of",
    "leave_under_old_rules",
    "lift_sanction",
    "move_detector",
    "open_case",
    "open_consultation",
    "party_of",
    "publish_draft",
    "publish_rules",
    "record_violation",
    "register_owner",
    "report",
    "require_allowed",
    "require_links",
    "require_staying",
    "resolve_reports",
    "reverse_decision",
    "reverse_sanction",
    "seal_decisions",
    "uphold_decision",
    "uphold_sanction",
    "validate",
    "weigh",
    "withdraw_draft",
    "write_detector",
]
