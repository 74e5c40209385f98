"""How forms, states, capabilities and units of sharing read to a person."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Label = str | Promise

FORMS: dict[str, Label] = {
    "link": _("Link"), "text": _("Text token"), "digits": _("Digits"), "qr": _("QR code"), "poster": _("Poster"),
    "card": _("Share card"), "": _("All forms"),
}  # fmt: skip
STATES: dict[str, tuple[Label, str]] = {
    "active": (_("Active"), "good"), "expired": (_("Expired"), ""), "revoked": (_("Taken back"), ""),
    "blocked": (_("Blocked"), "bad"),
}  # fmt: skip
CAPABILITIES: dict[str, Label] = {
    "clickable_link": _("Links can be tapped"), "text_token": _("Text tokens get through"),
    "picture": _("Pictures get through"), "deep_link": _("Links may open an app"),
    "may_induce": _("Wording that urges to copy or open is tolerated"),
    "switches_itself": _("An alarm may change the default form"), "is_retired": _("Not in use any more"),
}  # fmt: skip
UNITS: dict[str, Label] = {
    "characters": _("characters"), "weighted": _("weighted characters (links 23, Chinese 2)"),
    "utf16": _("UTF-16 units"), "bytes": _("bytes"),
}  # fmt: skip
CHANNELS: dict[str, Label] = {
    "here": _("Our own pages"), "unknown": _("Unknown"), "organic": _("Organic, no click"),
}  # fmt: skip
