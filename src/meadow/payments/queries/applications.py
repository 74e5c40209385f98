"""What can be read of merchants' applications: by their owner, by reviewers, and by whoever asks if a merchant is paid."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from meadow.accounts import queries as accounts
from meadow.kernel import clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.payments import vault
from meadow.payments.models import (
    ApplicantDocument,
    ApplicationVersion,
    Challenge,
    DocumentView,
    MerchantApplication,
    TwinMessage,
)
from meadow.payments.queries.levels import levels_of
from meadow.payments.rules import applications as rules

DATA = "merchant application"
_HIDDEN = ("id_number", "bank_number", "licence_number", "qualification_number", "phone")


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """An application as its owner sees it; of numbers only the last four characters are shown."""

    row: MerchantApplication
    values: dict[str, str]
    asked: tuple[str, ...]  # fields and documents that are to be handed in now
    waits_for: tuple[str, ...]  # phone, bank
    locked_until: datetime | None
    documents: tuple[str, ...]  # fields that have a picture
    reasons: tuple[dict[str, str], ...]  # field, code, en, zh


@dataclass(frozen=True, slots=True)
class ReviewStatistics:
    """How reviews keep their clock; overdue must be 0."""

    waiting: int
    overdue: int
    reviewed: int
    late: int


def data_of(row: MerchantApplication) -> dict[str, str]:
    """What was handed in, by field; empty where nothing was, or where it was forgotten."""
    sealed = bytes(row.data_sealed)
    return dict(json.loads(vault.unseal(sealed, DATA))) if sealed else {}


def application(public_id: str) -> MerchantApplication:
    """Refuses: not_found."""
    found = MerchantApplication.objects.filter(public_id=public_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def applications_of(merchant_id: int) -> list[MerchantApplication]:
    """All of a merchant's applications, the newest first."""
    return list(MerchantApplication.objects.filter(merchant_id=merchant_id).order_by("-id"))


def view_of(row: MerchantApplication, *, in_full: bool = False) -> ApplicationView:
    """What its owner sees, or, in_full, what a reviewer does."""
    values = data_of(row)
    shown = values if in_full else {field: _masked(field, text) for field, text in values.items()}
    challenges = list(Challenge.objects.filter(application=row, met_at=None).order_by("kind"))
    now = clock.now()
    locks = [each.locked_until for each in challenges if each.locked_until and each.locked_until > now]
    pictures = ApplicantDocument.objects.filter(application=row, is_current=True, deleted_at=None)
    return ApplicationView(
        row, shown, asked_for(row),
        tuple(each.kind for each in challenges) if row.state == "account_need_verify" else (),
        max(locks, default=None), tuple(sorted(each.field for each in pictures)),
        tuple(_reason(fault) for fault in row.faults),
    )  # fmt: skip


def asked_for(row: MerchantApplication) -> tuple[str, ...]:
    """The fields and documents that are to be handed in now."""
    if row.state == "rejected":
        return tuple(fault["field"] for fault in row.faults)
    return (*rules.FIELDS[row.level], *rules.DOCUMENTS[row.level]) if row.state == "draft" else ()


def not_live(merchant_ids: Iterable[int]) -> set[int]:
    """Those of the merchants that cannot be paid now."""
    asked = set(merchant_ids)
    return asked - set(levels_of(asked))


def level_of(merchant_id: int) -> int | None:
    """The level at which a merchant is paid; None where it is not."""
    live = MerchantApplication.objects.filter(merchant_id=merchant_id, state=rules.LIVE)
    return live.values_list("level", flat=True).first()


def to_review(limit: int = 100) -> list[MerchantApplication]:
    """What waits for a reviewer, the one due first before the others."""
    waiting = MerchantApplication.objects.filter(state="auditing").select_related("merchant")
    return list(waiting.order_by("review_due_at", "id")[:limit])


def merchants_of_one_entity(row: MerchantApplication) -> list[str]:
    """The public ids of other merchants that the same person or business is behind."""
    if row.entity_id is None:
        return []
    others = MerchantApplication.objects.filter(entity_id=row.entity_id).exclude(merchant_id=row.merchant_id)
    return sorted(set(others.values_list("merchant__public_id", flat=True)))


def documents_of(row: MerchantApplication) -> list[ApplicantDocument]:
    """Current documents that are still there, without their content."""
    found = ApplicantDocument.objects.filter(application=row, is_current=True, deleted_at=None)
    return list(found.defer("content_sealed").order_by("field"))


def views_of_documents(row: MerchantApplication) -> list[dict[str, Any]]:
    """Who looked at which document, and when."""
    seen = DocumentView.objects.filter(document__application=row).order_by("id")
    return [
        {"document": each.document.public_id, "person": each.person.public_id, "at": each.at}
        for each in seen.select_related("document", "person")
    ]


def versions_of(row: MerchantApplication) -> list[dict[str, Any]]:
    """What was handed in each time and what came of it; which fields changed, not their values."""
    told, before = [], dict[str, str]()
    for version in ApplicationVersion.objects.filter(application=row).order_by("number"):
        sealed = bytes(version.data_sealed)
        values = dict[str, str](json.loads(vault.unseal(sealed, DATA))) if sealed else {}
        changed = sorted(field for field, text in values.items() if before.get(field) != text)
        told.append({"number": version.number, "at": version.at, "changed": changed, "faults": version.faults})
        before = values
    return told


def review_statistics() -> ReviewStatistics:
    """Reviews that wait and that were made, against their clock."""
    found = db.one(
        "SELECT count(*) FILTER (WHERE state = 'auditing') AS waiting,"
        " count(*) FILTER (WHERE state = 'auditing' AND review_due_at <= %(now)s) AS overdue,"
        " count(*) FILTER (WHERE reviewed_at IS NOT NULL AND submitted_at IS NOT NULL) AS reviewed,"
        " count(*) FILTER (WHERE reviewed_at > submitted_at + %(within)s) AS late FROM payments_merchantapplication",
        {"now": clock.now(), "within": rules.REVIEW_WITHIN},
    )
    assert found is not None
    return ReviewStatistics(**found)


def sent_by_twin(row: MerchantApplication) -> list[TwinMessage]:
    """What the sandbox sent out instead of messages and transfers, the newest first."""
    return list(TwinMessage.objects.filter(application=row).order_by("-id")[:20])


def require_seen_by(row: MerchantApplication, by: Actor) -> bool:
    """Whether the viewer is a reviewer; otherwise they must belong to the merchant.  Refuses: not_found."""
    if by.person_id is not None and accounts.is_operator(by.person_id):
        return True
    if by.person_id is None or not accounts.may_act_for(by.person_id, row.merchant_id):
        raise Refusal("not_found")
    return False


def _masked(field: str, text: str) -> str:
    return f"…{text[-4:]}" if field in _HIDDEN and text else text


def _reason(fault: dict[str, str]) -> dict[str, str]:
    en, zh = rules.FAULTS.get(fault["code"], (fault["words"], fault["words"]))
    return {"field": fault["field"], "code": fault["code"], "en": en, "zh": zh}
