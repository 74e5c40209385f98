"""When a merchant may be paid: what each level asks for, which data cannot be right, and how an application moves.

Checksums: resident identity numbers by GB 11643 (ISO 7064 MOD 11-2), unified social credit codes by GB 32100.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from meadow.kernel.states import Machine
from meadow.payments.rules.payouts import same_name

APPLICATION = Machine(
    name="merchant_application",
    start="draft",
    table={
        "draft": {"submit": "checking", "cancel": "canceled", "admit": "finish"},
        "checking": {
            "prove": "account_need_verify", "audit": "auditing", "agree": "need_sign", "reject": "rejected",
        },
        "account_need_verify": {"audit": "auditing", "agree": "need_sign", "cancel": "canceled"},
        "auditing": {"agree": "need_sign", "reject": "rejected", "cancel": "canceled"},
        "need_sign": {"sign": "finish", "cancel": "canceled"},
        "rejected": {"submit": "checking", "cancel": "canceled"},
        # Whether a merchant that stands is stopped for a while is not asked here but of its suspensions.
        "finish": {"replace": "replaced"},
        "canceled": {},
        "replaced": {},
    },
    ends={"canceled", "replaced"},
)  # fmt: skip
OPEN = ("draft", "checking", "account_need_verify", "auditing", "need_sign", "rejected")
LIVE = "finish"

LEVELS = (0, 1, 2)  # an individual, a verified business, restricted categories
ID_KINDS = ("cn_id", "passport", "other")
LICENCE_KINDS = ("cn_uscc", "other")

PERSON_FIELDS = ("legal_name", "id_kind", "id_number", "id_expires_on", "phone")
BANK_FIELDS = ("bank_holder", "bank_name", "bank_number")
COMPANY_FIELDS = ("company_name", "licence_kind", "licence_number", "licence_expires_on")
QUALIFICATION_FIELDS = (
    "qualification_kind", "qualification_number", "qualification_issuer", "qualification_from",
    "qualification_expires_on",
)  # fmt: skip
FIELDS: dict[int, tuple[str, ...]] = {
    0: PERSON_FIELDS + BANK_FIELDS,
    1: PERSON_FIELDS + BANK_FIELDS + COMPANY_FIELDS,
    2: PERSON_FIELDS + BANK_FIELDS + COMPANY_FIELDS + QUALIFICATION_FIELDS,
}
DOCUMENTS: dict[int, tuple[str, ...]] = {
    0: (), 1: ("licence_picture",), 2: ("licence_picture", "qualification_picture"),
}  # fmt: skip
OPTIONAL = frozenset({"licence_expires_on"})  # many businesses are licensed without an end
DATES = frozenset({"id_expires_on", "licence_expires_on", "qualification_from", "qualification_expires_on"})
EVERY_FIELD = FIELDS[2]
EVERY_DOCUMENT = DOCUMENTS[2]
MOST_VALUE = 120

CODE_LIFE = timedelta(minutes=10)
CODE_TRIES = 5
DEPOSIT_LIFE = timedelta(days=7)
DEPOSIT_TRIES = 3
LOCKED_FOR = timedelta(hours=24)
DEPOSIT_MOST_MINOR = 99
REVIEW_WITHIN = timedelta(hours=72)
AGREEMENT = "merchant-1"
CHALLENGES = ("phone", "bank")
PROOFS = ("identity", "phone", "bank", "company")
MOST_DOCUMENTS = 40  # of one application, so that nobody stores a library here
DOCUMENT_EXTENT_LEAST = 200  # pixels on the shorter side; less is read by nobody

Answer = Literal["match", "mismatch", "expired", "unreadable", "unknown"]

FAULTS: dict[str, tuple[str, str]] = {
    "missing": ("This is needed. Please fill it in.", "此项必填，请填写。"),
    "malformed": ("This cannot be right. Please check how it is written.", "格式有误，请检查填写内容。"),
    "checksum": ("The check digit does not fit: a character is wrong.", "校验位不符，请核对每一位。"),
    "expired": ("This has expired. Please give one that is valid.", "已过有效期，请提供有效证件。"),
    "mismatch": ("This does not agree with the name it is registered under.", "与登记的名称不一致，请核对。"),
    "unreadable": ("The picture cannot be read. Please take a sharper one.", "图片无法识别，请重新拍摄清晰图片。"),
}


_Check = Callable[[str, Mapping[str, str]], str | None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One field, and why it cannot stand; words may come from a reviewer, in their own language."""

    field: str
    code: str
    words: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"field": self.field, "code": self.code, "words": self.words}


def tidy(values: Mapping[str, str]) -> dict[str, str]:
    """Values as they are kept: one normal form, no surrounding spaces, numbers without blanks and in upper case."""
    kept = {}
    for field, value in values.items():
        text = " ".join(unicodedata.normalize("NFKC", value).split())
        kept[field] = re.sub(r"[\s-]", "", text).upper() if field.endswith("_number") else text
    return kept


