"""The public rules that the check of texts cites besides those of conduct and goods, as data."""

from meadow.governance.rules.rulebook import RuleText

TEXTS: tuple[RuleText, ...] = (
    RuleText(
        "goods.licensed", 1,
        "Goods that need a licence", "须持证销售的商品",
        "Some goods are sold only by who holds a valid licence for them, and some only to adults. A listing goes off sale "
        "by itself when the licence ends, and comes back when a new one is shown.",
        "部分商品须持有效许可方可销售，部分商品仅可向成年人销售。许可到期，商品自动下架；补交有效许可后恢复。",
    ),
    RuleText(
        "conduct.account_trade", 1,
        "Accounts are not rented or sold", "禁止租售账号",
        "Accounts, also idle ones, are not rented out, lent, sold or bought. Staff get accounts of their own, and a company "
        "that changes hands uses the procedure for that.",
        "账号（包括闲置账号）不得出租、出借、买卖或求购。店员请使用自己的子账号，公司转让请走专门流程。",
    ),
    RuleText(
        "messages.service_only", 1,
        "Service messages carry no marketing", "服务通知不得夹带营销",
        "A service message says what happens to an order or an account. Prices that tempt, coupons and links to offers "
        "belong in marketing messages, which people have agreed to.",
        "服务通知仅说明订单或账号的进展。优惠价格、优惠券和活动链接属于营销消息，须经用户同意。",
    ),
)  # fmt: skip
