"""What is verified where no service is connected: nothing, so that every application comes before a reviewer."""

from datetime import date

from meadow.payments.rules.applications import Answer


class ByHand:
    """Knows nothing and sends nothing."""

    def person(self, *, kind: str, number: str, name: str, expires_on: date) -> Answer:
        return "unknown"

    def company(self, *, kind: str, number: str, name: str, expires_on: date | None) -> Answer:
        return "unknown"

    def document(self, *, field: str, picture: bytes) -> Answer:
        return "unknown"

    def send_code(self, *, application_id: int, phone: str, code: str) -> bool:
        return False

    def send_deposit(self, *, application_id: int, account: str, minor: int, currency: str) -> bool:
        return False
