"""What a verification service can be asked; a new one implements this and nothing else."""

from datetime import date
from typing import Protocol

from meadow.payments.rules.applications import Answer


class Verifier(Protocol):
    """Answers match, mismatch, expired or unreadable; unknown means that a person has to look.

    None of the calls is made within a lock that others wait for, and each may be repeated.
    """

    def person(self, *, kind: str, number: str, name: str, expires_on: date) -> Answer:
        """Whether an identity number belongs to a name and holds."""
        ...

    def company(self, *, kind: str, number: str, name: str, expires_on: date | None) -> Answer:
        """Whether a business licence belongs to a name and holds."""
        ...

    def document(self, *, field: str, picture: bytes) -> Answer:
        """Whether a picture of a document can be read."""
        ...

    def send_code(self, *, application_id: int, phone: str, code: str) -> bool:
        """Sends a code to a phone; False where nothing can be sent, and a person has to ring up."""
        ...

    def send_deposit(self, *, application_id: int, account: str, minor: int, currency: str) -> bool:
        """Sends a small amount to an account, whose owner then tells it; False where nothing can be sent."""
        ...
