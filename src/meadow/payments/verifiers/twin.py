"""How the sandbox stands in for a verification service: a register of its own, an outbox, and an eye for blank pictures.

The register believes the first name that it hears for a number, and from then on no other.
"""

import io
from datetime import date

from PIL import Image, ImageStat

from meadow.kernel import clock
from meadow.payments.models import TwinMessage, TwinRecord
from meadow.payments.rules.applications import Answer
from meadow.payments.rules.payouts import same_name

_CONTRAST_LEAST = 16  # variance of the grey levels; a covered lens gives less


class Twin:
    """Speaks the protocol of `Verifier`."""

    def person(self, *, kind: str, number: str, name: str, expires_on: date) -> Answer:
        return self._registered("person", f"{kind}:{number}", name, expires_on)

    def company(self, *, kind: str, number: str, name: str, expires_on: date | None) -> Answer:
        return self._registered("company", f"{kind}:{number}", name, expires_on)

    def document(self, *, field: str, picture: bytes) -> Answer:
        with Image.open(io.BytesIO(picture)) as image:
            contrast = ImageStat.Stat(image.convert("L")).var[0]
        return "match" if contrast >= _CONTRAST_LEAST else "unreadable"

    def send_code(self, *, application_id: int, phone: str, code: str) -> bool:
        TwinMessage.objects.create(application_id=application_id, kind="phone", target=phone, content=code)
        return True

    def send_deposit(self, *, application_id: int, account: str, minor: int, currency: str) -> bool:
        TwinMessage.objects.create(
            application_id=application_id, kind="bank", target=f"…{account[-4:]}", content=str(minor)
        )
        return True

    def _registered(self, kind: str, number: str, name: str, expires_on: date | None) -> Answer:
        record, _ = TwinRecord.objects.get_or_create(
            kind=kind, number=number, defaults={"name": name, "expires_on": expires_on}
        )
        if not same_name(record.name, name):
            return "mismatch"
        if record.expires_on is not None and record.expires_on < clock.now().date():
            return "expired"
        return "match"
