"""How the rulebook is published and changed."""

from meadow.governance import rules
from meadow.governance.models import Rule
from meadow.governance.rules import RuleText
from meadow.kernel import clock
from meadow.kernel.db import atomic


def publish_rules() -> int:
    """Stores every rule version that is not stored yet; returns how many were new.  Safe to run at every start."""
    wanted = [rule_row(rule) for rule in rules.RULEBOOK]
    before = Rule.objects.count()
    with atomic():
        Rule.objects.bulk_create(wanted, ignore_conflicts=True)
    return Rule.objects.count() - before


def rule_row(rule: RuleText) -> Rule:
    return Rule(
        rule_id=rule.rule_id, version=rule.version, title_en=rule.title_en, title_zh=rule.title_zh,
        text_en=rule.text_en, text_zh=rule.text_zh, published_at=clock.now(),
    )  # fmt: skip
