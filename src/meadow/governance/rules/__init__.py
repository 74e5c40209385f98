"""What the rulebook says: the published rules, the actions a decision may take, the link policy, and each refusal."""

from meadow.governance.rules import appeals, cases, suspensions
from meadow.governance.rules.addresses import Address, Disguise, read_address
from meadow.governance.rules.links import (
    SURFACES,
    Allowlist,
    LinkDecision,
    PartnerPages,
    build_allowlist,
    decide_link,
)
from meadow.governance.rules.patterns import PatternError, clean_host, compile_pattern
from meadow.governance.rules.rulebook import RULEBOOK, RuleText, current_rule
from meadow.governance.rules.text import FoundLink, clean_text, links_in_text
from meadow.kernel.errors import Says

__all__ = [
    "ACTIONS",
    "LIMITS",
    "REFUSALS",
    "RULEBOOK",
    "SUBJECT_ACTIONS",
    "SURFACES",
    "Address",
    "Allowlist",
    "Disguise",
    "FoundLink",
    "LinkDecision",
    "PartnerPages",
    "PatternError",
    "RuleText",
    "build_allowlist",
    "clean_host",
    "clean_text",
    "compile_pattern",
    "current_rule",
    "decide_link",
    "links_in_text",
    "read_address",
]

# `stop_new` leaves what exists and stops what would begin; `suspend` touches both.
SUBJECT_ACTIONS = ("suspend", "stop_new", "restore")
# What a judged event can lead to, what follows from a violation, and what a second look says.
ACTIONS = (
    *SUBJECT_ACTIONS, "block_link", "reverse", "warn", "review", "hold", "block", "violation", "limit", "uphold",
)  # fmt: skip
LIMITS = {"reason_length": 2000, "partner_hosts": 20, "partner_patterns": 50, "links_a_post": 20}

REFUSALS: dict[str, Says] = {
    **suspensions.REFUSALS,
    **appeals.REFUSALS,
    **cases.REFUSALS,
    "rule_unknown": Says(
        422,
        "There is no rule {rule}. Cite one from the rulebook.",
        "规则 {rule} 不存在，请引用规则手册中的规则。",
    ),
    "decision_reversed": Says(
        409,
        "This decision was reversed already. Nothing needs to be done.",
        "该决定已被撤销，无需重复操作。",
    ),
    "link_blocked": Says(
        422,
        "A link to {host} cannot be posted by rule {rule}. Link a product of a shop here or a partner's product page, "
        "or appeal.",
        "指向 {host} 的链接不符合规则 {rule}，不能发布。请改用本站商品或合作方商品页的链接，也可以申诉。",
    ),
    "pattern_invalid": Says(
        422,
        "The pattern {pattern} cannot be used: {why}. Write it like shop.example.com/item/{{digits}}.",
        "链接格式 {pattern} 无法使用：{why}。请写成 shop.example.com/item/{{digits}} 的形式。",
    ),
    "partner_exists": Says(
        409,
        "There is a partner of this name already. Change that one, or choose another name.",
        "同名合作方已存在，请修改原有合作方或换一个名称。",
    ),
}
