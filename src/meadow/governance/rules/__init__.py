"""What the rulebook says: the published rules, the actions a decision may take, the link policy, and each refusal."""

from meadow.governance.rules import appeals, cases, screening, suspensions
from meadow.governance.rules.addresses import Address, Disguise, read_address
from meadow.governance.rules.links import (
    DECEPTIVE,
    SURFACES,
    Allowlist,
    Bar,
    LinkDecision,
    PartnerPages,
    Policy,
    build_allowlist,
    decide_link,
    decide_shown,
)
from meadow.governance.rules.partner_files import PartnerFileError, read_partner_file
from meadow.governance.rules.patterns import PatternError, clean_host, compile_pattern
from meadow.governance.rules.rulebook import (
    COMMENT_LENGTH,
    JURISDICTIONS,
    NEEDED,
    NOTICE,
    REFUSAL_WINDOW,
    TEXT_LENGTH,
    TITLE_LENGTH,
    RuleText,
    is_rule_id,
)
from meadow.governance.rules.shipped import RULEBOOK, current_rule
from meadow.governance.rules.text import FoundLink, clean_text, links_in_text
from meadow.kernel.errors import Says

__all__ = [
    "ACTIONS",
    "COMMENT_LENGTH",
    "JURISDICTIONS",
    "NEEDED",
    "NOTICE",
    "REFUSAL_WINDOW",
    "TEXT_LENGTH",
    "TITLE_LENGTH",
    "LIMITS",
    "PARTY_KINDS",
    "REFUSALS",
    "RULEBOOK",
    "SUBJECT_ACTIONS",
    "SURFACES",
    "Address",
    "Allowlist",
    "Disguise",
    "FoundLink",
    "LinkDecision",
    "DECEPTIVE",
    "Bar",
    "PartnerFileError",
    "Policy",
    "decide_shown",
    "PartnerPages",
    "PatternError",
    "RuleText",
    "build_allowlist",
    "clean_host",
    "clean_text",
    "compile_pattern",
    "current_rule",
    "decide_link",
    "is_rule_id",
    "links_in_text",
    "read_partner_file",
    "read_address",
]

# `stop_new` leaves what exists and stops what would begin; `suspend` touches both.
SUBJECT_ACTIONS = ("suspend", "stop_new", "restore")
# What a judged event can lead to, what follows from a violation, and what a second look says.
ACTIONS = (
    *SUBJECT_ACTIONS, "block_link", "reverse", "warn", "review", "hold", "block", "violation", "limit", "uphold",
)  # fmt: skip
PARTY_KINDS = ("accounts.person", "accounts.creator", "accounts.merchant")
LIMITS = {"reason_length": 2000, "partner_hosts": 20, "partner_patterns": 50, "links_a_post": 20, "text_kept": 20_000}

REFUSALS: dict[str, Says] = {
    **suspensions.REFUSALS,
    **appeals.REFUSALS,
    **cases.REFUSALS,
    **screening.REFUSALS,
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
    "notice_too_short": Says(
        422,
        "A changed rule takes effect seven days after it is published at the earliest. Choose {earliest} or later.",
        "规则变更最早在公布七日后生效，请选择 {earliest} 或之后的时间。",
    ),
    "rule_draft_open": Says(
        409,
        "Rule {rule} is being changed already. Finish or withdraw that draft first.",
        "规则 {rule} 已有一份在写的草案，请先完成或撤回该草案。",
    ),
    "already_leaving": Says(
        409,
        "This shop's owner is leaving under the old rules already. Nothing needs to be done.",
        "该商家已按旧规则退出，无需重复操作。",
    ),
    "nothing_to_refuse": Says(
        409,
        "Rule {rule} does not change soon and has not changed lately, so there is nothing to refuse. Close your shops if you wish to stop.",
        "规则 {rule} 近期没有变更，无需按旧规则退出。如需停止经营，请直接关闭店铺。",
    ),
    "merchant_leaving": Says(
        409,
        "This merchant is leaving under the old rules and opens no shop. Accept the rules first to stay.",
        "该商家正按旧规则退出，不能营业。如要继续经营，请先接受新规则。",
    ),
    "detector_faulty": Says(
        422,
        "The rule cannot be used, column {column}: {why}. Correct it and save again.",
        "规则在第 {column} 列有误：{why_zh}。请修改后重新保存。",
    ),
    "detector_example_failed": Says(
        422,
        "Example {number} of the rule does not come out as it should. Correct the rule or the example.",
        "规则的第 {number} 个示例结果与预期不符，请修改规则或示例。",
    ),
    "too_many_detectors": Says(
        409,
        "At most {most} rules run for one kind of event. Retire one first.",
        "每类事件最多同时运行 {most} 条规则，请先停用一条。",
    ),
    "limited": Says(
        403,
        "Your account has a limit by rule {rule}: {what}. It ends {until}; you can see why and appeal on the page of your limits.",
        "您的账号因规则 {rule} 受到限制：{what_zh}。截止：{until_zh}。可在“我的限制”页面查看原因并申诉。",
    ),
    "partner_ended": Says(
        409,
        "{name} is a partner no longer. Add it anew if there is a contract again.",
        "{name} 已不再是合作方。如重新签约，请再次添加。",
    ),
    "barred_already": Says(
        409,
        "{host} is barred already. Nothing needs to be done.",
        "{host} 已被屏蔽，无需重复操作。",
    ),
    "partner_exists": Says(
        409,
        "There is a partner of this name already. Change that one, or choose another name.",
        "同名合作方已存在，请修改原有合作方或换一个名称。",
    ),
}
