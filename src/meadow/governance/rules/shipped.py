"""Which rules ship with Meadow, all packs together, and the newest shipped version of each."""

from meadow.governance.rules.rulebook import GLOBAL, RuleText
from meadow.governance.rules.rulebook_cn import CN
from meadow.governance.rules.rulebook_texts import TEXTS

RULEBOOK: tuple[RuleText, ...] = (*GLOBAL, *TEXTS, *CN)

_CURRENT: dict[str, RuleText] = {}
for _rule in RULEBOOK:
    if _rule.rule_id not in _CURRENT or _CURRENT[_rule.rule_id].version < _rule.version:
        _CURRENT[_rule.rule_id] = _rule


def current_rule(rule_id: str) -> RuleText | None:
    """The newest shipped version of a rule."""
    return _CURRENT.get(rule_id)
