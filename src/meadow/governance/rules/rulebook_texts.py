"""The public rules that the check of texts and the queue cite besides those of conduct and goods, as data."""

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
    RuleText(
        "orders.tracking", 1,
        "Tracking numbers are true", "物流单号须真实",
        "A tracking number belongs to the parcel it is given for. Where one number stands on many orders, or is one that no "
        "carrier prints, these orders are not confirmed by themselves until an operator has looked; the buyer's money "
        "stays in escrow meanwhile.",
        "物流单号须与实际包裹一致。同一单号用于多个订单，或单号明显不属于任何承运方的，相关订单在人工核实前不会自动确认收货，"
        "货款继续由平台担保。",
    ),
    RuleText(
        "orders.disputes", 1,
        "Disputes are ruled in time", "纠纷须按时裁决",
        "A dispute about an order is ruled by an operator who is no party to it, within the time that the page of the claim "
        "shows. When that time is over, the dispute goes to the front of the operators' queue; the money it is about stays "
        "in escrow.",
        "订单纠纷由与双方无关的运营人员裁决，时限见售后页面。超过时限的纠纷自动移至待办最前，所涉款项继续由平台担保。",
    ),
)  # fmt: skip
