"""What buyers and sellers are told about orders, claims and payouts, each with what to do and until when."""

from meadow.messaging.rules.words import Words

NOTICES: dict[str, Words] = {
    "order_paid": Words(
        "Your order is paid", "订单已支付",
        "Order {order} is paid. The shop gets the money after you have received the goods.\n{link}",
        "订单 {order} 已支付，货款将在您确认收货后支付给商家。\n{link}",
    ),
    "order_sold": Words(
        "You have sold something", "您有新订单",
        "Order {order} is paid. Send it until {until}; after that the buyer has it back without asking.",
        "订单 {order} 已支付，请在 {until} 前发货；逾期未发的商品，买家可直接退款。",
    ),
    "order_shipped": Words(
        "Your order is on its way", "订单已发货",
        "Order {order} was handed to the carrier. You can follow it on its page.\n{link}",
        "订单 {order} 已交付承运方，可在订单页面查看物流。\n{link}",
    ),
    "shipping_late": Words(
        "Your order is late", "订单未按时发货",
        "The shop did not send order {order} in time. What was not sent you can cancel or have refunded at once.\n{link}",
        "商家未按时发出订单 {order}，未发货的商品可立即取消或退款。\n{link}",
    ),
    "sale_late": Words(
        "An order is late", "您有订单逾期未发货",
        "Order {order} should have been sent by now. The buyer can have back at once what was not sent.",
        "订单 {order} 已逾期未发货，买家可随时对未发货商品退款，请尽快发货。",
    ),
    "receipt_reminder": Words(
        "Have you received your order?", "请确认收货",
        "Order {order} is confirmed by itself on {until}. Confirm it, take three more days, or open a claim before.\n{link}",
        "订单 {order} 将于 {until} 自动确认收货。您可在此之前确认收货、延长三天或申请售后。\n{link}",
    ),
    "receipt_extended": Words(
        "You have more time to confirm", "收货时间已延长",
        "The shop gave you more time for order {order}: until {until}.\n{link}",
        "商家已延长订单 {order} 的收货时间至 {until}。\n{link}",
    ),
    "order_cancelled": Words(
        "An order was cancelled", "订单已取消",
        "Order {order} was cancelled. What was paid goes back the way it came.\n{link}",
        "订单 {order} 已取消，已付款项将原路退回。\n{link}",
    ),
    "sale_cancelled": Words(
        "An order was cancelled", "订单已取消",
        "Order {order} was cancelled. Do not send it.",
        "订单 {order} 已取消，请勿发货。",
    ),
    "refund_completed": Words(
        "Your refund is done", "退款已完成",
        "The refund of order {order} went back the way you had paid.\n{link}",
        "订单 {order} 的退款已原路退回。\n{link}",
    ),
    "payout_paid": Words(
        "Your payout is done", "提现已到账",
        "Payout {payout} of {amount} was paid to your bank account.",
        "提现 {payout}（{amount}）已打款至您的银行账户。",
    ),
    "payout_failed": Words(
        "Your payout failed", "提现失败",
        "Payout {payout} of {amount} could not be paid; the money is back in your balance. Check your bank details.",
        "提现 {payout}（{amount}）未能打款，款项已退回余额，请核对银行账户信息。",
    ),
}  # fmt: skip