def faults_of(level: int, values: Mapping[str, str], documents: frozenset[str], today: date) -> list[Fault]:
    """What is wrong with an application by its data alone; each field at most once, in the order they are asked for."""
    found = []
    for field in FIELDS[level]:
        code = _fault(field, values, today)
        if code is not None:
            found.append(Fault(field, code))
    if {fault.field for fault in found} & {"legal_name", "company_name"}:
        # Whose account it is cannot be told before the names are right.
        found = [fault for fault in found if fault != Fault("bank_holder", "mismatch")]
    found += [Fault(field, "missing") for field in DOCUMENTS[level] if field not in documents]
    return found


def _fault(field: str, values: Mapping[str, str], today: date) -> str | None:
    value = values.get(field, "")
    if not value:
        return None if field in OPTIONAL or field in ("id_kind", "licence_kind") else "missing"
    if len(value) > MOST_VALUE or any(unicodedata.category(c)[0] == "C" for c in value):
        return "malformed"
    if field in DATES:
        return _date_fault(field, value, today)
    check = _CHECKS.get(field)
    return check(value, values) if check else None


def _date_fault(field: str, value: str, today: date) -> str | None:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return "malformed"
    if field == "qualification_from":
        return "malformed" if day > today else None
    return "expired" if day < today else None


def _id_number(value: str, values: Mapping[str, str]) -> str | None:
    kind = values.get("id_kind") or ID_KINDS[0]
    if kind == "cn_id":
        if not re.fullmatch(r"\d{17}[\dX]", value) or not _is_day(value[6:14]):
            return "malformed"
        return None if resident_check(value[:17]) == value[17] else "checksum"
    pattern = r"[A-Z0-9]{6,12}" if kind == "passport" else r"[A-Z0-9./]{4,32}"
    return None if re.fullmatch(pattern, value) else "malformed"


def _licence_number(value: str, values: Mapping[str, str]) -> str | None:
    if (values.get("licence_kind") or LICENCE_KINDS[0]) != "cn_uscc":
        return None if re.fullmatch(r"[A-Z0-9./]{4,40}", value) else "malformed"
    if len(value) != 18 or any(c not in _USCC for c in value):
        return "malformed"
    return None if uscc_check(value[:17]) == value[17] else "checksum"


def _kind_of(kinds: tuple[str, ...]) -> _Check:
    return lambda value, values: None if value in kinds else "malformed"


def _phone(value: str, values: Mapping[str, str]) -> str | None:
    return None if re.fullmatch(r"\+?[0-9][0-9 ()-]{5,22}[0-9]", value) else "malformed"


def _holder(value: str, values: Mapping[str, str]) -> str | None:
    """A business may be paid to its own account or to its owner's; an individual to their own."""
    names = [values.get("legal_name", ""), values.get("company_name", "")]
    return None if any(name and same_name(value, name) for name in names) else "mismatch"


def _name(value: str, values: Mapping[str, str]) -> str | None:
    return None if len(value) >= 2 and any(c.isalpha() for c in value) else "malformed"


def _bank_number(value: str, values: Mapping[str, str]) -> str | None:
    return None if re.fullmatch(r"[A-Z0-9]{6,34}", value) else "malformed"


def _is_day(text: str) -> bool:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:])).year >= 1900
    except ValueError:
        return False


def resident_check(first: str) -> str:
    """The eighteenth character for the first seventeen digits of a resident identity number."""
    return "10X98765432"[sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(first)) % 11]


_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def uscc_check(first: str) -> str:
    """The eighteenth character for the first seventeen of a unified social credit code."""
    total = sum(_USCC.index(letter) * pow(3, place, 31) for place, letter in enumerate(first))
    return _USCC[(31 - total % 31) % 31]


_CHECKS: dict[str, _Check] = {
    "legal_name": _name,
    "id_kind": _kind_of(ID_KINDS),
    "id_number": _id_number,
    "phone": _phone,
    "bank_holder": _holder,
    "bank_name": _name,
    "bank_number": _bank_number,
    "company_name": _name,
    "licence_kind": _kind_of(LICENCE_KINDS),
    "licence_number": _licence_number,
}


def entity_of(level: int, values: Mapping[str, str]) -> tuple[str, str]:
    """Who is legally behind an application, as (kind, number): the business if there is one, else the person."""
    if level >= 1:
        return "company", f"{values.get('licence_kind') or LICENCE_KINDS[0]}:{values['licence_number']}"
    return "person", f"{values.get('id_kind') or ID_KINDS[0]}:{values['id_number']}"


def account_name(level: int, values: Mapping[str, str]) -> str:
    """The verified name that payouts go to: the one that the bank account is in."""
    company = values.get("company_name", "")
    return company if level >= 1 and same_name(values["bank_holder"], company) else values["legal_name"]
