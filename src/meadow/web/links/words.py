"""How places, verdicts and changes of the link policy read to a person."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from meadow.web import shown

SURFACES = {
    "post": gettext_lazy("Recommendations"), "profile": gettext_lazy("Profiles"),
    "question": gettext_lazy("Questions and answers"), "comment": gettext_lazy("Comments"),
    "shop_notice": gettext_lazy("Shop notices"), "listing": gettext_lazy("Goods (their words never become links)"), "chat": gettext_lazy("Chats"),
    "shown": gettext_lazy("Old links that may no longer be posted"),
}  # fmt: skip
VERDICTS = {
    "allow": (gettext_lazy("Allow"), "good"), "warn": (gettext_lazy("Warn"), "warn"),
    "block": (gettext_lazy("Block"), "bad"),
}  # fmt: skip
FIELDS = {
    "name": gettext_lazy("Name of the partner"), "hosts": gettext_lazy("Hosts"), "product_patterns": gettext_lazy("Product pages"),
    "contract": gettext_lazy("Contract"), "after_sale_contact": gettext_lazy("After-sale contact"),
    "contract_until": gettext_lazy("Contract runs until"), "active": gettext_lazy("In force"),
    "surface": gettext_lazy("Place"), "verdict": gettext_lazy("What happens"), "host": gettext_lazy("Host"),
    "rule": gettext_lazy("Rule"),
}  # fmt: skip
VERBS = {
    "add_partner": gettext_lazy("Partner added"), "change_partner": gettext_lazy("Partner changed"),
    "renew_partner": gettext_lazy("Contract renewed"), "end_partner": gettext_lazy("Partnership ended"),
    "set_link_policy": gettext_lazy("Policy set"), "bar_host": gettext_lazy("Host barred"),
    "lift_bar": gettext_lazy("Bar lifted"),
}  # fmt: skip


def change_of(at: datetime, verb: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    """One entry of the trail: what was done, why, and each field that changed with what it was."""
    was, now = before or {}, after or {}
    return {
        "at": at, "verb": VERBS.get(verb, verb), "reason": now.get("reason", ""),
        "fields": [
            (label, _value(name, was[name]) if name in was else "", _value(name, now[name]))
            for name, label in FIELDS.items()
            if name in now
        ],
    }  # fmt: skip


def _value(name: str, value: Any) -> str:
    if name == "surface":
        return str(SURFACES.get(value, value))
    if name == "verdict":
        return str(VERDICTS[value][0]) if value in VERDICTS else str(value)
    if name == "contract_until" and value:
        return shown.day(datetime.fromisoformat(value) - timedelta(microseconds=1))
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "–" if value is None else str(value)
