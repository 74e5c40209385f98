"""Which tables governance keeps, by family; import every table from here."""

from meadow.governance.models.acts import CaseAct, SavedFilter
from meadow.governance.models.appeals import Appeal, AppealNote, new_appeal_id
from meadow.governance.models.cases import Case, CaseMember, Report, new_case_id, new_report_id
from meadow.governance.models.contact import ContactRecord, ContactStance, ContactWindow, QuietHours
from meadow.governance.models.decisions import (
    Decision,
    DecisionText,
    Seal,
    SealedDecision,
    Unsealed,
    new_decision_id,
)
from meadow.governance.models.detectors import Detector, DetectorChange, RulesetStamp
from meadow.governance.models.licences import Licence, LicenceUse, new_licence_id
from meadow.governance.models.occurrences import Occurrence, OccurrenceText
from meadow.governance.models.packs import Pack, PackPreview, PackTerm, Scan, TextFinding, new_scan_id
from meadow.governance.models.partners import BarredHost, LinkSetting, Partner, new_bar_id, new_partner_id
from meadow.governance.models.rulebook import DraftComment, Farewell, Rule, RuleAnswer, RuleDraft, new_draft_id
from meadow.governance.models.sanctions import Sanction, Violation, new_sanction_id
from meadow.governance.models.suspensions import Suspension, new_suspension_id

__all__ = [
    "Appeal",
    "AppealNote",
    "BarredHost",
    "Case",
    "CaseAct",
    "CaseMember",
    "ContactRecord",
    "ContactStance",
    "ContactWindow",
    "Decision",
    "DecisionText",
    "Detector",
    "DetectorChange",
    "DraftComment",
    "Farewell",
    "Licence",
    "LicenceUse",
    "LinkSetting",
    "Occurrence",
    "OccurrenceText",
    "Pack",
    "PackPreview",
    "PackTerm",
    "Partner",
    "QuietHours",
    "Report",
    "Rule",
    "RuleAnswer",
    "RuleDraft",
    "RulesetStamp",
    "Sanction",
    "SavedFilter",
    "Scan",
    "Seal",
    "SealedDecision",
    "Suspension",
    "TextFinding",
    "Unsealed",
    "Violation",
    "new_appeal_id",
    "new_bar_id",
    "new_case_id",
    "new_decision_id",
    "new_draft_id",
    "new_licence_id",
    "new_partner_id",
    "new_report_id",
    "new_sanction_id",
    "new_scan_id",
    "new_suspension_id",
]
