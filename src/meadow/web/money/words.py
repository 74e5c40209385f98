"""How states of providers, payouts and differences read to a person, and which field a refusal is about."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from meadow.kernel.errors import Refusal

Label = str | Promise
_FIELDS = {
    "malformed": "amount", "payout_below_minimum": "amount", "insufficient_funds": "amount",
    "receivable_outstanding": "amount", "payout_above_level": "amount", "bank_details_refused": "number", "holder_name_differs": "holder",
}  # fmt: skip
CONTRACT: dict[str, tuple[Label, str]] = {
    "active": (gettext_lazy("Open to all"), "good"),
    "no_new_merchants": (gettext_lazy("No new merchants"), "warn"),
    "no_new_payments": (gettext_lazy("No new payments"), "warn"),
    "terminated": (gettext_lazy("Ended"), "bad"),
}
_PAYOUT: dict[str, tuple[Label, str]] = {
    "requested": (gettext_lazy("Asked for"), "warn"), "held": (gettext_lazy("Resting"), "warn"),
    "approving": (gettext_lazy("Waits for two people"), "warn"), "pending": (gettext_lazy("On its way"), "warn"),
    "paid": (gettext_lazy("Paid out"), "good"), "failed": (gettext_lazy("Came back"), "bad"),
}  # fmt: skip
_DIFFERENCE: dict[str, Label] = {
    "missing": gettext_lazy("Not in their statement"), "extra": gettext_lazy("Not in our books"),
    "amount": gettext_lazy("Another amount"), "currency": gettext_lazy("Another currency"),
}  # fmt: skip
_SUBJECT: dict[str, Label] = {
    "payment": gettext_lazy("Payment"), "refund": gettext_lazy("Refund"), "payout": gettext_lazy("Payout"),
    "split": gettext_lazy("Part passed on"), "return": gettext_lazy("Part fetched back"),
    "chargeback": gettext_lazy("Chargeback"),
}  # fmt: skip


def payout_state(state: str) -> tuple[str, str]:
    text, css = _PAYOUT.get(state, (state, ""))
    return str(text), css


def difference_kind(kind: str) -> str:
    return str(_DIFFERENCE.get(kind, kind))


def subject(name: str) -> str:
    return str(_SUBJECT.get(name, name))


def why_down(is_down: bool, failures: int) -> tuple[str, str]:
    """How a provider answered of late."""
    if is_down:
        return _("Does not answer"), "bad"
    return (_("Failed just now"), "warn") if failures else (_("Answers"), "good")


def field_of(refusal: Refusal | None, form: str) -> str:
    """Which field of a form a refusal stands beside; empty for the page's top."""
    if refusal is None:
        return ""
    named: Any = refusal.params.get("field")
    if form == "bank" and refusal.code == "malformed":
        return "holder"
    return str(named or _FIELDS.get(refusal.code, ""))
