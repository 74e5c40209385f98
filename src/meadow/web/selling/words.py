"""What the fields, levels and states of an application for payment are called on pages."""

from typing import Any

from django.utils.translation import gettext as _text
from django.utils.translation import gettext_lazy as _

from meadow.web import shown

FIELDS: dict[str, Any] = {
    "legal_name": _("Name as on the identity document"),
    "id_kind": _("Identity document"),
    "id_number": _("Number of the identity document"),
    "id_expires_on": _("Identity document valid until"),
    "phone": _("Phone"),
    "bank_holder": _("Account holder"),
    "bank_name": _("Bank"),
    "bank_number": _("Account number"),
    "company_name": _("Name of the business"),
    "licence_kind": _("Kind of licence number"),
    "licence_number": _("Number of the business licence"),
    "licence_expires_on": _("Business licence valid until (empty: without end)"),
    "licence_picture": _("Picture of the business licence"),
    "qualification_kind": _("Permit"),
    "qualification_number": _("Number of the permit"),
    "qualification_issuer": _("Issued by"),
    "qualification_from": _("Permit valid from"),
    "qualification_expires_on": _("Permit valid until"),
    "qualification_picture": _("Picture of the permit"),
}
CHOICES: dict[str, tuple[tuple[str, Any], ...]] = {
    "id_kind": (("cn_id", _("Resident identity card")), ("passport", _("Passport")), ("other", _("Another one"))),
    "licence_kind": (("cn_uscc", _("Unified social credit code")), ("other", _("Another one"))),
}
LEVELS = (
    (0, _("An individual"), _("Identity, phone and bank account. Nobody has to look.")),
    (1, _("A business"), _("Also the business licence, with a picture. Checked at once.")),
    (2, _("A business with restricted goods"), _("Also a permit; a person looks within three days.")),
)
STATES: dict[str, tuple[Any, str]] = {
    "draft": (_("Not handed in yet"), ""),
    "checking": (_("Being checked"), "warn"),
    "account_need_verify": (_("Waits for your proof"), "warn"),
    "auditing": (_("A person is looking at it"), "warn"),
    "need_sign": (_("Waits for your agreement"), "warn"),
    "finish": (_("You can be paid"), "good"),
    "rejected": (_("Something has to be corrected"), "bad"),
    "canceled": (_("Given up"), ""),
    "replaced": (_("Replaced by a newer one"), ""),
}
CHALLENGES = {
    "phone": _("The code that came to your phone"),
    "bank": _("The amount that came to your account, in minor units (for example 42 for ¥0.42)"),
}


def label_of(field: str) -> str:
    return str(FIELDS.get(field, field))


def reason_of(reason: dict[str, str]) -> str:
    """Why a field cannot stand, in the page's language."""
    return reason["zh"] if shown.language() == "zh" else reason["en"]


def permits(kinds: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """The permits that the rules about goods know."""
    return tuple((kind, kind.replace("_", " ")) for kind in sorted(kinds)) or (("", _text("None is asked for")),)
