"""Which tables governance keeps, by family; import every table from here."""

from meadow.governance.models.decisions import Decision, new_decision_id
from meadow.governance.models.partners import Partner, new_partner_id
from meadow.governance.models.rulebook import Rule

__all__ = ["Decision", "Partner", "Rule", "new_decision_id", "new_partner_id"]
