"""How states, kinds and clocks of the rules read to a person, and who may enter the operators' pages."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from meadow.accounts import queries as accounts
from meadow.governance import queries
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.web import shown
from meadow.web.visitor import signed_in

Label = str | Promise

SUSPENSION_STATES: dict[str, tuple[Label, str]] = {
    "announced": (gettext_lazy("Announced"), "warn"), "active": (gettext_lazy("Stopped"), "bad"),
    "overdue": (gettext_lazy("Review overdue"), "bad"), "lifted": (gettext_lazy("Over"), "good"),
    "cancelled": (gettext_lazy("Called off"), "good"),
}  # fmt: skip
APPEAL_STATES: dict[str, tuple[Label, str]] = {
    "open": (gettext_lazy("Being looked at"), "warn"), "paused": (gettext_lazy("Clock stopped"), "warn"),
    "overdue": (gettext_lazy("Overdue"), "bad"), "upheld": (gettext_lazy("The decision stands"), ""),
    "reversed": (gettext_lazy("Taken back"), "good"), "withdrawn": (gettext_lazy("Withdrawn"), ""),
}  # fmt: skip
DETECTOR_STATES: dict[str, tuple[Label, str]] = {
    "draft": (gettext_lazy("Draft"), ""), "shadow": (gettext_lazy("Shadow"), "warn"),
    "partial": (gettext_lazy("For a part"), "warn"), "live": (gettext_lazy("Live"), "good"),
    "retired": (gettext_lazy("Retired"), ""),
}  # fmt: skip
DRAFT_STATES: dict[str, tuple[Label, str]] = {
    "draft": (gettext_lazy("Draft"), ""), "consultation": (gettext_lazy("Open for comments"), "warn"),
    "published": (gettext_lazy("Published"), "good"), "withdrawn": (gettext_lazy("Withdrawn"), ""),
}  # fmt: skip
SCOPES: dict[str, Label] = {
    "new": gettext_lazy("What is new"), "existing": gettext_lazy("What exists"), "all": gettext_lazy("All"),
}  # fmt: skip
GROUNDS: dict[str, Label] = {
    "policy": gettext_lazy("The rulebook"), "fraud": gettext_lazy("Fraud"), "security": gettext_lazy("Security"),
    "legal": gettext_lazy("The law"),
}  # fmt: skip
AT_REVIEW: dict[str, Label] = {
    "lift": gettext_lazy("It ends by itself"), "escalate": gettext_lazy("It is called out, and ends a week later"),
}  # fmt: skip
ACTIONS: dict[str, Label] = {
    "note": gettext_lazy("Note"), "warn": gettext_lazy("Warn"), "review": gettext_lazy("Hide until looked at"),
    "hold": gettext_lazy("Hold"), "block": gettext_lazy("Block"),
}  # fmt: skip
DECISIONS: dict[str, Label] = {
    **ACTIONS, "suspend": gettext_lazy("Suspend"), "stop_new": gettext_lazy("Stop what is new"),
    "restore": gettext_lazy("Restore"), "block_link": gettext_lazy("Block a link"), "reverse": gettext_lazy("Take back"),
    "violation": gettext_lazy("Violation"), "limit": gettext_lazy("Limit"), "uphold": gettext_lazy("Confirm"),
}  # fmt: skip
OFFENCES: dict[str, Label] = {
    "link": gettext_lazy("Deceptive link"), "spam": gettext_lazy("Unwanted advertising"),
    "harassment": gettext_lazy("Harassment"), "diversion": gettext_lazy("Leading a deal outside"),
    "goods": gettext_lazy("Forbidden goods"), "counterfeit": gettext_lazy("Counterfeit goods"),
    "fraud": gettext_lazy("Deception"), "recruiting": gettext_lazy("Pay for recruiting"),
    "evasion": gettext_lazy("Slipping past the rules"), "false_report": gettext_lazy("Report against better knowledge"),
}  # fmt: skip
SEVERITIES: dict[str, Label] = {
    "minor": gettext_lazy("minor"), "serious": gettext_lazy("serious"), "grave": gettext_lazy("grave"),
    "extreme": gettext_lazy("extreme"),
}  # fmt: skip
TRAIL: dict[str, Label] = {
    "state": gettext_lazy("State"), "scope": gettext_lazy("How far"), "ground": gettext_lazy("Ground"),
    "rule": gettext_lazy("Rule"), "reason": gettext_lazy("Public reason"), "starts_at": gettext_lazy("Start"),
    "review_by": gettext_lazy("Looked at again by"), "at_review": gettext_lazy("If nobody looks at it by then"),
    "ending": gettext_lazy("How it ended"), "why": gettext_lazy("Why it ends"),
}  # fmt: skip
ENDINGS: dict[str, Label] = {
    "operator": gettext_lazy("An operator ended it"), "review": gettext_lazy("Nobody looked at it in time"),
    "appeal": gettext_lazy("By an appeal"), "reversed": gettext_lazy("Taken back"),
    "cancelled": gettext_lazy("Called off"),
}  # fmt: skip
ACTS: dict[str, Label] = {
    "approve": gettext_lazy("Approved"), "reject": gettext_lazy("Rejected"), "escalate": gettext_lazy("Handed on"),
}  # fmt: skip


def operator(request: HttpRequest) -> Actor:
    """The signed-in operator.  Refuses: sign_in_required, forbidden."""
    person_id = signed_in(request)
    if not accounts.is_operator(person_id):
        raise Refusal("forbidden")
    return Actor("person", person_id)


def is_zh() -> bool:
    return shown.language() == "zh"


def said(en: str, zh: str) -> str:
    """The text in the page's language, or the other where that is missing."""
    return (zh or en) if is_zh() else (en or zh)


