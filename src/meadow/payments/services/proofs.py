"""What was proved of a person stays proved: by keyed digests, so that the data itself need not be kept for it."""

from collections.abc import Mapping

from meadow.kernel import clock
from meadow.payments import vault
from meadow.payments.models import MerchantApplication, Proof

_PROVED_BY = {
    "identity": ("id_kind", "id_number", "legal_name", "id_expires_on"),
    "company": ("licence_kind", "licence_number", "company_name", "licence_expires_on"),
    "phone": ("phone",),
    "bank": ("bank_holder", "bank_name", "bank_number"),
}


def proof_digest(kind: str, values: Mapping[str, str]) -> str:
    """By what the same data is known again."""
    return vault.digest("\x1f".join(values.get(field, "") for field in _PROVED_BY[kind]), f"proof {kind}")


def note_proof(row: MerchantApplication, kind: str, values: Mapping[str, str]) -> None:
    """From now on this need not be proved again."""
    if row.applicant_id is not None:
        Proof.objects.get_or_create(
            person_id=row.applicant_id, kind=kind, digest=proof_digest(kind, values),
            defaults={"proved_at": clock.now()},
        )  # fmt: skip
