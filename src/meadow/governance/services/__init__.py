"""What governance does, by verb family; import every verb from here."""

from meadow.governance.models import Decision, Partner
from meadow.governance.rules import LinkDecision
from meadow.governance.services.decisions import decide, reverse_decision
from meadow.governance.services.links import check_link, require_links
from meadow.governance.services.partners import add_partner, end_partner
from meadow.governance.services.rulebook import publish_rules

__all__ = [
    "Decision",
    "LinkDecision",
    "Partner",
    "add_partner",
    "check_link",
    "decide",
    "end_partner",
    "publish_rules",
    "require_links",
    "reverse_decision",
]
