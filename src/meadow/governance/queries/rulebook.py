"""What the rulebook says: in force now or at any moment, coming, every earlier version, and as one machine-readable text."""

from datetime import datetime, timedelta
from typing import Any

from meadow.governance.models import Farewell, Rule, RuleAnswer, RuleDraft
from meadow.governance.rules import REFUSAL_WINDOW, current_rule
from meadow.governance.rules.points import CURRENT, LIMITS_OF_SANCTIONS, MILLI, SEVERITIES, Step
from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import is_id

FORMAT = "meadow.rulebook/1"


def rulebook() -> list[Rule]:
    """Every published version of every rule, the newest version of each first."""
    return list(Rule.objects.order_by("rule_id", "-version"))


def rule_version(rule_id: str, version: int) -> Rule:
    """One version, also an old one.  Refuses: not_found."""
    found = Rule.objects.filter(rule_id=rule_id, version=version).first()
    if found is None:
        raise Refusal("not_found")
    return found


def rule_in_force(rule_id: str, *, at: datetime | None = None, party: tuple[str, int] | None = None) -> Rule | None:
    """The version of a rule that holds at a moment; for a merchant that leaves, the one it had accepted."""
    moment = at or clock.now()
    if party is not None and party[0] == "accounts.merchant":
        leaving = Farewell.objects.filter(merchant_id=party[1]).exclude(state="stayed").first()
        moment = min(moment, leaving.rules_as_of) if leaving else moment
    found = Rule.objects.filter(rule_id=rule_id, effective_from__lte=moment).order_by("-version").first()
    return None if found is None or found.repeals else found


def version_in_force(rule_id: str, *, party: tuple[str, int] | None = None) -> int | None:
    """The number of the version that `rule_in_force` answers, without its texts: every settlement cites one.

    One statement, and never from memory: a version counts from its moment on, and a merchant that leaves keeps its own.
    """
    merchant_id = party[1] if party is not None and party[0] == "accounts.merchant" else None
    found = db.one(
        "SELECT version, repeals FROM governance_rule WHERE rule_id = %s AND effective_from <= least(%s,"
        " (SELECT rules_as_of FROM governance_farewell WHERE merchant_id = %s AND state <> 'stayed'))"
        " ORDER BY version DESC LIMIT 1",
        [rule_id, clock.now(), merchant_id],
    )
    return None if found is None or found["repeals"] else int(found["version"])


def is_in_rulebook(rule_id: str) -> bool:
    """Whether people can read such a rule: it is published, in whatever version, or ships and is at the next start."""
    return current_rule(rule_id) is not None or Rule.objects.filter(rule_id=rule_id).exists()


def rules_in_force(at: datetime | None = None) -> list[Rule]:
    """The rules that hold at a moment, by id."""
    found = (
        Rule.objects.filter(effective_from__lte=at or clock.now()).order_by("rule_id", "-version").distinct("rule_id")
    )
    return [rule for rule in found if not rule.repeals]


def coming_rules() -> list[Rule]:
    """Published versions that do not hold yet, the next first."""
    return list(Rule.objects.filter(effective_from__gt=clock.now()).order_by("effective_from", "rule_id"))


def refusable_rules() -> list[Rule]:
    """The changes that a merchant may say no to now, and leave under the rules before them; the newest first."""
    since = clock.now() - REFUSAL_WINDOW
    return list(Rule.objects.filter(effective_from__gt=since, version__gt=1).order_by("-effective_from", "rule_id"))


def drafts(*, for_operator: bool = False) -> list[RuleDraft]:
    """Rules in consultation, which everybody may read; an operator also sees those not opened yet."""
    states = ("draft", "consultation") if for_operator else ("consultation",)
    return list(RuleDraft.objects.filter(state__in=states).order_by("-pk")[:200])


def draft(draft_id: int | str, *, for_operator: bool = False) -> RuleDraft:
    """Refuses: not_found, also for a draft that is not open to the public yet."""
    if isinstance(draft_id, str):
        found = RuleDraft.objects.filter(public_id=draft_id).first() if is_id(draft_id, "drf") else None
    else:
        found = RuleDraft.objects.filter(pk=draft_id).first()
    if found is None or (found.consulted_at is None and not for_operator):
        raise Refusal("not_found")
    return found


def comments_on(draft_id: int, limit: int = 200) -> list[dict[str, Any]]:
    """What was said to a draft, oldest first; erased ones are left out."""
    found = draft(draft_id, for_operator=True).comments.exclude(text="").order_by("pk")[:limit]
    return [{"text": comment.text, "at": comment.at} for comment in found]


def farewell(merchant_id: int) -> Farewell | None:
    """The merchant's leaving, if it leaves or has left."""
    return Farewell.objects.filter(merchant_id=merchant_id).exclude(state="stayed").first()


def is_leaving(merchant_id: int) -> bool:
    return Farewell.objects.filter(merchant_id=merchant_id).exclude(state="stayed").exists()


def unanswered_rules(merchant_id: int) -> list[Rule]:
    """The rules, in force or coming, whose newest version this merchant has not accepted yet."""
    newest = {rule.rule_id: rule for rule in Rule.objects.order_by("version") if not rule.repeals}
    accepted = set(RuleAnswer.objects.filter(merchant_id=merchant_id).values_list("rule_id", flat=True))
    return [rule for rule in sorted(newest.values(), key=lambda rule: rule.rule_id) if rule.pk not in accepted]


def rulebook_export(at: datetime | None = None) -> dict[str, Any]:
    """The rulebook for machines: every version with its dates, which hold, and the table of points and steps."""
    moment = at or clock.now()
    holding = {rule.pk for rule in rules_in_force(moment)}
    return {
        "format": FORMAT,
        "at": moment.isoformat(),
        "rules": [_exported(rule, rule.pk in holding) for rule in rulebook()],
        "penalties": _penalties(),
    }


def _exported(rule: Rule, is_in_force: bool) -> dict[str, Any]:
    return {
        "id": rule.rule_id, "version": rule.version, "jurisdiction": rule.jurisdiction, "in_force": is_in_force,
        "published_at": rule.published_at.isoformat(), "effective_from": rule.effective_from.isoformat(),
        "repeals": rule.repeals, "title": {"en": rule.title_en, "zh": rule.title_zh},
        "text": {"en": rule.text_en, "zh": rule.text_zh},
    }  # fmt: skip


def _hours(step: Step) -> int | None:
    return step.lasts // timedelta(hours=1) if step.lasts else None


def _penalties() -> dict[str, Any]:
    return {
        "schedule": CURRENT.number,
        "severities": list(SEVERITIES),
        "thousandths_a_point": MILLI,
        "violations": {
            kind: {
                "rule": o.rule_id, "points": dict(o.points), "decays_over_days": o.decays_over.days,
                "repeats": [
                    step and {"limits": list(step.limits), "hours": _hours(step), "en": step.en, "zh": step.zh}
                    for step in o.repeats
                ],
            }
            for kind, o in CURRENT.offences.items()
        },
        "steps": [
            {
                "grade": step.grade, "from_points": step.at_points, "limits": list(step.limits),
                "days": step.lasts.days if step.lasts else None, "en": step.en, "zh": step.zh,
            }
            for step in CURRENT.ladder
        ],
        "limits": {name: {"en": en, "zh": zh} for name, (en, zh) in LIMITS_OF_SANCTIONS.items()},
    }  # fmt: skip