# Claims: (side that is told, state it led to) -> words.  {until} is the end of that state's clock.
CLAIMS: dict[tuple[str, str], Words] = {
    ("merchant", "asked"): Words(
        "A buyer opened a claim", "买家申请售后",
        "Claim {claim} on order {order}: answer until {until}. Silence counts as agreement.\n{link}",
        "订单 {order} 有售后申请 {claim}，请在 {until} 前处理，逾期视为同意。\n{link}",
    ),
    ("buyer", "asked"): Words(
        "Your claim is with the shop", "售后申请已提交",
        "Claim {claim} on order {order}: the shop answers until {until}; if it does not, it has agreed.\n{link}",
        "订单 {order} 的售后申请 {claim} 已提交，商家须在 {until} 前处理，逾期视为同意。\n{link}",
    ),
    ("buyer", "returning"): Words(
        "Send the goods back", "请寄回商品",
        "Claim {claim} on order {order}: send the goods back and enter the tracking until {until}, else it is closed.\n{link}",
        "订单 {order} 的售后申请 {claim}：请在 {until} 前寄回商品并填写物流单号，逾期将关闭。\n{link}",
    ),
    ("merchant", "returned"): Words(
        "Goods are coming back", "买家已寄回商品",
        "Claim {claim} on order {order}: say until {until} whether the goods came back. Silence counts as yes.\n{link}",
        "订单 {order} 的售后申请 {claim}：请在 {until} 前确认收到退货，逾期视为已收到。\n{link}",
    ),
    ("merchant", "replacing"): Words(
        "Send the replacement", "请寄出换货商品",
        "Claim {claim} on order {order}: send the replacement until {until}, else the money goes back.\n{link}",
        "订单 {order} 的售后申请 {claim}：请在 {until} 前寄出换货商品，逾期将退款。\n{link}",
    ),
    ("buyer", "refused"): Words(
        "The shop refused your claim", "商家拒绝了售后申请",
        "Claim {claim} on order {order} was refused. You can take it to the platform until {until}.\n{link}",
        "订单 {order} 的售后申请 {claim} 被拒绝，您可在 {until} 前申请平台介入。\n{link}",
    ),
    ("merchant", "disputed"): Words(
        "The platform decides a claim", "平台介入售后",
        "Claim {claim} on order {order} is with the platform. Show what you have until {until}.\n{link}",
        "订单 {order} 的售后申请 {claim} 已由平台介入，请在 {until} 前举证。\n{link}",
    ),
    ("buyer", "disputed"): Words(
        "The platform decides your claim", "平台已介入",
        "Claim {claim} on order {order} is with the platform. Show what you have until {until}.\n{link}",
        "订单 {order} 的售后申请 {claim} 已由平台介入，请在 {until} 前举证。\n{link}",
    ),
    ("buyer", "refunded"): Words(
        "Your claim is granted", "售后申请已通过",
        "Claim {claim} on order {order}: the money is on its way back to you.\n{link}",
        "订单 {order} 的售后申请 {claim} 已通过，款项正在原路退回。\n{link}",
    ),
    ("merchant", "refunded"): Words(
        "A claim was paid", "售后已退款",
        "Claim {claim} on order {order} ended with a refund.\n{link}",
        "订单 {order} 的售后申请 {claim} 已退款。\n{link}",
    ),
    ("buyer", "replaced"): Words(
        "Your replacement is on its way", "换货商品已寄出",
        "Claim {claim} on order {order}: the shop has sent other goods. Your time to confirm starts anew.\n{link}",
        "订单 {order} 的售后申请 {claim}：商家已寄出换货商品，收货时间重新计算。\n{link}",
    ),
    ("merchant", "withdrawn"): Words(
        "A claim was withdrawn", "售后申请已撤销",
        "Claim {claim} on order {order} was withdrawn by the buyer.\n{link}",
        "订单 {order} 的售后申请 {claim} 已由买家撤销。\n{link}",
    ),
    ("buyer", "lapsed"): Words(
        "Your claim is closed", "售后申请已关闭",
        "Claim {claim} on order {order} was closed because nothing was sent back in time.\n{link}",
        "订单 {order} 的售后申请 {claim} 因未在期限内寄回商品已关闭。\n{link}",
    ),
    ("buyer", "expired"): Words(
        "Your claim is closed", "售后申请已关闭",
        "Claim {claim} on order {order} was refused, and the time to take it to the platform is over.\n{link}",
        "订单 {order} 的售后申请 {claim} 被拒绝且已超过申请平台介入的期限，现已关闭。\n{link}",
    ),
    ("buyer", "rejected"): Words(
        "The platform decided your claim", "平台裁决结果",
        "Claim {claim} on order {order} was not granted. The reasons are on its page.\n{link}",
        "订单 {order} 的售后申请 {claim} 未获支持，理由见售后页面。\n{link}",
    ),
    ("merchant", "rejected"): Words(
        "The platform decided a claim", "平台裁决结果",
        "Claim {claim} on order {order} was not granted. The reasons are on its page.\n{link}",
        "订单 {order} 的售后申请 {claim} 未获支持，理由见售后页面。\n{link}",
    ),
    ("buyer", "overtaken"): Words(
        "Your claim is closed", "售后申请已关闭",
        "Claim {claim} on order {order} is over: the goods were sent or refunded meanwhile.\n{link}",
        "订单 {order} 的售后申请 {claim} 已关闭：商品已发货或已退款。\n{link}",
    ),
}  # fmt: skip