def rule_of(rule: queries.Rule) -> dict[str, Any]:
    """A rule's version as a page shows it."""
    return {
        "id": rule.rule_id, "version": rule.version, "title": said(rule.title_en, rule.title_zh),
        "text": said(rule.text_en, rule.text_zh), "published_at": rule.published_at,
        "effective_from": rule.effective_from, "repeals": rule.repeals, "jurisdiction": rule.jurisdiction,
        "url": reverse("rule_version", args=[rule.rule_id, rule.version]),
    }  # fmt: skip


def titles_of(cited: Iterable[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Any]]:
    """The rules cited, each in its version."""
    return {(rule, version): rule_of(queries.rule_version(rule, version)) for rule, version in set(cited)}


_PAGES = {"shop": "shop", "product": "product", "recommendation": "post"}


def target_of(face: queries.Face | None) -> dict[str, str]:
    """What a decision is about, with its kind, its name, and its page where it has one."""
    if face is None:
        return {"kind": "", "title": "", "url": ""}
    kind = queries.TARGETS.get(face.kind)
    label = said(kind.en, kind.zh) if kind else {"accounts.person": _("Person")}.get(face.kind, face.name)
    title = face.title
    if face.kind == queries.FEATURE and title in queries.FEATURES:
        feature = queries.FEATURES[title]
        title = said(feature.en, feature.zh)
    try:
        url = reverse(_PAGES[face.name], args=[face.public_id]) if face.name in _PAGES and face.public_id else ""
    except NoReverseMatch:
        url = ""
    return {"kind": label, "title": title or face.public_id or f"#{face.id}", "url": url}


def clock_text(left: timedelta | None) -> str:
    """What is left on an appeal's clock, in days and hours."""
    if left is None:
        return ""
    hours = abs(int(left.total_seconds())) // 3600
    days, rest = divmod(hours, 24)
    parts = [ngettext("{n} day", "{n} days", days).format(n=days)] if days else []
    parts.append(ngettext("{n} hour", "{n} hours", rest).format(n=rest))
    text = " ".join(parts)
    return _("{time} overdue").format(time=text) if left < timedelta(0) else _("{time} left").format(time=text)


# What a field takes, for pages in Chinese: what exactly is wrong stands in English, for machines.
FIELDS: dict[str, Label] = {
    "target": gettext_lazy("Name a kind and an id, like shop:shp_… or feature:sharing."),
    "scope": gettext_lazy("This scope means nothing for this target. Choose another."),
    "reason": gettext_lazy("Say why; those concerned read it."),
    "starts_at": gettext_lazy("Not before the notice is over, and within 90 days."),
    "review_by": gettext_lazy("After the start, and at most thirty days later."),
    "notice_days": gettext_lazy("Seven to 90 days; less only for fraud, security or the law."),
    "rule": gettext_lazy("Name a rule of the rulebook, like conduct.fraud."),
    "detector": gettext_lazy("Like diversion.phones, in small letters."),
    "event_type": gettext_lazy("A new version judges the same events as the one before."),
    "days": gettext_lazy("A number of days from 1 to 400."),
    "percent": gettext_lazy("A percentage from 1 to 99."),
    "violation": gettext_lazy("An account is judged by a violation: choose one."),
    "text": gettext_lazy("Please write something."),
    "why": gettext_lazy("Say why; those concerned read it."),
    "effective_from": gettext_lazy("Choose a day and a time."),
    "evidence": gettext_lazy("A second appeal needs new evidence. Write what was not known before."),
}
# Refusals that name no field, and the field that they are about.
_ABOUT = {
    "rule_unknown": "rule", "not_found": "target", "suspended_already": "target", "detector_faulty": "condition",
    "notice_too_short": "effective_from", "rule_draft_open": "rule", "evidence_needed": "evidence",
}  # fmt: skip
_SAME = {"kind": "target", "subject": "target"}


def wrong_of(refusal: Refusal) -> dict[str, Any]:
    """What a form shows when it comes back: the sentence and the field that it stands beside."""
    named = str(refusal.params.get("field", "")) or _ABOUT.get(refusal.code, "")
    field = _SAME.get(named, named)
    text = refusal.text(shown.language())
    if refusal.code == "malformed" and is_zh():
        text = str(FIELDS.get(field, "")) or _("Please correct this field.")
    return {"wrong": field, "says": text}


def percent(bp: int | None) -> str:
    return "–" if bp is None else f"{bp // 100}.{bp % 100 // 10} %"


def offence_of(kind: str, severity: str = "") -> str:
    """A kind of violation, with how grave it is, in words."""
    told = str(OFFENCES.get(kind, kind))
    return f"{told} · {SEVERITIES.get(severity, severity)}" if severity else told
