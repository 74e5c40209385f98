"""Which rules ship with Meadow: their text in both languages, by id and version, as data, in packs by jurisdiction.

A text here is never edited: a change is a new version beside the old one.  On an installation where a rule stands
already, a new shipped version comes into force after the notice like any other change, or becomes a draft if the rule
was changed there.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

# A public rule changes with this much notice (settled question 30); a detector changes at once.
NOTICE = timedelta(days=7)
# How long after a rule came into force a merchant may still say no to it and leave under the old ones.
REFUSAL_WINDOW = timedelta(days=30)
# Money is moved by these: they can be changed, and cannot be repealed.
NEEDED = ("platform.fees",)
JURISDICTIONS = ("global", "cn")
TITLE_LENGTH = 200
TEXT_LENGTH = 20_000
COMMENT_LENGTH = 4_000
_RULE_ID = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+){1,4}\Z")


def is_rule_id(text: str) -> bool:
    """Whether a text names a rule: a room and a name, such as conduct.fraud."""
    return len(text) <= 60 and _RULE_ID.match(text) is not None


@dataclass(frozen=True, slots=True)
class RuleText:
    """One version of one rule.  A changed text is a new version; what was published is never edited."""

    rule_id: str
    version: int
    title_en: str
    title_zh: str
    text_en: str
    text_zh: str
    jurisdiction: str = "global"


GLOBAL: tuple[RuleText, ...] = (
    RuleText(
        "link.partners", 1,
        "Links lead to partners' product pages", "外链仅限合作方商品页",
        "A link in a post leads to a product page of a partner, who answers for the goods, the after-sale service and "
        "returns by contract. Other addresses are not posted; where people write to each other they carry a warning.",
        "内容中的链接必须指向合作方的商品页，合作方按合同对商品、售后和退货负责。其他地址不得发布；在私聊中打开前会有风险提示。",
    ),
    RuleText(
        "link.plain", 1,
        "An address shows where it leads", "链接须如实显示去向",
        "An address is written so that people can see where it leads: http or https, a plain host name, no name or "
        "password before the host, no hidden or doubly encoded characters, no bare numbers and no unusual port.",
        "链接须让人看清去向：使用 http 或 https、普通域名，域名前不带用户名，不含隐藏或多重编码的字符，不使用 IP 地址和非常用端口。",
    ),
    RuleText(
        "link.lookalike", 1,
        "Nobody poses as a partner", "不得冒充合作方",
        "An address must not look like a partner's while it belongs to somebody else.",
        "不得使用与合作方域名相似、但归属他人的地址。",
    ),
    RuleText(
        "link.redirect", 1,
        "A link does not lead on to somewhere else", "链接不得跳转到别处",
        "An address must not carry another address to which it would lead on, unless that one may be posted itself.",
        "链接中不得夹带另一个跳转地址，除非该地址本身允许发布。",
    ),
    RuleText(
        "link.own", 1,
        "This site's own pages may be linked", "本站页面可以链接",
        "Links to pages of this site may be posted everywhere.",
        "可以在任何位置发布本站页面的链接。",
    ),
    RuleText(
        "conduct.fraud", 1,
        "No deception", "禁止欺诈",
        "Nobody deceives buyers, merchants or the platform: no invented orders, no false claims, no misused identity.",
        "不得欺骗买家、商家或平台：禁止虚假交易、虚假宣传和冒用身份。",
    ),
    RuleText(
        "conduct.counterfeit", 1,
        "No counterfeits", "禁止售假",
        "Counterfeit goods are neither sold nor recommended.",
        "不得销售或推荐假冒商品。",
    ),
    RuleText(
        "conduct.harassment", 1,
        "No harassment", "禁止骚扰",
        "Nobody pursues people with messages, threats or advertising they did not ask for.",
        "不得以信息、威胁或未经同意的广告骚扰他人。",
    ),
    RuleText(
        "conduct.recruiting", 1,
        "No pay for recruiting", "禁止拉人头、入门费和团队计酬",
        "Nobody pays to take part, and nobody earns from recruiting others or from what others sell.",
        "参与不收取任何费用；不得以发展人员或他人的销售业绩计酬。",
    ),
    RuleText(
        "goods.prohibited", 1,
        "Prohibited goods", "违禁商品",
        "Goods that the law forbids, or that need a licence the seller does not hold, are neither sold nor recommended.",
        "法律禁止的商品，以及未取得相应许可的商品，不得销售或推荐。",
    ),
    RuleText(
        "operation.safety", 1,
        "Urgent safety measure", "紧急安全措施",
        "To protect people or money an operator may suspend at once, gives the reason, and looks again within 30 days.",
        "为保护用户或资金安全，运营人员可立即暂停相关对象，须说明理由，并在 30 日内复核。",
    ),
    RuleText(
        "conduct.diversion", 1,
        "No deals led outside", "禁止引导站外交易",
        "Nobody asks buyers to pay or to deal outside of the payment here, where no escrow protects them. Telephone "
        "numbers, messenger names, bank cards and payment codes do not belong in posts, shop notices, questions and "
        "pictures; a delivery number may be exchanged after an order is paid.",
        "不得引导买家在站外付款或交易，站外交易不受担保。内容、店铺公告、问答和图片中不得出现电话、通讯账号、银行卡号和收款码；"
        "订单付款后，可以交换收货联系电话。",
    ),
    RuleText(
        "conduct.evasion", 1,
        "No slipping past the rules", "禁止规避规则",
        "Nobody spells words so as to hide them from a check, and nobody uses further accounts to go on with what was "
        "stopped or to post the same thing many times.",
        "不得用变形写法躲避检查，不得使用其他账号继续被制止的行为，也不得用多个账号发布相同内容。",
    ),
    RuleText(
        "conduct.false_reports", 1,
        "Reports are made in good faith", "举报须善意",
        "Reports are looked at by people and never punish anybody by their number. Who reports against better knowledge "
        "breaks the rules.",
        "举报由人工核查，不因数量多少自动处罚。恶意举报属于违规。",
    ),
    RuleText(
        "platform.fees", 1,
        "What the platform takes", "平台收费",
        "When an order is released the platform takes 5 % of the goods as its trade fee, and 10 % of the commission as its "
        "service fee, which is part of the commission. Shipping is free of fees. What is refunded gives its fees back in "
        "proportion. Nothing else is taken, and nothing for joining.",
        "订单结算时，平台收取商品金额 5% 的交易服务费，以及佣金 10% 的技术服务费（包含在佣金内）。运费不收取费用。"
        "退款时按比例退还相应费用。除此之外不收取任何费用，入驻免费。",
    ),
    RuleText(
        "penalties.ladder", 1,
        "Points and what follows from them", "违规积分与处理",
        "A violation costs points by its kind and severity; they decay to nothing over months. Points lead to limits that "
        "grow in steps and end by a date, all of them shown to the account's holder with the reason. Money may be held for "
        "a time and is never taken. Everyone concerned may appeal; what is taken back is restored exactly. The table of "
        "points and steps is part of the machine-readable rulebook.",
        "违规按类型和程度计分，积分随时间逐步清零。积分达到一定数值会逐级限制功能，限制均有期限，并连同原因展示给账号持有人。"
        "资金只会暂时冻结，不会扣划。相关方均可申诉；撤销后恢复原状。计分表与处理阶梯见机器可读版规则手册。",
    ),
)  # fmt: skip
