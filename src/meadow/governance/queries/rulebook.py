"""What the rulebook says, in its present and every earlier version."""

from meadow.governance.models import Rule


def rulebook() -> list[Rule]:
    """Every published version of every rule, the newest version of each first."""
    return list(Rule.objects.order_by("rule_id", "-version"))
